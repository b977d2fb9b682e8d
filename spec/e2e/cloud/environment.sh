# Settings of the scripts in this folder, and the words that they are written in. To be sourced.
#   CLOUD_DIR   has packages/ (Nova's), prepared-*/ (what each start is a copy of), and run/ (databases, logs, what runs)
#   CLOUD_PORT  the first of the ports that are used on 127.0.0.1
set -euo pipefail
umask 022
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CLOUD_DIR=${CLOUD_DIR:-/var/tmp/nova-shared-filesystem-cloud}
CLOUD_PORT=${CLOUD_PORT:-17300}
PACKAGES=$CLOUD_DIR/packages
RUN=$CLOUD_DIR/run

POSTGRES_PORT=$CLOUD_PORT
IDENTITY_PORT=$((CLOUD_PORT + 1))
COMPUTE_PORT=$((CLOUD_PORT + 2))
PLACEMENT_PORT=$((CLOUD_PORT + 3))
NETWORK_PORT=$((CLOUD_PORT + 4))
IMAGE_PORT=$((CLOUD_PORT + 5))
AMQP_PORT=$((CLOUD_PORT + 6))
ERLANG_PORT=$((CLOUD_PORT + 7))
EPMD_PORT=$((CLOUD_PORT + 8))
LAST_PORT=$EPMD_PORT

IDENTITY_URL=http://127.0.0.1:$IDENTITY_PORT/v3
COMPUTE_URL=http://127.0.0.1:$COMPUTE_PORT/v2.1
PLACEMENT_URL=http://127.0.0.1:$PLACEMENT_PORT
NETWORK_URL=http://127.0.0.1:$NETWORK_PORT
IMAGE_URL=http://127.0.0.1:$IMAGE_PORT
AMQP_URL=amqp://guest:guest@127.0.0.1:$AMQP_PORT
DATABASES=postgresql+psycopg2://postgres@127.0.0.1:$POSTGRES_PORT

POSTGRES=/usr/lib/postgresql/15/bin
RABBITMQ=(/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server)
PYTHON=/usr/bin/python3 # Debian's, which has the modules, whatever else is installed
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH PYTHONPATH=$PACKAGES/usr/lib/python3/dist-packages
export PYTHONWARNINGS=ignore PYTHONDONTWRITEBYTECODE=1

# Before a program: it runs by an account without rights, as Postgres wants it, with run/ for a home.
UNPRIVILEGED=(env HOME="$RUN")
[ "$(id -u)" -ne 0 ] || UNPRIVILEGED=(setpriv --reuid=nobody --regid=nogroup --clear-groups "${UNPRIVILEGED[@]}")

die() {
  echo "$*" >&2
  exit 1
}

# folder NAME: makes a folder below run/ that these programs can write to
folder() {
  "${UNPRIVILEGED[@]}" mkdir -p -m 700 "$RUN/$1"
}

# write NAME: makes a file below run/, of what comes in
write() {
  "${UNPRIVILEGED[@]}" tee "$RUN/$1" >/dev/null
}

# When a process began, nothing when it has ended: with its id it names one process for good, as ids are used again.
began() {
  sed -n 's/.*) [^XZ] //p' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f19
}

# launch NAME PROGRAM...: starts a program in a process group of its own, and notes it
launch() {
  local name=$1
  shift
  # 9 is the lock of cloud.sh, which is not theirs to hold
  setsid "$@" >>"$RUN/log/$name.log" 2>&1 </dev/null 9>&- &
  echo "$! $(began $!)" >"$RUN/launched/$name"
}

# is_running NAME
is_running() {
  local id since
  [ -e "$RUN/launched/$1" ] && read -r id since <"$RUN/launched/$1" && [ "$(began "$id")" = "$since" ]
}

# end NAME [SIGNAL]: asks what `launch` started to end, waits for up to 20 s, and then ends the whole group
end() {
  local name=$1 signal=${2:-TERM} id since until=$((SECONDS + 20))
  if is_running "$name"; then
    read -r id since <"$RUN/launched/$name"
    kill -s "$signal" "$id" || true
    while is_running "$name" && [ $SECONDS -lt $until ]; do sleep 0.1; done
    kill -s KILL -- "-$id" 2>/dev/null || true
  fi
  rm -f "$RUN/launched/$name"
}

# wait_for NAME COMMAND...: until the command succeeds, as long as what `launch` started lives, for up to 180 s
wait_for() {
  local name=$1 until=$((SECONDS + 180))
  shift
  until "$@" >/dev/null 2>&1; do
    is_running "$name" || die "$name has ended: $(tail -n 5 "$RUN/log/$name.log")"
    [ $SECONDS -lt $until ] || die "$name is not ready after 180 s: see $RUN/log"
    sleep 0.2
  done
}

# listens PORT
listens() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# answers URL: whatever it answers
answers() {
  curl --silent --output /dev/null --max-time 10 "$1"
}
