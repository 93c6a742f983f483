-- The policy in force and its phase. Behind prelude.lua.
-- How the keys are to be read; the Rust side writes it in front of the policy.
local LAYOUT = 5
local QUEUE, THRESHOLD, OFF = 0, 1, 2

-- What the scripts decide by: the layout, then 21 numbers in the order of `packed` in verbs.rs, infinite
-- where there is no such limit. The concert as JSON follows, which no script reads. Of a dropped concert
-- there are the layout and its version alone.
local PACKED = '<B' .. string.rep('d', 21)
local BYTES = struct.size(PACKED)

local function unpacked(bytes)
  if #bytes < BYTES then return end
  local _, version, start_ms, end_ms, opens_ms, closed, paused, mode, max_active, max_queue_size, auto_open,
    group_size, interval_ms, waiting_ms, keep_ms, ready_ms, session_ms, hold_ms, guests, refuse_long_wait,
    stop_when_sold_out, idle_shop_ms = struct.unpack(PACKED, bytes)
  return { version = version, startMs = start_ms, endMs = end_ms, opensMs = opens_ms, closed = closed,
    paused = paused, mode = mode, maxActive = max_active, maxQueueSize = max_queue_size,
    autoOpen = auto_open, groupSize = group_size, intervalMs = interval_ms, waitingMs = waiting_ms,
    keepMs = keep_ms, readyMs = ready_ms, sessionMs = session_ms, holdMs = hold_ms, guests = guests,
    refuseLongWait = refuse_long_wait, stopWhenSoldOut = stop_when_sold_out,
    idleShopMs = idle_shop_ms }
end

local RAW = redis.pcall('GETRANGE', POLICY, 0, BYTES - 1)
-- What another release left is unknown here: its keys are read otherwise.
local OTHER = type(RAW) == 'table' or #RAW > 0 and string.byte(RAW) ~= LAYOUT
local P
if not OTHER then P = unpacked(RAW) end
local UNKNOWN = redis.error_reply(OTHER and 'OTHER_RELEASE a line of another release is in Redis'
  or 'UNKNOWN_CONCERT there is no such concert')

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
