-- Slots: admitting, READY, ENTERED, and what ended less than 5 s ago. Behind policy.lua.

local LIMIT = P and P.mode ~= 'off' and P.maxActive

-- Slots in use, and what they are made of, by the clock.
local function slots()
  local s = { admitting = call('ZCARD', ADMITTING), ready = call('ZCARD', READY) }
  s.unclaimed = GRACE + P.readyMs > NOW and 0 or count(READY, '-inf', S(NOW))
  s.ready = s.ready - s.unclaimed
  s.expired = count(INSIDE, '-inf', S(NOW))
  s.inside = call('ZCARD', INSIDE) - s.expired
  s.ending = count(INSIDE, '(' .. S(NOW - COOLING_MS), S(NOW))
  s.cooling = count(COOLING, '(' .. S(NOW), '+inf')
  s.used = s.admitting + s.ready + s.inside + s.ending + s.cooling
  return s
end

-- Free slots; nil without a limit.
local function free_slots()
  if LIMIT then return math.max(0, LIMIT - slots().used) end
end
