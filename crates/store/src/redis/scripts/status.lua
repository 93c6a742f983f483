-- status: where a member stands; with a sign of life, an away member is back.
-- KEYS  15 user record    ARGV  1 member  2 '1' for a sign of life
-- Reply {kind, what a standing is made from…}.
assert(#KEYS == 15 and #ARGV == 2)
if not P then return UNKNOWN end
local state, number, till = settle(ARGV[1], KEYS[15])
if ARGV[2] == '1' and (state == 'WAITING' or state == 'AWAY') then
  seen(ARGV[1], state, number)
  state = 'WAITING'
end
return standing_facts('SEEN', state, number, till)
