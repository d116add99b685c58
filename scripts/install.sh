#!/bin/sh
# Installs the Debian packages of programs that are missing: install.sh PROGRAM=PACKAGE...
# Fails when it may not or cannot; what to do without the program is for the caller to say.
set -eu

is_there() {
    command -v "$1" >/dev/null || [ -x "/usr/sbin/$1" ] || ls "/usr/lib/postgresql/"*"/bin/$1" >/dev/null 2>&1
}

packages=
for pair in "$@"; do
    is_there "${pair%%=*}" || packages="$packages ${pair#*=}"
done
[ -n "$packages" ] || exit 0

command -v apt-get >/dev/null || exit 1
if [ "$(id -u)" = 0 ]; then
    as_root=
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    exit 1
fi

# The servers among them are started by Weir and its tests, not by the system: 101 is "action forbidden by policy".
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '$as_root rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
fi

echo "installing$packages" >&2
# A stale list of some third party must not stop us: whether the packages can be had is what counts.
$as_root apt-get update -qq >&2 || true
# shellcheck disable=SC2086 # both are lists of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    -o DPkg::Lock::Timeout=120 $packages </dev/null >&2
