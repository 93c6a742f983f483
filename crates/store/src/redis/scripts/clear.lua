-- clear: empties the line.
-- Reply: how many were waiting, away or admitting.
assert(#KEYS == 15 and #ARGV == 0)
if not P then return UNKNOWN end
return S(clear_line())
