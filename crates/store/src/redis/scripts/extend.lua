-- extend: lets the ENTERED session of exactly this entry last until the policy's hold from now would
-- end, if that is later; never past the token's issue, the policy's session and its hold together.
-- KEYS  13 user record    ARGV  1 member  2 entry number
-- Reply {json, number, jti, kid, iat, exp, 1 if it was moved}; nil if there is no such session.
assert(#KEYS == 13 and #ARGV == 2)
if not P then return UNKNOWN end
local member, user = ARGV[1], KEYS[13]
local state, number, _, s = settle(member, user)
if state ~= 'ENTERED' or S(number) ~= ARGV[2] then return false end
local longest = tonumber(s.iat) + (P.sessionMs + P.holdMs) / 1000
local exp = math.min(math.floor(NOW / 1000) + P.holdMs / 1000, longest)
local moves = exp > tonumber(s.exp)
if moves then
  s.exp = S(exp)
  call('ZADD', INSIDE, S(exp * 1000), member)
  save_session(user, exp * 1000, 'ENTERED', S(number), S(exp * 1000), s.jti, s.kid, s.iat, s.exp)
end
return { P.json, S(number), s.jti, s.kid, s.iat, s.exp, moves and '1' or '0' }
