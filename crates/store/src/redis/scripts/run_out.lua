-- run_out: moves the time of slots and finds members whose session may have run out; collect checks
-- them again.
-- Reply: up to 1,000 members.
assert(#KEYS == 14 and #ARGV == 0)
if not P then return UNKNOWN end
beat_slots()
local found = call('ZRANGEBYSCORE', READY, '-inf', S(T.claimTime), 'LIMIT', 0, WORK / 2)
local inside = call('ZRANGEBYSCORE', INSIDE, '-inf', S(T.slotTime), 'LIMIT', 0, WORK / 2)
for _, member in ipairs(inside) do found[#found + 1] = member end
return found
