-- complete: ends the session of exactly this entry. A READY one was ENTERED before a failover lost
-- the claim: only who holds its token completes an entry.
-- KEYS  16 user record    ARGV  1 member  2 entry number
-- Reply: 1 if it ended, else 0.
assert(#KEYS == 16 and #ARGV == 2)
if not P then return UNKNOWN end
beat_slots()
local state, number, _, s = settle(ARGV[1], KEYS[16])
if (state ~= 'ENTERED' and state ~= 'READY') or S(number) ~= ARGV[2] then return done(0) end
call('ZREM', READY, ARGV[1])
end_inside(ARGV[1], KEYS[16], T.slotTime + COOLING_MS)
revoke(s)
total('completed', 1)
return done(1)
