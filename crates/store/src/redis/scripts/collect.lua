-- collect: ends what has run out: sessions of the members given, up to 1,000 of each other kind.
-- KEYS  13… user record of each    ARGV  the members
-- Reply {away, lapsed, unclaimed, expired, 1 if there may be more}.
assert(#ARGV == #KEYS - 12 and #ARGV <= WORK)
if not P then return UNKNOWN end
local before = call('HMGET', STATE, 'lapsed', 'unclaimed', 'expired')
local away, most = 0, 0
local function due(key)
  return call('ZRANGEBYSCORE', key, '-inf', S(NOW), 'LIMIT', 0, WORK)
end
local function note(found) most = math.max(most, #found) end

if not FROZEN and not OVER then
  if FLOOR + P.waitingMs <= NOW then
    local found = due(DEADLINES)
    note(found)
    for _, member in ipairs(found) do
      if settle_line(member) == 'AWAY' then away = away + 1 end
    end
  end
  if FLOOR + P.keepMs <= NOW then
    local found = due(LAPSES)
    note(found)
    for _, member in ipairs(found) do settle_line(member) end
  end
end
for i, member in ipairs(ARGV) do settle_session(member, KEYS[12 + i]) end
local cooled = due(COOLING)
note(cooled)
if #cooled > 0 then call('ZREM', COOLING, unpack(cooled)) end
local forgotten = forget_ended()
local after = call('HMGET', STATE, 'lapsed', 'unclaimed', 'expired')
local reply = { S(away) }
for i = 1, 3 do reply[i + 1] = S((tonumber(after[i]) or 0) - (tonumber(before[i]) or 0)) end
reply[5] = (most >= WORK or #ARGV >= WORK / 2 or forgotten >= FEED_LOOK / 2) and 1 or 0
return reply
