-- What wrk sends, and the one line it prints at the end.
-- Arguments: kind, token, location, name of the contacts, number of contacts, seed.
-- With one contact it is the name itself; with several, the name and a number from 0.

local kind, token, location, name, contacts, seed, per_request
local sent = 0

local function contact()
  if contacts == 1 then return name end
  return name .. math.random(0, contacts - 1)
end

-- Each deduction is a booking of its own, and has a request id that no other run uses.
local function deduction(operation)
  sent = sent + 1
  local id = seed .. "-" .. sent
  return '{' .. operation .. '"location_id":"' .. location .. '","external_contact_id":"' .. contact()
    .. '","calendar_id":"cal_1","amount":1,"request_id":"bench-' .. id .. '","external_ref":"appt-' .. id
    .. '","appointment_time":"2030-01-07T10:00:00.000Z"}'
end

local function post(path, body)
  return wrk.format("POST", "/api/v2" .. path, nil, body)
end

local kinds = {
  deduct = function() return post("/entitlements/deduct", deduction("")) end,
  batch = function()
    local operations = {}
    for place = 1, per_request do operations[place] = deduction('"operation":"deduct",') end
    return post("/batch", '{"location_id":"' .. location .. '","operations":[' .. table.concat(operations, ",") .. ']}')
  end,
  check = function()
    return post("/entitlements/check-eligibility", '{"location_id":"' .. location .. '","external_contact_id":"'
      .. contact() .. '","calendar_id":"cal_1","amount":1,"appointment_time":"2030-01-07T10:00:00.000Z"}')
  end,
  summary = function()
    return wrk.format("GET", "/api/v2/contacts/" .. contact() .. "/summary?location_id=" .. location)
  end,
}

function init(arguments)
  kind, token, location, name = arguments[1], arguments[2], arguments[3], arguments[4]
  contacts, seed, per_request = tonumber(arguments[5]), arguments[6], tonumber(arguments[7])
  math.randomseed(tonumber(seed) % 2147483647)
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = "Bearer " .. token
  request = kinds[kind]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nRESULT {"requests":%d,"micros":%d,"p50":%d,"p99":%d,"most":%d,"failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
