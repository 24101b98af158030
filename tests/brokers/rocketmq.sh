# shellcheck shell=bash
# shellcheck disable=SC2154 # the variables are set by up, down and lib.sh
# Apache RocketMQ 5 from Maven Central: name server, broker, and the proxy that
# speaks gRPC.

# shellcheck source=tests/brokers/java.sh
source "$here/java.sh"

rocketmq_names_port=${ORDERLINE_ROCKETMQ_NAMES_PORT:-9876}
# The broker also takes this port - 2 (the same without slow requests) and + 1 (replication).
rocketmq_port=${ORDERLINE_ROCKETMQ_PORT:-10911}
rocketmq_grpc_port=${ORDERLINE_ROCKETMQ_GRPC_PORT:-8081}
# The proxy's second door, for the broker's own protocol. Usually 8080, as half of the world.
rocketmq_proxy_port=${ORDERLINE_ROCKETMQ_PROXY_PORT:-18080}
rocketmq_heap=${ORDERLINE_ROCKETMQ_HEAP:-384m}

rocketmq_get() {
    get_jars rocketmq
    command -v cc >/dev/null || install_packages gcc libc6-dev
}

rocketmq_start() {
    local data
    data=$(data_of rocketmq)
    need_ports rocketmq "$rocketmq_names_port" "$rocketmq_grpc_port" "$rocketmq_proxy_port" \
        "$rocketmq_port" "$((rocketmq_port - 2))" "$((rocketmq_port + 1))"
    rocketmq_names_settings "$data" >"$data/names.conf"
    rocketmq_broker_settings "$data" >"$data/broker.conf"
    rocketmq_proxy_settings >"$data/proxy.json"
    cc -shared -fPIC -O1 -o "$data/loopback.so" "$here/rocketmq/loopback.c"
    rocketmq_launch names 128m namesrv.NamesrvStartup -c "$data/names.conf"
    await rocketmq 60 rocketmq_names_ready
    rocketmq_launch broker "$rocketmq_heap" broker.BrokerStartup -c "$data/broker.conf"
    await rocketmq 60 rocketmq_broker_ready
    rocketmq_launch proxy 256m proxy.ProxyStartup -pc "$data/proxy.json"
}

# Starts main class $3, logging to $1.log, with the heap $2. The user's home is where
# RocketMQ's own many logs go.
rocketmq_launch() {
    local data
    data=$(data_of rocketmq)
    LD_PRELOAD="$data/loopback.so" ROCKETMQ_HOME="$data" \
        launch_java rocketmq "$1" "$2" "-Duser.home=$data/log" "org.apache.rocketmq.$3" "${@:4}"
}

rocketmq_names_settings() {
    cat <<CONF
rocketmqHome=$1
kvConfigPath=$1/names.json
configStorePath=$1/names.properties
bindAddress=127.0.0.1
listenPort=$rocketmq_names_port
CONF
}

# Files of 1 GiB and 400 MB become small ones; a disk that is three quarters full
# is no reason to refuse a test's messages.
rocketmq_broker_settings() {
    cat <<CONF
brokerClusterName=orderline
brokerName=orderline
brokerId=0
brokerRole=ASYNC_MASTER
flushDiskType=ASYNC_FLUSH
namesrvAddr=127.0.0.1:$rocketmq_names_port
bindAddress=127.0.0.1
brokerIP1=127.0.0.1
brokerIP2=127.0.0.1
listenPort=$rocketmq_port
haListenPort=$((rocketmq_port + 1))
storePathRootDir=$1/store
storePathCommitLog=$1/store/commitlog
mappedFileSizeCommitLog=16777216
mappedFileSizeConsumeQueue=600000
mappedFileSizeTimerLog=1048576
maxHashSlotNum=50000
maxIndexNum=200000
diskMaxUsedSpaceRatio=95
autoCreateTopicEnable=true
autoCreateSubscriptionGroup=true
CONF
}

rocketmq_proxy_settings() {
    cat <<CONF
{
  "rocketMQClusterName": "orderline",
  "proxyMode": "cluster",
  "namesrvAddr": "127.0.0.1:$rocketmq_names_port",
  "localServeAddr": "127.0.0.1",
  "grpcServerPort": $rocketmq_grpc_port,
  "remotingListenPort": $rocketmq_proxy_port
}
CONF
}

# Sends request code $2 with fields $3 (JSON) to port $1 in RocketMQ's own protocol: the
# length of all, the length of the header, the header. Answered with code 0?
rocketmq_asks() {
    local header length
    header="{\"code\":$2,\"flag\":0,\"language\":\"JAVA\",\"opaque\":1,\"version\":0,\"extFields\":$3}"
    printf -v length '\\0\\0\\%03o\\%03o' $(((${#header} + 4) >> 8)) $(((${#header} + 4) & 255))
    printf -v length '%s\\0\\0\\%03o\\%03o' "$length" $((${#header} >> 8)) $((${#header} & 255))
    answers "$1" "$length$header" 18 '.{16}7b22636f6465223a302c'
}

rocketmq_names_ready() { rocketmq_asks "$rocketmq_names_port" 106 '{}'; }

# The broker tells its state, and the name server where its topics are.
rocketmq_broker_ready() {
    rocketmq_asks "$rocketmq_port" 28 '{}' \
        && rocketmq_asks "$rocketmq_names_port" 105 '{"topic":"orderline"}'
}

# The proxy answers the opening of HTTP/2 with a settings frame.
rocketmq_ready() {
    rocketmq_broker_ready && answers "$rocketmq_grpc_port" \
        'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0' 9 '.{6}0400'
}

# All at once: each takes its time, proxy and broker more than ten seconds.
rocketmq_stop() { stop_with rocketmq org.apache.rocketmq 60; }

rocketmq_hints() {
    echo "export ORDERLINE_ROCKETMQ_URL=rocketmq://127.0.0.1:$rocketmq_names_port"
}

# Topics but for those that every broker has, with the groups' retries and dead letters.
rocketmq_list() {
    find_java || die "needed: Java 17 or newer"
    ROCKETMQ_HOME="$(data_of rocketmq)" "$java" -Xmx128m "-Duser.home=$(data_of rocketmq)/log" \
        -cp "$(jars_of rocketmq)/*" org.apache.rocketmq.tools.command.MQAdminStartup \
        topicList -n "127.0.0.1:$rocketmq_names_port" \
        | grep -viE '^(%RETRY%)?(rmq_sys_|CID_|TOOLS_|DefaultHeartBeat|BenchmarkTest$|OFFSET_MOVED|TBW102$|SELF_TEST_|orderline(_REPLY_TOPIC)?$|SCHEDULE_TOPIC)|^$' \
        | sed 's/^/topic /' || true
}
