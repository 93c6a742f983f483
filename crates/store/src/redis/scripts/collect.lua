-- collect: ends what has run out: sessions of the members given, up to 1,000 of each other kind.
-- KEYS  15… user record of each    ARGV  the members
-- Reply {away, lapsed, unclaimed, expired, 1 if there may be more}.
assert(#ARGV == #KEYS - 14 and #ARGV <= WORK)
if not P then return UNKNOWN end
local before = call('HMGET', STATE, 'lapsed', 'unclaimed', 'expired')
local most = 0
local function due(key, till)
  local found = call('ZRANGEBYSCORE', key, '-inf', S(till), 'LIMIT', 0, WORK)
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

local unseen, over = due(SEEN, T.lineTime), due(LAPSES, T.keepTime)
local members, numbers = members_of(LINE, unseen)
move_away(members, numbers, unseen)
members, numbers = members_of(AWAY, over)
lapse(members, numbers, over)
local ready = #ARGV > 0 and call('ZMSCORE', READY, unpack(ARGV)) or {}
local inside = #ARGV > 0 and call('ZMSCORE', INSIDE, unpack(ARGV)) or {}
for i, member in ipairs(ARGV) do
  local called, entered = tonumber(ready[i] or 0) > T.claimTime, tonumber(inside[i] or 0) > T.slotTime
  settle_session({ member = member, user = KEYS[14 + i] }, called or entered)
end
for _, key in ipairs({ COOLING, OWED }) do
  local ended = due(key, T.slotTime)
  if #ended > 0 then call('ZREM', key, unpack(ended)) end
end
local forgotten = forget_ended()
local after = call('HMGET', STATE, 'lapsed', 'unclaimed', 'expired')
local reply = { S(#unseen) }
for i = 1, 3 do reply[i + 1] = S((tonumber(after[i]) or 0) - (tonumber(before[i]) or 0)) end
reply[5] = (most >= WORK or #ARGV >= WORK / 2 or forgotten >= FEED_LOOK / 2) and 1 or 0
return reply
