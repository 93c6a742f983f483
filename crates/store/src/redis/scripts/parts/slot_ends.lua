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

-- Of the slots in use, how many become free until when: pairs of a number and a moment (ms), for as many
-- numbers as Slots::sampled of the domain says.
local function slot_ends(s)
  local ends, i = {}, math.min(s.used, 1)
  while i > 0 do
    ends[#ends + 1] = i
    ends[#ends + 1] = moment(slot_end(s, i))
    i = i < s.used and math.min(s.used, i + math.max(math.floor(i / 8), 1)) or 0
  end
  return ends
end
