#!/bin/sh
# Scorer pools in figures: three CPU scorers against the floor, a model server fresh and cached, /score, overload, workers
# that come and go under load, micro-batches, repeated posts. One line each, progress on stderr; under 6 minutes.
# usage: benches/pools.sh [seconds of overload] [section ...]; builds a release, serves on 127.0.0.1:8003 to 8007, ends what
# it started. Sections: floor model score overload resize batching repeats; all without any. BUILT=1 takes the release that is there.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}; [ $# -eq 0 ] || shift
sections=${*:-floor model score overload resize batching repeats}
[ -n "${BUILT:-}" ] || cargo build --release --locked --bin weir --example floor --example model_server
target=${CARGO_TARGET_DIR:-target}/release
work=$(mktemp -d)
weir='' model=''
trap 'stop; rm -rf "$work"' EXIT
url=http://127.0.0.1:8006 model_url=http://127.0.0.1:8007

stop() {
    [ -z "$weir$model" ] || kill $weir $model 2>/dev/null || true
    wait
    weir='' model=''
}
settings() { # the settings on stdin, among those that all share; by a rename, as editors save
    { cat <<TOML; cat; printf '[policies.one]\nentity_weight = 0.0\nweights = { scorer = 1.0 }\n'; } > "$work/new"
data_dir = "$work/data"
server.bind = "127.0.0.1:8006"
database.url = "sqlite://$work/weir.db"
store.backend = "embedded"
log.filter = "warn"
schedules.top_named_entities.enabled = false
ranking.policy = "one"
TOML
    mv "$work/new" "$work/weir.toml"
}
serve() { # a Weir with the settings on stdin, in place of the one before
    stop
    rm -rf "$work/data"
    settings
    "$target/weir" serve --config "$work/weir.toml" & weir=$!
    answers "$url/health/ready"
}
serve_model() { # arguments of the model server
    "$target/examples/model_server" 127.0.0.1:8007 "$@" & model=$!
    answers "$model_url/counts"
}
answers() {
    for _ in $(seq 100); do
        ! curl -sf "$1" > /dev/null || return 0
        sleep 0.1
    done
    echo "$1 does not answer" >&2; exit 1
}
metric() { # a metric of the scorer's pool
    curl -sf "$url/metrics" | awk -v of="weir_scorer_pool_$1{actor=\"scorer_pool.scorer\"}" 'index($0, of) == 1 { print $2 }'
}
resident() { awk '/VmRSS/ { printf "%d", $2 / 1024 }' "/proc/$weir/status"; }
bench() { # arguments of weir bench; prints a JSON object of all platforms together
    "$target/weir" bench "$url" --json "$@" > "$work/report" || true
    python3 -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1]))[-1]))' "$work/report" | tee -a /dev/stderr
}
say() { # a text with {names} of the report on stdin, {whole} a second and {items} a second of ITEMS each among them
    python3 -c '
import json, os, sys
r = json.load(sys.stdin)
whole = (r["succeeded"] - r["degraded"]) / max(r["succeeded"], 1) * r["per_second"]
print(sys.argv[1].format(**r, whole=whole, items=whole * int(os.environ.get("ITEMS", "0"))))' "$1"
}

floor() {
    cat > "$work/three.toml" <<'TOML'
[policies.three]
weights = { sentiment = 0.5, engagement = 0.3, recency = 0.2 }
[scorers.engagement]
kind = "engagement"
[scorers.recency]
kind = "recency"
TOML
    echo "## three CPU scorers against the floor"
    BUILT=1 POLICY=three CONFIG="$work/three.toml" sh benches/floor.sh 1000
}

model() {
    echo "## a model server that answers in 5 ms, 8 calls at once, 64 texts a call; 100 posts a request"
    for texts in "" --repeat; do
        serve <<'TOML'
ranking.deadline = "2s"
[scorers.scorer]
kind = "http"
workers = 8
max_batch = 64
time_limit = "2s"
http = { url = "http://127.0.0.1:8007", timeout = "900ms" }
TOML
        serve_model --delay-ms 5
        [ -z "$texts" ] || bench --repeat --requests 10 > /dev/null # all of it is remembered after that
        bench $texts --requests "$([ -z "$texts" ] && echo 1500 || echo 8000)" | ITEMS=100 say \
            "${texts:---fresh}: {items:.0f} items/s in {whole:.0f} whole answers/s, p95 {p95_ms:.1f} ms, {degraded} degraded, {failed} failed"
    done
}

