-- Entries in line or away. Behind line.lua.

-- The names of entries; empty where there is none.
local function names(packed)
  local found = #packed > 0 and call('HMGET', NAMES, unpack(packed)) or {}
  for i = 1, #packed do found[i] = found[i] or '' end
  return found
end

-- Ends places that were kept too long. Lists of members and packed numbers.
local function lapse(members, packed)
  if #members == 0 then return end
  call('ZREM', AWAY, unpack(members))
  call('ZREM', LAPSES, unpack(packed))
  call('HDEL', NAMES, unpack(packed))
  total('lapsed', #members)
end

-- Moves the unseen from the line to away. A place is kept from now on, and through at least one beat
-- while the sale is open.
local function move_away(members, numbers, packed)
  if #members == 0 then return end
  local away, lapses, till = {}, {}, S(T.keepTime + math.max(P.keepMs, 1))
  for i, member in ipairs(members) do
    away[2 * i - 1], away[2 * i] = numbers[i], member
    lapses[2 * i - 1], lapses[2 * i] = till, packed[i]
  end
  call('ZREM', LINE, unpack(members))
  call('ZREM', SEEN, unpack(packed))
  call('ZADD', AWAY, unpack(away))
  call('ZADD', LAPSES, unpack(lapses))
end

-- Ends what has run out of an entry in line or away; says where it stands then.
local function settle_line(member)
  local number = call('ZSCORE', LINE, member)
  if number then
    local packed = pack(number)
    if score(SEEN, packed) > T.lineTime then return 'WAITING', tonumber(number) end
    move_away({ member }, { number }, { packed })
    return 'AWAY', tonumber(number)
  end
  number = call('ZSCORE', AWAY, member)
  if not number then return end
  local packed = pack(number)
  if score(LAPSES, packed) > T.keepTime then return 'AWAY', tonumber(number) end
  lapse({ member }, { packed })
  return 'NONE'
end

-- A sign of life of a member in line; an away member is back at the same number.
local function seen(member, state, number)
  local packed = pack(number)
  if state == 'AWAY' then
    call('ZREM', AWAY, member)
    call('ZREM', LAPSES, packed)
    call('ZADD', LINE, S(number), member)
  end
  call('ZADD', SEEN, S(line_now() + P.waitingMs), packed)
end
