-- revoked: sessions that ended before their tokens, in the order of the feed, behind the one that the
-- caller read last; from the beginning where the feed does not hold that one. Also of a dropped concert.
-- ARGV  1 order, 2 number of the one read last, 0 and 0 for none
-- Reply {1 if it is held, order of the oldest or 0, number, end and order of each (8, 4 and 8 bytes)}: up
-- to 1,000; fewer are the last.
assert(#KEYS == 15 and #ARGV == 2)
local OLDEST = '1000000000000' -- below it: orders of an earlier release
local at_order = call('ZRANGEBYSCORE', REVOKED, ARGV[1], ARGV[1])[1]
local held = at_order and #at_order == 12 and S((struct.unpack(ENDED, at_order))) == ARGV[2]
local from = held and ARGV[1] or OLDEST
local found = call('ZRANGEBYSCORE', REVOKED, '(' .. from, '+inf', 'WITHSCORES', 'LIMIT', 0, WORK)
local packed = {}
for i = 1, #found, 2 do
  packed[i], packed[i + 1] = found[i], struct.pack('>I8', tonumber(found[i + 1]))
end
local oldest = call('ZRANGEBYSCORE', REVOKED, '(' .. OLDEST, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
return { held and '1' or '0', oldest and S(tonumber(oldest)) or '0', table.concat(packed) }
