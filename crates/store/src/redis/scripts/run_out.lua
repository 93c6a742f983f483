-- run_out: members whose session may have run out; collect checks them again.
-- Reply: up to 1,000 members.
assert(#KEYS == 12 and #ARGV == 0)
if not P then return UNKNOWN end
local found = {}
if GRACE + P.readyMs <= NOW then
  found = call('ZRANGEBYSCORE', READY, '-inf', S(NOW), 'LIMIT', 0, WORK / 2)
end
for _, member in ipairs(call('ZRANGEBYSCORE', INSIDE, '-inf', S(NOW), 'LIMIT', 0, WORK / 2)) do
  found[#found + 1] = member
end
return found
