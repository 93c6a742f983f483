-- enter: members line up, or go straight in where the mode says so, in order of arrival.
-- KEYS  16… user record of each
-- ARGV  1 the last place that is not too long a wait  2… member, name, '1' for a guest; of each, at most 256
-- Reply {what reply_head gives, then of each: kind, what add_standing gives}. Kinds: NEW, ALREADY,
--       NOT_OPEN_YET (till is when), CLOSED, FULL, MEMBERS_ONLY; BAD for a record that cannot be read.
local n, longest = #KEYS - 15, tonumber(ARGV[1])
assert(#ARGV == 3 * n + 1 and n <= 256)
if not P then return UNKNOWN end
local members, users = {}, {}
for i = 1, n do members[i], users[i] = ARGV[3 * i - 1], KEYS[15 + i] end
local wakes = call('EXISTS', LIVE) == 0
beat_slots()
local found = settle_all(members, users)
-- An idle line has no gap: where somebody enters, that is a beat of every role, and ends a standstill.
local idle = { T.lineBeat, T.claimBeat, T.lineStand, T.claimStand }
if wakes then T.lineBeat, T.claimBeat, T.lineStand, T.claimStand = NOW, NOW, 0, 0 end

-- As they are once those before in this call have entered.
local waiting, away, used, admitting, live, last = 0, 0, 0, 0, call('ZCARD', LINE), T.last
local all_sold = P.mode == THRESHOLD and stops()
if P.maxQueueSize < math.huge or P.mode == THRESHOLD then waiting, away = in_line() end
if P.mode == THRESHOLD then
  local s = slots()
  used, admitting = s.used, s.admitting
end
local first, entered, signs, new, named, straight_in = {}, 0, {}, {}, {}, 0

local function goes_straight_in(member)
  if PHASE ~= 'open' or P.mode == QUEUE then return false end
  if P.mode == OFF then return true, 0 end
  if all_sold then return false end
  local own = score(COOLING, member) > T.slotTime and 1 or 0
  return waiting + admitting == 0 and used - own < LIMIT, own
end

local function line_up(it, name)
  if waiting + away >= P.maxQueueSize or P.refuseLongWait == 1 and live >= longest then return 'FULL' end
  last = math.max(US, last + 1)
  it.state, it.number, it.packed = 'NEW', S(last), pack(last)
  waiting, live, entered = waiting + 1, live + 1, entered + 1
  signs[#signs + 1], new[#new + 1] = it, it
  if name ~= '' then
    named[#named + 1] = it.packed
    named[#named + 1] = name
  end
  return 'NEW'
end

local function enter(it, name, is_guest)
  if OVER then return 'CLOSED' end
  if it.state == 'BAD' then return 'BAD' end
  if it.state ~= 'NONE' then
    if it.state == 'AWAY' then waiting, away, live = waiting + 1, away - 1, live + 1 end
    if it.state == 'AWAY' or it.state == 'WAITING' then signs[#signs + 1] = it end
    return 'ALREADY'
  end
  if is_guest and P.guests ~= 1 then return 'MEMBERS_ONLY' end
  if PHASE == 'early' then
    it.till = P.opensMs
    return 'NOT_OPEN_YET'
  end
  local straight, own = goes_straight_in(it.member)
  if not straight then return line_up(it, name) end
  last = math.max(US, last + 1)
  used, entered, straight_in = used + 1 - own, entered + 1, straight_in + 1
  take_cooling(it.member)
  it.state, it.number, it.till = 'READY', S(last), become_ready(it.member, it.user, last)
  return 'NEW'
end

local kinds = {}
for i, it in ipairs(found) do
  local before = first[it.member]
  if before then
    found[i], kinds[i] = found[before], kinds[before] == 'NEW' and 'ALREADY' or kinds[before]
  else
    first[it.member], kinds[i] = i, enter(it, ARGV[3 * i], ARGV[3 * i + 1] == '1')
  end
end

if entered > 0 then
  T.last = last
  total('joined', entered)
  if wakes then call('SET', LIVE, '1') end
elseif wakes then
  T.lineBeat, T.claimBeat, T.lineStand, T.claimStand = unpack(idle)
end
if straight_in > 0 then total('byEnter', straight_in) end
if #named > 0 then call('HSET', NAMES, unpack(named)) end
seen(signs)
for i, it in ipairs(new) do it.rank = live - #new + i end
local reply, away_length = reply_head(), call('ZCARD', AWAY)
for i, it in ipairs(found) do
  reply[#reply + 1] = kinds[i]
  add_standing(reply, it, away_length)
end
return done(reply)
