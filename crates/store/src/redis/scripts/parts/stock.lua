-- What the shop has left, by its last report. Behind slots.lua.

-- A report older than this says nothing; nor does one far ahead, from before a step of the clock.
local STALE_MS = 60000

-- The last report that still counts: left, held, when (ms).
local function stock()
  local v = call('HMGET', STATE, 'stockLeft', 'stockHeld', 'stockAt')
  local at = tonumber(v[3] or nil)
  if not at or math.abs(NOW - at) > STALE_MS then return end
  return { left = tonumber(v[1]), held = tonumber(v[2]), at = at }
end

local function is_sold_out(report) return report and report.left + report.held == 0 end

-- Whether nobody is to be called because all is sold.
local function stops() return P.stopWhenSoldOut == 1 and is_sold_out(stock()) end

-- How many more are enough for what is left: those called and not inside yet will want some of it.
-- `s` are the slots, where they are known.
local function enough(s)
  local report = P.stopWhenSoldOut == 1 and stock()
  if not report then return math.huge end
  s = s or slots()
  return math.max(report.left - s.admitting - s.ready, 0)
end
