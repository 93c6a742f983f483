-- One entry in line, away or admitting. Behind line.lua.

-- An entry's record while in line or admitting: number, taken (ms, 0 in line), by, name.
local function entry(member)
  local record = call('HGET', ENTRIES, member)
  if not record then return end
  local number, taken_at, by, name = string.match(record, '^(%d+) (%d+) (%S+) (.*)$')
  return tonumber(number), tonumber(taken_at), by, name
end

-- Ends what has run out of an entry in line or away; says where it stands then.
local function settle_line(member)
  local number = call('ZSCORE', LINE, member)
  if number then
    local till = math.max(tonumber(call('ZSCORE', DEADLINES, member)), FLOOR + P.waitingMs)
    if FROZEN or till > NOW then return 'WAITING', tonumber(number) end
    call('ZREM', LINE, member)
    call('ZREM', DEADLINES, member)
    if till + P.keepMs > NOW then
      call('ZADD', AWAY, number, member)
      call('ZADD', LAPSES, S(till + P.keepMs), member)
      return 'AWAY', tonumber(number)
    end
  else
    number = call('ZSCORE', AWAY, member)
    if not number then return end
    local till = math.max(tonumber(call('ZSCORE', LAPSES, member)), FLOOR + P.keepMs)
    if FROZEN or till > NOW then return 'AWAY', tonumber(number) end
    call('ZREM', AWAY, member)
    call('ZREM', LAPSES, member)
  end
  call('HDEL', ENTRIES, member)
  total('lapsed', 1)
  return 'NONE'
end

-- A sign of life of a member in line; an away member is back at the same number.
local function seen(member, state, number)
  if state == 'AWAY' then
    call('ZREM', AWAY, member)
    call('ZREM', LAPSES, member)
    call('ZADD', LINE, S(number), member)
  end
  call('ZADD', DEADLINES, S(NOW + P.waitingMs), member)
end
