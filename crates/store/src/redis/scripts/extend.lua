-- extend: lets the ENTERED session of exactly this entry last until the policy's hold from now would
-- end, if that is later; never past its beginning, the policy's session and its hold together.
-- Who holds something may leave the shop's page.
-- KEYS  16 user record  17 pages    ARGV  1 member  2 entry number
-- Reply {version, number, jti, kid, iat, exp, 1 if it was moved}; nil if there is no such session.
assert(#KEYS == 17 and #ARGV == 2)
if not P then return UNKNOWN end
local member, user = ARGV[1], KEYS[16]
beat_slots()
local state, number, _, s = settle(member, user)
if state ~= 'ENTERED' or S(number) ~= ARGV[2] then return done(false) end
local most = s.begun + P.sessionMs + P.holdMs - T.slotTime
local hold = math.floor(NOW / 1000) * 1000 + P.holdMs - NOW
local left = math.min(hold, most)
local moves = T.slotTime + left > s.till
if moves then
  s.till = T.slotTime + left
  s.exp = math.max(s.exp, math.floor((NOW + left) / 1000))
  save_inside(member, user, s)
end
if P.idleShopMs < math.huge then
  call('ZADD', KEYS[17], 'GT', S(s.till), member)
  call('PEXPIRE', KEYS[17], S(COLLECT_MS))
end
return done({ S(P.version), S(number), token_id(number), s.kid, S(s.iat), S(s.exp),
  moves and '1' or '0' })
