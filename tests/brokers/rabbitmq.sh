# shellcheck shell=bash
# shellcheck disable=SC2154 # the variables are set by up, down and lib.sh
# RabbitMQ from Debian's package, as a private node: none of the system's own
# folders, service or user is touched.

rabbitmq_port=${ORDERLINE_RABBITMQ_PORT:-5672}
rabbitmq_dist_port=${ORDERLINE_RABBITMQ_DIST_PORT:-25672}
# Not Erlang's usual 4369: an epmd that others use must neither be used nor stopped.
rabbitmq_epmd_port=${ORDERLINE_RABBITMQ_EPMD_PORT:-24369}
# The package's commands in /usr/sbin change user and folder; these do not.
rabbitmq_bin=/usr/lib/rabbitmq/bin

rabbitmq_get() {
    [[ -x $rabbitmq_bin/rabbitmq-server ]] || install_packages rabbitmq-server
}

# What runs a command of RabbitMQ for this node.
rabbitmq_env=(
    env
    HOME="$(data_of rabbitmq)" # for the cookie, which would else go to the user's own
    RABBITMQ_CONF_ENV_FILE=/dev/null # the system's own may say otherwise
    RABBITMQ_NODENAME=orderline@localhost
    RABBITMQ_DIST_PORT="$rabbitmq_dist_port"
    RABBITMQ_MNESIA_BASE="$(data_of rabbitmq)/mnesia"
    RABBITMQ_LOG_BASE="$(data_of rabbitmq)/log"
    RABBITMQ_ENABLED_PLUGINS_FILE="$(data_of rabbitmq)/enabled_plugins"
    RABBITMQ_CONFIG_FILE="$(data_of rabbitmq)/rabbitmq.conf"
    RABBITMQ_PID_FILE="$(data_of rabbitmq)/pid"
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
    ERL_EPMD_ADDRESS=127.0.0.1
    ERL_EPMD_PORT="$rabbitmq_epmd_port"
)

rabbitmq_start() {
    local data
    data=$(data_of rabbitmq)
    need_ports rabbitmq "$rabbitmq_port" "$rabbitmq_dist_port" "$rabbitmq_epmd_port"
    cat >"$data/rabbitmq.conf" <<CONF
listeners.tcp.1 = 127.0.0.1:$rabbitmq_port
load_definitions = $here/rabbitmq/definitions.json
log.console = true
log.file = false
CONF
    printf '[].\n' >"$data/enabled_plugins"
    launch rabbitmq rabbitmq "${rabbitmq_env[@]}" "$rabbitmq_bin/rabbitmq-server"
}

# The node listens only after the definitions are loaded: Connection.Start (a
# method frame on channel 0) means that users and virtual hosts are there.
rabbitmq_ready() { answers "$rabbitmq_port" 'AMQP\0\0\11\1' 3 010000; }

# Erlang's own handler of SIGTERM stops the node in order; killing its helper
# processes at the same time would make it crash instead. epmd stays: killed.
rabbitmq_stop() { stop_with rabbitmq beam.smp 60; }

rabbitmq_hints() {
    echo "export ORDERLINE_RABBITMQ_URL=amqp://orderline:orderline@127.0.0.1:$rabbitmq_port/orderline"
}

rabbitmq_list() {
    local vhost
    for vhost in / orderline; do
        rabbitmq_ask -p "$vhost" list_queues name | sed 's/^/queue /'
        rabbitmq_ask -p "$vhost" list_exchanges name | grep -v '^amq\.' | sed '/^$/d; s/^/exchange /' || true
    done
}

rabbitmq_ask() { "${rabbitmq_env[@]}" "$rabbitmq_bin/rabbitmqctl" -q --no-table-headers "$@"; }
