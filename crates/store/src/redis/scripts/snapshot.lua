-- snapshot: the whole line in numbers; what has run out counts as ended, swept or not.
-- Reply {now, json, six counts, twelve totals, four of pace, head, last, cleared through, last take,
--        guests refused}.
assert(#KEYS == 14 and #ARGV == 0)
if not P then return UNKNOWN end
local waiting, away, lapsed = in_line()
local s = slots()
local v = call('HMGET', STATE, 'joined', 'byOpen', 'bySchedule', 'byEnter', 'left', 'removed',
  'lapsed', 'cleared', 'unclaimed', 'expired', 'completed', 'exited', 'last', 'clearedThrough',
  'guestsRefused')
local unswept = { [7] = lapsed, [9] = s.unclaimed, [10] = s.expired }
local reply = { S(NOW), P.json }
local function add(n) reply[#reply + 1] = S(n) end
for _, n in ipairs({ waiting, away, s.admitting, s.ready, s.inside, s.used }) do add(n) end
for i = 1, 12 do add((tonumber(v[i]) or 0) + (unswept[i] or 0)) end
local one, five, fifteen, since, taken = pace()
for _, n in ipairs({ one, five, fifteen, tonumber(since) or 0 }) do add(n) end
local head
for _, key in ipairs({ LINE, AWAY }) do
  local first = tonumber(call('ZRANGE', key, 0, 0, 'WITHSCORES')[2])
  if first and (not head or first < head) then head = first end
end
add(head or 0)
for _, n in ipairs({ tonumber(v[13]) or 0, tonumber(v[14]) or 0, taken, tonumber(v[15]) or 0 }) do add(n) end
return reply
