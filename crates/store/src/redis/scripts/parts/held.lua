-- What holds the schedule. Behind beats.lua, slots.lua and stock.lua.

-- Which of those that a member needs is away, if one is; members themselves included.
local function who_is_away()
  if not is_there(T.lineBeat) then return 'waitingRoomAway' end
  if not is_there(T.claimBeat) then return 'tokenAway' end
  if is_silent() then return 'silence' end
end

-- Why the schedule takes nobody of those who wait, even when a take is due; empty where nothing holds it.
local function held(waiting, s)
  if P.autoOpen ~= 1 or waiting == 0 then return '' end
  if PHASE ~= 'open' then return PHASE == 'paused' and PHASE or '' end
  local who = who_is_away()
  if who then return who end
  if enough(s) == 0 then return 'soldOut' end
  if LIMIT and s.used >= LIMIT then return 'maxActive' end
  return s.admitting >= P.groupSize and 'messages' or ''
end
