#!/bin/sh
# Makes the passwords and the code key of `docker compose up`, once: what exists is kept, so every start
# after the first finds the same. Each server's folder is a volume of its own, which that server alone
# mounts; `services` is what the API and the worker mount. So no password is in an image, in
# compose.yaml or in the environment, and none is the same in two deployments.
#
# Usage: make-secrets.sh FOLDER (which holds the folders postgres, redis, rabbitmq and services)
set -eu

secrets=$1

# 256 random bits in hexadecimal.
random() {
    od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n'
}

# Writes standard input to the file $1 unless it exists; never half of it.
keep() {
    if [ ! -e "$1" ]; then
        cat >"$1.new"
        chmod 444 "$1.new"
        mv "$1.new" "$1"
        echo "made $1"
    fi
}

random | keep "$secrets/postgres/admin.password"
random | keep "$secrets/postgres/registration.password"
random | keep "$secrets/redis/password"
random | keep "$secrets/rabbitmq/password"
random | keep "$secrets/services/code.key"

postgres=$(cat "$secrets/postgres/registration.password")
redis=$(cat "$secrets/redis/password")
rabbitmq=$(cat "$secrets/rabbitmq/password")

keep "$secrets/redis/redis.conf" <<EOF
requirepass $redis
EOF
keep "$secrets/rabbitmq/rabbitmq.conf" <<EOF
default_user = registration
default_pass = $rabbitmq
EOF

printf 'postgres://registration:%s@postgres:5432/registration' "$postgres" | keep "$secrets/services/postgres.url"
printf 'redis://:%s@redis:6379/' "$redis" | keep "$secrets/services/redis.url"
printf 'amqp://registration:%s@rabbitmq:5672/%%2f' "$rabbitmq" | keep "$secrets/services/rabbitmq.url"
