-- resend: entries in admitting whose ENTER message is due to be sent again.
-- Reply {json, member, number, name, taken, …}, at most 1,000 entries.
assert(#KEYS == 12 and #ARGV == 0)
if not P then return UNKNOWN end
local reply = { P.json }
-- Each pause is as long as the entry has waited so far: 5 s, 10 s, 20 s, … at most RESEND_MOST_MS.
for _, member in ipairs(call('ZRANGEBYSCORE', ADMITTING, '-inf', S(NOW), 'LIMIT', 0, WORK)) do
  local number, taken_at, _, name = entry(member)
  local pause = math.min(math.max(NOW - taken_at, RESEND_MS), RESEND_MOST_MS)
  call('ZADD', ADMITTING, S(NOW + pause), member)
  for _, word in ipairs({ member, S(number), name, S(taken_at) }) do reply[#reply + 1] = word end
end
return reply
