-- Entries in admitting. Behind line.lua.

-- What a pop records: number, when it was (ms, and as a reading of slotTime), by whom.
local function popped(record)
  if not record then return end
  local number, taken_at, taken, by = string.match(record, '^(%d+) (%d+) (%d+) (%S+)$')
  return tonumber(number), tonumber(taken_at), tonumber(taken), by
end

-- The number (as text) and by whom of a pop.
local function popped_by(record) return string.match(record or '', '^(%d+) .- (%S+)$') end
