-- Counted time: deadlines are readings of counters that only go forward. Behind policy.lua.
--
-- lineTime and keepTime go on by waiting-room's beat, claimTime by token's, slotTime by anybody's; a
-- beat adds the time since the one before, at most STEP_MS. lineStand and claimStand are what is left
-- of a standstill after a gap (ms). `heard` and `ended` are readings of slotTime: when a member was
-- last heard, and when a beat first found the end of the sale past. With them come the version by which
-- the concert was first put, how many were ever taken off the front, and the last entry number.
local STEP_MS, DEAF_MS, COOLING_MS = 2000, 15000, 7000
local TIMES = { 'lineTime', 'lineBeat', 'lineStand', 'keepTime', 'claimTime', 'claimBeat',
  'claimStand', 'slotTime', 'slotBeat', 'heard', 'ended', 'born', 'taken', 'last' }
local T = {}
for i, value in ipairs(call('HMGET', STATE, unpack(TIMES))) do T[TIMES[i]] = tonumber(value or 0) end

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
