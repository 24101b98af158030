# shellcheck shell=bash
# shellcheck disable=SC2154 # the variables are set by up, down and lib.sh
# What the servers that run on Java share. Sourced by their files.

# Pinned, since the newest may need a newer Maven than Debian's.
dependency_plugin=org.apache.maven.plugins:maven-dependency-plugin:3.8.1

# The jars of server $1. The folder is named after the pom, so that a changed
# version is fetched anew and a half-fetched set is never taken for a whole one.
jars_of() {
    printf '%s/jars/%s-%s' "$root" "$1" "$(cksum <"$here/$1/pom.xml" | cut -d' ' -f1)"
}

# Sets `java` to a Java 17 or newer: JAVA_HOME's, the path's, or one below /usr/lib/jvm.
find_java() {
    local try
    for try in ${JAVA_HOME:+"$JAVA_HOME/bin/java"} java /usr/lib/jvm/*/bin/java; do
        if [[ $("$try" --version 2>/dev/null | head -n 1) =~ \ ([0-9]+) ]] && ((BASH_REMATCH[1] >= 17)); then
            java=$try
            return
        fi
    done
    return 1
}

get_java() {
    if find_java; then return; fi
    # Debian 12 has 17; later releases only what is newer.
    if [[ -n $(apt-cache search --names-only '^openjdk-17-jre-headless$' 2>/dev/null) ]]; then
        install_packages openjdk-17-jre-headless
    else
        install_packages default-jre-headless
    fi
    find_java || die "needed: Java 17 or newer (on the path, or at JAVA_HOME)"
}

get_jars() {
    local to
    get_java
    to=$(jars_of "$1")
    if [[ -d $to ]]; then return; fi
    command -v mvn >/dev/null || install_packages maven
    say "fetching $1 from Maven Central into $to"
    rm -rf -- "$root/jars/$1"-* # what an earlier pom named
    mkdir -p "$root/jars"
    mvn -B -f "$here/$1/pom.xml" "$dependency_plugin:copy-dependencies" \
        -DincludeScope=runtime -DoutputDirectory="$to.part" >"$root/jars/$1.log" 2>&1 \
        || { tail -n 30 "$root/jars/$1.log" >&2; die "Maven could not fetch $1"; }
    mv -- "$to.part" "$to"
}

# Starts main class `$4...` of server $1 with the heap $3, logging to $2.log.
launch_java() {
    local server=$1 log=$2 heap=$3
    shift 3
    launch "$server" "$log" "$java" "-Xmx$heap" -XX:-UsePerfData -Djava.net.preferIPv4Stack=true \
        -cp "$(jars_of "$server")/*" "$@"
}
