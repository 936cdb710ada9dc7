#!/usr/bin/env bash
# `make run`: the gateway with one supervised worker in the foreground, and curl lines to try. Ctrl-C stops both.
#
#   LISTEN (127.0.0.1:8080), ADMIN (127.0.0.1:9180), MODE (handler or env) and LOOPS may be set.
set -euo pipefail
cd "$(dirname "$0")/.."
. tools/common.sh

listen=${LISTEN:-127.0.0.1:8080}
admin=${ADMIN:-127.0.0.1:9180}
directory=$(mktemp -d "${TMPDIR:-/tmp}/ringway.XXXXXX")
gateway=
# shellcheck disable=SC2317  # called by the trap
stop() {
    if [[ -n $gateway ]]; then
        kill -TERM "$gateway" 2>/dev/null || true
        wait "$gateway" || true
    fi
    rm -rf "$directory"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

bin/gateway serve --listen "$listen" --admin "$admin" --socket "$directory/ringway.sock" --native-path /ping=pong \
    --loops "${LOOPS:-1}" --worker bin/appworker -- --mode "${MODE:-handler}" --dispatch auto &
gateway=$!
wait_ready "http://$listen/" "$gateway" 15

cat <<TEXT

Ringway listens on http://$listen; a console for browsers is on http://$admin/. To try in another terminal:

  curl -i http://$listen/
  curl http://$listen/json
  curl -d 'some bytes' http://$listen/echo
  curl -N 'http://$listen/stream?n=5&ms=300'
  curl http://$listen/ping                    # answered by the gateway itself
  curl http://$listen/pid                     # the worker's pid: kill -9 it and ask again
  curl -s http://$admin/stats

Ctrl-C stops the gateway and its worker.
TEXT
status=0
wait "$gateway" || status=$?
gateway=
exit "$status"