score() {
    echo "## 50 items through /score, 160 ms a call, batch 1, 16 at a time"
    for rate in 0 0.05; do
        serve <<'TOML'
ranking.deadline = "2s"
[scorers.scorer]
kind = "http"
workers = 16
max_batch = 1
time_limit = "1s"
http = { url = "http://127.0.0.1:8007", timeout = "400ms" }
TOML
        serve_model --delay-ms 160 --timeout-rate "$rate"
        for round in 1 2 3 4 5; do
            python3 -c '
import json, sys
data = [{"item_id": f"{sys.argv[1]}-{n}", "text": f"text {n} of round {sys.argv[1]}"} for n in range(50)]
print(json.dumps({"data": data, "scorers": ["scorer"], "mode": "partial", "deadline_ms": 5000}))' "$round" > "$work/score.json"
            curl -sf -H 'Content-Type: application/json' --data @"$work/score.json" -o "$work/scored.json" -w '%{time_total}' "$url/score" > "$work/took"
            python3 -c '
import json, sys
scores = [item["scores"]["scorer"] for item in json.load(open(sys.argv[1]))["data"]]
print(f"{float(sys.argv[2]):.3f} s, {sum(score is not None for score in scores)} of {len(scores)} scored")' "$work/scored.json" "$(cat "$work/took")"
        done | sed "s/^/timeouts $rate: /"
        echo "timeouts $rate: $(curl -sf "$model_url/counts")"
    done
}

overload() {
    echo "## open loop at twice the capacity for $seconds s: 5 ms a request, two workers, 16 requests at work, deadline 300 ms"
    serve <<'TOML'
ranking.deadline = "300ms"
server.max_in_flight = 16
[scorers.scorer]
kind = "random"
sleep = "5ms"
workers = 2
max_batch = 128
TOML
    bench --repeat --items 20 --requests 1000 --connections 16 > "$work/peak"
    say "peak, closed loop of 16: {whole:.0f} whole answers/s, p99 {p99_ms:.1f} ms, {degraded} degraded" < "$work/peak"
    twice=$(say '{whole:.0f}' < "$work/peak"); twice=$((twice * 2))
    before=$(resident)
    bench --repeat --items 20 --rate "$twice" --requests $((twice * seconds / 3)) --connections 64 --accept-refusals > "$work/overload"
    say "offered $twice/s: {whole:.0f} whole answers/s, p99 {p99_ms:.1f} ms, max {max_ms:.1f} ms, {degraded} degraded, {refused} refused, refusals p99 {refused_p99_ms:.2f} ms, {failed} failed" < "$work/overload"
    python3 -c '
import json, sys
peak, load = (json.load(open(path)) for path in sys.argv[1:])
whole = lambda r: (r["succeeded"] - r["degraded"]) / r["succeeded"] * r["per_second"]
print(f"goodput {100 * whole(load) / whole(peak):.0f} % of peak")' "$work/peak" "$work/overload"
    echo "resident before $before MiB, after $(resident) MiB"
}

resize() {
    echo "## 2 -> 8 -> 1 workers under load, by editing the file"
    sized() {
        cat <<TOML
ranking.deadline = "2s"
[scorers.scorer]
kind = "random"
sleep = "5ms"
workers = $1
time_limit = "2s"
TOML
    }
    sized 2 > "$work/sized"
    serve < "$work/sized"
    bench --repeat --items 20 --connections 8 --requests 2500 > "$work/resized" & load=$!
    for workers in 8 1 2; do
        sleep 2
        sized $workers > "$work/sized"; settings < "$work/sized"
        edited=$(date +%s%N)
        until [ "$(metric workers)" = $workers ]; do sleep 0.02; done
        echo "$workers workers after $((($(date +%s%N) - edited) / 1000000)) ms"
    done
    wait $load
    say "meanwhile: {succeeded} answers, {degraded} degraded, {failed} failed, max {max_ms:.1f} ms" < "$work/resized"
}

batching() {
    echo "## micro-batches: 4 posts a request, 20 ms a call, 4 calls at once, up to 64 texts a call"
    for delay in 0 5; do
        serve <<TOML
ranking.deadline = "5s"
[scorers.scorer]
kind = "http"
workers = 4
max_batch = 64
max_delay = "${delay}ms"
time_limit = "5s"
http = { url = "http://127.0.0.1:8007", timeout = "2s" }
TOML
        serve_model --delay-ms 20
        for clients in 1 8 64; do
            bench --items 4 --connections $clients --requests $((clients > 1 ? 500 : 50)) --seed $clients | ITEMS=4 say \
                "max_delay $delay ms, $clients clients: {items:.0f} items/s, p95 {p95_ms:.1f} ms, {degraded} degraded, {failed} failed"
        done
        curl -sf "$model_url/counts" | python3 -c '
import json, sys
r = json.load(sys.stdin); print("texts a call: {:.1f}".format(r["texts"] / r["succeeded"]))'
    done
}

repeats() {
    echo "## posts of which half are repeated, 20 a request, at 100 requests/s; model server of 5 ms"
    for share in 0 0.5; do
        serve <<'TOML'
[scorers.scorer]
kind = "http"
workers = 8
max_batch = 32
http = { url = "http://127.0.0.1:8007" }
TOML
        serve_model --delay-ms 5
        bench --items 20 --rate 100 --repeat-share $share --requests 300 > "$work/repeated"
        hits=$(awk "BEGIN { printf \"%.0f\", 100 * ($(metric items_cached_total) + $(metric items_coalesced_total)) / (900 * 20) }")
        say "repeated $share: $hits % from the cache or under way, p50 {p50_ms:.1f} ms, p95 {p95_ms:.1f} ms, {degraded} degraded, {failed} failed" < "$work/repeated"
    done
}

for section in $sections; do $section; stop; done
