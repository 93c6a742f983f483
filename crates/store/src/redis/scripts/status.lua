-- status: where members stand; with a sign of life, an away member is back.
-- KEYS  16… user record of each    ARGV  member, '1' for a sign of life; of each, at most 256
-- Reply {what reply_head gives, then of each what add_standing gives}.
local n = #KEYS - 15
assert(#ARGV == 2 * n and n <= 256)
if not P then return UNKNOWN end
local members, users, signs = {}, {}, {}
for i = 1, n do members[i], users[i] = ARGV[2 * i - 1], KEYS[15 + i] end
local found = settle_all(members, users)
for i, it in ipairs(found) do
  if ARGV[2 * i] == '1' and (it.state == 'WAITING' or it.state == 'AWAY') then signs[#signs + 1] = it end
end
seen(signs)
local reply, away_length = reply_head(), call('ZCARD', AWAY)
for _, it in ipairs(found) do add_standing(reply, it, away_length) end
return reply
