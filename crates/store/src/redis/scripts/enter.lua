-- enter: lines up, or goes straight in where the mode says so.
-- KEYS  13 user record    ARGV  1 member  2 name  3 '1' for a guest
-- Reply {kind, sight…}: NEW, ALREADY; or {'NOT_OPEN_YET', opens (ms)}, {'CLOSED'}, {'FULL'},
--       {'MEMBERS_ONLY'}.
assert(#KEYS == 13 and #ARGV == 3)
if not P then return UNKNOWN end
local member, name, user = ARGV[1], ARGV[2], KEYS[13]
local place, number, till = settle(member, user)
if OVER then return { 'CLOSED' } end
if place ~= 'NONE' then
  if place == 'WAITING' or place == 'AWAY' then
    seen(member, place, number)
    place = 'WAITING'
  end
  return sight('ALREADY', place, number, till)
end
if ARGV[3] == '1' and P.identity ~= 'guest' then return { 'MEMBERS_ONLY' } end
if PHASE == 'early' then return { 'NOT_OPEN_YET', S(P.opensMs) } end

local waiting, away = in_line()
local free = free_slots()
local function goes_straight_in()
  if PHASE ~= 'open' then return false end
  if P.mode == 'off' then return true end
  return P.mode == 'threshold' and waiting + call('ZCARD', ADMITTING) == 0 and free > 0
end
-- The same estimate as sunbeon_domain::wait_seconds, of the number that this entry would have.
local function wait_ms()
  if P.paused then return 0 end
  local queue_number = call('ZCARD', LINE) + call('ZCARD', AWAY) + 1
  local one, five, fifteen, since = pace()
  local scheduled = math.ceil(queue_number / P.groupSize) * P.intervalMs
  local rate = 0
  if since then
    local so_far = ((NOW - since) / 1000 + P.intervalMs / 1000) / 60
    rate = 0.5 * (one / math.min(so_far, 1)) + 0.3 * (five / math.min(so_far, 5))
      + 0.2 * (fifteen / math.min(so_far, 15))
  end
  if rate == 0 then return P.autoOpen and scheduled or 0 end
  local paced = math.ceil(queue_number * 60 / rate) * 1000
  local unhindered = P.autoOpen and (not free or free >= queue_number)
  return unhindered and math.min(paced, scheduled) or paced
end

local straight = goes_straight_in()
if not straight then
  if P.maxQueueSize and waiting + away >= P.maxQueueSize then return { 'FULL' } end
  if P.refuseLongWait and wait_ms() > P.maxWaitMs then return { 'FULL' } end
end

number = math.max(US, (tonumber(call('HGET', STATE, 'last')) or 0) + 1)
call('HSET', STATE, 'last', S(number))
total('joined', 1)
if straight then
  till = become_ready(member, user, number)
  total('byEnter', 1)
  return sight('NEW', 'READY', number, till)
end
call('ZADD', LINE, S(number), member)
call('HSET', ENTRIES, member, S(number) .. ' 0 - ' .. name)
seen(member, 'WAITING', number)
return sight('NEW', 'WAITING', number)
