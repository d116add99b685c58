#!/bin/sh
# Weir's throughput against a bare handler that reads the same request and echoes its ids, in one run on one machine:
# the medians of five rounds, taken in turn. Then Weir's latency at half of its peak, and its memory.
# usage: benches/floor.sh [requests per platform]; builds a release, serves on 127.0.0.1:8003 and 8004, ends both.
# RECORDER=true keeps what is served; POLICY=name ranks by another policy, of the settings in the file CONFIG=path;
# BUILT=1 takes the release that is there.
set -eu
cd "$(dirname "$0")/.."
requests=${1:-3000}
[ -n "${BUILT:-}" ] || cargo build --release --locked --bin weir --example floor
target=${CARGO_TARGET_DIR:-target}/release
work=$(mktemp -d)
floor='' weir=''
trap 'kill $floor $weir 2>/dev/null || true; wait; rm -rf "$work"' EXIT

"$target/examples/floor" 127.0.0.1:8004 & floor=$!
cat > "$work/weir.toml" <<TOML
data_dir = "$work/data"
server.bind = "127.0.0.1:8003"
database.url = "sqlite://$work/weir.db"
ranking.policy = "${POLICY:-calm}"
log.filter = "warn"
recorder.enabled = ${RECORDER:-false}
TOML
[ -z "${CONFIG:-}" ] || cat "$CONFIG" >> "$work/weir.toml"
"$target/weir" serve --config "$work/weir.toml" --sample-data & weir=$!
until curl -sf http://127.0.0.1:8003/metrics | grep -q '^weir_snapshot_entries{actor="snapshot.entities"} 10$'; do
    kill -0 "$weir" || exit 1
    sleep 0.2
done

bench() { # port, further arguments: the line of all platforms together
    port=$1; shift
    "$target/weir" bench "http://127.0.0.1:$port" --requests "$requests" --seed "${round:-0}" "$@" | tee -a /dev/stderr | grep '^all'
}
per_second() { bench "$@" | awk '{ print $4 }'; }
median() { sort -n "$1" | sed -n 3p; }
resident() { awk '/VmRSS/ { printf "%d", $2 / 1024 }' "/proc/$weir/status"; }

for texts in --repeat ""; do
    : > "$work/floor"; : > "$work/weir"
    for round in 1 2 3 4 5; do
        echo "== ${texts:---fresh}, round $round: floor, weir" >&2
        per_second 8004 $texts >> "$work/floor"; per_second 8003 $texts >> "$work/weir"
    done
    floors=$(median "$work/floor"); weirs=$(median "$work/weir")
    echo "${texts:---fresh}: floor $floors, weir $weirs requests a second: $((100 * weirs / floors)) %"
    echo "${texts:---fresh}: at half of that $(bench 8003 $texts --rate $((weirs / 2)))"
    echo "resident after it: $(resident) MiB"
done
