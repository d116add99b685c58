#!/bin/sh
# The entity job over many posts while /rank is under half of the load that it can bear, then after 1,000 new posts.
# usage: benches/entity_job.sh [posts] [seconds of load]; builds a release, serves on 127.0.0.1:8005, ends it. The load begins
# before the first run of the job and should last longer than it.
# DATABASE=postgres://... measures there, in an empty database, instead of on SQLite; BUILT=1 takes the release that is there;
# TEXTS=FILE makes the posts of that file's lines: the more words there are, the less often is one known from before.
set -eu
cd "$(dirname "$0")/.."
posts=${1:-1000000}; seconds=${2:-60}
[ -n "${BUILT:-}" ] || cargo build --release --locked --bin weir --example many_posts
target=${CARGO_TARGET_DIR:-target}/release
work=$(mktemp -d)
database=${DATABASE:-sqlite://$work/weir.db}
texts=${TEXTS:-benches/posts.txt}
trap 'kill $weir $load 2>/dev/null || true; wait; rm -rf "$work"' EXIT
load=

"$target/examples/many_posts" "$database" "$posts" 30 "$texts"
cat > "$work/weir.toml" <<TOML
data_dir = "$work/data"
server.bind = "127.0.0.1:8005"
database.url = "$database"
ranking.policy = "calm"
log.filter = "warn"
schedules.top_named_entities.enabled = false
TOML
"$target/weir" serve --config "$work/weir.toml" & weir=$!
until curl -sf http://127.0.0.1:8005/health/ready > "$work/ready"; do sleep 0.2; done
export WEIR_URL=http://127.0.0.1:8005 WEIR_CONFIG="$work/weir.toml"

memory() { awk -v what="$1" '$1 == what ":" { printf "%d", $2 / 1024 }' "/proc/$weir/status"; }
rank() { "$target/weir" bench "$WEIR_URL" --feeds 5000 "$@"; }
job() { # prints the seconds that the job ran
    id=$("$target/weir" job run count_top_named_entities --args '{"window": "40d"}')
    until "$target/weir" job show "$id" > "$work/job"; grep -q finished_at "$work/job"; do sleep 0.5; done
    grep -q '"state": "succeeded"' "$work/job" || { cat "$work/job" >&2; exit 1; }
    python3 -c 'import json, sys; from datetime import datetime as d
job = json.load(open(sys.argv[1])); at = lambda key: d.fromisoformat(job[key].replace("Z", "+00:00"))
print((at("finished_at") - at("started_at")).total_seconds())' "$work/job"
}

rank --requests 10000 > "$work/peak"
rate=$(awk '$1 == "all" { print int($4 / 2) }' "$work/peak")
echo "/rank at half of its peak, $rate requests/s, without a job:"
rank --requests $((rate * 5)) --rate "$rate"
echo "resident before: $(memory VmRSS) MiB"
answered() { curl -s "$WEIR_URL/metrics" | awk '/^weir_rank_total/ { n += $2 } END { print n + 0 }'; }
before=$(answered)
rank --requests $((rate * seconds / 3)) --rate "$rate" > "$work/load" & load=$!
until [ "$(answered)" -gt "$before" ]; do sleep 0.2; done
took=$(job)
if kill -0 $load 2>/dev/null; then echo "the load outlasted the job"; else echo "the load ended before the job: ask for more seconds"; fi
wait $load || true; load=
echo "first run over $posts posts with /rank at $rate requests/s: $took s, $(awk "BEGIN { printf \"%d\", $posts / $took }") posts/s"
echo "/rank meanwhile:"; cat "$work/load"
echo "resident at most: $(memory VmHWM) MiB"
echo "next run without new posts: $(job) s"
"$target/examples/many_posts" "$database" 1000 1 "$texts"
echo "next run with 1,000 new posts of the last day: $(job) s"
"$target/examples/many_posts" "$database" 1000 30 "$texts"
echo "next run with 1,000 new posts of the last 30 days: $(job) s"
du -h "$work/weir.db" 2>/dev/null || true
