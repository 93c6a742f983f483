-- enter: lines up, or goes straight in where the mode says so.
-- KEYS  15 user record
-- ARGV  1 member  2 name  3 '1' for a guest  4 '1' if the wait was found not too long
-- Reply {kind, what a standing is made from…}: NEW, ALREADY; or
--       {'NOT_OPEN_YET', opens (ms)}, {'CLOSED'}, {'FULL'},
--       {'MEMBERS_ONLY'}; or {'WEIGH', now, json, live entries ahead, what an estimate is made from}:
--       the caller finds whether the wait is too long, and calls again if it is not.
assert(#KEYS == 15 and #ARGV == 4)
if not P then return UNKNOWN end
local member, name, user = ARGV[1], ARGV[2], KEYS[15]
beat_slots()
local state, number, till = settle(member, user)
if OVER then return { 'CLOSED' } end
if state ~= 'NONE' then
  if state == 'WAITING' or state == 'AWAY' then
    seen(member, state, number)
    state = 'WAITING'
  end
  return standing_facts('ALREADY', state, number, till)
end
if ARGV[3] == '1' and P.identity ~= 'guest' then return { 'MEMBERS_ONLY' } end
if PHASE == 'early' then return { 'NOT_OPEN_YET', S(P.opensMs) } end

local waiting, away = in_line()
local function goes_straight_in()
  if PHASE ~= 'open' then return false end
  if P.mode == 'off' then return true end
  return P.mode == 'threshold' and waiting + call('ZCARD', ADMITTING) == 0 and has_slot_for(member)
end
local straight = goes_straight_in()
if not straight then
  if P.maxQueueSize and waiting + away >= P.maxQueueSize then return { 'FULL' } end
  if P.refuseLongWait == 1 and ARGV[4] ~= '1' then
    local live = call('ZCARD', LINE)
    return add_line_facts({ 'WEIGH', S(NOW), P.json, S(live) }, live + 1)
  end
end

number = math.max(US, (tonumber(call('HGET', STATE, 'last')) or 0) + 1)
call('HSET', STATE, 'last', S(number))
total('joined', 1)
if straight then
  take_cooling(member)
  till = become_ready(member, user, number)
  total('byEnter', 1)
  return standing_facts('NEW', 'READY', number, till)
end
call('ZADD', LINE, S(number), member)
if name ~= '' then call('HSET', NAMES, pack(number), name) end
seen(member, 'WAITING', number)
return standing_facts('NEW', 'WAITING', number)
