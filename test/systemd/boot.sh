#!/usr/bin/env bash
# Becomes systemd, as process 1 of a machine of its own.
#
#   test/systemd/boot.sh ROOT WORK CGROUP TEST     first process of new mount, pid, network, IPC and UTS namespaces
#
# ROOT is a root directory that stays as it is: what is written goes to a tmpfs on the directory WORK. CGROUP is the name of a
# new control group, in which all runs. The new root has the project at /ringway, read-only, and the program TEST at /test.
set -euo pipefail
root=$1 work=$2 cgroup=$3 test=$4
if [[ -z ${RINGWAY_IN_CGROUP:-} ]]; then
    mount -t cgroup2 none "$work"
    mkdir "$work/$cgroup"
    echo 0 >"$work/$cgroup/cgroup.procs"
    umount "$work"
    RINGWAY_IN_CGROUP=yes exec unshare --cgroup "$0" "$@"
fi

mount -t tmpfs -o mode=755 none "$work"
mkdir "$work"/{new,upper,work}
new=$work/new
mount -t overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/work" none "$new"
mkdir -p "$new/ringway"
mount --bind -o ro "$(dirname "$0")/../.." "$new/ringway"
install -m 755 "$test" "$new/test"

# As the interface for containers wants it (systemd.io/CONTAINER_INTERFACE); nothing of the kernel's settings can be written.
mount -t proc -o nosuid,nodev,noexec none "$new/proc"
for path in sys sysrq-trigger; do
    [[ -e $new/proc/$path ]] || continue
    mount --bind "$new/proc/$path" "$new/proc/$path"
    mount -o remount,bind,ro "$new/proc/$path"
done
mount -t sysfs -o ro,nosuid,nodev,noexec none "$new/sys"
mount -t cgroup2 none "$new/sys/fs/cgroup"
mount -t tmpfs -o mode=755 none "$new/dev"
for device in null zero full random urandom tty; do
    touch "$new/dev/$device"
    mount --bind "/dev/$device" "$new/dev/$device"
done
mkdir "$new"/dev/{pts,shm}
mount -t devpts -o newinstance,ptmxmode=0666 none "$new/dev/pts"
ln -s pts/ptmx "$new/dev/ptmx"
mount -t tmpfs none "$new/dev/shm"
mount -t tmpfs -o mode=755 none "$new/run"

cd "$new"
pivot_root . .
umount -l .
mount --make-rshared /
exec env -i container=ringway PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio,-syslog /lib/systemd/systemd --log-target=journal
