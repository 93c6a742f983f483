-- leave: ends whatever the member has.
-- KEYS  16 user record    ARGV  1 member  2 the total that counts an entry in line: left, removed
-- Reply: the number of the entry that ended, or nil.
assert(#KEYS == 16 and #ARGV == 2)
if not P then return UNKNOWN end
local member, user = ARGV[1], KEYS[16]
beat_slots()
local state, number, _, s = settle(member, user)
if state == 'NONE' then return done(false) end
if state == 'READY' then
  call('ZREM', READY, member)
  call('DEL', user)
  end_slot(member, 0)
  -- A failover may have lost the claim. Members leave too often to be listed for that.
  if ARGV[2] == 'removed' then revoke(s) end
  total('exited', 1)
elseif state == 'ENTERED' then
  end_inside(member, user, T.slotTime + COOLING_MS)
  revoke(s)
  total('exited', 1)
else
  local packed = pack(number)
  for _, key in ipairs({ LINE, AWAY, ADMITTING }) do call('ZREM', key, member) end
  for _, key in ipairs({ SEEN, LAPSES }) do call('ZREM', key, packed) end
  call('HDEL', NAMES, packed)
  if state == 'ADMITTING' then
    call('HDEL', POPS, member)
    end_slot(member, 0)
  end
  total(ARGV[2], 1)
end
return done(S(number))
