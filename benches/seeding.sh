#!/bin/sh
# weir preprocess and weir seed beside their straightforward Python versions, in one run on one machine; prints a table.
# usage: benches/seeding.sh [posts per platform, 130000] [--weir-only]; a post has seven comments or so with it.
# PYTHON is an interpreter with pandas and psycopg2; TMPDIR takes four gigabytes a million items; BUILT=1 spares the build.
set -eu
cd "$(dirname "$0")/.."
[ -n "${BUILT:-}" ] || cargo build --release --locked --bin weir
weir=${CARGO_TARGET_DIR:-target}/release/weir
posts=130000
case ${1:-} in [0-9]*) posts=$1; shift ;; esac

work=$(mktemp -d "${TMPDIR:-/tmp}/weir-seeding.XXXXXX")
server=$work/postgres
trap 'stop_postgres; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# Postgres does not run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi
}
stop_postgres() {
    [ ! -d "$server" ] || (cd / && as_postgres "$bin/pg_ctl" stop --silent --mode=immediate --pgdata="$server") || true
}

bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
bin=${bin:-$(dirname "$(command -v postgres || echo /)")}
url=
if [ -x "$bin/postgres" ]; then
    chmod 755 "$work"
    mkdir "$server"
    [ "$(id -u)" != 0 ] || chown postgres "$server"
    (cd / && as_postgres "$bin/initdb" --pgdata="$server" --username=postgres --auth=trust --encoding=UTF8 >/dev/null &&
        as_postgres "$bin/pg_ctl" start --wait --silent --pgdata="$server" --log="$server/log" \
            --options="-k $server -c listen_addresses=")
    url="postgres://postgres@localhost/postgres?host=$server"
fi

"${PYTHON:-python3}" benches/seeding/compare.py "$weir" "$posts" "$work" $url "$@"
