-- When slots in use become free. Behind slots.lua.

local function score_at(key, rank)
  return tonumber(call('ZRANGE', key, S(rank), S(rank), 'WITHSCORES')[2])
end

-- When the i-th of the sessions inside frees its slot: those that ended lately first.
local function inside_end(s, i)
  if i < 1 or i > s.ending + s.inside then return end
  return score_at(INSIDE, s.expired - s.ending + i - 1) + COOLING_MS
end

-- When i of the slots in use will be free again, as a reading of slotTime, if every session lasts to
-- its end. Those called and not yet inside are taken to begin their session now.
local function slot_end(s, i)
  if i <= s.cooling then return score_at(COOLING, call('ZCARD', COOLING) - s.cooling + i - 1) end
  local last_cooling = s.cooling > 0 and score_at(COOLING, -1) or 0
  local called, called_end = s.admitting + s.ready, slot_now() + P.sessionMs + COOLING_MS
  i = i - s.cooling
  local till = inside_end(s, i)
  if called > 0 and (not till or till > called_end) then
    till = math.max(called_end, inside_end(s, i - called) or 0)
  end
  return math.max(till, last_cooling)
end

-- Of the next `number` entries to be taken, when there is a slot for the last of each quarter (ms); 0
-- where it is free, and for no entry.
local function free_at(s, number)
  local moments, before, at = { 0, 0, 0, 0 }, 0, 0
  if number == 0 or number + s.used <= LIMIT then return moments end
  for quarter = 1, 4 do
    local i = math.ceil(math.min(number, LIMIT) * quarter / 4) + s.used - LIMIT
    if i > 0 and i ~= before then before, at = i, moment(slot_end(s, i)) end
    moments[quarter] = at
  end
  return moments
end
