-- put_concert: puts a policy in force, unless it is in force already, or a newer one.
-- ARGV  1 what the scripts decide by, packed  2 the concert as JSON
-- Reply: the version in force now; one above it where that is this version with another policy;
--        for a concert dropped at this version or later, one above the version it was dropped at.
--        A line of an earlier release is given up, with nobody in it or inside, and refused otherwise.
assert(#KEYS == 15 and #ARGV == 2)
if EARLIER then
  if call('EXISTS', LINE, AWAY, ADMITTING, READY, INSIDE) > 0 then return UNKNOWN end
  call('UNLINK', LAPSES, COOLING)
  call('HDEL', STATE, 'beat', 'grace', 'resumed', 'taken', 'takeLeft')
end
local new, version = unpacked(ARGV[1]), version_in_force()
local same = P and call('GETRANGE', POLICY, BYTES, -1) == ARGV[2]
-- The same policy packed otherwise is put again.
local packed_otherwise = version == new.version and (EARLIER or same and RAW ~= ARGV[1])
if version >= new.version and not packed_otherwise then
  local other = not P or version == new.version and not same
  return S(other and version + 1 or version)
end
call('SET', POLICY, ARGV[1] .. ARGV[2])
-- The version tells this life of the concert from one that was dropped; the clock may stand still.
call('HSETNX', STATE, 'born', S(new.version))
-- A hash with a value of over 64 bytes is not kept as a list, in which every field is searched for.
call('HSETNX', STATE, 'about', 'the state of a line; docs/architecture.md says what each field is')
-- An empty line has no gap: counted time goes on from here.
for _, beat in ipairs({ 'lineBeat', 'claimBeat', 'slotBeat' }) do call('HSETNX', STATE, beat, S(NOW)) end
-- No token of this concert lives longer, whatever the policy says by then.
local function longest_of(p) return p and p.sessionMs + p.holdMs or 0 end
local longest = tonumber(call('HGET', STATE, 'longestMs')) or 0
call('HSET', STATE, 'longestMs', S(math.max(longest, longest_of(P), longest_of(new))))
-- As Policy::is_slower_than.
if P and (new.groupSize * P.intervalMs < P.groupSize * new.intervalMs
  or new.startMs > P.startMs or new.autoOpen < P.autoOpen or new.maxActive < P.maxActive) then
  call('HSET', STATE, 'slower', S(NOW))
end
-- The end of a sale, unlike a close, is left to counted time: a clock may be wrong.
if P and new.closed == 1 and call('EXISTS', LINE, AWAY, ADMITTING) > 0 then clear_line() end
return S(new.version)
