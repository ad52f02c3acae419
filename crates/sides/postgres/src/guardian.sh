# Stops a server that nobody uses any more, also when its users were killed.
# $1: the cluster's folder, $2: the lock file that users hold, $3: seconds to stay after the last user.
trap '' HUP INT TERM
cd "$1" || exit 1
lock=$2 grace=$3

alone() { # wait|try COMMAND…: runs the command while nobody uses the server
    how=$1
    shift
    if command -v flock >/dev/null; then
        if [ "$how" = wait ]; then flock "$lock" "$@"; else flock -n "$lock" "$@"; fi
    else
        if [ "$how" = wait ]; then lockf -k "$lock" "$@"; else lockf -k -s -t 0 "$lock" "$@"; fi
    fi
}

while :; do
    alone wait true || exit 1
    sleep "$grace"
    # Whoever comes from here on waits for the lock, finds no server and starts it, with a guardian of its own.
    alone try sh -c '
        runs() {
            if [ -d /proc/self ]; then
                [ "$(readlink "/proc/$1/cwd")" = "$(pwd -P)/data" ]
            else
                ps -p "$1" -o command= | grep -q postgres
            fi
        }
        pid=$(head -n 1 data/postmaster.pid 2>/dev/null)
        if [ -n "$pid" ] && runs "$pid"; then kill -INT "$pid"; fi
        while [ -n "$pid" ] && runs "$pid"; do sleep 0.1; done
        : > guardian.left
    ' && exit 0
done
