-- put_concert: puts a policy in force, unless it is in force already, or a newer one.
-- ARGV  1 what the scripts decide by, packed  2 the concert as JSON
-- Reply: the version in force now; one above it where that is this version with another policy;
--        for a concert dropped at this version or later, one above the version it was dropped at.
--        A line of another release is given up, with nobody in it or inside, and refused otherwise.
assert(#KEYS == 15 and #ARGV == 2)
if OTHER and call('EXISTS', LINE, AWAY, ADMITTING, READY, INSIDE) > 0 then return UNKNOWN end
local new, version = unpacked(ARGV[1]), version_in_force()
local same = P and call('GETRANGE', POLICY, BYTES, -1) == ARGV[2]
-- The same policy packed otherwise is put again.
local packed_otherwise = version == new.version and (OTHER or same and RAW ~= ARGV[1])
if version >= new.version and not packed_otherwise then
  local other = not P or version == new.version and not same
  return S(other and version + 1 or version)
end
call('SET', POLICY, ARGV[1] .. ARGV[2])
if not T then
  -- A new line, or an empty one of another release, of which the last entry number is kept. It has no
  -- gap: counted time goes on from here. The version tells this life of the concert from one that was
  -- dropped; the clock may stand still.
  local last = tonumber(call('HGET', STATE, 'last') or 0)
  T = { lineTime = 0, lineBeat = NOW, lineStand = 0, keepTime = 0, claimTime = 0, claimBeat = NOW,
    claimStand = 0, slotTime = 0, slotBeat = NOW, heard = 0, ended = 0, born = new.version, last = last,
    taken = 0, takenThrough = 0, takeAt = -math.huge, takeLeft = 0 }
  call('UNLINK', LAPSES, COOLING, OWED)
  call('HDEL', STATE, 'about', 'beat', 'grace', 'resumed', 'lineTime', 'lineBeat', 'lineStand', 'keepTime',
    'claimTime', 'claimBeat', 'claimStand', 'slotTime', 'slotBeat', 'heard', 'ended', 'born', 'last', 'taken',
    'takenThrough', 'takeAt', 'takeLeft')
end
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
return done(S(new.version))
