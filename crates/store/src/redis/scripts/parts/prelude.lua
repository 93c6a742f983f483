-- The keys, the clock and the numbers of every verb.
--
-- KEYS  1 line  2 away  3 seen  4 lapses  5 names  6 admitting  7 pops  8 ready  9 inside
--       10 cooling  11 owed  12 revoked  13 policy  14 state  15 live  16… as the verb says
assert(#KEYS >= 15, 'a verb takes at least 15 keys')
local LINE, AWAY, SEEN, LAPSES, NAMES, ADMITTING, POPS = unpack(KEYS, 1, 7)
local READY, INSIDE, COOLING, OWED, REVOKED, POLICY, STATE, LIVE = unpack(KEYS, 8, 15)
local WORK = 1000
local RESEND_MS, RESEND_MOST_MS = 5000, 60000
-- Redis' own expiry only removes garbage that nothing collected: a week after its time, so that it
-- decides nothing in any outage or step of the clock shorter than that.
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
local function score(key, member) return tonumber(call('ZSCORE', key, member) or 0) end
-- Appends a list to another; `#` searches for the end, so it is asked once.
local function append(list, more)
  local n = #list
  for i = 1, #more do list[n + i] = more[i] end
end
