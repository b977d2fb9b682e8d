# Settings of the scripts in this folder, on top of those of the cloud, whose words and whose Keystone, RabbitMQ and Postgres
# they use. To be sourced.
#   MANILA_DIR   has packages/ (Manila's programs), prepared-*/ (what each start is a copy of), and run/
#   MANILA_PORT  the first of the ports that are used on 127.0.0.1
MANILA=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export CLOUD_DIR=${MANILA_DIR:-/var/tmp/nova-shared-filesystem-manila}
export CLOUD_PORT=${MANILA_PORT:-17320}
. "$MANILA/../cloud/environment.sh"
SHARE_PORT=$((LAST_PORT + 1))
SHARE_URL=http://127.0.0.1:$SHARE_PORT/v2
