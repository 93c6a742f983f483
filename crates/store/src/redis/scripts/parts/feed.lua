-- The feed of sessions that ended before their tokens. Behind prelude.lua.

-- A member is an entry number (8 bytes) and when the last token of that entry ends (s, 4 bytes). Its score
-- is its order in the feed: µs, but always above the highest, so that a reader who knows the last pair of
-- order and number misses nothing that comes later, whatever the clock does.
local ENDED, FEED_LOOK, FORGET_S = '>I8I4', 100, 3600

local function list_ended(number, till)
  local highest = tonumber(call('ZRANGE', REVOKED, -1, -1, 'WITHSCORES')[2]) or 0
  call('ZADD', REVOKED, 'NX', S(math.max(US, highest + 1)), struct.pack(ENDED, number, till))
  -- As with user records, this only collects garbage, of a dropped concert for one.
  local lasts = (till + FORGET_S) * 1000 - NOW + COLLECT_MS
  if call('PTTL', REVOKED) < lasts then call('PEXPIRE', REVOKED, S(lasts)) end
end

-- Forgets what ended an hour ago of the oldest in the feed; says how many.
local function forget_ended()
  local over = {}
  for _, member in ipairs(call('ZRANGE', REVOKED, 0, FEED_LOOK - 1)) do
    -- What is of another length was written by an earlier release.
    local till = #member == 12 and select(2, struct.unpack(ENDED, member)) or 0
    if (till + FORGET_S) * 1000 <= NOW then over[#over + 1] = member end
  end
  if #over > 0 then call('ZREM', REVOKED, unpack(over)) end
  return #over
end
