-- The pace, and what a standing is made from. Behind sessions.lua.

-- People taken off the front in the last 1, 5 and 15 minutes, and when the first was (ms).
-- Kept by minute in a ring of 16; the oldest minute of a window counts by its share.
local function pace()
  local fields = { 'since' }
  for i = 0, 15 do fields[i + 2] = 'pace:' .. i end
  local v = call('HMGET', STATE, unpack(fields))
  local minute, into = math.floor(NOW / 60000), NOW % 60000
  local function taken(m)
    local at, n = string.match(v[m % 16 + 2] or '', '^(%d+):(%d+)$')
    return tonumber(at) == m and tonumber(n) or 0
  end
  local function window(minutes)
    local sum = math.floor(taken(minute - minutes) * (60000 - into) / 60000)
    for m = minute - minutes + 1, minute do sum = sum + taken(m) end
    return sum
  end
  return window(1), window(5), window(15), tonumber(v[1])
end

-- Counts people taken off the front just now into the pace.
local function note_taken(n)
  local minute = math.floor(NOW / 60000)
  local field = 'pace:' .. minute % 16
  local at, so_far = string.match(call('HGET', STATE, field) or '', '^(%d+):(%d+)$')
  if tonumber(at) ~= minute then so_far = 0 end
  call('HSET', STATE, field, S(minute) .. ':' .. S(tonumber(so_far) + n))
  call('HSETNX', STATE, 'since', S(NOW))
end

-- What a standing is made from: at, json, place, number, queue number, till, line length, free
-- slots (-1: no limit), pace.
local function sight(kind, place, number, till)
  local ahead = 0
  if place == 'WAITING' or place == 'AWAY' then
    ahead = count(LINE, '-inf', S(number)) + count(AWAY, '-inf', S(number))
  end
  local one, five, fifteen, since = pace()
  local length = call('ZCARD', LINE) + call('ZCARD', AWAY)
  return { kind, S(NOW), P.json, place, S(number or 0), S(ahead), S(till or 0), S(length),
    S(free_slots() or -1), S(one), S(five), S(fifteen), S(since or 0) }
end
