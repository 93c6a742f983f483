-- One session: READY or ENTERED. Behind line.lua and feed.lua.

-- A session's record: READY number till | ENTERED number till kid iat exp begun. READY ends at a
-- reading of claimTime, ENTERED at one of slotTime, by which it also began; iat and exp are in seconds.
-- nil if there is none, false if it cannot be read.
local function session(user)
  local record = redis.pcall('GET', user)
  if not record then return end
  if type(record) ~= 'string' then return false end
  local number, till = string.match(record, '^READY (%d+) (%d+)$')
  if number then return { state = 'READY', number = tonumber(number), till = tonumber(till) } end
  local kid, iat, exp, begun
  number, till, kid, iat, exp, begun =
    string.match(record, '^ENTERED (%d+) (%d+) (%S+) (%d+) (%d+) (-?%d+)$')
  return number and { state = 'ENTERED', number = tonumber(number), till = tonumber(till), kid = kid,
    iat = tonumber(iat), exp = tonumber(exp), begun = tonumber(begun) } or false
end

-- The member's earlier slot, if it is not free yet, is theirs to use again.
local function take_cooling(member)
  local till = score(COOLING, member)
  if till == 0 then return end
  call('ZREM', COOLING, member)
  call('ZADD', OWED, S(till), member)
end

-- When the time of a READY member is up (ms), as far as is known.
local function ready_until(till) return NOW + till - claim_now() + T.claimStand end

-- The record of a READY member. It goes with the member's score in READY, and needs no expiry of its own.
local function ready_record(number, till) return 'READY ' .. number .. ' ' .. till end

local function become_ready(member, user, number)
  local till = claim_now() + P.readyMs
  call('ZADD', READY, S(till), member)
  call('SET', user, ready_record(S(number), S(till)))
  return ready_until(till)
end

local function save_inside(member, user, s)
  call('ZADD', INSIDE, S(s.till), member)
  local record = { 'ENTERED', S(s.number), S(s.till), s.kid, S(s.iat), S(s.exp), S(s.begun) }
  call('SET', user, table.concat(record, ' '), 'PX', S(s.till - T.slotTime + COLLECT_MS))
end

-- Ends an ENTERED session; its slot stays taken until every gate knows.
local function end_inside(member, user, till)
  call('ZREM', INSIDE, member)
  call('DEL', user)
  end_slot(member, till)
end

-- The id of every token of an entry. It follows from the entry, so that a claim that a failover lost
-- gives the same one when it is made again, and revoking it ends both.
local function token_id(number) return string.sub(LINE, #'concert:' + 1) .. ':' .. S(number) end

-- Revokes every token of an entry, until none can live: not the one on record, nor one that was
-- issued or extended before a failover lost that.
local function revoke(s)
  local iat = s.iat or math.floor(NOW / 1000)
  local longest = math.max(tonumber(call('HGET', STATE, 'longestMs')) or 0, P.sessionMs + P.holdMs)
  list_ended(s.number, math.max(s.exp or 0, iat + longest / 1000))
end

-- A session's time is up, as a reading of slotTime. One whose token lives on by the clock is revoked.
local function run_out_inside(member, user, s, till)
  if s and s.exp * 1000 > NOW then
    revoke(s)
    till = T.slotTime
  end
  end_inside(member, user, s and till + COOLING_MS or 0)
  total('expired', 1)
end

-- Where a member stands in whose set there is time left or not; ends what has run out.
local function settle_session(it, lives)
  local member, s = it.member, session(it.user)
  if lives and s then
    it.state, it.number, it.session = s.state, S(s.number), s
    it.till = s.state == 'READY' and ready_until(s.till) or s.exp * 1000
  elseif lives and s == false then
    it.state = 'BAD'
  -- A record that was collected by its own expiry is missed here and counted all the same.
  elseif call('ZREM', READY, member) == 1 then
    call('DEL', it.user)
    end_slot(member, 0)
    total('unclaimed', 1)
    it.ended = 'unclaimed'
  else
    local till = score(INSIDE, member)
    if till > 0 then
      run_out_inside(member, it.user, s, till)
      it.ended = 'expired'
    end
  end
end
