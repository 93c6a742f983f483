-- What a standing is made from. Behind slot_ends.lua and pace.lua.

-- Appends what an estimate is made from for the `number`-th live entry, 0 for nobody's: line length,
-- pace, latest take, slower since, slots in use (-1: no limit), and with a limit, when there is a slot
-- for the last of each quarter.
local function add_line_facts(reply, number)
  local one, five, fifteen, since, taken, slower = pace()
  local n = #reply
  reply[n + 1] = S(call('ZCARD', LINE) + call('ZCARD', AWAY))
  reply[n + 2], reply[n + 3], reply[n + 4] = S(one), S(five), S(fifteen)
  reply[n + 5], reply[n + 6], reply[n + 7] = since or '0', S(taken), slower or '0'
  if not LIMIT then
    reply[n + 8] = '-1'
    return reply
  end
  local s = slots()
  reply[n + 8] = S(s.used)
  for quarter, at in ipairs(free_at(s, number)) do reply[n + 8 + quarter] = S(at) end
  return reply
end

-- What a standing is made from: at, json, state, number, queue number, live entries ahead, till, and
-- what an estimate is made from.
local function standing_facts(kind, state, number, till)
  local live, away, ahead = 0, 0, 0
  if state == 'WAITING' or state == 'AWAY' then
    live, away = count(LINE, '-inf', S(number)), count(AWAY, '-inf', S(number))
    ahead = state == 'WAITING' and live - 1 or live
  end
  local reply = { kind, S(NOW), P.json, state, number and S(number) or '0', S(live + away), S(ahead),
    till and S(till) or '0' }
  return add_line_facts(reply, live + away > 0 and ahead + 1 or 0)
end
