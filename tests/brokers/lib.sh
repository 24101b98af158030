# shellcheck shell=bash
# shellcheck disable=SC2154 # `here` is set by up and down
# What `up` and `down` share: where things lie, starting a process that outlives
# the shell, waiting, stopping. Sourced, never run. Each NAME.sh beside it adds
# NAME_get, NAME_start, NAME_ready, NAME_stop and NAME_hints.

servers=(rabbitmq kafka activemq rocketmq)
launched=()

# Nothing is kept in the work tree: it must stay clean, and a cache outlives a checkout.
root=${ORDERLINE_BROKERS:-${XDG_CACHE_HOME:-$HOME/.cache}/orderline/brokers}

# Sets `names` from the command line, and reads what belongs to each server.
read_names() {
    local name
    names=("$@")
    if [[ $* == all ]]; then names=("${servers[@]}"); fi
    ((${#names[@]})) || die "which server? all, or of: ${servers[*]}"
    for name in "${names[@]}"; do
        [[ " ${servers[*]} " == *" $name "* ]] || die "unknown server or flag: $name (known: ${servers[*]})"
    done
    for name in "${names[@]}"; do
        # shellcheck source=/dev/null
        source "$here/$name.sh"
    done
}

# Runs `${@:2}` while no other up or down touches server $1.
locked() {
    local server=$1
    shift
    mkdir -p "$(data_of "$server")/log"
    exec 9>"$root/data/$server.lock"
    flock 9
    "$@"
    exec 9>&-
}

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

data_of() { printf '%s/data/%s' "$root" "$1"; }
log_of() { printf '%s/data/%s/log/%s.log' "$root" "$1" "$2"; }

# Every process of a server carries this mark in its environment, and children
# inherit it. That finds them without pid files, which lie after a crash, and it
# finds those that the server started by itself (Erlang's epmd).
mark_of() { printf 'ORDERLINE_BROKER=%s' "$(data_of "$1")"; }

# The process ids of server $1; with $2 only those with $2 in their command line.
pids_of() {
    local file pid
    while IFS= read -r file; do
        pid=${file#/proc/}
        pid=${pid%/environ}
        if [[ -z ${2:-} ]] || grep -qsF -- "$2" "/proc/$pid/cmdline"; then
            printf '%s\n' "$pid"
        fi
    done < <(grep -lszxF -- "$(mark_of "$1")" /proc/[0-9]*/environ || true)
}

runs() { [[ -n $(pids_of "$1") ]]; }

# Starts `$3...` as a process of server $1 that logs to $2.log. It gets a session
# of its own, so that the end of the caller's shell does not reach it, and none of
# the caller's open files: a pipe that it kept open would make the caller's reader
# wait for ever, and a lock would stay taken. Its process id is added to `launched`.
launch() {
    local server=$1 log
    log=$(log_of "$1" "$2")
    shift 2
    mkdir -p "$(dirname "$log")"
    (
        local fd
        for fd in /proc/self/fd/*; do
            fd=${fd##*/}
            if ((fd > 2)); then eval "exec $fd>&-"; fi
        done
        exec env "$(mark_of "$server")" setsid "$@" </dev/null >>"$log" 2>&1
    ) &
    launched+=("$!")
    disown
}

# Waits until command `$3...` succeeds. Fails after $2 seconds, or at once when a
# process that was launched is gone, and then shows the ends of the logs.
await() {
    local server=$1 pid deadline=$((SECONDS + $2))
    shift 2
    until "$@"; do
        for pid in "${launched[@]}"; do
            kill -0 "$pid" 2>/dev/null || failed "$server" "ended while starting"
        done
        if ((SECONDS >= deadline)); then failed "$server" "is not ready in time"; fi
        sleep 0.2
    done
}

failed() {
    local log
    for log in "$(data_of "$1")"/log/*.log; do
        say "--- the end of $log"
        tail -n 30 "$log" >&2 || true
    done
    kill_rest "$1"
    die "$1 $2"
}

# Sends signal $2 to all processes of server $1.
signal() {
    local pids
    mapfile -t pids < <(pids_of "$1")
    if ((${#pids[@]})); then kill -s "$2" "${pids[@]}" 2>/dev/null || true; fi
}

# Stops server $1 where it is, and waits until all its threads stand still: the others go on until the one
# that the signal is given to has got to it, which takes a busy machine a while.
freeze() {
    local deadline=$((SECONDS + 10))
    while moves "$1"; do
        if ((SECONDS >= deadline)); then die "$1 does not stand still"; fi
        signal "$1" STOP
        sleep 0.01
    done
}

# True when a thread of server $1 is neither stopped nor at its end.
moves() {
    local pid
    for pid in $(pids_of "$1"); do
        if grep -qs $'^State:\t[^TZX]' "/proc/$pid/task/"*/status; then return 0; fi
    done
    return 1
}

# Kills what is left of server $1, and waits until nothing is.
kill_rest() {
    local deadline=$((SECONDS + 30))
    while runs "$1"; do
        if ((SECONDS >= deadline)); then die "$1 does not end: process $(pids_of "$1" | xargs)"; fi
        signal "$1" KILL
        sleep 0.1
    done
}

# Asks the processes of server $1 with $2 in their command line to end, and waits up
# to $3 seconds.
stop_with() {
    local deadline=$((SECONDS + $3)) pids
    mapfile -t pids < <(pids_of "$1" "$2")
    if ((${#pids[@]})); then kill -s TERM "${pids[@]}" 2>/dev/null || true; fi
    while [[ -n $(pids_of "$1" "$2") ]]; do
        if ((SECONDS >= deadline)); then
            say "$1 does not stop by itself: killed"
            return
        fi
        sleep 0.1
    done
}

# True when a connection to port $1 that says $2 (printf escapes) is answered by at
# least $3 bytes, which in hexadecimal match $4.
answers() {
    local got
    got=$(
        exec 2>/dev/null
        # shellcheck disable=SC2016 # expanded by the inner shell
        timeout 3 bash -c '
            exec 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
            printf "$2" >&3
            head -c "$3" <&3' _ "$1" "$2" "$3" | od -An -v -tx1 | tr -d " \n"
    ) || true
    [[ ${#got} -eq $((2 * $3)) && $got =~ ^$4 ]]
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# A port that somebody else has taken is said before the server's own log hides it.
need_ports() {
    local port
    for port in "${@:2}"; do
        port_is_free "$port" || die "$1: port $port of 127.0.0.1 is taken by another process"
    done
}

as_root() {
    if [[ $(id -u) == 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        return 1
    fi
}

# Installs Debian packages `$@`, without starting services that they bring.
install_packages() {
    local policy=/usr/sbin/policy-rc.d ours=
    command -v apt-get >/dev/null || die "needed from your system's packages: $*"
    say "installing Debian packages: $*"
    as_root true || die "needs root or sudo, once: apt-get install --no-install-recommends $*"
    if [[ ! -e $policy ]]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod +x "$policy"
    fi
    local ok=yes
    { as_root apt-get update -q && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -yq --no-install-recommends "$@"; } >&2 || ok=
    if [[ -n $ours ]]; then as_root rm -f "$policy"; fi
    [[ -n $ok ]] || die "apt-get could not install: $*"
}
