#!/usr/bin/env bash
# Makes the image that the Dockerfile builds in, from Debian's packages and this machine's Go, where no image can be pulled.
#
#   test/containers/base.sh IMAGE     needs root, debootstrap and a Docker engine (DOCKER_HOST)
#
# The image holds the modules of go.mod already: building in it needs no network. What is unpacked stays in
# build/_containers, which the underscore hides from Go's ./... patterns.
set -euo pipefail
cd "$(dirname "$0")/../.."

image=${1:?name the image}
root=$PWD/build/_containers/root
if [[ ! -e $root/complete ]]; then
    rm -rf "$root"
    mkdir -p "$root"
    /usr/sbin/debootstrap --variant=minbase --include=gcc,libc6-dev,make,pkg-config,libuv1-dev,ca-certificates \
        bookworm "$root" http://deb.debian.org/debian >&2
    cp -a "$(go env GOROOT)" "$root/usr/local/go"
    touch "$root/complete"
fi
GOMODCACHE=$root/root/go/pkg/mod GOFLAGS=-modcacherw go mod download
tar -C "$root" -c --exclude=./proc --exclude=./sys --exclude=./var/cache . |
    docker import -c "ENV PATH=/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin" -c "ENV GOPROXY=off" -c "ENV GOTOOLCHAIN=local" - "$image" >&2
