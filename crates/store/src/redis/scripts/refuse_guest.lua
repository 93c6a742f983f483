-- refuse_guest: counts a guest who was refused a token.
-- Reply: 1.
assert(#KEYS == 15 and #ARGV == 0)
if not P then return UNKNOWN end
total('guestsRefused', 1)
return 1
