#!/bin/sh
# Installs a wheel in a fresh virtual environment, serves a ranker in Python with it, and ranks. usage: scripts/try_wheel.sh WHEEL
set -eu
wheel=$(realpath "$1")
sample=$(dirname "$(realpath "$0")")/../sample_data/requests/reddit.json
work=$(mktemp -d) weir=
trap '[ -z "$weir" ] || kill "$weir" 2>/dev/null; wait; rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --no-index "$wheel"
cat > mine.py <<'PYTHON'
import weir

@weir.scorer(per="item")
def length(item):
    return float(len(item.text))
PYTHON
cat > weir.toml <<'TOML'
server.bind = "127.0.0.1:8049"
store.backend = "embedded"
ranking.policy = "mine"
policies.mine = { order = ["length desc"] }
programs.mine = { python = "mine.py" }
scorers.length = { kind = "program", program = "mine" }
TOML
PATH=$work/venv/bin:/usr/bin:/bin
weir check --programs weir.toml
weir serve --config weir.toml > weir.log 2>&1 & weir=$!
for _ in $(seq 100); do
    answer=$(curl -sf http://127.0.0.1:8049/v1/rank -d "@$sample" || true)
    case $answer in
        *degraded* | '') sleep 0.1 ;;
        *) echo "the wheel serves"; exit 0 ;;
    esac
done
echo "no whole answer within 10 s: $answer" >&2
cat weir.log >&2
exit 1
