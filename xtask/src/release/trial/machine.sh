# Boots systemd on a copy of this machine's file system whose changes go into memory, in namespaces of its own. $1 is a
# folder that everything happens in, $2 the name of a control group for it, $3 a package to be put there.
#
# Ends with whoever started it: everything is a child of the first process of the namespace.
set -eu
folder=$1
group=$2

# A group of its own, so that systemd sees no other and nobody else sees its.
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
    hierarchy=/sys/fs/cgroup
    options='-t cgroup2'
else
    hierarchy=/sys/fs/cgroup/systemd
    options='-t cgroup -o none,name=systemd'
fi
mkdir "$hierarchy/$group"
echo $$ >"$hierarchy/$group/cgroup.procs"

exec unshare --mount --pid --net --ipc --uts --cgroup --fork --kill-child=KILL sh -euc '
    folder=$1 options=$2 package=$3
    # The number of this process outside, since /proc is still that of outside.
    read -r pid _ </proc/self/stat
    mount --make-rprivate /
    mount -t tmpfs -o mode=755 tmpfs "$folder/machine"
    echo "$pid" >"$folder/pid.new"
    mv "$folder/pid.new" "$folder/pid"
    cd "$folder/machine"
    mkdir upper work root
    mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay root
    cp "$package" root/package.deb
    mount -t proc proc root/proc
    mount -t sysfs -o ro sysfs root/sys
    mount -t tmpfs -o mode=755 tmpfs root/run
    mount -t tmpfs -o mode=1777 tmpfs root/tmp
    mount -t tmpfs -o mode=755 tmpfs root/dev
    mkdir root/dev/shm root/dev/pts
    ln -s pts/ptmx root/dev/ptmx
    for device in null zero full random urandom tty; do
        touch "root/dev/$device"
        mount --bind "/dev/$device" "root/dev/$device"
    done
    if [ "$options" != "-t cgroup2" ]; then
        mount -t tmpfs -o mode=755 tmpfs root/sys/fs/cgroup
        mkdir root/sys/fs/cgroup/systemd
        mount $options cgroup root/sys/fs/cgroup/systemd
        # Or systemd would make groups in the other hierarchies, which are not its own.
        mount -o remount,ro root/sys/fs/cgroup
    else
        mount $options cgroup root/sys/fs/cgroup
    fi
    # Nothing of this machine is started, only what the package brings.
    rm -f root/usr/sbin/policy-rc.d
    printf "[Unit]\nDescription=Nothing else\n" >root/etc/systemd/system/trial.target
    # Not chroot alone: the mounts that systemd makes for a service begin at the root of the namespace.
    mkdir root/before
    cd root
    pivot_root . before
    export container=registration-trial
    exec chroot . sh -euc "
        umount --lazy /before
        # As on a real machine: systemd mounts the credentials of a service elsewhere and has them arrive here.
        mount --make-rshared /
        exec setsid /lib/systemd/systemd --system --unit=trial.target --log-target=journal --show-status=no
    "
' machine "$folder" "$options" "$3"
