-- admit: takes live entries off the front into admitting; looks at no more than 1,000.
-- KEYS  16 the record of the opening's idempotency key (unused without one)
-- ARGV  1 open | schedule  2 batch size  3 taken so far by this opening  4 '1' with a key
-- Reply {'TAKEN', version, now, total, more, waiting, limited by, replayed, member, number, name, …},
--       {'CLOSED'} or {'KEY_REUSED'}. The key's record: the version by which the concert was first put
--       (one dropped since has no say), batch size, taken, 1 when finished, limited by, until (ms).
assert(#KEYS == 16 and #ARGV == 4)
if not P then return UNKNOWN end
local by, batch, done = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local keyed, key, DAY_MS = ARGV[4] == '1', KEYS[16], 86400000
beat_slots()

local function reply(taken, more, limited_by, replayed)
  local waiting = in_line()
  local r = { 'TAKEN', S(P.version), S(NOW), S(done), more and 1 or 0, S(waiting), limited_by,
    replayed and 1 or 0 }
  for _, word in ipairs(taken) do r[#r + 1] = word end
  return r
end

local born = S(T.born)
if keyed then
  local since, size, taken, finished, limited_by, till =
    string.match(call('GET', key) or '', '^(%d+) (%d+) (%d+) (%d) (%S+) (%d+)$')
  if since ~= born or tonumber(till) <= NOW then size, taken, finished = nil, nil, nil end
  if size and tonumber(size) ~= batch then return { 'KEY_REUSED' } end
  done = tonumber(taken) or 0
  if finished == '1' then return reply({}, false, limited_by, true) end
end
if OVER then return { 'CLOSED' } end

-- How many the schedule may take now: nobody while one of those that a member needs is away.
local function due()
  if PHASE ~= 'open' or P.autoOpen ~= 1 then return 0 end
  if who_is_away() then return 0 end
  local v = call('HMGET', STATE, 'takeAt', 'takeLeft')
  local left = P.groupSize - call('ZCARD', ADMITTING)
  -- Between two takes only the rest of one that the bound on work cut short.
  if v[1] and T.slotTime < tonumber(v[1]) + P.intervalMs then return math.min(left, tonumber(v[2])) end
  return left
end

local due_now, most = by == 'schedule' and due() or batch - done, enough()
local left = math.min(due_now, most)
local taken, more = take(left, by)
local n = #taken / 3
done = done + n
if by == 'schedule' and n > 0 then
  call('HSET', STATE, 'takeAt', S(T.slotTime), 'takeLeft', more and S(left - n) or '0')
end
local limited_by = 'line'
if done >= batch and by == 'open' then limited_by = 'batchSize'
elseif n >= most and in_line() > 0 then limited_by = 'soldOut'
elseif LIMIT and slots().used >= LIMIT and in_line() > 0 then limited_by = 'maxActive' end
if keyed then
  local record = { born, S(batch), S(done), more and '0' or '1', limited_by, S(NOW + DAY_MS) }
  call('SET', key, table.concat(record, ' '), 'PX', S(DAY_MS + COLLECT_MS))
end
return reply(taken, more, limited_by, false)
