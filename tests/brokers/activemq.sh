# shellcheck shell=bash
# shellcheck disable=SC2154 # the variables are set by up, down and lib.sh
# ActiveMQ Classic from Maven Central: AMQP 1.0, OpenWire and STOMP, messages in KahaDB.

# shellcheck source=tests/brokers/java.sh
source "$here/java.sh"

activemq_amqp_port=${ORDERLINE_ACTIVEMQ_PORT:-5673}
activemq_openwire_port=${ORDERLINE_ACTIVEMQ_OPENWIRE_PORT:-61616}
activemq_stomp_port=${ORDERLINE_ACTIVEMQ_STOMP_PORT:-61613}
activemq_heap=${ORDERLINE_ACTIVEMQ_HEAP:-384m}

activemq_get() { get_jars activemq; }

activemq_start() {
    local data
    data=$(data_of activemq)
    need_ports activemq "$activemq_amqp_port" "$activemq_openwire_port" "$activemq_stomp_port"
    launch_java activemq activemq "$activemq_heap" -Dorg.slf4j.simpleLogger.showDateTime=true \
        -Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS \
        "-Dactivemq.home=$data" "-Dactivemq.base=$data" "-Dorderline.data=$data" "-Dorderline.amqp=$activemq_amqp_port" \
        "-Dorderline.openwire=$activemq_openwire_port" "-Dorderline.stomp=$activemq_stomp_port" \
        org.apache.activemq.console.Main start "xbean:file:$here/activemq/activemq.xml"
}

# The header of AMQP 1.0 with its security layer comes back, followed by the frame that
# names the mechanisms.
activemq_ready() {
    answers "$activemq_amqp_port" 'AMQP\3\1\0\0' 16 414d515003010000
}

activemq_stop() { stop_with activemq console.Main 60; }

activemq_hints() {
    echo "export ORDERLINE_ACTIVEMQ_URL=amqp://orderline:orderline@127.0.0.1:$activemq_amqp_port"
}

# Asked by STOMP of the statistics plugin: one message a queue, a map in XML. The answers
# come before that to the farewell.
activemq_list() {
    exec 3<>"/dev/tcp/127.0.0.1/$activemq_stomp_port"
    printf 'CONNECT\naccept-version:1.2\nhost:orderline\n\n\0' >&3
    printf 'SUBSCRIBE\nid:1\ndestination:/temp-queue/answers\n\n\0' >&3
    printf 'SEND\ndestination:/queue/%s\nreply-to:/temp-queue/answers\n\n\0' \
        'ActiveMQ.Statistics.Destination.>' >&3
    sleep 1
    printf 'DISCONNECT\nreceipt:end\n\n\0' >&3
    timeout 10 cat <&3 | sed -n 's|.*<string>queue://\(.*\)</string>.*|queue \1|p'
    exec 3>&-
}
