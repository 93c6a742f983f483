-- admit: takes live entries off the front into admitting; looks at no more than 1,000.
-- KEYS  13 the record of the opening's idempotency key (unused without one)
-- ARGV  1 open | schedule  2 batch size  3 taken so far by this opening  4 '1' with a key
-- Reply {'TAKEN', json, now, total, more, waiting, limited by, replayed, member, number, name, …},
--       {'CLOSED'} or {'KEY_REUSED'}. The key's record: the version by which the concert was first put
--       (one dropped since has no say), batch size, taken, 1 when finished, limited by.
assert(#KEYS == 13 and #ARGV == 4)
if not P then return UNKNOWN end
local by, batch, done = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local keyed, key = ARGV[4] == '1', KEYS[13]

local function reply(taken, more, limited_by, replayed)
  local waiting = in_line()
  local r = { 'TAKEN', P.json, S(NOW), S(done), more and 1 or 0, S(waiting), limited_by,
    replayed and 1 or 0 }
  for _, word in ipairs(taken) do r[#r + 1] = word end
  return r
end

local born = call('HGET', STATE, 'born') or '0'
if keyed then
  local since, size, taken, finished, limited_by =
    string.match(call('GET', key) or '', '^(%d+) (%d+) (%d+) (%d) (%S+)$')
  if since ~= born then size, taken, finished = nil, nil, nil end
  if size and tonumber(size) ~= batch then return { 'KEY_REUSED' } end
  done = tonumber(taken) or 0
  if finished == '1' then return reply({}, false, limited_by, true) end
end
if OVER then return { 'CLOSED' } end

local left = batch - done
if by == 'schedule' then
  local v = call('HMGET', STATE, 'taken', 'takeLeft')
  local last, take_left = tonumber(v[1]), tonumber(v[2]) or 0
  left = P.groupSize - call('ZCARD', ADMITTING)
  -- A clock that went back begins the interval anew.
  if last and NOW < last then
    last = NOW
    call('HSET', STATE, 'taken', S(NOW))
  end
  -- Between two takes only the rest of one that the bound on work cut short.
  if last and NOW < last + P.intervalMs then left = math.min(left, take_left) end
  if PHASE ~= 'open' or P.autoOpen ~= 1 then left = 0 end
end
local wanted = math.min(left, free_slots() or left)

local taken, looked, n = {}, 0, 0
while n < wanted and looked < WORK do
  local front = call('ZRANGE', LINE, 0, math.min(wanted - n, WORK - looked) - 1)
  if #front == 0 then break end
  for _, member in ipairs(front) do
    looked = looked + 1
    local state, number = settle_line(member)
    if state == 'WAITING' then
      local _, _, _, name = entry(member)
      n = n + 1
      call('ZREM', LINE, member)
      call('ZREM', DEADLINES, member)
      call('ZADD', ADMITTING, S(NOW + RESEND_MS), member)
      call('HSET', ENTRIES, member, table.concat({ S(number), S(NOW), by, name }, ' '))
      for _, word in ipairs({ member, S(number), name }) do taken[#taken + 1] = word end
    end
  end
end

local more = n < wanted and looked >= WORK and call('ZCARD', LINE) > 0
done = done + n
if n > 0 then note_taken(n) end
if by == 'schedule' and n > 0 then
  call('HSET', STATE, 'taken', S(NOW), 'takeLeft', more and S(left - n) or '0')
end
local limited_by = 'line'
if done >= batch and by == 'open' then limited_by = 'batchSize'
elseif free_slots() == 0 and in_line() > 0 then limited_by = 'maxActive' end
if keyed then
  call('SET', key, table.concat({ born, S(batch), S(done), more and '0' or '1', limited_by }, ' '),
    'PX', '86400000')
end
return reply(taken, more, limited_by, false)
