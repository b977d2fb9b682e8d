#!/usr/bin/env bash
# The databases of Keystone, Placement and Nova: postgres.sh make|start|stop, postgres.sh sql DATABASE STATEMENT
. "$(dirname "$0")/environment.sh"

start() {
  # its data need not outlive the machine
  launch postgres "${UNPRIVILEGED[@]}" $POSTGRES/postgres -D "$RUN/postgres" -h 127.0.0.1 -p "$POSTGRES_PORT" -k '' \
    -c max_connections=200 -c fsync=off -c synchronous_commit=off -c full_page_writes=off
  wait_for postgres $POSTGRES/pg_isready -h 127.0.0.1 -p "$POSTGRES_PORT"
}

sql() {
  $POSTGRES/psql -h 127.0.0.1 -p "$POSTGRES_PORT" -U postgres -qAtX -v ON_ERROR_STOP=1 "$1" -c "$2"
}

case $1 in
make)
  "${UNPRIVILEGED[@]}" $POSTGRES/initdb -D "$RUN/postgres" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
  start
  for database in keystone placement nova_api nova nova_cell0; do sql postgres "create database $database"; done
  ;;
start) start ;;
sql) sql "$2" "$3" ;;
stop) end postgres INT ;;
esac
