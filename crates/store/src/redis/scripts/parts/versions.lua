-- Which version is there.

-- The version of the policy in force, or of the dropped concert; 0 if there is none.
local function version_in_force()
  if type(RAW) == 'table' then return tonumber(redis.pcall('HGET', POLICY, 'version') or 0) or 0 end
  return #RAW > 8 and select(2, struct.unpack('<Bd', RAW)) or 0
end
