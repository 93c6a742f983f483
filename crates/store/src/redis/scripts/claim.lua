-- claim: READY → ENTERED; again, the facts of the same token.
-- KEYS  13 user record    ARGV  1 member  2 kid
-- Reply {'ENTERED', json, number, jti, kid, iat, exp}, {'NOT_READY'} or {'CLOSED'}.
assert(#KEYS == 13 and #ARGV == 2)
if not P then return UNKNOWN end
local member, kid, user = ARGV[1], ARGV[2], KEYS[13]
local state, number, _, s = settle(member, user)
if state == 'ENTERED' then
  return { 'ENTERED', P.json, S(number), s.jti, s.kid, s.iat, s.exp }
end
if PHASE == 'closed' then return { 'CLOSED' } end
if state ~= 'READY' then return { 'NOT_READY' } end
local jti, iat = token_id(number), math.floor(NOW / 1000)
local exp = iat + P.sessionMs / 1000
call('ZREM', READY, member)
call('ZADD', INSIDE, S(exp * 1000), member)
save_session(user, exp * 1000, 'ENTERED', S(number), S(exp * 1000), jti, kid, S(iat), S(exp))
return { 'ENTERED', P.json, S(number), jti, kid, S(iat), S(exp) }
