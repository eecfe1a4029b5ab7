#!/bin/sh
# Run by the PostgreSQL image when it has made its cluster: the service gets a role that owns its
# database and nothing else, so that it never connects as a superuser.
set -eu

psql --quiet --no-psqlrc --username postgres --set ON_ERROR_STOP=1 \
    --set password="$(cat /run/secrets/postgres/registration.password)" <<'EOF'
CREATE ROLE registration LOGIN PASSWORD :'password';
CREATE DATABASE registration OWNER registration;
REVOKE ALL ON DATABASE registration FROM PUBLIC;
EOF
