#!/usr/bin/env bash
# Makes a small Debian with systemd, from Debian's packages; one that is there already stays.
#
#   test/systemd/root.sh DIR     needs root and debootstrap
set -euo pipefail
root=${1:?name the directory}
[[ -e $root/complete ]] && exit 0
rm -rf "$root"
mkdir -p "$root"
# procps has kill, with which units reload.
/usr/sbin/debootstrap --variant=minbase --include=systemd,systemd-sysv,libuv1,procps \
    bookworm "$root" http://deb.debian.org/debian >&2
rm -rf "$root"/var/cache/apt/archives/*.deb
touch "$root/complete"
