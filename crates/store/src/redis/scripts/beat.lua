-- beat: one of our services is there, and counted time goes on.
-- ARGV  1 waitingRoom | token | realtime  2 '1' if a member was heard since the last beat
-- Reply: 1.
assert(#KEYS == 15 and #ARGV == 2)
if not P then return UNKNOWN end
beat(ARGV[1], ARGV[2])
return done(1)
