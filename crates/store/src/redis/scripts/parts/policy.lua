-- The policy in force, its phase, and the moment from which deadlines count. Behind prelude.lua.
local UNKNOWN = redis.error_reply('UNKNOWN_CONCERT there is no such concert')
-- What the scripts decide by; the Rust side writes these fields.
local FIELDS = { 'json', 'startMs', 'endMs', 'opensMs', 'closed', 'paused', 'mode', 'maxActive',
  'maxQueueSize', 'autoOpen', 'groupSize', 'intervalMs', 'waitingMs', 'keepMs', 'readyMs',
  'sessionMs', 'holdMs', 'identity', 'refuseLongWait', 'maxWaitMs' }

-- Each field by its name, numbers as numbers, flags as 1 or 0; nil for an unknown concert.
local function policy()
  local values, p = call('HMGET', POLICY, unpack(FIELDS)), {}
  if not values[1] then return end
  for i = 1, #FIELDS do
    local value = values[i]
    if value then p[FIELDS[i]] = tonumber(value) or value end
  end
  return p
end
local P = policy()

local function phase(p)
  if p.closed == 1 then return 'closed' end
  if p.endMs and NOW >= p.endMs then return 'ended' end
  if p.opensMs and NOW < p.opensMs then return 'early' end
  if p.startMs and NOW < p.startMs then return 'before' end
  return p.paused == 1 and 'paused' or 'open'
end
local function is_over(p) return phase(p) == 'closed' or phase(p) == 'ended' end
local PHASE, OVER = P and phase(P), P and is_over(P)
-- Nobody goes away or lapses before the start, or while paused.
local FROZEN = P and not OVER and PHASE ~= 'open'

-- If nobody heard signs of life for 15 s, a grace begins first.
local heard = call('HMGET', STATE, 'beat', 'grace', 'resumed')
local BEAT, GRACE = tonumber(heard[1]), tonumber(heard[2]) or 0
if BEAT and (NOW - BEAT > DEAF_MS or BEAT > NOW) then
  GRACE = NOW
  call('HSET', STATE, 'grace', S(NOW), 'beat', S(NOW))
end
-- The deadlines of the line count from no earlier than this.
local FLOOR = math.max(GRACE, tonumber(heard[3]) or 0, P and P.startMs or 0)
