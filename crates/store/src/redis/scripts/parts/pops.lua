-- Entries in admitting. Behind line.lua.

-- What a pop records: number, when it was (ms, and as a reading of slotTime), by whom.
local function popped(record)
  if not record then return end
  local number, taken_at, taken, by = string.match(record, '^(%d+) (%d+) (%d+) (%S+)$')
  return tonumber(number), tonumber(taken_at), tonumber(taken), by
end
