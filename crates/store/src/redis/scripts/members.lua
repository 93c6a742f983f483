-- members: the members in line behind an entry number, away ones included, from the front.
-- ARGV  1 entry number  2 how many of each kind, at most 1,000
-- Reply {member, number, name, "1" if away, …}, each kind in order.
assert(#KEYS == 12 and #ARGV == 2 and tonumber(ARGV[2]) <= WORK)
if not P then return UNKNOWN end
local reply = {}
for key, away in pairs({ [LINE] = '0', [AWAY] = '1' }) do
  local found = call('ZRANGEBYSCORE', key, '(' .. ARGV[1], '+inf', 'LIMIT', 0, ARGV[2])
  for _, member in ipairs(found) do
    local number, _, _, name = entry(member)
    for _, word in ipairs({ member, S(number), name, away }) do reply[#reply + 1] = word end
  end
end
return reply
