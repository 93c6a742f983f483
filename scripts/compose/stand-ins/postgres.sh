#!/bin/sh
set -eu
as_postgres() { setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"; }
mkdir -p "$PGDATA" /run/postgresql
chown postgres: /var/lib/postgresql "$PGDATA" /run/postgresql
chmod 700 "$PGDATA"
if [ ! -f "$PGDATA/PG_VERSION" ]; then
  password=$(mktemp)
  cat "$POSTGRES_PASSWORD_FILE" >"$password"
  chown postgres: "$password"
  as_postgres initdb -U "$POSTGRES_USER" --pwfile="$password" -A scram-sha-256 -E UTF8 --locale=C.UTF-8
  echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
  as_postgres pg_ctl -w start -o '-c listen_addresses='
  PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE")
  export PGPASSWORD
  psql() { as_postgres psql -v ON_ERROR_STOP=1 -U "$POSTGRES_USER" -h /run/postgresql "$@"; }
  psql -d postgres -c "CREATE DATABASE \"$POSTGRES_DB\""
  for file in /docker-entrypoint-initdb.d/*.sql; do
    psql -d "$POSTGRES_DB" -f "$file"
  done
  unset PGPASSWORD
  as_postgres pg_ctl -w stop
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups -- "$@" -c 'listen_addresses=*' \
  -c unix_socket_directories=/run/postgresql
