#!/usr/bin/env bash
# A private Manila on 127.0.0.1 with its dummy driver, which serves no data, and the Keystone, RabbitMQ and Postgres that it
# needs, as Debian 12 has them. install.sh installs what it needs, environment.sh has the settings.
#   manila.sh start  starts it, and says where it is, in one line of JSON
#   manila.sh stop
#   manila.sh run    starts it, and stops it when its own input ends, whatever became of who gave it
# Each start begins without shares, and ends first what an interrupted run has left. After a failure the logs are in run/log.
. "$(dirname "$0")/environment.sh"
CONFIG=$RUN/manila/manila.conf
# the share manager last: it tells the scheduler of its pool when it starts
SERVICES=(scheduler api share)

need_programs() {
  local program missing=()
  for program in $POSTGRES/postgres "${RABBITMQ[0]}" /usr/bin/{epmd,keystone-manage,uwsgi_python3,setpriv,curl} \
    "$PACKAGES/complete" /usr/lib/python3/dist-packages/manila; do
    [ -e "$program" ] || missing+=("$program")
  done
  [ ${#missing[@]} -eq 0 ] || die "Missing: ${missing[*]}. Run $MANILA/install.sh as root, with the same MANILA_DIR."
}

need_ports() {
  local port
  for ((port = CLOUD_PORT; port <= SHARE_PORT; port++)); do
    ! listens "$port" || die "Port $port of 127.0.0.1 is in use: set MANILA_PORT to the first of $((SHARE_PORT - CLOUD_PORT + 1)) free ones."
  done
}

# Held as long as this script runs.
need_nobody_else() {
  exec 9>>"$CLOUD_DIR/lock"
  flock --nonblock 9 || die "Somebody else runs the Manila of $CLOUD_DIR: set MANILA_DIR and MANILA_PORT to have one beside it."
}

empty_run() {
  rm -rf "$RUN"
  mkdir -p "$RUN"/{log,launched}
  [ "$(id -u)" -ne 0 ] || chown nobody:nogroup "$RUN"
  cd "$RUN"
  "${UNPRIVILEGED[@]}" test -w "$RUN" || die "Account nobody cannot reach $RUN: set MANILA_DIR to a folder that all may enter."
}

configure() {
  folder manila
  folder manila/locks
  write manila/manila.conf <<C
[DEFAULT]
host = shares1
my_ip = 127.0.0.1
state_path = $RUN/manila
transport_url = ${AMQP_URL/amqp/rabbit}
control_exchange = manila
auth_strategy = keystone
api_paste_config = $PACKAGES/usr/share/manila-common/api-paste.ini
rootwrap_config = $PACKAGES/usr/share/manila-common/rootwrap.conf
osapi_share_listen = 127.0.0.1
osapi_share_listen_port = $SHARE_PORT
osapi_share_workers = 1
# how often the scheduler is told of the pool: what it has not heard at the start it hears soon
periodic_interval = 5
enabled_share_backends = dummy
enabled_share_protocols = NFS,CIFS
share_name_template = share-%s
rpc_response_timeout = 20
[dummy]
share_backend_name = DUMMY
share_driver = manila.tests.share.drivers.dummy.DummyDriver
driver_handles_share_servers = False
dummy_driver_default_driver_method_delay = 0
dummy_driver_driver_methods_delays = create_share:0,ensure_share:0,get_pool:0,do_setup:0
[quota]
shares = -1
gigabytes = -1
# one above 100 GiB is refused
per_share_gigabytes = 100
[database]
connection = $DATABASES/manila
[oslo_concurrency]
lock_path = $RUN/manila/locks
[oslo_policy]
# no role but those that Manila's own rules ask for is enough
enforce_scope = true
enforce_new_defaults = true
policy_dirs = $RUN/manila/none
[oslo_messaging_notifications]
driver = noop
[keystone_authtoken]
www_authenticate_uri = $IDENTITY_URL
auth_url = $IDENTITY_URL
auth_type = password
interface = public
# it may ask about anybody's token
username = shared-filesystem
password = shared-filesystem-password
project_name = service
user_domain_id = default
project_domain_id = default
C
}

# program NAME ARGUMENT...
program() {
  local name=$1
  shift
  "${UNPRIVILEGED[@]}" $PYTHON "$PACKAGES/usr/bin/manila-$name" --config-file "$CONFIG" "$@"
}

# The tables, projects and users; made again when these scripts or the ports change.
prepare() {
  empty_run
  "$HERE/postgres.sh" make
  "$HERE/postgres.sh" sql postgres 'create database manila'
  "$HERE/keystone.sh" make >"$RUN/log/prepare-keystone.log" 2>&1 &
  local keystone=$! manila=0
  configure
  program manage db sync >"$RUN/log/prepare-manila.log" 2>&1 || manila=$?
  wait $keystone || die "Keystone could not be prepared: $(tail -n 5 "$RUN/log/prepare-keystone.log")"
  [ $manila -eq 0 ] || die "Manila could not be prepared: $(tail -n 5 "$RUN/log/prepare-manila.log")"
  "$HERE/keystone.sh" stop
  "$HERE/postgres.sh" stop
  rm -rf "$CLOUD_DIR"/prepared-*
  mv "$RUN" "$1"
}

# Its host is known to the scheduler: without it a share becomes an error at once.
has_host() {
  [ "$("$HERE/postgres.sh" sql manila "select count(*) from services where topic = 'manila-share'")" -gt 0 ]
}

start() {
  local prepared rabbitmq service
  need_programs
  stop
  need_ports
  prepared=$CLOUD_DIR/prepared-$(cat "$MANILA"/* "$HERE"/{postgres,keystone}.sh "$HERE/seed.mjs" - <<<"$CLOUD_PORT" | sha256sum | cut -c1-16)
  [ -d "$prepared" ] || prepare "$prepared"
  empty_run
  cp -a "$prepared"/{postgres,keystone,manila} "$RUN"
  "$HERE/rabbitmq.sh" start &
  rabbitmq=$!
  "$HERE/postgres.sh" start
  "$HERE/keystone.sh" start
  wait $rabbitmq
  for service in "${SERVICES[@]}"; do
    launch "manila-$service" "${UNPRIVILEGED[@]}" $PYTHON "$PACKAGES/usr/bin/manila-$service" --config-file "$CONFIG"
  done
  wait_for manila-api answers "$SHARE_URL"
  wait_for manila-share has_host
  printf '{"identityUrl":"%s","shareUrl":"%s"}\n' "$IDENTITY_URL" "$SHARE_URL"
}

stop() {
  local service
  [ -d "$RUN/launched" ] || return 0
  for service in "${SERVICES[@]}"; do end "manila-$service" KILL; done
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
*) die 'manila.sh start|stop|run' ;;
esac
