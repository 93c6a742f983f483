-- members: the members in line behind an entry number, away ones included, from the front.
-- ARGV  1 entry number  2 how many of each kind, at most 1,000
-- Reply {member, number, name, "1" if away, …}, each kind in order.
assert(#KEYS == 15 and #ARGV == 2 and tonumber(ARGV[2]) <= WORK)
if not P then return UNKNOWN end
local reply = {}
for key, away in pairs({ [LINE] = '0', [AWAY] = '1' }) do
  local found = call('ZRANGEBYSCORE', key, '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
  local packed = {}
  for i = 1, #found / 2 do packed[i] = pack(found[2 * i]) end
  for i, name in ipairs(names(packed)) do
    for _, word in ipairs({ found[2 * i - 1], S(tonumber(found[2 * i])), name, away }) do
      reply[#reply + 1] = word
    end
  end
end
return reply
