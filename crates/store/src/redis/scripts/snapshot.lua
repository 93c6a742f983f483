-- snapshot: the whole line in numbers; what has run out counts as ended, swept or not. With a role, that is
-- a beat first, as by beat.lua. The one kept for all is made anew when it is about a second old or ahead of
-- now.
-- ARGV  1 '1' if the one kept for all will do  2 role, or ''  3 '1' if a member was heard
-- Reply {now, lines of what reply_head gives, six counts, twelve totals, line length, four of pace, last
--        take, slower since, front, head, last, cleared through, guests refused, what holds the schedule,
--        1 if all is sold, when what is left was reported (0: not lately) and its tiers as JSON, slots in use
--        (-1: no limit), what slot_ends gives}.
assert(#KEYS == 15 and #ARGV == 3)
if not P then return UNKNOWN end
local shared, AGE_MS = ARGV[1] == '1', 900

local function kept()
  local lines = call('HGET', STATE, 'snapshot') or ''
  local at, version = string.match(lines, '^(%d+)\n(%d+)\n')
  local age = at and NOW - tonumber(at) or -1
  return age >= 0 and age <= AGE_MS and version == S(P.version) and lines
end

local function counted()
  local waiting, away, lapsed = in_line()
  local s = slots()
  local v = call('HMGET', STATE, 'joined', 'byOpen', 'bySchedule', 'byEnter', 'left', 'removed',
    'lapsed', 'cleared', 'unclaimed', 'expired', 'completed', 'exited', 'clearedThrough', 'guestsRefused')
  local unswept = { [7] = lapsed, [9] = s.unclaimed, [10] = s.expired }
  local lines = reply_head()
  local function add(...)
    for _, n in ipairs({ ... }) do lines[#lines + 1] = S(n) end
  end
  local function first(key) return tonumber(call('ZRANGE', key, 0, 0, 'WITHSCORES')[2] or 0) end
  add(waiting, away, s.admitting, s.ready, s.inside, s.used)
  for i = 1, 12 do add((tonumber(v[i]) or 0) + (unswept[i] or 0)) end
  add(call('ZCARD', LINE) + call('ZCARD', AWAY), pace())
  local in_front, first_away = first(LINE), first(AWAY)
  add(in_front > 0 and math.max(in_front, T.takenThrough + 1) or 0)
  add(in_front > 0 and first_away > 0 and math.min(in_front, first_away) or math.max(in_front, first_away))
  add(T.last, tonumber(v[13] or 0), tonumber(v[14] or 0))
  lines[#lines + 1] = held(waiting, s)
  local report = stock()
  add(is_sold_out(report) and 1 or 0, report and report.at or 0)
  lines[#lines + 1] = report and call('HGET', STATE, 'stock') or ''
  add(LIMIT and s.used or -1, unpack(LIMIT and slot_ends(s) or {}))
  return table.concat(lines, '\n')
end

if ARGV[2] ~= '' then beat(ARGV[2], ARGV[3]) end
local lines = shared and kept()
if not lines then
  lines = counted()
  if shared then call('HSET', STATE, 'snapshot', lines) end
end
local reply = { S(NOW), lines }
return ARGV[2] ~= '' and done(reply) or reply
