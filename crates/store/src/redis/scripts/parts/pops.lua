-- Entries in admitting. Behind line.lua.

-- What a pop records: number, when it was (ms, and as a reading of slotTime), by whom.
local function popped(record)
  if not record then return end
  local number, taken_at, taken, by = string.match(record, '^(%d+) (%d+) (%d+) (%S+)$')
  return tonumber(number), tonumber(taken_at), tonumber(taken), by
end

-- The number (as text) of a pop, and whether it was by an operator's `open`.
local function popped_by(record)
  if not record then return end
  return string.sub(record, 1, string.find(record, ' ', 1, true) - 1), string.sub(record, -5) == ' open'
end
