-- Slots: admitting, READY, ENTERED, and what ended less than COOLING_MS ago. Behind time.lua.

local LIMIT = P and P.mode ~= OFF and P.maxActive < math.huge and P.maxActive

-- Slots in use, and what they are made of.
local function slots()
  local s = { admitting = call('ZCARD', ADMITTING), ready = call('ZCARD', READY) }
  s.unclaimed = count(READY, '-inf', S(T.claimTime))
  s.ready = s.ready - s.unclaimed
  s.expired = count(INSIDE, '-inf', S(T.slotTime))
  s.inside = call('ZCARD', INSIDE) - s.expired
  s.ending = count(INSIDE, '(' .. S(T.slotTime - COOLING_MS), S(T.slotTime))
  s.cooling = count(COOLING, '(' .. S(T.slotTime), '+inf')
  s.used = s.admitting + s.ready + s.inside + s.ending + s.cooling
  return s
end
