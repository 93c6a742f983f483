-- What every verb begins with; put in front of each script.
--
-- KEYS  1 line  2 away  3 deadlines  4 lapses  5 admitting  6 entries  7 ready  8 inside
--       9 cooling  10 revoked  11 policy  12 state  13… as the script says
--
-- Leaves behind: NOW (ms) and US (µs), read once; P, the policy, or nil for an unknown concert;
-- PHASE; and the functions below. If nobody heard signs of life for 15 s, a grace begins first.
-- If the sale is over, its line is cleared first.
assert(#KEYS >= 12, 'a verb takes at least 12 keys')
local LINE, AWAY, DEADLINES, LAPSES, ADMITTING, ENTRIES = unpack(KEYS, 1, 6)
local READY, INSIDE, COOLING, REVOKED, POLICY, STATE = unpack(KEYS, 7, 12)
local call = redis.call
local DEAF_MS, COOLING_MS, RESEND_MS, WORK = 15000, 5000, 5000, 1000
-- A user record's own expiry only collects garbage that no sweep came for: a week after its
-- deadline, so that no outage short of that decides anything by it.
local COLLECT_MS = 7 * 86400000
local UNKNOWN = redis.error_reply('UNKNOWN_CONCERT there is no such concert')

local time = call('TIME')
local US = tonumber(time[1]) * 1000000 + tonumber(time[2])
local NOW = math.floor(US / 1000)

-- Numbers leave Lua by this alone: tostring, .. and cjson cut to 14 digits.
local function S(n) return string.format('%.0f', n) end
local function total(name, by) call('HINCRBY', STATE, name, S(by)) end

local function policy()
  local v = call('HMGET', POLICY, 'json', 'startMs', 'endMs', 'opensMs', 'closed', 'paused', 'mode',
    'maxActive', 'maxQueueSize', 'autoOpen', 'groupSize', 'intervalMs', 'waitingMs', 'keepMs',
    'readyMs', 'sessionMs', 'refuseLongWait', 'maxWaitMs')
  return v[1] and {
    json = v[1], startMs = tonumber(v[2]), endMs = tonumber(v[3]), opensMs = tonumber(v[4]),
    closed = v[5] == '1', paused = v[6] == '1', mode = v[7], maxActive = tonumber(v[8]),
    maxQueueSize = tonumber(v[9]), autoOpen = v[10] == '1', groupSize = tonumber(v[11]),
    intervalMs = tonumber(v[12]), waitingMs = tonumber(v[13]), keepMs = tonumber(v[14]),
    readyMs = tonumber(v[15]), sessionMs = tonumber(v[16]), refuseLongWait = v[17] == '1',
    maxWaitMs = tonumber(v[18]),
  }
end
local P = policy()

local function phase(p)
  if p.closed then return 'closed' end
  if p.endMs and NOW >= p.endMs then return 'ended' end
  if p.opensMs and NOW < p.opensMs then return 'early' end
  if p.startMs and NOW < p.startMs then return 'before' end
  return p.paused and 'paused' or 'open'
end
local function is_over(p) return phase(p) == 'closed' or phase(p) == 'ended' end
local PHASE, OVER = P and phase(P), P and is_over(P)
-- Nobody goes away or lapses before the start, or while paused.
local FROZEN = P and not OVER and PHASE ~= 'open'

local heard = call('HMGET', STATE, 'beat', 'grace', 'resumed')
local BEAT, GRACE = tonumber(heard[1]), tonumber(heard[2]) or 0
if BEAT and (NOW - BEAT > DEAF_MS or BEAT > NOW) then
  GRACE = NOW
  call('HSET', STATE, 'grace', S(NOW), 'beat', S(NOW))
end
-- The deadlines of the line count from no earlier than this.
local FLOOR = math.max(GRACE, tonumber(heard[3]) or 0, P and P.startMs or 0)

local function count(key, from, to) return call('ZCOUNT', key, from, to) end

-- Entries in line that have run out by a moment: those whose place is still kept, and those lapsed.
local function run_out(moment)
  local gone, gone_lapsed, away_lapsed = 0, 0, 0
  if FLOOR + P.waitingMs <= moment then gone = count(DEADLINES, '-inf', S(moment)) end
  if FLOOR + P.waitingMs + P.keepMs <= moment then
    gone_lapsed = count(DEADLINES, '-inf', S(moment - P.keepMs))
  end
  if FLOOR + P.keepMs <= moment then away_lapsed = count(LAPSES, '-inf', S(moment)) end
  return gone, gone_lapsed + away_lapsed
end

-- Empties the line as of a moment; O(1) for the caller however long the line.
local function clear_line(moment)
  local all = call('ZCARD', LINE) + call('ZCARD', AWAY) + call('ZCARD', ADMITTING)
  local lapsed = 0
  if not FROZEN and not P.paused then lapsed = select(2, run_out(moment)) end
  total('lapsed', lapsed)
  total('cleared', all - lapsed)
  call('HSET', STATE, 'clearedThrough', call('HGET', STATE, 'last') or '0')
  call('UNLINK', LINE, AWAY, DEADLINES, LAPSES, ADMITTING, ENTRIES)
  return all - lapsed
end
if OVER and call('EXISTS', LINE, AWAY, ADMITTING) > 0 then
  clear_line(P.closed and NOW or P.endMs)
end

-- Slots in use, and what they are made of, by the clock.
local function slots()
  local s = { admitting = call('ZCARD', ADMITTING), ready = call('ZCARD', READY) }
  s.unclaimed = GRACE + P.readyMs > NOW and 0 or count(READY, '-inf', S(NOW))
  s.ready = s.ready - s.unclaimed
  s.expired = count(INSIDE, '-inf', S(NOW))
  s.inside = call('ZCARD', INSIDE) - s.expired
  local ending = count(INSIDE, '(' .. S(NOW - COOLING_MS), S(NOW))
  s.used = s.admitting + s.ready + s.inside + ending + count(COOLING, '(' .. S(NOW), '+inf')
  return s
end

-- Free slots; nil without a limit.
local function free_slots()
  if P.maxActive and P.mode ~= 'off' then return math.max(0, P.maxActive - slots().used) end
end

-- Waiting, away, and lapsed but not collected, by the clock.
local function in_line()
  local gone, lapsed = 0, 0
  if not FROZEN then gone, lapsed = run_out(NOW) end
  return call('ZCARD', LINE) - gone, call('ZCARD', AWAY) + gone - lapsed, lapsed
end

-- An entry's record while in line or admitting: number, pop (ms, 0 in line), by, name.
local function entry(member)
  local record = call('HGET', ENTRIES, member)
  if not record then return end
  local number, popped, by, name = string.match(record, '^(%d+) (%d+) (%S+) (.*)$')
  return tonumber(number), tonumber(popped), by, name
end

-- A session's record: READY number until | ENTERED number until jti kid iat exp.
local function session(user)
  local record = call('GET', user)
  if not record then return end
  local s = {}
  for word in string.gmatch(record, '%S+') do s[#s + 1] = word end
  return { state = s[1], number = tonumber(s[2]), till = tonumber(s[3]),
    jti = s[4], kid = s[5], iat = s[6], exp = s[7] }
end

local function save_session(user, till, ...)
  call('SET', user, table.concat({ ... }, ' '), 'PX', S(till - NOW + COLLECT_MS))
end

local function become_ready(member, user, number)
  local till = NOW + P.readyMs
  call('ZADD', READY, S(till), member)
  save_session(user, till, 'READY', S(number), S(till))
  return till
end

-- Ends an ENTERED session; its slot stays taken until every gate knows.
local function end_inside(member, user, s, slot_end)
  call('ZREM', INSIDE, member)
  call('DEL', user)
  if slot_end > NOW then call('ZADD', COOLING, S(slot_end), S(s.number)) end
end

local function revoke(s)
  call('ZADD', REVOKED, s.exp, s.jti)
end

-- Ends what has run out of an entry in line or away; says where it stands then.
local function settle_line(member)
  local number = call('ZSCORE', LINE, member)
  if number then
    local till = math.max(tonumber(call('ZSCORE', DEADLINES, member)), FLOOR + P.waitingMs)
    if FROZEN or till > NOW then return 'WAITING', tonumber(number) end
    call('ZREM', LINE, member)
    call('ZREM', DEADLINES, member)
    if till + P.keepMs > NOW then
      call('ZADD', AWAY, number, member)
      call('ZADD', LAPSES, S(till + P.keepMs), member)
      return 'AWAY', tonumber(number)
    end
  else
    number = call('ZSCORE', AWAY, member)
    if not number then return end
    local till = math.max(tonumber(call('ZSCORE', LAPSES, member)), FLOOR + P.keepMs)
    if FROZEN or till > NOW then return 'AWAY', tonumber(number) end
    call('ZREM', AWAY, member)
    call('ZREM', LAPSES, member)
  end
  call('HDEL', ENTRIES, member)
  total('lapsed', 1)
  return 'NONE'
end

-- Ends what has run out of a member's session; says where the member stands then.
local function settle_session(member, user)
  local s = session(user)
  if s and s.state == 'READY' then
    local till = math.max(s.till, GRACE + P.readyMs)
    if till > NOW then return 'READY', s.number, till, s end
  elseif s and s.till > NOW then
    return 'ENTERED', s.number, s.till, s
  end
  -- A record that was collected by its own expiry is missed here and counted all the same.
  if call('ZREM', READY, member) == 1 then
    call('DEL', user)
    total('unclaimed', 1)
  elseif call('ZSCORE', INSIDE, member) then
    end_inside(member, user, s or { number = 0 }, s and s.till + COOLING_MS or 0)
    total('expired', 1)
  end
  return 'NONE'
end

-- place, number, till (ms), session: NONE, WAITING, AWAY, ADMITTING, READY or ENTERED.
local function settle(member, user)
  local place, number = settle_line(member)
  if place and place ~= 'NONE' then return place, number end
  if call('ZSCORE', ADMITTING, member) then return 'ADMITTING', (entry(member)) end
  return settle_session(member, user)
end

-- A sign of life of a member in line; an away member is back at the same number.
local function seen(member, place, number)
  if place == 'AWAY' then
    call('ZREM', AWAY, member)
    call('ZREM', LAPSES, member)
    call('ZADD', LINE, S(number), member)
  end
  call('ZADD', DEADLINES, S(NOW + P.waitingMs), member)
end

-- People taken off the front in the last 1, 5 and 15 minutes, and when the first was (ms).
-- Kept by minute in a ring of 16; the oldest minute of a window counts by its share.
local function pace()
  local fields = { 'since' }
  for i = 0, 15 do fields[i + 2] = 'pace:' .. i end
  local v = call('HMGET', STATE, unpack(fields))
  local minute, into = math.floor(NOW / 60000), NOW % 60000
  local function taken(m)
    local at, n = string.match(v[m % 16 + 2] or '', '^(%d+):(%d+)$')
    return tonumber(at) == m and tonumber(n) or 0
  end
  local function window(minutes)
    local sum = math.floor(taken(minute - minutes) * (60000 - into) / 60000)
    for m = minute - minutes + 1, minute do sum = sum + taken(m) end
    return sum
  end
  return window(1), window(5), window(15), tonumber(v[1])
end

-- What a standing is made from: at, json, place, number, queue number, till, line length, free
-- slots (-1: no limit), pace.
local function sight(kind, place, number, till)
  local ahead = 0
  if place == 'WAITING' or place == 'AWAY' then
    ahead = count(LINE, '-inf', S(number)) + count(AWAY, '-inf', S(number))
  end
  local one, five, fifteen, since = pace()
  local length = call('ZCARD', LINE) + call('ZCARD', AWAY)
  return { kind, S(NOW), P.json, place, S(number or 0), S(ahead), S(till or 0), S(length),
    S(free_slots() or -1), S(one), S(five), S(fifteen), S(since or 0) }
end
