-- status: where a member stands; with a sign of life, an away member is back.
-- KEYS  13 user record    ARGV  1 member  2 '1' for a sign of life
-- Reply {kind, sight…}.
assert(#KEYS == 13 and #ARGV == 2)
if not P then return UNKNOWN end
local place, number, till = settle(ARGV[1], KEYS[13])
if ARGV[2] == '1' and (place == 'WAITING' or place == 'AWAY') then
  seen(ARGV[1], place, number)
  place = 'WAITING'
end
return sight('SEEN', place, number, till)
