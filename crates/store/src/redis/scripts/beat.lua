-- beat: one of our services is there, and counted time goes on.
-- ARGV  1 waitingRoom | token | realtime  2 '1' if a member was heard since the last beat
-- Reply: 1.
assert(#KEYS == 15 and #ARGV == 2)
if not P then return UNKNOWN end
beat_slots()
if ARGV[2] == '1' then
  T.heard = T.slotTime
  call('HSET', STATE, 'heard', S(T.heard))
end
if ARGV[1] == 'waitingRoom' then beat_line() elseif ARGV[1] == 'token' then beat_claims() end
return 1
