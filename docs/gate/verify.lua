-- Asks Sunbeon whether the caller may pass. A HAProxy action with one argument, host:port of Sunbeon's
-- operators' door. Reads txn.concert and the caller's headers; sets txn.verdict to "admitted" (then
-- txn.member is the member's id), "unauthenticated", "refused" (then txn.forget, if set, removes a cookie
-- that can no longer let anybody in) or "away".

local PASSED_ON = { "authorization", "x-queue-token", "cookie" }
local VERDICTS = { [204] = "admitted", [401] = "unauthenticated", [403] = "refused" }
local LIMIT_MS = 3000

-- HAProxy numbers a header's values from 0; its HTTP client expects them from 1.
local function pass_on(headers)
    local passed = {}
    for _, name in ipairs(PASSED_ON) do
        local values = headers[name]
        if values then
            passed[name] = {}
            for index = 0, #values do
                table.insert(passed[name], values[index])
            end
        end
    end
    return passed
end

local function first(headers, name)
    return headers and headers[name] and headers[name][0]
end

local function verify(txn, sunbeon)
    txn:set_var("txn.verdict", "away")
    local asked, answer = pcall(function()
        return core.httpclient():get({
            url = "http://" .. sunbeon .. "/v2/reservation/verify?onFailure=closed&concertId="
                .. txn:get_var("txn.concert"),
            headers = pass_on(txn.http:req_get_headers()),
            timeout = LIMIT_MS,
        })
    end)
    local verdict = asked and answer and VERDICTS[answer.status]
    if verdict == "admitted" then
        local member = first(answer.headers, "x-member-id")
        if not member then
            return
        end
        txn:set_var("txn.member", member)
    elseif verdict == "refused" then
        local forget = first(answer.headers, "set-cookie")
        if forget then
            txn:set_var("txn.forget", forget)
        end
    end
    if verdict then
        txn:set_var("txn.verdict", verdict)
    end
end

core.register_action("sunbeon-verify", { "http-req" }, verify, 1)
