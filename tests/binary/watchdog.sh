# Waits until the test has ended, however it did, which closes its input; then ends what is left of its processes and
# removes its folder ($1). PostgreSQL runs in the data directory ($2).
trap '' HUP INT TERM
read -r _

# Waits, not for ever, until a command fails.
while_it_works() {
    n=0
    while "$@" && [ "$n" -lt 300 ]; do
        sleep 0.05
        n=$((n + 1))
    done
}

for note in "$1"/running/*; do
    pid=${note##*/}
    if [ -e "$note" ]; then
        kill -TERM "$pid"
        while_it_works kill -0 "$pid"
        kill -KILL "$pid"
    fi
done

lock=$2/cluster/postmaster.pid
if [ -e "$lock" ]; then
    read -r pid <"$lock"
    # Unless the lock is a dead server's, and the number another program's by now.
    if [ "$(readlink "/proc/$pid/cwd")" = "$2/cluster" ] || [ ! -e /proc/self ]; then
        kill -INT "$pid"
        while_it_works [ -e "$lock" ]
    fi
fi
# What the server's own children write last may come in between.
n=0
while [ -e "$1" ] && [ "$n" -lt 100 ]; do
    rm -rf "$1" || sleep 0.1
    n=$((n + 1))
done
