-- wrk's part of scripts/bench: every request has its own access token, and what else is asked for.
--
--   wrk ... -s scripts/bench.lua URL -- METHOD PATH BODY TOKENS [HEADER VALUES]
--
-- BODY may be empty. A line of TOKENS is an access token; the same line of VALUES goes with it in
-- HEADER. After the last line comes the first again.

local method, path, body, lines, header, values

local function read(file)
  local found = {}
  for line in io.lines(file) do
    found[#found + 1] = line
  end
  return found
end

function init(args)
  method, path, body = args[1], args[2], args[3]
  lines = read(args[4])
  header, values = args[5], args[6] and read(args[6])
end

local next_line = 0

function request()
  next_line = next_line % #lines + 1
  local headers = { Authorization = "Bearer " .. lines[next_line] }
  if body ~= "" then
    headers["Content-Type"] = "application/json"
  end
  if values then
    headers[header] = values[next_line]
  end
  return wrk.format(method, path, headers, body ~= "" and body or nil)
end

function done(summary, latency)
  io.write(string.format(
    "RESULT requests=%d duration_us=%d p50_us=%d p99_us=%d failed=%d\n",
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    summary.errors.status + summary.errors.connect + summary.errors.read
      + summary.errors.write + summary.errors.timeout))
end
