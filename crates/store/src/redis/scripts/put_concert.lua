-- put_concert: puts a policy in force, unless the one in force is newer.
-- ARGV  1 version  2… the fields of the policy HASH and their values
-- Reply: the version in force now; for a concert dropped at that version or later, one above it.
assert(#KEYS == 12 and #ARGV % 2 == 1)
local version = tonumber(call('HGET', POLICY, 'version')) or 0
if version >= tonumber(ARGV[1]) then return S(P and version or version + 1) end
call('DEL', POLICY)
call('HSET', POLICY, 'version', ARGV[1], unpack(ARGV, 2))
call('PERSIST', REVOKED)
call('HSETNX', STATE, 'born', S(US))
-- From now on signs of life are missed, if nobody hears them.
call('HSETNX', STATE, 'beat', S(NOW))
local new = policy()
-- Who could not run out until now has a whole time to be seen from now on.
if FROZEN and phase(new) == 'open' then call('HSET', STATE, 'resumed', S(NOW)) end
-- Who has run out by now was decided by the old policy.
if P and is_over(new) and call('EXISTS', LINE, AWAY, ADMITTING) > 0 then clear_line(NOW) end
return ARGV[1]
