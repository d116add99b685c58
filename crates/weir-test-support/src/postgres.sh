# Runs a throw-away Postgres for as long as standard input stays open, whatever ends the process that holds it.
# usage: postgres.sh BIN_DIR [OPTIONS]; prints the data folder, which also holds the socket, once the server takes connections.
set -eu
trap '' INT TERM HUP
umask 077
cd /tmp
bin=$1

# A cluster is a thousand small files: in memory they cost a tenth of what they cost on a disk.
parent=/tmp
[ "$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)" -gt 1000000 ] 2>/dev/null && parent=/dev/shm
data=$(mktemp -d "$parent/weir-postgres.XXXXXX")
trap 'rm -rf "$data"' EXIT

# initdb takes most of a second, a copy of what it made much less.
template=/tmp/weir-postgres-template-$(id -u)-$("$bin/postgres" --version | cut -d' ' -f3)
if [ ! -d "$template" ]; then
    "$bin/initdb" --pgdata="$template.$$" --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
        --wal-segsize=1 --no-sync >/dev/null
    mv -T "$template.$$" "$template" 2>/dev/null || rm -rf "$template.$$"
fi
cp -r "$template/." "$data"

"$bin/pg_ctl" start --wait --silent --pgdata="$data" --log="$data/log" --options="-k $data -c listen_addresses= \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 -c shared_buffers=16MB ${2:-}" >&2 ||
    { cat "$data/log" >&2; exit 1; }
echo "$data"
exec >/dev/null 2>&1
cat
"$bin/pg_ctl" stop --silent --mode=immediate --pgdata="$data"
