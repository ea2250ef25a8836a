# Runs the server given as arguments, and ends it when standard input does. The system closes that pipe
# however the process at its other end ends, kill -9 included: the server cannot outlive it.
#
# Standard output carries the server's process id on the first line, then all that the server prints.
# Standard error is the open lock file of the data folder; the server inherits it as descriptor 4, so
# that nobody else can use the folder before the server, too, is gone.

exec 3<&0 4>&2 2>&1

sh -c 'echo "$$"; exec "$@"' sh "$@" </dev/null 3<&- &
server=$!

{
	while read -r ignored; do :; done
	kill -TERM "$server"
	# On TERM the server first writes what it has to keep. One that hangs is not waited for.
	tenths_left=50
	while [ "$tenths_left" -gt 0 ] && kill -0 "$server"; do
		sleep 0.1
		tenths_left=$((tenths_left - 1))
	done
	kill -KILL "$server"
} <&3 >/dev/null 2>&1 &
watcher=$!
exec 3<&-

wait "$server"
status=$?
kill -KILL "$watcher"
wait "$watcher" 2>/dev/null
exit "$status"
