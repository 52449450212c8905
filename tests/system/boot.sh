#!/bin/bash
# Boot this machine's own files under a real systemd, as PID 1 of namespaces of its own: whatever is
# written goes to memory, and the machine is as it was before. To be run as root.
#
#   boot.sh STATE_DIR     stays until that systemd has ended
#
# NETWORK=yes keeps the machine's network; without it there is a loopback and nothing else.
# SHOW="/folder …" shows folders that may lie on other file systems than /, to be read.
set -euo pipefail
state=$1
groups=/sys/fs/cgroup

if [ "${2:-}" != inside ]; then
    # A group of our own in each hierarchy: the root of what that systemd sees.
    mapfile -t lines < /proc/self/cgroup
    for line in "${lines[@]}"; do
        IFS=: read -r _ controllers path <<< "$line"
        case $controllers in
        "") at=$groups$([ -e $groups/cgroup.controllers ] || echo /unified) ;;
        name=*) at=$groups/${controllers#name=} ;;
        *) at=$groups/$controllers ;;
        esac
        [ -d "$at" ] || continue
        own=$at${path%/}/booted-$$
        mkdir "$own"
        if [ "$controllers" = cpuset ]; then
            cat "${own%/*}/cpuset.cpus" > "$own/cpuset.cpus"
            cat "${own%/*}/cpuset.mems" > "$own/cpuset.mems"
        fi
        echo $$ > "$own/cgroup.procs"
        echo "$own" >> "$state/groups"
    done
    spaces=(--mount --pid --cgroup --uts --ipc)
    [ "${NETWORK:-}" = yes ] || spaces+=(--net)
    exec unshare "${spaces[@]}" --fork --kill-child -- "$0" "$state" inside
fi

mount --make-rprivate /
mkdir -p "$state/mnt"
mount -t tmpfs -o mode=755 tmpfs "$state/mnt"
cd "$state/mnt"
mkdir upper work root
mount -t overlay -o "lowerdir=/,upperdir=$PWD/upper,workdir=$PWD/work" overlay root
cd root

mount -t proc -o nosuid,nodev,noexec proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys proc/sys
mount -t sysfs -o nosuid,nodev,noexec,ro sysfs sys
mount -t tmpfs -o mode=755,nosuid tmpfs dev
for device in null zero full random urandom tty; do
    touch dev/$device
    mount --bind /dev/$device dev/$device
done
ln -s /proc/self/fd dev/fd
mkdir dev/pts dev/shm dev/mqueue
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs dev/shm
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs run
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs tmp
for folder in ${SHOW:-}; do
    mkdir -p ".$folder"
    mount --bind "$folder" ".$folder"
    mount -o remount,bind,ro "$folder" ".$folder"
done

if [ -e $groups/cgroup.controllers ]; then
    mount -t cgroup2 cgroup2 .$groups
else
    mount -t tmpfs -o mode=755 tmpfs .$groups
    for hierarchy in "$groups"/*; do
        name=${hierarchy##*/}
        mkdir ".$hierarchy"
        case $name in
        unified) mount -t cgroup2 cgroup2 ".$hierarchy" ;;
        systemd) mount -t cgroup -o none,name=systemd cgroup ".$hierarchy" ;;
        *) mount -t cgroup -o "$name" cgroup ".$hierarchy" ;;
        esac
    done
fi

# Nothing of the machine's own services runs in it: a bus, a journal, users' managers.
units=etc/systemd/system
rm -rf $units
mkdir -p $units/multi-user.target.wants
for unit in systemd-remount-fs systemd-sysctl systemd-modules-load kmod-static-nodes systemd-binfmt \
    systemd-timesyncd systemd-resolved systemd-networkd systemd-udevd systemd-udev-trigger; do
    ln -s /dev/null $units/$unit.service
done
for unit in dev-hugepages.mount dev-mqueue.mount sys-kernel-debug.mount sys-kernel-tracing.mount \
    sys-kernel-config.mount sys-fs-fuse-connections.mount proc-sys-fs-binfmt_misc.automount \
    systemd-journald-audit.socket getty.target; do
    ln -s /dev/null $units/$unit
done
: > etc/fstab
rm -f etc/machine-id
tr -d - < /proc/sys/kernel/random/uuid > etc/machine-id
hostname booted

mkdir run/old
pivot_root . run/old
umount -l /run/old
mount --make-rshared /
exec env -i container=booted PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
    setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio,-syslog,-audit_control --inh-caps=-all \
    /lib/systemd/systemd --system --unit=multi-user.target --show-status=false < /dev/null
