#!/usr/bin/env bash
# `make demo`: starts a gateway with one worker on free ports, sends real requests with curl, kills the worker once,
# prints the ring's statistics, stops, and fails if anything was not as expected. Takes a few seconds.
#
#   GATEWAY and WORKER (bin/gateway, bin/appworker) choose the binaries, MODE the worker's mode, LOOPS the number of
#   event loops; PREFIX is a command that the gateway is started with.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/common.sh

binary=${GATEWAY:-bin/gateway}
worker=${WORKER:-bin/appworker}
mode=${MODE:-handler}
port=$(free_port)
admin_port=$(free_port)
while [[ $admin_port == "$port" ]]; do admin_port=$(free_port); done
base=http://127.0.0.1:$port
admin=http://127.0.0.1:$admin_port
directory=$(mktemp -d "${TMPDIR:-/tmp}/ringway.XXXXXX")
gateway=
stop() {
    if [[ -n $gateway ]] && kill -0 "$gateway" 2>/dev/null; then
        kill -TERM "$gateway" 2>/dev/null || true
        wait "$gateway" || true
    fi
    rm -rf "$directory"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    echo "demo: $*" >&2
    [[ -s $directory/log ]] && sed 's/^/gateway: /' "$directory/log" >&2
    exit 1
}

# expect WHAT WANTED GOT
expect() {
    [[ $2 == "$3" ]] || fail "$1: got '${3:0:200}', expected '${2:0:200}'"
    printf '  %-46s ok\n' "$1"
}

request() { curl -sS --max-time 20 "$@"; }

echo "starting $binary with $worker (--mode $mode) on $base"
# shellcheck disable=SC2086  # PREFIX is a command with arguments
${PREFIX:-} "$binary" serve --listen "127.0.0.1:$port" --admin "127.0.0.1:$admin_port" --socket "$directory/ringway.sock" \
    --native-path /ping=pong --loops "${LOOPS:-1}" --worker "$worker" -- --mode "$mode" --dispatch auto >"$directory/log" 2>&1 &
gateway=$!
wait_ready "$base/" "$gateway" 30 || fail "did not become ready"

expect "GET / through the ring" "Hello, World!" "$(request "$base/")"
expect "GET /ping answered by the gateway" "pong" "$(request "$base/ping")"
expect "POST /echo" "some bytes" "$(request -d 'some bytes' "$base/echo")"
head -c 3000000 /dev/urandom >"$directory/body"
request --data-binary "@$directory/body" "$base/echo" >"$directory/echoed"
cmp -s "$directory/body" "$directory/echoed" || fail "POST of 3,000,000 bytes to /echo came back changed"
printf '  %-46s ok\n' "POST 3,000,000 bytes to /echo, same bytes back"
expect "GET /bytes?n=1048576" 1048576 "$(request "$base/bytes?n=1048576" | wc -c)"
expect "GET /status?code=404" 404 "$(request -o "$directory/out" -w '%{http_code}' "$base/status?code=404")"
expect "1,000 requests on one connection" 1000 \
    "$(request "$base/?[1-1000]" | grep -o 'Hello, World!' | wc -l)"

before=$(request "$base/pid" | sed -E 's/.*"pid": *([0-9]+).*/\1/')
[[ $before =~ ^[0-9]+$ ]] || fail "/pid names no pid: '$before'"
kill -KILL "$before"
wait_ready "$base/" "$gateway" 10 || fail "no answer after the worker was killed"
after=$(request "$base/pid" | sed -E 's/.*"pid": *([0-9]+).*/\1/')
[[ $after =~ ^[0-9]+$ && $after != "$before" ]] || fail "worker $before was killed, /pid now says '$after'"
printf '  %-46s ok\n' "worker $before killed, $after answers"

echo "statistics ($admin/stats):"
request "$admin/stats" >"$directory/stats" || fail "/stats does not answer"
# Indented when the answer is one line; no JSON tool is needed for that.
if (($(wc -l <"$directory/stats") > 2)); then
    cat "$directory/stats"
else
    sed -E 's/([{[,])"/\1\n  "/g' "$directory/stats"
    echo
fi

kill -TERM "$gateway"
status=0
wait "$gateway" || status=$?
gateway=
expect "gateway stops on TERM with status" 0 "$status"
[[ -e /proc/$after ]] && fail "worker $after still runs after the gateway has stopped"
echo "demo: all as expected"
