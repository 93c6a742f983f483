-- drop_concert: forgets a concert, unless a newer version is in force or somebody is inside. What
-- is left for a day is the version, so that an older one does not come back.
-- ARGV  1 version
-- Reply: 1 if it is gone, 0 if somebody is inside.
assert(#KEYS == 12 and #ARGV == 1)
local version = tonumber(call('HGET', POLICY, 'version')) or 0
if version > tonumber(ARGV[1]) then return 1 end
if P then
  local waiting, away = in_line()
  if waiting + away + slots().used > 0 then return 0 end
end
call('UNLINK', unpack(KEYS))
call('HSET', POLICY, 'version', ARGV[1])
call('EXPIRE', POLICY, 86400)
return 1
