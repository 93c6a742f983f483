-- snapshot: the whole line in numbers; what has run out counts as ended, swept or not.
-- Reply {what reply_head gives, six counts, twelve totals, line length, four of pace, last take, slower
--        since, front, head, last, cleared through, guests refused, what holds the schedule, 1 if all is
--        sold, when what is left was reported (0: not lately) and its tiers as JSON, slots in use (-1: no
--        limit), what slot_ends gives}.
assert(#KEYS == 15 and #ARGV == 0)
if not P then return UNKNOWN end
local waiting, away, lapsed = in_line()
local s = slots()
local v = call('HMGET', STATE, 'joined', 'byOpen', 'bySchedule', 'byEnter', 'left', 'removed',
  'lapsed', 'cleared', 'unclaimed', 'expired', 'completed', 'exited', 'clearedThrough', 'guestsRefused',
  'takenThrough')
local unswept = { [7] = lapsed, [9] = s.unclaimed, [10] = s.expired }
local reply = reply_head()
local function add(...)
  for _, n in ipairs({ ... }) do reply[#reply + 1] = S(n) end
end
local function first(key) return tonumber(call('ZRANGE', key, 0, 0, 'WITHSCORES')[2] or 0) end
add(waiting, away, s.admitting, s.ready, s.inside, s.used)
for i = 1, 12 do add((tonumber(v[i]) or 0) + (unswept[i] or 0)) end
add(call('ZCARD', LINE) + call('ZCARD', AWAY), pace())
local in_front, kept = first(LINE), first(AWAY)
add(in_front > 0 and math.max(in_front, tonumber(v[15] or 0) + 1) or 0)
add(in_front > 0 and kept > 0 and math.min(in_front, kept) or math.max(in_front, kept))
add(T.last, tonumber(v[13] or 0), tonumber(v[14] or 0))
reply[#reply + 1] = held(waiting, s)
local report = stock()
add(is_sold_out(report) and 1 or 0, report and report.at or 0)
reply[#reply + 1] = report and call('HGET', STATE, 'stock') or ''
add(LIMIT and s.used or -1, unpack(LIMIT and slot_ends(s) or {}))
return reply
