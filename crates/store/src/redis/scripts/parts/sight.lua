-- What a standing is made from. Behind slot_ends.lua and pace.lua.

-- Appends what an estimate is made from for the `number`-th live entry, 0 for nobody's: line length,
-- pace, latest take, slower since, slots in use (-1: no limit), and when four of them are free.
local function add_outlook(reply, number)
  local one, five, fifteen, since, taken, slower = pace()
  local length = call('ZCARD', LINE) + call('ZCARD', AWAY)
  local used, moments = -1, { 0, 0, 0, 0 }
  if LIMIT then
    local s = slots()
    used = s.used
    if number > 0 then moments = free_at(s, number) end
  end
  local facts = { length, one, five, fifteen, since or 0, taken or 0, slower or 0, used }
  for _, fact in ipairs(facts) do reply[#reply + 1] = S(fact) end
  for _, moment in ipairs(moments) do reply[#reply + 1] = S(moment) end
  return reply
end

-- What a standing is made from: at, json, place, number, queue number, live entries ahead, till, and
-- what an estimate is made from.
local function sight(kind, place, number, till)
  local live, away, own = 0, 0, 0
  if place == 'WAITING' or place == 'AWAY' then
    live, away = count(LINE, '-inf', S(number)), count(AWAY, '-inf', S(number))
    own = place == 'WAITING' and 1 or 0
  end
  local waits = live + away > 0
  local reply = { kind, S(NOW), P.json, place, S(number or 0), S(live + away), S(live - own),
    S(till or 0) }
  return add_outlook(reply, waits and live - own + 1 or 0)
end
