-- tick: what is due on a line. Takes a group by schedule, says whose message is to be sent again, and ends
-- what has run out; without a way to send messages only that.
-- KEYS  16… user record of each    ARGV  1 '1' if messages can be sent  2… whose session to end
-- Reply {version, now, waiting, 1 if the bound on work cut a take short, in how many ms the next take is due
--        (0: something holds it; -1: nobody waits for it), how many are taken, how many due again, five of
--        the sweep, member, number, name of each taken, member, number, name, when it was taken of each
--        due again, members to be given next}.
assert(#KEYS == 14 + #ARGV and #ARGV <= WORK + 1)
if not P then return UNKNOWN end
beat_slots()

-- How many the schedule may take now: nobody while one of those that a member needs is away.
local function due()
  if PHASE ~= 'open' or P.autoOpen ~= 1 then return 0 end
  if who_is_away() then return 0 end
  local left = P.groupSize - call('ZCARD', ADMITTING)
  -- Between two takes only the rest of one that the bound on work cut short.
  if T.slotTime < T.takeAt + P.intervalMs then return math.min(left, T.takeLeft) end
  return left
end

local function take_if_due()
  local left = due()
  if left > 0 then left = math.min(left, enough()) end
  if left <= 0 then return {}, false end
  local taken, more = take(left, 'schedule')
  if #taken > 0 then T.takeAt, T.takeLeft = T.slotTime, more and left - #taken / 3 or 0 end
  return taken, more
end

-- Each pause is as long as the entry has waited so far: 5 s, 10 s, 20 s, … at most RESEND_MOST_MS.
local function due_again()
  local again, packed = {}, {}
  if count(ADMITTING, '-inf', S(T.slotTime)) == 0 then return again end
  for i, member in ipairs(call('ZRANGEBYSCORE', ADMITTING, '-inf', S(T.slotTime), 'LIMIT', 0, WORK)) do
    local number, taken_at, taken = popped(call('HGET', POPS, member))
    local pause = math.min(math.max(T.slotTime - taken, RESEND_MS), RESEND_MOST_MS)
    call('ZADD', ADMITTING, S(T.slotTime + pause), member)
    packed[i] = pack(number)
    append(again, { member, S(number), '', S(taken_at) })
  end
  for i, name in ipairs(names(packed)) do again[4 * i - 1] = name end
  return again
end

local function next_take(waiting)
  if waiting == 0 or P.autoOpen ~= 1 or OVER then return -1 end
  if NOW < P.startMs then return P.startMs - NOW end
  return math.max(T.takeAt + P.intervalMs - T.slotTime, 0)
end

local taken, more, again, waits = {}, false, {}, call('EXISTS', LINE) == 1
if ARGV[1] == '1' then
  if waits then taken, more = take_if_due() end
  again = due_again()
end
local swept, candidates = sweep({ unpack(ARGV, 2) }, { unpack(KEYS, 16) })
local waiting = waits and in_line() or 0
local reply = { S(P.version), S(NOW), S(waiting), more and 1 or 0, S(next_take(waiting)),
  #taken / 3, #again / 4, unpack(swept) }
append(reply, taken)
append(reply, again)
append(reply, candidates)
return done(reply)
