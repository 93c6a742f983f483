-- What members are told of where they stand. Behind settle.lua.

local STANDING = 5

-- Appends state, number, queue number, live entries ahead, till (ms) of one member.
local function add_standing(reply, it, away_length)
  local live, away, ahead = 0, 0, 0
  if it.state == 'WAITING' then
    live = it.rank or call('ZRANK', LINE, it.member) + 1
    ahead = live - 1
  elseif it.state == 'AWAY' then
    live = count(LINE, '-inf', it.number)
    ahead = live
  end
  if away_length > 0 and (it.state == 'WAITING' or it.state == 'AWAY') then
    away = count(AWAY, '-inf', it.number)
  end
  local n = #reply
  reply[n + 1], reply[n + 2], reply[n + 3] = it.state, it.number or '0', live + away
  reply[n + 4], reply[n + 5] = ahead, it.till and S(it.till) or '0'
end

-- What an answer begins with: now, the policy's version, and how far the line has come: the version by
-- which the concert was first put, how many were ever taken, lineTime.
local function reply_head() return { S(NOW), S(P.version), S(T.born), S(T.taken), S(line_now()) } end
