-- The line: waiting, away, admitting. Behind prelude.lua.
--
-- If the sale is over, its line is cleared first.

-- An entry's record while in line or admitting: number, pop (ms, 0 in line), by, name.
local function entry(member)
  local record = call('HGET', ENTRIES, member)
  if not record then return end
  local number, popped, by, name = string.match(record, '^(%d+) (%d+) (%S+) (.*)$')
  return tonumber(number), tonumber(popped), by, name
end

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

-- Waiting, away, and lapsed but not collected, by the clock.
local function in_line()
  local gone, lapsed = 0, 0
  if not FROZEN then gone, lapsed = run_out(NOW) end
  return call('ZCARD', LINE) - gone, call('ZCARD', AWAY) + gone - lapsed, lapsed
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

-- A sign of life of a member in line; an away member is back at the same number.
local function seen(member, place, number)
  if place == 'AWAY' then
    call('ZREM', AWAY, member)
    call('ZREM', LAPSES, member)
    call('ZADD', LINE, S(number), member)
  end
  call('ZADD', DEADLINES, S(NOW + P.waitingMs), member)
end
