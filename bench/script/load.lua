-- One load of the comparison. Arguments after the URL: method, body bytes, requests written at once,
-- milliseconds between an answer and the next request.
-- The request is built once (no global `request`), so that the client costs as little as it can.
local start = wrk.init
function wrk.init(args)
   wrk.method = args[1]
   local bytes = tonumber(args[2])
   local depth = tonumber(args[3])
   if bytes > 0 then
      wrk.body = string.rep("0123456789abcdef", bytes / 16)
      wrk.headers["Content-Type"] = "application/octet-stream"
   end
   local pause = tonumber(args[4])
   if pause > 0 then
      delay = function() return pause end
   end
   start(args)
   local one = wrk.format()
   local all = string.rep(one, depth)
   wrk.request = function() return all end
end

function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format(
      'RESULT {"requests":%d,"bytes":%d,"duration_us":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,' ..
      '"p50_us":%d,"p99_us":%d,"max_us":%d}\n',
      summary.requests, summary.bytes, summary.duration, e.connect, e.read, e.write, e.status, e.timeout,
      latency:percentile(50), latency:percentile(99), latency.max))
end
