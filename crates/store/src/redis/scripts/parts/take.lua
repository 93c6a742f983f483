-- Taking entries off the front. Behind entries.lua, slots.lua and pace.lua.

-- Makes entries that are no longer in the line admitting; their own slots that are cooling go with them.
local function pop(members, numbers, packed, own, by)
  if #members == 0 then return end
  local admitting, pops, due = {}, {}, S(T.slotTime + RESEND_MS)
  local how = ' ' .. S(NOW) .. ' ' .. S(T.slotTime) .. ' ' .. by
  for i, member in ipairs(members) do
    admitting[2 * i - 1], admitting[2 * i] = due, member
    pops[2 * i - 1], pops[2 * i] = member, numbers[i] .. how
  end
  call('ZREM', SEEN, unpack(packed))
  call('ZADD', ADMITTING, unpack(admitting))
  call('HSET', POPS, unpack(pops))
  T.taken = T.taken + #members
  local through = math.max(tonumber(call('HGET', STATE, 'takenThrough') or 0), tonumber(numbers[#numbers]))
  call('HSET', STATE, 'taken', S(T.taken), 'takenThrough', S(through))
  for member, till in pairs(own) do
    call('ZREM', COOLING, member)
    call('ZADD', OWED, till, member)
  end
end

-- Looks at some of the front: who goes, who is unseen, and whether the next of them has no slot.
-- `used` slots are in use.
local function look(front, most, used)
  local found = { looked = 0, used = used, own = {}, full = false,
    go = { {}, {}, {} }, unseen = { {}, {}, {} } }
  local members, packed = {}, {}
  for i = 1, #front / 2 do members[i], packed[i] = front[2 * i - 1], pack(front[2 * i]) end
  local tills, cooling = call('ZMSCORE', SEEN, unpack(packed)), {}
  if call('EXISTS', COOLING) == 1 then cooling = call('ZMSCORE', COOLING, unpack(members)) end
  for i, member in ipairs(members) do
    if #found.go[1] == most then break end
    local list = found.unseen
    if tonumber(tills[i] or 0) > T.lineTime then
      list = found.go
      local own = tonumber(cooling[i] or 0) > T.slotTime
      if LIMIT and found.used - (own and 1 or 0) >= LIMIT then
        found.full = true
        break
      end
      if own then found.own[member] = cooling[i] else found.used = found.used + 1 end
    end
    local n = #list[1] + 1
    list[1][n], list[2][n], list[3][n] = member, front[2 * i], packed[i]
    found.looked = i
  end
  return found
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
    for i, name in ipairs(names(packed)) do
      local at = 3 * (n + i)
      taken[at - 2], taken[at - 1], taken[at] = members[i], numbers[i], name
    end
    n, looked, used, full = n + #members, looked + found.looked, found.used, found.full
  end
  if n > 0 then note_taken(n) end
  return taken, n < left and looked >= WORK and not full and call('ZCARD', LINE) > 0
end
