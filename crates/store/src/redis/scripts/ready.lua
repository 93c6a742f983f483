-- ready: each member that is in admitting with exactly that number becomes READY; the
-- others stay as they are. Nobody does once the sale is over.
-- KEYS  16… user record of each    ARGV  the members, then the number of each, at most 1,000
-- Reply: 1 or 0 for each, in order.
local n = #KEYS - 15
assert(#ARGV == 2 * n and n <= WORK)
if not P then return UNKNOWN end
local reply, members, packed, ready, users, called = {}, {}, {}, {}, {}, {}
local till, at, opened = S(claim_now() + P.readyMs), 0, 0
local pops = n > 0 and call('HMGET', POPS, unpack(ARGV, 1, n)) or {}
for i = 1, n do
  local member, wanted = ARGV[i], ARGV[n + i]
  reply[i] = 0
  if is_pop_of(pops[i], wanted) and not called[member] and not OVER then
    at = at + 1
    members[at], packed[at], called[member] = member, pack(wanted), true
    ready[2 * at - 1], ready[2 * at] = till, member
    users[2 * at - 1], users[2 * at] = KEYS[15 + i], ready_record(wanted, till)
    if is_pop_by_open(pops[i]) then opened = opened + 1 end
    reply[i] = 1
  end
end
if at > 0 then
  call('ZREM', ADMITTING, unpack(members))
  call('HDEL', POPS, unpack(members))
  call('HDEL', NAMES, unpack(packed))
  call('ZADD', READY, unpack(ready))
  call('MSET', unpack(users))
end
if opened > 0 then total('byOpen', opened) end
if at > opened then total('bySchedule', at - opened) end
return reply
