#!/bin/sh
# Weir's throughput against a bare handler that reads the same request and echoes its ids, in one run on one machine.
# usage: benches/floor.sh [requests per platform]; builds a release, serves on 127.0.0.1:8003 and 8004, ends both.
set -eu
cd "$(dirname "$0")/.."
requests=${1:-4000}
[ -n "${BUILT:-}" ] || cargo build --release --locked --bin weir --example floor
target=${CARGO_TARGET_DIR:-target}/release
work=$(mktemp -d)
trap 'kill $floor $weir 2>/dev/null || true; wait; rm -rf "$work"' EXIT

"$target/examples/floor" 127.0.0.1:8004 & floor=$!
cat > "$work/weir.toml" <<TOML
data_dir = "$work/data"
server.bind = "127.0.0.1:8003"
database.url = "sqlite://$work/weir.db"
ranking.policy = "calm"
log.filter = "warn"
recorder.enabled = ${RECORDER:-false}
TOML
"$target/weir" serve --config "$work/weir.toml" --sample-data & weir=$!
until curl -sf http://127.0.0.1:8003/metrics | grep -q 'actor="entity_board",counter="entities"} 10'; do sleep 0.2; done

per_second() { # port, further arguments
    port=$1; shift
    "$target/weir" bench "http://127.0.0.1:$port" --requests "$requests" "$@" | tee /dev/stderr | awk '$1 == "all" { print $4 }'
}
for texts in --repeat ""; do
    echo "== ${texts:---fresh}: floor, weir, floor, weir" >&2
    before=$(per_second 8004 $texts); first=$(per_second 8003 $texts)
    after=$(per_second 8004 $texts); second=$(per_second 8003 $texts)
    echo "$before $first $after $second" |
        awk -v texts="${texts:---fresh}" '{ printf "%s: floor %d and %d, weir %d and %d a second: %.0f %%\n", texts, $1, $3, $2, $4, 100 * ($2 + $4) / ($1 + $3) }'
done
