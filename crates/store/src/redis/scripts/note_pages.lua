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

local here = {}
local tills = #ARGV > 0 and call('ZMSCORE', INSIDE, unpack(ARGV)) or {}
for i, member in ipairs(ARGV) do
  if tonumber(tills[i] or 0) > T.slotTime then
    here[#here + 1] = S(T.slotTime)
    here[#here + 1] = member
  end
end
-- Of those who hold something it is the end of their session, which is later.
if #here > 0 then
  call('ZADD', PAGES, 'GT', unpack(here))
  call('PEXPIRE', PAGES, S(COLLECT_MS))
end

local gone = T.slotTime - P.idleShopMs
if gone < since or in_line() == 0 then return done(0) end
local idle = call('ZRANGEBYSCORE', PAGES, '-inf', S(gone), 'LIMIT', 0, WORK)
if #idle == 0 then return done(0) end
local over = {}
tills = call('ZMSCORE', INSIDE, unpack(idle))
for i, member in ipairs(idle) do
  if tonumber(tills[i] or 0) > T.slotTime then
    over[#over + 1] = S(T.slotTime)
    over[#over + 1] = member
  end
end
if #over > 0 then call('ZADD', INSIDE, unpack(over)) end
call('ZREM', PAGES, unpack(idle))
return done(#over / 2)
