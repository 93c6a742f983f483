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
  if PHASE ~= 'ended' then
    T.ended = 0
  elseif T.ended == 0 then
    T.ended = T.slotTime
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
  T.lineTime, T.lineBeat, T.lineStand = T.lineTime + dt, NOW, stand
  if PHASE == 'open' then T.keepTime = T.keepTime + dt end
end

-- claimTime goes on, while waiting-room is there.
local function beat_claims()
  if not is_there(T.lineBeat) then return end
  if NOW - T.claimBeat > DEAF_MS then T.claimStand = P.readyMs end
  local dt, stand = passed(T.claimBeat, T.claimStand)
  T.claimTime, T.claimBeat, T.claimStand = T.claimTime + dt, NOW, stand
end

-- One of our services is there: waitingRoom, token or realtime. `heard` is '1' if a member was heard since
-- its last beat.
local function beat(role, heard)
  beat_slots()
  if heard == '1' then T.heard = T.slotTime end
  if role == 'waitingRoom' then beat_line() elseif role == 'token' then beat_claims() end
end
