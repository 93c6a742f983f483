-- What makes counted time go on. Behind line.lua.
local END_MS, SILENCE_MS, CROWD = 10000, 15000, 20

-- A crowd of whom nobody is heard is kept away by something: time stands still for them, and nobody
-- is taken on schedule, for at most as long as a place is kept.
local function is_silent()
  local quiet, most = T.slotTime - T.heard, math.min(SILENCE_MS, P.readyMs / 3)
  if quiet < most or quiet >= most + P.keepMs then return false end
  return count(SEEN, '(' .. S(T.lineTime), '+inf') + count(READY, '(' .. S(T.claimTime), '+inf') >= CROWD
end

-- slotTime goes on. A line whose sale has ended for END_MS of it is cleared.
local function beat_slots()
  T.slotTime = slot_now()
  T.slotBeat = NOW
  call('HSET', STATE, 'slotTime', S(T.slotTime), 'slotBeat', S(NOW))
  if PHASE ~= 'ended' then
    if T.ended > 0 then call('HDEL', STATE, 'ended') end
  elseif T.ended == 0 then
    call('HSET', STATE, 'ended', S(T.slotTime))
  elseif T.slotTime >= T.ended + END_MS and call('EXISTS', LINE, AWAY, ADMITTING) > 0 then
    clear_line()
  end
end

-- How much of a step counts, and what is left of a standstill.
local function passed(beat, stand)
  local dt = is_silent() and 0 or step(beat)
  return math.max(dt - stand, 0), math.max(stand - dt, 0)
end

-- lineTime goes on, and keepTime while the sale is open. A gap is one of claimTime too.
local function beat_line()
  if NOW - T.lineBeat > DEAF_MS then T.lineStand, T.claimStand = P.waitingMs, P.readyMs end
  local dt, stand = passed(T.lineBeat, T.lineStand)
  local keep = PHASE == 'open' and dt or 0
  call('HSET', STATE, 'lineTime', S(T.lineTime + dt), 'lineBeat', S(NOW), 'lineStand', S(stand),
    'keepTime', S(T.keepTime + keep), 'claimStand', S(T.claimStand))
end

-- claimTime goes on, while waiting-room is there.
local function beat_claims()
  if not is_there(T.lineBeat) then return end
  if NOW - T.claimBeat > DEAF_MS then T.claimStand = P.readyMs end
  local dt, stand = passed(T.claimBeat, T.claimStand)
  call('HSET', STATE, 'claimTime', S(T.claimTime + dt), 'claimBeat', S(NOW), 'claimStand', S(stand))
end
