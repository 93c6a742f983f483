-- The line as a whole: waiting, away, admitting. Behind policy.lua.

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
  if not FROZEN and P.paused ~= 1 then lapsed = select(2, run_out(moment)) end
  total('lapsed', lapsed)
  total('cleared', all - lapsed)
  call('HSET', STATE, 'clearedThrough', call('HGET', STATE, 'last') or '0')
  call('UNLINK', LINE, AWAY, DEADLINES, LAPSES, ADMITTING, ENTRIES)
  return all - lapsed
end
-- A sale that is over has no line.
if OVER and call('EXISTS', LINE, AWAY, ADMITTING) > 0 then
  clear_line(P.closed == 1 and NOW or P.endMs)
end

-- Waiting, away, and lapsed but not collected, by the clock.
local function in_line()
  local gone, lapsed = 0, 0
  if not FROZEN then gone, lapsed = run_out(NOW) end
  return call('ZCARD', LINE) - gone, call('ZCARD', AWAY) + gone - lapsed, lapsed
end
