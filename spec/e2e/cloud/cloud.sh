#!/usr/bin/env bash
# A private OpenStack on 127.0.0.1: Keystone, Placement, Nova, RabbitMQ and Postgres as Debian 12 has them, and as much of
# Neutron and Glance as Nova asks for. Nova's hypervisor only pretends. install.sh installs what it needs, environment.sh has
# the settings.
#   cloud.sh start  starts it, and says where it is, in one line of JSON
#   cloud.sh stop
#   cloud.sh run    starts it, and stops it when its own input ends, whatever became of who gave it
# Each start begins without instances, and ends first what an interrupted run has left. After a failure the logs are in run/log.
. "$(dirname "$0")/environment.sh"

need_programs() {
  local program missing=()
  for program in $POSTGRES/postgres "${RABBITMQ[0]}" /usr/bin/{epmd,keystone-manage,uwsgi_python3,setpriv,curl} \
    "$PACKAGES/complete"; do
    [ -e "$program" ] || missing+=("$program")
  done
  [ ${#missing[@]} -eq 0 ] || die "Missing: ${missing[*]}. Run $HERE/install.sh as root, with the same CLOUD_DIR."
}

need_ports() {
  local port count=$((LAST_PORT - CLOUD_PORT + 1))
  for ((port = CLOUD_PORT; port <= LAST_PORT; port++)); do
    ! listens "$port" || die "Port $port of 127.0.0.1 is in use: set CLOUD_PORT to the first of $count free ones."
  done
}

# Held as long as this script runs.
need_nobody_else() {
  exec 9>>"$CLOUD_DIR/lock"
  flock --nonblock 9 || die "Somebody else runs the cloud of $CLOUD_DIR: set CLOUD_DIR and CLOUD_PORT to have one beside it."
}

empty_run() {
  rm -rf "$RUN"
  mkdir -p "$RUN"/{log,launched}
  [ "$(id -u)" -ne 0 ] || chown nobody:nogroup "$RUN"
  cd "$RUN"
  "${UNPRIVILEGED[@]}" test -w "$RUN" || die "Account nobody cannot reach $RUN: set CLOUD_DIR to a folder that all may enter."
}

# The tables, projects and users, before the first instance; made again when these scripts, Nova or the ports change.
prepare() {
  empty_run
  "$HERE/postgres.sh" make
  "$HERE/keystone.sh" make >"$RUN/log/prepare-keystone.log" 2>&1 &
  local keystone=$! nova=0
  "$HERE/nova.sh" make >"$RUN/log/prepare-nova.log" 2>&1 || nova=$?
  wait $keystone || die "Keystone could not be prepared: $(tail -n 5 "$RUN/log/prepare-keystone.log")"
  [ $nova -eq 0 ] || die "Nova could not be prepared: $(tail -n 5 "$RUN/log/prepare-nova.log")"
  "$HERE/keystone.sh" stop
  "$HERE/postgres.sh" stop
  rm -rf "$CLOUD_DIR"/prepared-*
  mv "$RUN" "$1"
}

start() {
  local prepared rabbitmq
  need_programs
  stop
  need_ports
  prepared=$CLOUD_DIR/prepared-$(cat "$HERE"/* "$PACKAGES/complete" - <<<"$CLOUD_PORT" | sha256sum | cut -c1-16)
  [ -d "$prepared" ] || prepare "$prepared"
  empty_run
  cp -a "$prepared"/{postgres,keystone,nova} "$RUN"
  "$HERE/rabbitmq.sh" start &
  rabbitmq=$!
  "$HERE/postgres.sh" start
  "$HERE/keystone.sh" start
  wait $rabbitmq
  "$HERE/nova.sh" start
  printf '{"identityUrl":"%s","computeUrl":"%s","networkUrl":"%s","amqpUrl":"%s"}\n' \
    "$IDENTITY_URL" "$COMPUTE_URL" "$NETWORK_URL" "$AMQP_URL"
}

stop() {
  [ -d "$RUN/launched" ] || return 0
  "$HERE/nova.sh" stop
  "$HERE/keystone.sh" stop
  "$HERE/rabbitmq.sh" kill
  "$HERE/postgres.sh" stop
}

mkdir -p "$CLOUD_DIR"
need_nobody_else
case ${1:-} in
start)
  trap stop EXIT
  start
  trap - EXIT
  ;;
run)
  trap stop EXIT
  start
  cat >/dev/null
  ;;
stop) stop ;;
*) die 'cloud.sh start|stop|run' ;;
esac
