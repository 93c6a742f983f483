-- Removing what has run out. Behind entries.lua and sessions.lua.

-- The members of packed numbers, by a set in the order of numbers.
local function members_of(key, packed)
  local members, numbers = {}, {}
  for i, bytes in ipairs(packed) do
    numbers[i] = S(struct.unpack('>I8', bytes))
    members[i] = call('ZRANGEBYSCORE', key, numbers[i], numbers[i])[1]
  end
  return members, numbers
end

-- Ends sessions of members whose time is up; says how many: unclaimed, expired.
local function end_sessions(members, users)
  local ended = { unclaimed = 0, expired = 0 }
  if #members == 0 then return ended end
  local ready, inside = call('ZMSCORE', READY, unpack(members)), call('ZMSCORE', INSIDE, unpack(members))
  for i, member in ipairs(members) do
    local called, entered = tonumber(ready[i] or 0) > T.claimTime, tonumber(inside[i] or 0) > T.slotTime
    local it = { member = member, user = users[i] }
    settle_session(it, called or entered)
    if it.ended then ended[it.ended] = ended[it.ended] + 1 end
  end
  return ended
end

-- A line with nothing left is live no longer. The interval of the last take keeps it live, so that no take
-- comes early.
local function fall_idle()
  if T.slotTime < T.takeAt + P.intervalMs then return end
  if call('EXISTS', LINE, AWAY, ADMITTING, READY, INSIDE, COOLING, OWED) == 0 then call('DEL', LIVE) end
end

-- Ends what has run out: sessions of these members, up to 1,000 of each other kind. Returns how many are
-- now away, lapsed, unclaimed, expired, and 1 if there may be more; and, where no members are given, up
-- to 1,000 whose session may have run out, to be given next.
local function sweep(sessions, users)
  local most = 0
  local function due(key, till, limit)
    -- Mostly there is nothing, which a count says for less.
    if count(key, '-inf', S(till)) == 0 then return {} end
    local found = call('ZRANGEBYSCORE', key, '-inf', S(till), 'LIMIT', 0, limit)
    most = math.max(most, #found)
    return found
  end
  local unseen, over = due(SEEN, T.lineTime, WORK), due(LAPSES, T.keepTime, WORK)
  local members, numbers = members_of(LINE, unseen)
  move_away(members, numbers, unseen)
  members, numbers = members_of(AWAY, over)
  lapse(members, numbers, over)
  local ended = end_sessions(sessions, users)
  for _, key in ipairs({ COOLING, OWED }) do
    local free = due(key, T.slotTime, WORK)
    if #free > 0 then call('ZREM', key, unpack(free)) end
  end
  local forgotten, candidates = forget_ended(), {}
  fall_idle()
  if #sessions == 0 then
    for key, till in pairs({ [READY] = T.claimTime, [INSIDE] = T.slotTime }) do
      append(candidates, due(key, till, WORK / 2))
    end
  end
  local more = most >= WORK or #sessions >= WORK / 2 or forgotten >= FEED_LOOK / 2
  return { #unseen, #over, ended.unclaimed, ended.expired, more and 1 or 0 }, candidates
end
