-- Counted time: deadlines are readings of counters that only go forward. Behind policy.lua.
--
-- lineTime and keepTime go on by waiting-room's beat, claimTime by token's, slotTime by anybody's; a
-- beat adds the time since the one before, at most STEP_MS. lineStand and claimStand are what is left
-- of a standstill after a gap (ms). `heard` and `ended` are readings of slotTime: when a member was
-- last heard, and when a beat first found the end of the sale past. With them comes what else of the line
-- almost every verb needs: `born`, the version by which the concert was first put; the last entry number; how
-- many were ever taken off the front, and through which number; the last scheduled take, as a reading of
-- slotTime (-inf before the first), and the part of it that the bound on work left over.
local STEP_MS, DEAF_MS, COOLING_MS = 2000, 15000, 7000

-- All of it is one value: a read and a write of many fields would cost more than what most verbs do.
local TIMES = '<' .. string.rep('d', 17)
local T
local function packed_times()
  return struct.pack(TIMES, T.lineTime, T.lineBeat, T.lineStand, T.keepTime, T.claimTime, T.claimBeat,
    T.claimStand, T.slotTime, T.slotBeat, T.heard, T.ended, T.born, T.last, T.taken, T.takenThrough,
    T.takeAt, T.takeLeft)
end
local function unpacked_times(bytes)
  local line_time, line_beat, line_stand, keep_time, claim_time, claim_beat, claim_stand, slot_time,
    slot_beat, heard, ended, born, last, taken, taken_through, take_at, take_left =
    struct.unpack(TIMES, bytes)
  return { lineTime = line_time, lineBeat = line_beat, lineStand = line_stand, keepTime = keep_time,
    claimTime = claim_time, claimBeat = claim_beat, claimStand = claim_stand, slotTime = slot_time,
    slotBeat = slot_beat, heard = heard, ended = ended, born = born, last = last, taken = taken,
    takenThrough = taken_through, takeAt = take_at, takeLeft = take_left }
end
if P then T = unpacked_times(call('HGET', STATE, 'times')) end

-- Answers, and keeps the times as they are now: the end of every verb that moves them.
local function done(reply)
  call('HSET', STATE, 'times', packed_times())
  return reply
end

-- What a beat now would add to a counter.
local function step(beat) return math.min(math.max(NOW - beat, 0), STEP_MS) end

-- Readings as a beat now would leave them: for new deadlines, and for what is shown. What has ended
-- is decided by T alone, so that it never comes back.
local function line_now() return T.lineTime + step(T.lineBeat) end
local function claim_now() return T.claimTime + step(T.claimBeat) end
local function slot_now() return T.slotTime + step(T.slotBeat) end
-- A reading of slotTime as a moment of the clock (ms).
local function moment(reading) return NOW + reading - slot_now() end

-- Whether a role's latest beat is at most 15 s old. One far ahead is from before a step of the clock.
local function is_there(beat) return math.abs(NOW - beat) <= DEAF_MS end
