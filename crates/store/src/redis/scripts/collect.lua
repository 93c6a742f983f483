-- collect: moves the time of slots and ends what has run out: sessions of the members given, up to 1,000
-- of each other kind. A line with nothing left is live no longer.
-- KEYS  16… user record of each    ARGV  the members
-- Reply {away, lapsed, unclaimed, expired, 1 if there may be more, where no members were given: up to
--        1,000 whose session may have run out, to be given next}.
assert(#ARGV == #KEYS - 15 and #ARGV <= WORK)
if not P then return UNKNOWN end
beat_slots()
local before = call('HMGET', STATE, 'lapsed', 'unclaimed', 'expired')
local most = 0
local function due(key, till, limit)
  local found = call('ZRANGEBYSCORE', key, '-inf', S(till), 'LIMIT', 0, limit)
  most = math.max(most, #found)
  return found
end
-- The members of packed numbers, by a set in the order of numbers.
local function members_of(key, packed)
  local members, numbers = {}, {}
  for i, bytes in ipairs(packed) do
    numbers[i] = S(struct.unpack('>I8', bytes))
    members[i] = call('ZRANGEBYSCORE', key, numbers[i], numbers[i])[1]
  end
  return members, numbers
end

local unseen, over = due(SEEN, T.lineTime, WORK), due(LAPSES, T.keepTime, WORK)
local members, numbers = members_of(LINE, unseen)
move_away(members, numbers, unseen)
members, numbers = members_of(AWAY, over)
lapse(members, numbers, over)
local ready = #ARGV > 0 and call('ZMSCORE', READY, unpack(ARGV)) or {}
local inside = #ARGV > 0 and call('ZMSCORE', INSIDE, unpack(ARGV)) or {}
for i, member in ipairs(ARGV) do
  local called, entered = tonumber(ready[i] or 0) > T.claimTime, tonumber(inside[i] or 0) > T.slotTime
  settle_session({ member = member, user = KEYS[15 + i] }, called or entered)
end
for _, key in ipairs({ COOLING, OWED }) do
  local ended = due(key, T.slotTime, WORK)
  if #ended > 0 then call('ZREM', key, unpack(ended)) end
end
local forgotten = forget_ended()

-- The interval of the last take keeps a line live, so that no take comes early.
local take_at = tonumber(call('HGET', STATE, 'takeAt') or nil)
local is_paced = take_at and T.slotTime < take_at + P.intervalMs
if not is_paced and call('EXISTS', LINE, AWAY, ADMITTING, READY, INSIDE, COOLING, OWED) == 0 then
  call('DEL', LIVE)
end

local after = call('HMGET', STATE, 'lapsed', 'unclaimed', 'expired')
local reply = { #unseen }
for i = 1, 3 do reply[i + 1] = (tonumber(after[i]) or 0) - (tonumber(before[i]) or 0) end
reply[5] = (most >= WORK or #ARGV >= WORK / 2 or forgotten >= FEED_LOOK / 2) and 1 or 0
if #ARGV == 0 then
  for key, till in pairs({ [READY] = T.claimTime, [INSIDE] = T.slotTime }) do
    for _, member in ipairs(due(key, till, WORK / 2)) do reply[#reply + 1] = member end
  end
end
return reply
