# shellcheck shell=bash
# shellcheck disable=SC2154 # the variables are set by up, down and lib.sh
# Apache Kafka from Maven Central: one node that is broker and controller (KRaft).

# shellcheck source=tests/brokers/java.sh
source "$here/java.sh"

kafka_port=${ORDERLINE_KAFKA_PORT:-9092}
kafka_sasl_port=${ORDERLINE_KAFKA_SASL_PORT:-9094}
kafka_controller_port=${ORDERLINE_KAFKA_CONTROLLER_PORT:-9093}
kafka_heap=${ORDERLINE_KAFKA_HEAP:-384m}
# Sixteen bytes in base64, any will do for a cluster of one.
kafka_cluster=b3JkZXJsaW5lLXRlc3RzIQ

kafka_get() { get_jars kafka; }

kafka_start() {
    local data
    data=$(data_of kafka)
    need_ports kafka "$kafka_port" "$kafka_sasl_port" "$kafka_controller_port"
    kafka_settings "$data" >"$data/server.properties"
    if [[ ! -e $data/topics/meta.properties ]]; then
        "$java" -cp "$(jars_of kafka)/*" kafka.tools.StorageTool format \
            -t "$kafka_cluster" -c "$data/server.properties" >"$data/log/format.log" 2>&1 \
            || { cat "$data/log/format.log" >&2; die "kafka: the storage could not be formatted"; }
    fi
    launch_java kafka kafka "$kafka_heap" -Dorg.slf4j.simpleLogger.showDateTime=true \
        -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS kafka.Kafka "$data/server.properties"
}

kafka_settings() {
    cat <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$kafka_controller_port
listeners=PLAINTEXT://127.0.0.1:$kafka_port,SASL_PLAINTEXT://127.0.0.1:$kafka_sasl_port,CONTROLLER://127.0.0.1:$kafka_controller_port
advertised.listeners=PLAINTEXT://127.0.0.1:$kafka_port,SASL_PLAINTEXT://127.0.0.1:$kafka_sasl_port
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT
log.dirs=$1/topics

# Users with passwords at the second port; without one everything is allowed.
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_orderline="orderline" user_reader="reader";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS;User:orderline

# One node holds the only copy.
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# Fewer files: a start on a small machine is quicker.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
share.coordinator.state.topic.num.partitions=4
log.cleaner.dedupe.buffer.size=16777216

# After a crash the controller lets the broker in again only when the session of
# the dead one has run out.
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000

# A deleted topic must not come back because somebody still asks for it.
auto.create.topics.enable=false
# Tests do not wait three seconds for more members, nor 45 for a dead one.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=500
group.consumer.min.session.timeout.ms=500
group.consumer.session.timeout.ms=3000
group.consumer.min.heartbeat.interval.ms=100
group.consumer.heartbeat.interval.ms=500
CONF
}

# ApiVersions, version 0, answered without an error. The port opens only when the
# broker has joined its controller.
kafka_ready() {
    answers "$kafka_port" '\0\0\0\12\0\22\0\0\0\0\0\7\377\377' 10 '.{8}000000070000'
}

# A controlled shutdown; a TERM is enough.
kafka_stop() { stop_with kafka kafka.Kafka 60; }

kafka_hints() {
    echo "export ORDERLINE_KAFKA_URL=kafka://127.0.0.1:$kafka_port"
    echo "export ORDERLINE_KAFKA_SASL_URL=kafka://orderline:orderline@127.0.0.1:$kafka_sasl_port"
}

kafka_list() {
    kafka_ask TopicCommand --exclude-internal | sed '/^$/d; s/^/topic /'
    kafka_ask consumer.group.ConsumerGroupCommand | sed '/^$/d; s/^/group /'
}

kafka_ask() {
    find_java || die "needed: Java 17 or newer"
    "$java" -Xmx128m -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$(jars_of kafka)/*" \
        "org.apache.kafka.tools.$1" --bootstrap-server "127.0.0.1:$kafka_port" --list "${@:2}"
}
