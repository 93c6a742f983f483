-- What every verb begins with: this, line.lua, sessions.lua and sight.lua are put in front of each
-- script, in that order.
--
-- KEYS  1 line  2 away  3 deadlines  4 lapses  5 admitting  6 entries  7 ready  8 inside
--       9 cooling  10 revoked  11 policy  12 state  13… as the script says
--
-- Leaves behind: NOW (ms) and US (µs), read once; P, the policy, or nil for an unknown concert;
-- PHASE; OVER and FROZEN. If nobody heard signs of life for 15 s, a grace begins first.
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
    'readyMs', 'sessionMs', 'refuseLongWait', 'maxWaitMs', 'holdMs', 'identity')
  return v[1] and {
    json = v[1], startMs = tonumber(v[2]), endMs = tonumber(v[3]), opensMs = tonumber(v[4]),
    closed = v[5] == '1', paused = v[6] == '1', mode = v[7], maxActive = tonumber(v[8]),
    maxQueueSize = tonumber(v[9]), autoOpen = v[10] == '1', groupSize = tonumber(v[11]),
    intervalMs = tonumber(v[12]), waitingMs = tonumber(v[13]), keepMs = tonumber(v[14]),
    readyMs = tonumber(v[15]), sessionMs = tonumber(v[16]), refuseLongWait = v[17] == '1',
    maxWaitMs = tonumber(v[18]), holdMs = tonumber(v[19]), identity = v[20],
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
