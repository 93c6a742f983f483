-- The keys, the clock and the numbers of every verb.
--
-- KEYS  1 line  2 away  3 deadlines  4 lapses  5 admitting  6 entries  7 ready  8 inside
--       9 cooling  10 revoked  11 policy  12 state  13… as the verb says
assert(#KEYS >= 12, 'a verb takes at least 12 keys')
local LINE, AWAY, DEADLINES, LAPSES, ADMITTING, ENTRIES = unpack(KEYS, 1, 6)
local READY, INSIDE, COOLING, REVOKED, POLICY, STATE = unpack(KEYS, 7, 12)
local DEAF_MS, COOLING_MS, WORK = 15000, 5000, 1000
local RESEND_MS, RESEND_MOST_MS = 5000, 60000
-- A user record's own expiry only removes garbage that no sweep collected: a week after its
-- deadline, so that it decides nothing in any outage shorter than that.
local COLLECT_MS = 7 * 86400000
local call = redis.call

-- Read once; no other clock decides anything.
local time = call('TIME')
local US = tonumber(time[1]) * 1000000 + tonumber(time[2])
local NOW = math.floor(US / 1000)

-- Changes nothing, but a replica refuses it: what a former primary could read may be old.
call('PERSIST', STATE)

-- Numbers leave Lua only by this: tostring, .. and cjson cut to 14 digits.
local function S(n) return string.format('%.0f', n) end
local function total(name, by) call('HINCRBY', STATE, name, S(by)) end
local function count(key, from, to) return call('ZCOUNT', key, from, to) end
