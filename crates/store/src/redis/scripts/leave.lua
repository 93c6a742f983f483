-- leave: ends whatever the member has.
-- KEYS  13 user record    ARGV  1 member  2 the total that counts an entry in line: left, removed
-- Reply: the number of the entry that ended, or nil.
assert(#KEYS == 13 and #ARGV == 2)
if not P then return UNKNOWN end
local member, user = ARGV[1], KEYS[13]
local state, number, _, s = settle(member, user)
if state == 'NONE' then return false end
if state == 'READY' then
  call('ZREM', READY, member)
  call('DEL', user)
  -- A failover may have lost the claim. Members leave too often to be listed for that.
  if ARGV[2] == 'removed' then revoke(s) end
  total('exited', 1)
elseif state == 'ENTERED' then
  end_inside(member, user, s, NOW + COOLING_MS)
  revoke(s)
  total('exited', 1)
else
  call('ZREM', LINE, member)
  call('ZREM', DEADLINES, member)
  call('ZREM', AWAY, member)
  call('ZREM', LAPSES, member)
  call('ZREM', ADMITTING, member)
  call('HDEL', ENTRIES, member)
  total(ARGV[2], 1)
end
return S(number)
