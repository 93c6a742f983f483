-- claim: READY → ENTERED; again, the facts of the same token. Where that has run out by the clock and
-- the slot stands, it is issued anew, for what is left of the slot.
-- KEYS  16 user record  17 pages    ARGV  1 member  2 kid
-- Reply {'ENTERED', version, number, jti, kid, iat, exp}, {'NOT_READY'} or {'CLOSED'}.
assert(#KEYS == 17 and #ARGV == 2)
if not P then return UNKNOWN end
local member, kid, user = ARGV[1], ARGV[2], KEYS[16]
beat_slots()
local state, number, _, s = settle(member, user)
local function entered()
  return done({ 'ENTERED', S(P.version), S(number), token_id(number), s.kid, S(s.iat), S(s.exp) })
end
if state == 'ENTERED' then
  local exp = math.floor((NOW + s.till - T.slotTime) / 1000)
  if s.exp * 1000 <= NOW and exp > s.exp then
    s.kid, s.exp = kid, exp
    save_inside(member, user, s)
  end
  return entered()
end
if PHASE == 'closed' then return done({ 'CLOSED' }) end
if state ~= 'READY' then return done({ 'NOT_READY' }) end
local iat = math.floor(NOW / 1000)
local begun = T.slotTime + iat * 1000 - NOW
s = { number = number, till = begun + P.sessionMs, kid = kid, iat = iat,
  exp = iat + P.sessionMs / 1000, begun = begun }
call('ZREM', READY, member)
call('ZREM', KEYS[17], member)
save_inside(member, user, s)
return entered()
