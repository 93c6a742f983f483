-- drop_concert: forgets a concert, unless a newer version is in force or somebody is inside. What
-- is left is the version, for a day, so that an older one does not come back; and the feed of ended
-- sessions, until its own expiry.
-- KEYS  16 pages    ARGV  1 the layout and the version, packed
-- Reply: 1 if it is gone, 0 if somebody is inside, 2 if a newer version is in force.
assert(#KEYS == 16 and #ARGV == 1)
if OTHER and call('EXISTS', LINE, AWAY, ADMITTING, READY, INSIDE) > 0 then return UNKNOWN end
if version_in_force() > select(2, struct.unpack('<Bd', ARGV[1])) then return P and 2 or 1 end
if P then
  local waiting, away = in_line()
  local sessions = call('ZCARD', READY) + call('ZCARD', INSIDE)
  if waiting + away + slots().used + sessions > 0 then return 0 end
end
for _, key in ipairs(KEYS) do
  if key ~= REVOKED then call('UNLINK', key) end
end
call('SET', POLICY, ARGV[1], 'EX', 86400)
return 1
