-- put_concert: puts a policy in force, unless it is in force already, or a newer one.
-- ARGV  1 version  2… the fields of the policy HASH and their values, `json` first
-- Reply: the version in force now; one above it where that is this version with another policy;
--        for a concert dropped at this version or later, one above the version it was dropped at.
--        A line of an earlier release is given up, with nobody in it or inside, and refused otherwise.
assert(#KEYS == 14 and #ARGV % 2 == 1)
if EARLIER then
  if call('EXISTS', LINE, AWAY, ADMITTING, READY, INSIDE) > 0 then return UNKNOWN end
  call('UNLINK', LAPSES, COOLING)
  call('HDEL', STATE, 'beat', 'grace', 'resumed', 'taken', 'takeLeft')
end
local version, given = tonumber(call('HGET', POLICY, 'version')) or 0, tonumber(ARGV[1])
-- Put by a release that knew fewer fields: the same policy is put again, with all of them.
local lacks = version == given and (EARLIER or P and call('HLEN', POLICY) < (#ARGV + 1) / 2)
if version >= given and not lacks then
  local other = not P or version == given and P.json ~= ARGV[3]
  return S(other and version + 1 or version)
end
call('DEL', POLICY)
call('HSET', POLICY, 'version', ARGV[1], unpack(ARGV, 2))
-- The version tells this life of the concert from one that was dropped; the clock may stand still.
call('HSETNX', STATE, 'born', ARGV[1])
-- An empty line has no gap: counted time goes on from here.
for _, beat in ipairs({ 'lineBeat', 'claimBeat', 'slotBeat' }) do call('HSETNX', STATE, beat, S(NOW)) end
local new = policy()
-- No token of this concert lives longer, whatever the policy says by then.
local function longest_of(p) return p and p.sessionMs + (p.holdMs or 0) or 0 end
local longest = tonumber(call('HGET', STATE, 'longestMs')) or 0
call('HSET', STATE, 'longestMs', S(math.max(longest, longest_of(P), longest_of(new))))
local function slots_of(p) return p.maxActive or math.huge end
-- As Policy::is_slower_than.
if P and (new.groupSize * P.intervalMs < P.groupSize * new.intervalMs
  or (new.startMs or 0) > (P.startMs or 0) or new.autoOpen < P.autoOpen
  or slots_of(new) < slots_of(P)) then
  call('HSET', STATE, 'slower', S(NOW))
end
-- The end of a sale, unlike a close, is left to counted time: a clock may be wrong.
if P and new.closed == 1 and call('EXISTS', LINE, AWAY, ADMITTING) > 0 then clear_line() end
return ARGV[1]
