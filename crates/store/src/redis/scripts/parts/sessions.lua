-- One session: READY or ENTERED. Behind policy.lua and feed.lua.

-- A session's record: READY number until | ENTERED number until jti kid iat exp
local function session(user)
  local record = call('GET', user)
  if not record then return end
  local s = {}
  for word in string.gmatch(record, '%S+') do s[#s + 1] = word end
  return { state = s[1], number = tonumber(s[2]), till = tonumber(s[3]),
    jti = s[4], kid = s[5], iat = s[6], exp = s[7] }
end

local function save_session(user, till, ...)
  call('SET', user, table.concat({ ... }, ' '), 'PX', S(till - NOW + COLLECT_MS))
end

local function become_ready(member, user, number)
  local till = NOW + P.readyMs
  call('ZADD', READY, S(till), member)
  save_session(user, till, 'READY', S(number), S(till))
  return till
end

-- Ends an ENTERED session; its slot stays taken until every gate knows.
local function end_inside(member, user, s, slot_end)
  call('ZREM', INSIDE, member)
  call('DEL', user)
  if slot_end > NOW then call('ZADD', COOLING, S(slot_end), S(s.number)) end
end

-- The id of every token of an entry. It follows from the entry, so that a claim that a failover lost
-- gives the same one when it is made again, and revoking it ends both.
local function token_id(number) return string.sub(LINE, #'concert:' + 1) .. ':' .. S(number) end

-- Revokes every token of an entry, until none can live: not the one on record, nor one that was
-- issued or extended before a failover lost that.
local function revoke(s)
  local iat = tonumber(s.iat) or math.floor(NOW / 1000)
  local longest = math.max(tonumber(call('HGET', STATE, 'longestMs')) or 0, P.sessionMs + P.holdMs)
  list_ended(s.number, math.max(tonumber(s.exp) or 0, iat + longest / 1000))
end

-- Ends what has run out of a member's session; says where the member stands then.
local function settle_session(member, user)
  local s = session(user)
  if s and s.state == 'READY' then
    local till = math.max(s.till, GRACE + P.readyMs)
    if till > NOW then return 'READY', s.number, till, s end
  elseif s and s.till > NOW then
    return 'ENTERED', s.number, s.till, s
  end
  -- A record that was collected by its own expiry is missed here and counted all the same.
  if call('ZREM', READY, member) == 1 then
    call('DEL', user)
    total('unclaimed', 1)
  elseif call('ZSCORE', INSIDE, member) then
    end_inside(member, user, s or { number = 0 }, s and s.till + COOLING_MS or 0)
    total('expired', 1)
  end
  return 'NONE'
end
