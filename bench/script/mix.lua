-- The mixed load of the soak: what is asked next is drawn from a weighted list, with a fixed seed.
local draw = {}
local function add(weight, method, path, bytes)
   local body = nil
   if bytes then body = string.rep("0123456789abcdef", bytes / 16) end
   local text = wrk.format(method, path, { ["Content-Type"] = "application/octet-stream" }, body)
   for _ = 1, weight do draw[#draw + 1] = text end
end

function init(args)
   math.randomseed(1)
   wrk.headers["Host"] = wrk.host .. ":" .. wrk.port
   add(40, "GET", "/")
   add(15, "GET", "/json")
   add(5, "GET", "/headers")
   add(10, "GET", "/bytes?n=16384")
   add(1, "GET", "/bytes?n=1048576")
   add(1, "GET", "/bytes?n=1048576&copy=none")
   add(10, "POST", "/echo", 1024)
   add(5, "POST", "/echo", 65536)
   add(5, "POST", "/upload", 65536)
   add(4, "GET", "/stream?n=5&ms=0")
   add(2, "GET", "/sleep?ms=5")
   add(2, "GET", "/ping")
end

function request()
   return draw[math.random(#draw)]
end

function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format(
      'RESULT {"requests":%d,"bytes":%d,"duration_us":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d,' ..
      '"p50_us":%d,"p99_us":%d,"max_us":%d}\n',
      summary.requests, summary.bytes, summary.duration, e.connect, e.read, e.write, e.status, e.timeout,
      latency:percentile(50), latency:percentile(99), latency.max))
end
