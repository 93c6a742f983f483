-- Entries in admitting. Behind line.lua.

-- What a pop records: number, when it was (ms, and as a reading of slotTime), by whom.
local function popped(record)
  if not record then return end
  local number, taken_at, taken, by = string.match(record, '^(%d+) (%d+) (%d+) (%S+)$')
  return tonumber(number), tonumber(taken_at), tonumber(taken), by
end

-- Whether a record is of a pop of this number (as text), and whether an operator's `open` did it. Of a
-- thousand, without a string for each.
local function is_pop_of(record, number)
  return record and string.sub(record, 1, #number) == number and string.byte(record, #number + 1) == 32
end
local function is_pop_by_open(record) return string.find(record, ' open', -5, true) ~= nil end
