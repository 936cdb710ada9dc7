#!/usr/bin/env bash
# Installs the Debian packages that groups of make targets need; does nothing when they are there.
#
#   tools/setup.sh GROUP...     groups: build run test lint sanitize model bench containers systemd console
#   tools/setup.sh --list       prints the packages of each group
set -euo pipefail

# A package is written as package:command (present if the command is) or package alone (present if dpkg says so).
packages() {
    case "$1" in
    build) echo "gcc:gcc libc6-dev make:make pkg-config:pkg-config libuv1-dev" ;;
    run) echo "curl:curl" ;;
    test) echo "systemd:systemd-analyze curl:curl clang:clang libclang-rt-14-dev nodejs:node $(websocket) python3:python3 wrk:wrk nginx-light:nginx libnginx-mod-stream haproxy:haproxy zsh:zsh fish:fish mandoc:mandoc prometheus:promtool chromium:chromium" ;;
    lint) echo "clang-format:clang-format clang-tidy:clang-tidy shellcheck:shellcheck" ;;
    sanitize) echo "clang:clang libclang-rt-14-dev curl:curl" ;;
    model) echo "spin:spin" ;;
    containers) echo "docker.io:dockerd docker-compose:docker-compose debootstrap:debootstrap" ;;
    systemd) echo "debootstrap:debootstrap" ;;
    console) echo "chromium:chromium nodejs:node npm:npm" ;;
    bench) echo "wrk:wrk nginx-light:nginx haproxy:haproxy" ;;
    *)
        echo "setup: unknown group '$1', expected build, run, test, lint, sanitize, model, bench, containers, systemd or console" >&2
        exit 2
        ;;
    esac
}

# websocket is the package of a WebSocket for Node.js where it has none itself.
websocket() {
    [[ $(node --help 2>/dev/null) == *experimental-websocket* ]] || echo node-ws
}

present() {
    local package=${1%%:*} command=${1#*:}
    if [[ $1 == *:* ]]; then
        # nginx and haproxy live in sbin, which is not on every user's PATH.
        PATH=$PATH:/usr/sbin:/sbin command -v "$command" >/dev/null
    else
        [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == "install ok installed" ]]
    fi
}

if [[ ${1:-} == --list ]]; then
    for group in build run test lint sanitize model bench containers systemd console; do
        names=()
        for entry in $(packages "$group"); do names+=("${entry%%:*}"); done
        echo "$group: ${names[*]}"
    done
    exit 0
fi
if (($# == 0)); then
    echo "setup: name at least one group, or --list" >&2
    exit 2
fi

missing=()
for group in "$@"; do
    entries=$(packages "$group")
    for entry in $entries; do
        present "$entry" || missing+=("${entry%%:*}")
    done
done
if ! command -v go >/dev/null; then
    echo "setup: no 'go' on PATH; install Go 1.26 or newer (https://go.dev/dl/), Debian's is too old" >&2
    exit 1
fi
version=$(GOTOOLCHAIN=local go version)
if [[ $version =~ go1\.([0-9]+) ]] && ((BASH_REMATCH[1] < 21)); then # later ones fetch, or ask for, what go.mod names
    echo "setup: '$version' on PATH; install Go 1.26 or newer (https://go.dev/dl/), Debian's is too old" >&2
    exit 1
fi
((${#missing[@]} == 0)) && exit 0

mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
if ! command -v apt-get >/dev/null; then
    echo "setup: missing ${missing[*]}, and there is no apt-get here; install what provides them by hand" >&2
    exit 1
fi
as_root=()
if ((EUID != 0)); then
    if ! command -v sudo >/dev/null; then
        echo "setup: missing ${missing[*]}; run as root: apt-get update && apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
echo "setup: installing ${missing[*]}" >&2
# Some packages (nginx, haproxy) would start a service on a public port; invoke-rc.d(8) asks this file first.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" install -m 755 /dev/stdin "$policy"
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
fetch() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" >&2
}
# The package lists may be absent or stale: fetch them once if the first attempt fails.
if ! fetch; then
    "${as_root[@]}" apt-get update -q >&2
    fetch
fi
