-- resend: entries in admitting whose ENTER message is due to be sent again.
-- Reply {json, member, number, name, taken, …}, at most 1,000 entries.
assert(#KEYS == 12 and #ARGV == 0)
if not P then return UNKNOWN end
local reply = { P.json }
for _, member in ipairs(call('ZRANGEBYSCORE', ADMITTING, '-inf', S(NOW), 'LIMIT', 0, WORK)) do
  local number, taken_at, _, name = entry(member)
  call('ZADD', ADMITTING, S(NOW + RESEND_MS), member)
  for _, word in ipairs({ member, S(number), name, S(taken_at) }) do reply[#reply + 1] = word end
end
return reply
