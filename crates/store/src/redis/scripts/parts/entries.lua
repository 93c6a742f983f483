-- Entries in line or away. Behind line.lua.

-- The names of entries; empty where there is none.
local function names(packed)
  local found = #packed > 0 and call('HMGET', NAMES, unpack(packed)) or {}
  for i = 1, #packed do found[i] = found[i] or '' end
  return found
end

-- Ends places that were kept too long.
local function lapse(members, _, packed)
  if #members == 0 then return end
  total('lapsed', call('ZREM', AWAY, unpack(members)))
  call('ZREM', LAPSES, unpack(packed))
  call('HDEL', NAMES, unpack(packed))
end

-- Makes those who are unseen and no longer in the line away. A place is kept from now on, and through at
-- least one beat while the sale is open.
local function keep_places(members, numbers, packed)
  if #members == 0 then return end
  local away, lapses, till = {}, {}, S(T.keepTime + math.max(P.keepMs, 1))
  for i = 1, #members do
    away[2 * i - 1], away[2 * i] = numbers[i], members[i]
    lapses[2 * i - 1], lapses[2 * i] = till, packed[i]
  end
  call('ZREM', SEEN, unpack(packed))
  call('ZADD', AWAY, unpack(away))
  call('ZADD', LAPSES, unpack(lapses))
end

-- Moves the unseen from the line to away.
local function move_away(members, numbers, packed)
  if #members == 0 then return end
  call('ZREM', LINE, unpack(members))
  keep_places(members, numbers, packed)
end

-- Members, numbers (as text) and packed numbers of entries.
local function columns(entries)
  local members, numbers, packed = {}, {}, {}
  for i, it in ipairs(entries) do members[i], numbers[i], packed[i] = it.member, it.number, it.packed end
  return members, numbers, packed
end

-- Signs of life of entries: new ones line up, away ones are back at the same number.
local function seen(entries)
  if #entries == 0 then return end
  local line, tills, back, lapses = {}, {}, {}, {}
  local till = S(line_now() + P.waitingMs)
  for i, it in ipairs(entries) do
    tills[2 * i - 1], tills[2 * i] = till, it.packed
    if it.state ~= 'WAITING' then
      line[#line + 1] = it.number
      line[#line + 1] = it.member
    end
    if it.state == 'AWAY' then
      back[#back + 1] = it.member
      lapses[#lapses + 1] = it.packed
    end
    it.state = 'WAITING'
  end
  if #line > 0 then call('ZADD', LINE, unpack(line)) end
  call('ZADD', SEEN, unpack(tills))
  if #back > 0 then
    call('ZREM', AWAY, unpack(back))
    call('ZREM', LAPSES, unpack(lapses))
  end
end
