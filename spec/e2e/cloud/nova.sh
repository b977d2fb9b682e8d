#!/usr/bin/env bash
# Nova and Placement, with a network and images that are only told of: nova.sh make|start|stop
# nova.sh wait: until an instance can be created; after a restart of the bus too
# nova.sh restart FORMAT: with another notification_format, which is one of both (at first), versioned, unversioned
. "$(dirname "$0")/environment.sh"
CONFIG=$RUN/nova/nova.conf
HOST=compute1
SERVICES=(conductor scheduler api compute)

configure() {
  local format=$1
  local credentials="auth_type = password
auth_url = $IDENTITY_URL
username = nova
password = nova-password
project_name = service
user_domain_id = default
project_domain_id = default
region_name = RegionOne"
  folder nova
  write nova/nova.conf <<C
[DEFAULT]
host = $HOST
my_ip = 127.0.0.1
state_path = $RUN/nova
transport_url = ${AMQP_URL/amqp/rabbit}
compute_driver = hypervisor.Hypervisor
enabled_apis = osapi_compute
osapi_compute_listen = 127.0.0.1
osapi_compute_listen_port = $COMPUTE_PORT
osapi_compute_workers = 1
vif_plugging_is_fatal = false
vif_plugging_timeout = 0
# a deleted instance can be restored for an hour, and a shelved one is not offloaded by itself
reclaim_instance_interval = 3600
shelved_offload_time = -1
# what was underway when the bus stopped is given up soon, and nobody is taken for dead by then
rpc_response_timeout = 20
report_interval = 2
service_down_time = 300
periodic_fuzzy_delay = 0
[wsgi]
api_paste_config = $PACKAGES/usr/share/nova-common/api-paste.ini
[conductor]
workers = 1
[scheduler]
workers = 1
discover_hosts_in_cells_interval = 1
[database]
connection = $DATABASES/nova
[api_database]
connection = $DATABASES/nova_api
[notifications]
notification_format = $format
notify_on_state_change = vm_and_task_state
[oslo_messaging_notifications]
driver = messagingv2
[oslo_messaging_rabbit]
rabbit_interval_max = 2
[oslo_concurrency]
lock_path = $RUN/nova/locks
[keystone_authtoken]
www_authenticate_uri = $IDENTITY_URL
interface = public
$credentials
[placement]
endpoint_override = $PLACEMENT_URL
$credentials
[neutron]
endpoint_override = $NETWORK_URL
$credentials
[glance]
endpoint_override = $IMAGE_URL
[vnc]
enabled = false
C
  write nova/placement.conf <<C
[placement_database]
connection = $DATABASES/placement
[keystone_authtoken]
www_authenticate_uri = $IDENTITY_URL
interface = public
$credentials
C
}

make() {
  configure both
  for program in run-nova.py hypervisor.py; do write "nova/$program" <"$HERE/$program"; done
  "${UNPRIVILEGED[@]}" $PYTHON "$PACKAGES/usr/bin/placement-manage" --config-file "$RUN/nova/placement.conf" db sync
  "${UNPRIVILEGED[@]}" $PYTHON "$RUN/nova/run-nova.py" migrate "$CONFIG"
  "$HERE/postgres.sh" sql nova_api "insert into flavors
    (flavorid, name, vcpus, memory_mb, root_gb, ephemeral_gb, swap, rxtx_factor, disabled, is_public)
    values ('1', 'small', 1, 64, 1, 0, 0, 1, false, true)"
}

start_placement() {
  launch placement "${UNPRIVILEGED[@]}" env OS_PLACEMENT_CONFIG_DIR="$RUN/nova" uwsgi_python3 --plugin python3 \
    --http-socket "127.0.0.1:$PLACEMENT_PORT" --master --need-app --die-on-term --no-orphans --processes 1 --threads 4 \
    --enable-threads --lazy-apps --buffer-size 65535 --disable-logging --add-header 'Connection: close' \
    --wsgi-file "$PACKAGES/usr/bin/placement-api"
}

start_services() {
  local service
  for service in "${SERVICES[@]}"; do
    # nova-compute tells Placement of its host when it starts, and not again for a minute
    [ "$service" != compute ] || wait_for placement answers "$PLACEMENT_URL"
    launch "nova-$service" "${UNPRIVILEGED[@]}" $PYTHON "$RUN/nova/run-nova.py" "$service" "$CONFIG"
  done
}

wait_for_services() {
  wait_for nova-api answers "$COMPUTE_URL"
  wait_for nova-conductor $PYTHON "$HERE/consumers.py" "$AMQP_PORT" conductor
  wait_for nova-scheduler $PYTHON "$HERE/consumers.py" "$AMQP_PORT" scheduler
  wait_for nova-compute $PYTHON "$HERE/consumers.py" "$AMQP_PORT" "compute.$HOST"
  wait_for nova-compute has_host
}

# It is known to its cell and to Placement.
has_host() {
  [ "$(count nova_api host_mappings)" -gt 0 ] && [ "$(count placement inventories)" -gt 0 ]
}

count() { # DATABASE FROM
  "$HERE/postgres.sh" sql "$1" "select count(*) from $2"
}

stop_services() { # SIGNAL
  local service
  for service in "${SERVICES[@]}"; do end "nova-$service" "$1" & done
  wait
}

case $1 in
make) make ;;
start)
  launch network-and-images node "$HERE/network-and-images.mjs" "$NETWORK_PORT" "$IMAGE_PORT"
  start_placement
  start_services
  wait_for_services
  ;;
wait) wait_for_services ;;
restart)
  stop_services TERM
  configure "$2"
  start_services
  wait_for_services
  ;;
stop)
  stop_services KILL
  end placement KILL
  end network-and-images KILL
  ;;
esac
