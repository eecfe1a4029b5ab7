#!/bin/sh
# Makes the file tree that the stand-ins for official images have in common: Debian 13 with PostgreSQL,
# Redis and RabbitMQ, as a tar file. Their users have the number that the official images give them.
#
# Usage: make-base.sh FOLDER FILE (in a mount namespace of its own, which FOLDER is mounted in)
set -eu

root=$1
file=$2

# In memory: dpkg waits for the disk after every package.
mkdir -p "$root"
mount -t tmpfs -o size=2g tmpfs "$root"
debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg \
    --include=postgresql-17,redis-server,rabbitmq-server \
    trixie "$root" http://deb.debian.org/debian >"$root.log" 2>&1 || { tail -n 20 "$root.log" >&2; exit 1; }

for user in postgres redis rabbitmq; do
    sed -i -E "s/^($user:[^:]*):[0-9]+:[0-9]+:/\1:999:999:/" "$root/etc/passwd"
    sed -i -E "s/^($user:[^:]*):[0-9]+:/\1:999:/" "$root/etc/group"
done

# What no server needs here; half of the size is the compiler of PostgreSQL's just-in-time queries.
rm -rf "$root"/usr/share/doc "$root"/usr/share/man "$root"/usr/share/locale "$root"/var/cache/apt/* \
    "$root"/var/lib/apt/lists/* "$root"/var/lib/postgresql/17 \
    "$root"/usr/lib/x86_64-linux-gnu/libLLVM* "$root"/usr/lib/postgresql/17/lib/bitcode \
    "$root"/usr/lib/postgresql/17/lib/llvmjit*
tar -C "$root" -cf "$file" .
