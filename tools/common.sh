# Shared by run.sh and demo.sh; sourced, not run.
# shellcheck shell=bash

# free_port prints a loopback TCP port that nobody listens on now, below the ephemeral range.
free_port() {
    local port
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 10000))
        if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            echo "$port"
            return 0
        fi
    done
    echo "no free port found between 20000 and 29999" >&2
    return 1
}

# wait_ready URL PID SECONDS waits until URL answers 200 through a worker, or fails when process PID is gone.
wait_ready() {
    local url=$1 pid=$2 end=$((SECONDS + $3))
    while ((SECONDS < end)); do
        if ! kill -0 "$pid" 2>/dev/null; then
            echo "the gateway ended before it was ready" >&2
            return 1
        fi
        if curl -sf -o /dev/null --max-time 2 "$url"; then
            return 0
        fi
        sleep 0.1
    done
    echo "no answer from $url within $3 s" >&2
    return 1
}
