-- Taking entries off the front. Behind entries.lua, slots.lua and pace.lua.

-- Makes entries that are no longer in the line admitting; their own slots that are cooling go with them.
local function pop(members, numbers, packed, own, by)
  local n = #members
  if n == 0 then return end
  local admitting, pops, due = {}, {}, S(T.slotTime + RESEND_MS)
  -- Redis keeps a hash as a list, in which every field is searched for, until it is long or has a long value:
  -- of many, the values are made long.
  local reading = string.format(n > 64 and '%050.0f' or '%.0f', T.slotTime)
  local how = ' ' .. S(NOW) .. ' ' .. reading .. ' ' .. by
  for i = 1, n do
    admitting[2 * i - 1], admitting[2 * i] = due, members[i]
    pops[2 * i - 1], pops[2 * i] = members[i], numbers[i] .. how
  end
  call('ZREM', SEEN, unpack(packed))
  call('ZADD', ADMITTING, unpack(admitting))
  call('HSET', POPS, unpack(pops))
  T.taken, T.takenThrough = T.taken + n, math.max(T.takenThrough, tonumber(numbers[n]))
  for member, till in pairs(own) do
    call('ZREM', COOLING, member)
    call('ZADD', OWED, till, member)
  end
end

-- Looks at some of the front: who goes, who is unseen, and whether the next of them has no slot.
-- `used` slots are in use.
local function look(front, most, used)
  local go, unseen, own, looked, full = { {}, {}, {} }, { {}, {}, {} }, {}, 0, false
  local members, packed, cooling, gone, left = {}, {}, {}, 0, 0
  for i = 1, #front / 2 do members[i], packed[i] = front[2 * i - 1], pack(front[2 * i]) end
  local tills, line_time = call('ZMSCORE', SEEN, unpack(packed)), T.lineTime
  if call('EXISTS', COOLING) == 1 then cooling = call('ZMSCORE', COOLING, unpack(members)) end
  local function put(list, n, i)
    list[1][n], list[2][n], list[3][n] = members[i], front[2 * i], packed[i]
  end
  for i = 1, #members do
    if gone == most then break end
    if tonumber(tills[i] or 0) > line_time then
      local is_own = tonumber(cooling[i] or 0) > T.slotTime
      full = LIMIT and used - (is_own and 1 or 0) >= LIMIT
      if full then break end
      if is_own then own[members[i]] = cooling[i] else used = used + 1 end
      gone = gone + 1
      put(go, gone, i)
    else
      left = left + 1
      put(unseen, left, i)
    end
    looked = i
  end
  return { looked = looked, used = used, own = own, full = full, go = go, unseen = unseen }
end

-- Takes up to `left` live entries while there are slots; returns member, number and name of each, flat,
-- and whether the bound on work ended it.
local function take(left, by)
  local taken, looked, n, used, full = {}, 0, 0, LIMIT and slots().used or 0, false
  while n < left and looked < WORK and not full do
    -- Ever more while they are unseen.
    local most = LIMIT and math.min(left - n, math.max(LIMIT - used, 0)) or left - n
    local front = call('ZRANGE', LINE, 0, math.min(WORK - looked, most + looked + 20) - 1, 'WITHSCORES')
    if #front == 0 then break end
    local found = look(front, left - n, used)
    -- All who were looked at, one after another: cheaper than to search for each.
    if found.looked > 0 then call('ZREMRANGEBYRANK', LINE, 0, found.looked - 1) end
    keep_places(unpack(found.unseen))
    local members, numbers, packed = unpack(found.go)
    pop(members, numbers, packed, found.own, by)
    local called = names(packed)
    for i = 1, #members do
      local at = 3 * (n + i)
      taken[at - 2], taken[at - 1], taken[at] = members[i], numbers[i], called[i]
    end
    n, looked, used, full = n + #members, looked + found.looked, found.used, found.full
  end
  if n > 0 then
    note_taken(n)
    -- Whoever goes on standing in line in front of them was passed over. Nobody ever is, or this is wrong.
    local in_front = count(LINE, '-inf', taken[3 * n - 1])
    if in_front > 0 then total('outOfOrder', in_front) end
  end
  return taken, n < left and looked >= WORK and not full and call('ZCARD', LINE) > 0
end
