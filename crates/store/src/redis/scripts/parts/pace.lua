-- The pace: how many were taken off the front lately. By the clock, for it is only shown. Behind time.lua.

-- Kept packed in a ring of 16 minutes, behind when the first was taken (ms): of each, which minute, and how
-- many. The oldest minute of a window counts by its share.
local PACE = '<d' .. string.rep('I4I4', 16)
local function ring(bytes) return { struct.unpack(PACE, bytes or string.rep('\0', struct.size(PACE))) } end

-- People taken off the front in the last 1, 5 and 15 minutes; when the first was (ms).
local function pace(bytes)
  if not bytes then return 0, 0, 0, 0 end
  local kept, minute, into = ring(bytes), math.floor(NOW / 60000), NOW % 60000
  local sums = { [1] = 0, [5] = 0, [15] = 0 }
  for at = 2, 32, 2 do
    local age, n = minute - kept[at], kept[at + 1]
    for minutes, sum in pairs(sums) do
      if age >= 0 and age < minutes then sums[minutes] = sum + n
      elseif age == minutes then sums[minutes] = sum + math.floor(n * (60000 - into) / 60000) end
    end
  end
  return sums[1], sums[5], sums[15], kept[1]
end

-- Counts people taken off the front just now into the pace. The snapshot kept for all does not know of them.
local function note_taken(n)
  local bytes, minute = call('HGET', STATE, 'pace'), math.floor(NOW / 60000)
  local kept, at = ring(bytes), 2 + 2 * (minute % 16)
  if not bytes then kept[1] = NOW end
  kept[at], kept[at + 1] = minute, (kept[at] == minute and kept[at + 1] or 0) + n
  call('HSET', STATE, 'pace', struct.pack(PACE, unpack(kept)), 'recent', '')
end
