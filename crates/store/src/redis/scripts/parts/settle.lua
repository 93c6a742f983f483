-- Where a member stands. Behind entries.lua, pops.lua and sessions.lua.

-- Ends what has run out of a member's entry or session; says where the member stands then:
-- place, number, till (ms), session: NONE, WAITING, AWAY, ADMITTING, READY or ENTERED.
local function settle(member, user)
  local state, number = settle_line(member)
  if state and state ~= 'NONE' then return state, number end
  if call('ZSCORE', ADMITTING, member) then
    return 'ADMITTING', (popped(call('HGET', POPS, member)))
  end
  return settle_session(member, user)
end
