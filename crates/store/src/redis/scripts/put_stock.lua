-- put_stock: keeps what the shop reports to have left. A line that is not live is no more so for it.
-- ARGV  1 how many are left  2 how many are held  3 the price tiers as JSON, which no script reads
-- Reply: 1 if the line is live.
assert(#KEYS == 15 and #ARGV == 3)
if not P then return UNKNOWN end
-- The snapshot kept for all does not know of it.
call('HSET', STATE, 'stockLeft', ARGV[1], 'stockHeld', ARGV[2], 'stock', ARGV[3], 'stockAt', S(NOW),
  'recent', '')
return call('EXISTS', LIVE)
