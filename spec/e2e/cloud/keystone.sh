#!/usr/bin/env bash
# Keystone: keystone.sh make|start|stop. `make` needs Postgres, and leaves it running.
. "$(dirname "$0")/environment.sh"
CONFIG=$RUN/keystone/keystone.conf

start() {
  # one process, since each has a cache of its own; Python's clients fail when a connection is closed that was not said to be
  launch keystone "${UNPRIVILEGED[@]}" uwsgi_python3 --plugin python3 --http-socket "127.0.0.1:$IDENTITY_PORT" --master \
    --need-app --die-on-term --no-orphans --processes 1 --threads 8 --enable-threads --lazy-apps --buffer-size 65535 \
    --disable-logging --add-header 'Connection: close' --wsgi-file /usr/bin/keystone-wsgi-public \
    --pyargv "--config-file $CONFIG"
  wait_for keystone answers "$IDENTITY_URL"
}

manage() {
  "${UNPRIVILEGED[@]}" $PYTHON /usr/bin/keystone-manage --config-file "$CONFIG" "$@"
}

case $1 in
make)
  folder keystone
  folder keystone/tokens
  folder keystone/credentials
  write keystone/keystone.conf <<C
[database]
connection = $DATABASES/keystone
[fernet_tokens]
key_repository = $RUN/keystone/tokens
[fernet_receipts]
key_repository = $RUN/keystone/tokens
[credential]
key_repository = $RUN/keystone/credentials
[identity]
password_hash_rounds = 4
[cache]
enabled = true
backend = dogpile.cache.memory
C
  manage db_sync
  manage fernet_setup
  manage credential_setup
  manage bootstrap --bootstrap-password admin-password --bootstrap-public-url "$IDENTITY_URL" --bootstrap-region-id RegionOne
  start
  node "$HERE/seed.mjs" "$IDENTITY_URL" "$COMPUTE_URL"
  ;;
start) start ;;
stop) end keystone KILL ;;
esac
