-- The line as a whole: waiting, away, admitting. Behind time.lua.

-- Names an entry in seen, lapses and names: 8 bytes, where a member id takes more.
local function pack(number) return struct.pack('>I8', number) end

-- A slot ends, and stays taken until a reading of slotTime; or for as long as the member's earlier
-- slot does, which was theirs to use again.
local function end_slot(member, till)
  local owed = score(OWED, member)
  if owed > 0 then call('ZREM', OWED, member) end
  till = math.max(till, owed)
  if till > T.slotTime then call('ZADD', COOLING, S(till), member) end
end

-- Empties the line; O(1) for the caller however long the line. The snapshot kept for all does not know of it.
local function clear_line()
  local all = call('ZCARD', LINE) + call('ZCARD', AWAY) + call('ZCARD', ADMITTING)
  local lapsed = count(LAPSES, '-inf', S(T.keepTime))
  for _, member in ipairs(call('ZRANGEBYSCORE', OWED, '(' .. S(T.slotTime), '+inf')) do
    if call('ZSCORE', ADMITTING, member) then end_slot(member, 0) end
  end
  total('lapsed', lapsed)
  total('cleared', all - lapsed)
  call('HSET', STATE, 'clearedThrough', S(T.last), 'recent', '')
  call('UNLINK', LINE, AWAY, SEEN, LAPSES, NAMES, ADMITTING, POPS)
  return all - lapsed
end

-- Waiting, away, and lapsed but not collected.
local function in_line()
  local gone, lapsed = count(SEEN, '-inf', S(T.lineTime)), count(LAPSES, '-inf', S(T.keepTime))
  return call('ZCARD', LINE) - gone, call('ZCARD', AWAY) + gone - lapsed, lapsed
end
