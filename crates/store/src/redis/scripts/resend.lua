-- resend: entries in admitting whose ENTER message is due to be sent again.
-- Reply {version, member, number, name, taken, …}, at most 1,000 entries.
assert(#KEYS == 15 and #ARGV == 0)
if not P then return UNKNOWN end
local reply, packed = { S(P.version) }, {}
-- Each pause is as long as the entry has waited so far: 5 s, 10 s, 20 s, … at most RESEND_MOST_MS.
for i, member in ipairs(call('ZRANGEBYSCORE', ADMITTING, '-inf', S(T.slotTime), 'LIMIT', 0, WORK)) do
  local number, taken_at, taken = popped(call('HGET', POPS, member))
  local pause = math.min(math.max(T.slotTime - taken, RESEND_MS), RESEND_MOST_MS)
  call('ZADD', ADMITTING, S(T.slotTime + pause), member)
  packed[i] = pack(number)
  for _, word in ipairs({ member, S(number), '', S(taken_at) }) do reply[#reply + 1] = word end
end
for i, name in ipairs(names(packed)) do reply[4 * i] = name end
return reply
