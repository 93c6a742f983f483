-- admit: an operator's `open` takes live entries off the front into admitting; looks at no more than 1,000.
-- KEYS  16 the record of the opening's idempotency key (unused without one)
-- ARGV  1 batch size  2 taken so far by this opening  3 '1' with a key
-- Reply {'TAKEN', version, now, total, more, waiting, limited by, replayed, member, number, name, …},
--       {'CLOSED'} or {'KEY_REUSED'}. The key's record: the version by which the concert was first put
--       (one dropped since has no say), batch size, taken, 1 when finished, limited by, until (ms).
assert(#KEYS == 16 and #ARGV == 3)
if not P then return UNKNOWN end
local batch, so_far = tonumber(ARGV[1]), tonumber(ARGV[2])
local keyed, key, DAY_MS = ARGV[3] == '1', KEYS[16], 86400000
beat_slots()

local function reply(taken, more, limited_by, replayed)
  local waiting = in_line()
  local r = { 'TAKEN', S(P.version), S(NOW), S(so_far), more and 1 or 0, S(waiting), limited_by,
    replayed and 1 or 0 }
  append(r, taken)
  return done(r)
end

local born = S(T.born)
if keyed then
  local since, size, taken, finished, limited_by, till =
    string.match(call('GET', key) or '', '^(%d+) (%d+) (%d+) (%d) (%S+) (%d+)$')
  if since ~= born or tonumber(till) <= NOW then size, taken, finished = nil, nil, nil end
  if size and tonumber(size) ~= batch then return done({ 'KEY_REUSED' }) end
  so_far = tonumber(taken) or 0
  if finished == '1' then return reply({}, false, limited_by, true) end
end
if OVER then return done({ 'CLOSED' }) end

local most = enough()
local taken, more = take(math.min(batch - so_far, most), 'open')
local n = #taken / 3
so_far = so_far + n
local limited_by = 'line'
if so_far >= batch then limited_by = 'batchSize'
elseif n >= most and in_line() > 0 then limited_by = 'soldOut'
elseif LIMIT and slots().used >= LIMIT and in_line() > 0 then limited_by = 'maxActive' end
if keyed then
  local record = { born, S(batch), S(so_far), more and '0' or '1', limited_by, S(NOW + DAY_MS) }
  call('SET', key, table.concat(record, ' '), 'PX', S(DAY_MS + COLLECT_MS))
end
return reply(taken, more, limited_by, false)
