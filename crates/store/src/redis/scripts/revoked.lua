-- revoked: ids of tokens that ended early and have not expired, the latest to expire first. Also
-- of a concert that is dropped. By rank, for which Redis does not walk what is skipped.
-- ARGV  1 how many to skip
-- Reply: up to 1,000 ids; fewer are the last.
assert(#KEYS == 12 and #ARGV == 1)
local skip = tonumber(ARGV[1])
local left = count(REVOKED, '(' .. S(math.floor(NOW / 1000)), '+inf')
if skip >= left then return {} end
return call('ZREVRANGE', REVOKED, S(skip), S(math.min(skip + WORK, left) - 1))
