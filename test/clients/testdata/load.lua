-- Load for wrk: wrk ... -s load.lua URL DEPTH [FIELD: VALUE]. Each write holds DEPTH requests; every answer is compared with
-- what it may be. done() prints what happened as JSON.
local threads = {}
local pattern = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"
local allowed = {
  ["Hello, World!"] = true,
  ["pong"] = true,
  [pattern:rep(100)] = true,
  [("echo "):rep(1000)] = true,
}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  local fields = { Host = wrk.host }
  if args[2] then
    local name, value = args[2]:match("^([^:]+): (.+)$")
    fields[name] = value
  end
  local kinds = {
    { "GET", "/" }, { "GET", "/ping" }, { "GET", "/bytes?n=6400" }, { "POST", "/echo", ("echo "):rep(1000) },
  }
  local text = {}
  for i = 1, tonumber(args[1]) do
    local kind = kinds[(i - 1) % #kinds + 1]
    text[i] = wrk.format(kind[1], kind[2], fields, kind[3])
  end
  all = table.concat(text)
  seen, bad = 0, 0
end

function request()
  return all
end

function response(status, headers, body)
  seen = seen + 1
  if status ~= 200 or not allowed[body] then
    bad = bad + 1
  end
end

function done(summary)
  local seen, bad = 0, 0
  for _, thread in ipairs(threads) do
    seen = seen + thread:get("seen")
    bad = bad + thread:get("bad")
  end
  local e = summary.errors
  io.stderr:write(string.format('{"seen":%d,"bad":%d,"errors":%d}', seen, bad, e.connect + e.read + e.write + e.status + e.timeout))
end
