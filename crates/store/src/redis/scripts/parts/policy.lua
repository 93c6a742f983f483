-- The policy in force and its phase. Behind prelude.lua.
local UNKNOWN = redis.error_reply('UNKNOWN_CONCERT there is no such concert')
-- How the keys are to be read; the Rust side writes it with the policy.
local LAYOUT = 2
-- What the scripts decide by; the Rust side writes these fields.
local FIELDS = { 'json', 'startMs', 'endMs', 'opensMs', 'closed', 'paused', 'mode', 'maxActive',
  'maxQueueSize', 'autoOpen', 'groupSize', 'intervalMs', 'waitingMs', 'keepMs', 'readyMs',
  'sessionMs', 'holdMs', 'identity', 'refuseLongWait', 'maxWaitMs', 'layout' }

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
-- What an earlier release left is unknown here: its deadlines are moments of the clock.
local EARLIER = P and P.layout ~= LAYOUT
if EARLIER then
  P, UNKNOWN = nil, redis.error_reply('EARLIER_RELEASE a line of an earlier release is in Redis')
end

-- The booking window is all that the clock decides.
local function phase(p)
  if p.closed == 1 then return 'closed' end
  if p.endMs and NOW >= p.endMs then return 'ended' end
  if p.opensMs and NOW < p.opensMs then return 'early' end
  if p.startMs and NOW < p.startMs then return 'before' end
  return p.paused == 1 and 'paused' or 'open'
end
local PHASE = P and phase(P)
local OVER = PHASE == 'closed' or PHASE == 'ended'
