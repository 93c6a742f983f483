-- note_pages: members who have a page of the shop open. The sessions of those whose page was there and has
-- been gone for too long end, while others wait.
-- KEYS  16 pages: member, reading of slotTime at which the page was there    ARGV  the members
-- Reply: how many sessions ended.
assert(#KEYS == 16 and #ARGV <= WORK)
if not P then return UNKNOWN end
local PAGES, UNTOLD_MS = KEYS[16], 5000
if P.idleShopMs == math.huge then
  call('UNLINK', PAGES)
  return 0
end
beat_slots()
-- While nobody tells of pages, none counts as gone.
local v = call('HMGET', STATE, 'pagesAt', 'pagesSince')
local at, since = tonumber(v[1] or nil), tonumber(v[2] or nil)
if not at or T.slotTime - at > UNTOLD_MS then since = T.slotTime end
call('HSET', STATE, 'pagesAt', S(T.slotTime), 'pagesSince', S(since))

-- Those of these members who are inside, each behind a score of now: as ZADD takes them.
local function inside_now(members)
  local scored = {}
  local tills = #members > 0 and call('ZMSCORE', INSIDE, unpack(members)) or {}
  for i, member in ipairs(members) do
    if tonumber(tills[i] or 0) > T.slotTime then append(scored, { S(T.slotTime), member }) end
  end
  return scored
end

-- Of those who hold something it is the end of their session, which is later.
local here = inside_now(ARGV)
if #here > 0 then
  call('ZADD', PAGES, 'GT', unpack(here))
  call('PEXPIRE', PAGES, S(COLLECT_MS))
end

local gone = T.slotTime - P.idleShopMs
if gone < since or in_line() == 0 then return done(0) end
local idle = call('ZRANGEBYSCORE', PAGES, '-inf', S(gone), 'LIMIT', 0, WORK)
if #idle == 0 then return done(0) end
local over = inside_now(idle)
if #over > 0 then call('ZADD', INSIDE, unpack(over)) end
call('ZREM', PAGES, unpack(idle))
return done(#over / 2)
