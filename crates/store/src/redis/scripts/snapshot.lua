-- snapshot: the whole line in numbers; what has run out counts as ended, swept or not. With a role, that is
-- a beat first, as by beat.lua. The one kept for all is made anew when it is about a second old or ahead of
-- now.
-- ARGV  1 '1' if the one kept for all will do  2 role, or ''  3 '1' if a member was heard
-- Reply {now, lines of what reply_head gives, six counts, twelve totals, line length, four of pace, last
--        take, slower since, front, head, last, cleared through, guests refused, taken out of order, what
--        holds the schedule, 1 if all is sold, when what is left was reported (0: not lately) and its tiers
--        as JSON, slots in use (-1: no limit), what slot_ends gives}.
assert(#KEYS == 15 and #ARGV == 3)
if not P then return UNKNOWN end
local shared, AGE_MS = ARGV[1] == '1', 900

local function kept()
  local lines = call('HGET', STATE, 'recent') or ''
  local at, version = string.match(lines, '^(%d+)\n(%d+)\n')
  local age = at and NOW - tonumber(at) or -1
  return age >= 0 and age <= AGE_MS and version == S(P.version) and lines
end

local function counted()
  local waiting, away, lapsed = in_line()
  local s, report = slots(), stock()
  local v = call('HMGET', STATE, 'joined', 'byOpen', 'bySchedule', 'byEnter', 'left', 'removed', 'lapsed',
    'cleared', 'unclaimed', 'expired', 'completed', 'exited', 'clearedThrough', 'guestsRefused', 'slower',
    'pace', 'stock', 'outOfOrder')
  local function first(key) return tonumber(call('ZRANGE', key, 0, 0, 'WITHSCORES')[2] or 0) end
  local in_front, first_away = first(LINE), first(AWAY)
  local front = in_front > 0 and math.max(in_front, T.takenThrough + 1) or 0
  local head = in_front > 0 and first_away > 0 and math.min(in_front, first_away)
    or math.max(in_front, first_away)
  local one, five, fifteen, since = pace(v[16])
  local function plus(counted_so_far, unswept) return S(tonumber(counted_so_far or 0) + unswept) end
  local lines = reply_head()
  append(lines, { S(waiting), S(away), S(s.admitting), S(s.ready), S(s.inside), S(s.used),
    v[1] or '0', v[2] or '0', v[3] or '0', v[4] or '0', v[5] or '0', v[6] or '0', plus(v[7], lapsed),
    v[8] or '0', plus(v[9], s.unclaimed), plus(v[10], s.expired), v[11] or '0', v[12] or '0',
    S(call('ZCARD', LINE) + call('ZCARD', AWAY)), S(one), S(five), S(fifteen), S(since),
    T.takeAt >= 0 and S(moment(T.takeAt)) or '0', v[15] or '0', S(front), S(head), S(T.last), v[13] or '0',
    v[14] or '0', v[18] or '0', held(waiting, s), is_sold_out(report) and '1' or '0',
    report and S(report.at) or '0', report and v[17] or '', LIMIT and S(s.used) or '-1' })
  for _, n in ipairs(LIMIT and slot_ends(s) or {}) do lines[#lines + 1] = S(n) end
  return table.concat(lines, '\n')
end

if ARGV[2] ~= '' then beat(ARGV[2], ARGV[3]) end
local lines = shared and kept()
if not lines then
  lines = counted()
  if shared then call('HSET', STATE, 'recent', lines) end
end
local reply = { S(NOW), lines }
return ARGV[2] ~= '' and done(reply) or reply
