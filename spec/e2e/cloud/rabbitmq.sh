#!/usr/bin/env bash
# The message bus, which can be stopped and started again while the others run: rabbitmq.sh start|stop
# After a start it has again what it was told to keep: durable queues, persistent messages. rabbitmq.sh kill: for good.
. "$(dirname "$0")/environment.sh"

case $1 in
start)
  folder rabbitmq
  export ERL_EPMD_PORT=$EPMD_PORT ERL_EPMD_ADDRESS=127.0.0.1
  # without one the broker starts its own, which outlives it
  is_running epmd || launch epmd "${UNPRIVILEGED[@]}" epmd -port "$EPMD_PORT" -address 127.0.0.1
  wait_for epmd listens "$EPMD_PORT"
  export RABBITMQ_NODENAME=cloud@localhost RABBITMQ_NODE_IP_ADDRESS=127.0.0.1 RABBITMQ_NODE_PORT=$AMQP_PORT \
    RABBITMQ_DIST_PORT=$ERLANG_PORT RABBITMQ_BASE=$RUN/rabbitmq RABBITMQ_MNESIA_BASE=$RUN/rabbitmq/data \
    RABBITMQ_LOG_BASE=$RUN/rabbitmq RABBITMQ_LOGS=- RABBITMQ_PID_FILE=$RUN/rabbitmq/pid
  # nothing of the machine's own broker
  export RABBITMQ_CONFIG_FILE=$RUN/rabbitmq/none RABBITMQ_CONF_ENV_FILE=$RUN/rabbitmq/none \
    RABBITMQ_ENABLED_PLUGINS_FILE=$RUN/rabbitmq/none
  launch rabbitmq "${UNPRIVILEGED[@]}" "${RABBITMQ[0]}"
  wait_for rabbitmq listens "$AMQP_PORT"
  ;;
stop) end rabbitmq ;;
kill)
  end rabbitmq KILL
  end epmd KILL
  ;;
esac
