-- The pace: how many were taken off the front lately. By the clock, for it is only shown. Behind time.lua.

-- People taken off the front in the last 1, 5 and 15 minutes; when the first was (ms), when the latest
-- scheduled take was (ms), and when the policy was last changed to a slower one (ms).
-- Kept by minute in a ring of 16; the oldest minute of a window counts by its share.
local function pace()
  local fields = { 'since', 'slower' }
  for i = 0, 15 do fields[i + 3] = 'pace:' .. i end
  local v = call('HMGET', STATE, unpack(fields))
  local minute, into = math.floor(NOW / 60000), NOW % 60000
  local function taken(m)
    local at, n = string.match(v[m % 16 + 3] or '', '^(%d+):(%d+)$')
    return tonumber(at) == m and tonumber(n) or 0
  end
  local function window(minutes)
    local sum = math.floor(taken(minute - minutes) * (60000 - into) / 60000)
    for m = minute - minutes + 1, minute do sum = sum + taken(m) end
    return sum
  end
  local take_at = T.takeAt >= 0 and moment(T.takeAt) or 0
  return window(1), window(5), window(15), tonumber(v[1] or 0), take_at, tonumber(v[2] or 0)
end

-- Counts people taken off the front just now into the pace. The snapshot kept for all does not know of them.
local function note_taken(n)
  local minute = math.floor(NOW / 60000)
  local field = 'pace:' .. minute % 16
  local at, so_far = string.match(call('HGET', STATE, field) or '', '^(%d+):(%d+)$')
  if tonumber(at) ~= minute then so_far = 0 end
  call('HSET', STATE, field, S(minute) .. ':' .. S(tonumber(so_far) + n), 'snapshot', '')
  call('HSETNX', STATE, 'since', S(NOW))
end
