#!/bin/bash
# Makes the cluster at the first start, as the official image documents it: POSTGRES_PASSWORD_FILE is
# the administrator's password, POSTGRES_INITDB_ARGS goes to initdb, and clients from everywhere log in
# with their password. Clusters are made in order, never half: PG_VERSION says that one exists.
set -euo pipefail

if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    # Words of their own, as in the official image.
    # shellcheck disable=SC2086
    initdb --username=postgres --pwfile="$POSTGRES_PASSWORD_FILE" ${POSTGRES_INITDB_ARGS:-}
    printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    printf "\nlisten_addresses = '*'\n" >>"$PGDATA/postgresql.conf"
fi
exec "$@"
