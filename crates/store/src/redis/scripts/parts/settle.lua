-- Where members stand. Behind entries.lua, pops.lua and sessions.lua.

-- Ends what has run out of members' entries and sessions; says where each stands then: member, user,
-- state (NONE, WAITING, AWAY, ADMITTING, READY, ENTERED; BAD for a record that cannot be read), number (as
-- text), till (ms), session, packed.
local function settle_all(members, users)
  local found, rest = {}, {}
  for i, member in ipairs(members) do
    -- With room for what may be known of a member: a table that grows is made anew.
    found[i] = { member = member, user = users[i], state = 'NONE', score = false, number = false,
      till = false, packed = false }
    rest[i] = i
  end
  -- Of those not found yet, the ones in a set.
  local function those_in(key)
    local inside, left, asked = {}, {}, {}
    if #rest == 0 then return inside end
    for at, i in ipairs(rest) do asked[at] = members[i] end
    local scores = call('ZMSCORE', key, unpack(asked))
    for at, i in ipairs(rest) do
      local it = found[i]
      it.score = scores[at]
      if it.score then inside[#inside + 1] = it else left[#left + 1] = i end
    end
    rest = left
    return inside
  end
  -- Entries in one state, and those of them whose time is over, in another.
  local function over(entries, state, key, reading, then_state)
    local packed, ended = {}, {}
    for i, it in ipairs(entries) do
      it.state, it.number, it.packed = state, it.score, pack(it.score)
      packed[i] = it.packed
    end
    local tills = #packed > 0 and call('ZMSCORE', key, unpack(packed)) or {}
    for i, it in ipairs(entries) do
      if tonumber(tills[i] or 0) <= reading then
        it.state = then_state
        ended[#ended + 1] = it
      end
    end
    return columns(ended)
  end

  move_away(over(those_in(LINE), 'WAITING', SEEN, T.lineTime, 'AWAY'))
  if #rest == 0 then return found end
  lapse(over(those_in(AWAY), 'AWAY', LAPSES, T.keepTime, 'NONE'))
  for _, it in ipairs(those_in(ADMITTING)) do
    local number = popped(call('HGET', POPS, it.member))
    it.state, it.number = 'ADMITTING', number and S(number)
  end
  for _, it in ipairs(those_in(READY)) do settle_session(it, tonumber(it.score) > T.claimTime) end
  for _, it in ipairs(those_in(INSIDE)) do settle_session(it, tonumber(it.score) > T.slotTime) end
  return found
end

-- The same for one member, for a verb that needs the record.
local function settle(member, user)
  local it = settle_all({ member }, { user })[1]
  if it.state == 'BAD' then error({ err = 'BAD_RECORD ' .. user .. ' cannot be read' }) end
  return it.state, tonumber(it.number or nil), it.till, it.session
end
