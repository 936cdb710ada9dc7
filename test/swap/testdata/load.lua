-- Load for wrk: GETs in turn, every answer compared with what it may be. done() prints what happened as JSON.
local threads = {}
local kinds = { "/", "/named?id=some&n=2500", "/sleep?ms=2" }
local allowed = { ["Hello, World!"] = true, [("some\n"):rep(500)] = true, ["slept 2ms\n"] = true }

function setup(thread)
  table.insert(threads, thread)
end

function init()
  asked, seen, bad = 0, 0, 0
end

function request()
  asked = asked + 1
  return wrk.format("GET", kinds[asked % #kinds + 1])
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
