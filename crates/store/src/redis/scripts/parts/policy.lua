-- The policy in force and its phase. Behind prelude.lua.
local UNKNOWN = redis.error_reply('UNKNOWN_CONCERT there is no such concert')
-- How the keys are to be read; the Rust side writes it in front of the policy.
local LAYOUT = 4
local QUEUE, THRESHOLD, OFF = 0, 1, 2

-- What the scripts decide by: the layout, then 20 numbers in the order of `packed` in verbs.rs, infinite
-- where there is no such limit. The concert as JSON follows, which no script reads. Of a dropped concert
-- there are the layout and its version alone.
local PACKED = '<B' .. string.rep('d', 20)
local BYTES = struct.size(PACKED)

local function unpacked(bytes)
  if #bytes < BYTES then return end
  local p, _ = {}, nil
  _, p.version, p.startMs, p.endMs, p.opensMs, p.closed, p.paused, p.mode, p.maxActive, p.maxQueueSize,
    p.autoOpen, p.groupSize, p.intervalMs, p.waitingMs, p.keepMs, p.readyMs, p.sessionMs, p.holdMs,
    p.guests, p.refuseLongWait, p.stopWhenSoldOut = struct.unpack(PACKED, bytes)
  return p
end

local RAW = redis.pcall('GETRANGE', POLICY, 0, BYTES - 1)
-- What an earlier release left is unknown here: its keys are read otherwise.
local EARLIER = type(RAW) == 'table' or #RAW > 0 and string.byte(RAW) ~= LAYOUT
local P
if EARLIER then
  UNKNOWN = redis.error_reply('EARLIER_RELEASE a line of an earlier release is in Redis')
else
  P = unpacked(RAW)
end

-- The booking window is all that the clock decides.
local function phase(p)
  if p.closed == 1 then return 'closed' end
  if NOW >= p.endMs then return 'ended' end
  if NOW < p.opensMs then return 'early' end
  if NOW < p.startMs then return 'before' end
  return p.paused == 1 and 'paused' or 'open'
end
local PHASE = P and phase(P)
local OVER = PHASE == 'closed' or PHASE == 'ended'
