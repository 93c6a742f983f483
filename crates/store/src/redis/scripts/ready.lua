-- ready: each member that is in admitting with exactly that number becomes READY; the
-- others stay as they are.
-- KEYS  13… user record of each    ARGV  member, number of each, at most 1,000
-- Reply: 1 or 0 for each, in order.
local n = #KEYS - 12
assert(#ARGV == 2 * n and n <= WORK)
if not P then return UNKNOWN end
local reply, by_whom = {}, {}
for i = 1, n do
  local member, wanted = ARGV[2 * i - 1], ARGV[2 * i]
  local number, _, by = entry(member)
  reply[i] = 0
  if number and S(number) == wanted and call('ZREM', ADMITTING, member) == 1 then
    call('HDEL', ENTRIES, member)
    become_ready(member, KEYS[12 + i], number)
    by_whom[by] = (by_whom[by] or 0) + 1
    reply[i] = 1
  end
end
for by, called in pairs(by_whom) do
  total(by == 'open' and 'byOpen' or 'bySchedule', called)
end
return reply
