/**
 * The reaper: a shell that reads what was started from its standard input, and ends it once that input ends, which happens
 * however the writer dies. A shell, since every test worker has one: it starts in 1 ms and takes 1 MB, Node forty times as much.
 *
 * Lines: `process PID IDENTITY SIGNAL` and `directory PATH`. Nothing is ever taken off the list: a process that ended is no
 * longer found under its identity, and names of directories are not used twice.
 */
export const reapScript = `
identity() {
  if [ -d /proc/self ]; then
    read -r stat < "/proc/$1/stat" || return 1
    set -- \${stat##*) }
    shift 19
    echo "$1"
  else
    ps -o lstart= -p "$1" | tr -s ' ' '_' | sed 's/^_//;s/_$//'
  fi
}

# Ours while the pid has the start time we were told, or is gone: its group may outlive it, and keeps the number taken.
ours() {
  now=$(identity "$1") || now=
  [ -z "$now" ] || [ "$now" = "$2" ]
}

children() {
  cat "/proc/$1/task/$1/children" || pgrep -P "$1"
}

processes=
set --
while read -r kind rest; do
  case $kind in
    process) processes="$processes
$rest" ;;
    directory) set -- "$@" "$rest" ;;
  esac
done

each() {
  echo "$processes" | while read -r pid identity signal; do
    [ -n "$pid" ] && ours "$pid" "$identity" && "$1" "$pid" "$signal" "$identity"
  done
}

ask() {
  if [ "$2" = KILL ]; then
    finish "$@"
  else
    for child in $(children "$1"); do kill -CONT "$child"; done
    kill -CONT "$1"
    kill -"$2" "$1"
  fi
}

# Those that clean up behind themselves (PostgreSQL: shared memory) get a moment for it.
wait_for() {
  [ "$2" = KILL ] && return
  tries=0
  while [ "$(identity "$1")" = "$3" ] && [ $tries -lt 60 ]; do sleep 0.05; tries=$((tries + 1)); done
}

finish() {
  for child in $([ "$(identity "$1")" = "$3" ] && children "$1"); do kill -KILL "$child"; done
  kill -KILL -"$1"
  [ "$(identity "$1")" = "$3" ] && kill -KILL "$1"
}

each ask
each wait_for
each finish
for directory do
  # A PostgreSQL killed outright leaves a small System V segment, named in the seventh line of its pid file.
  [ -f "$directory/data/postmaster.pid" ] && ipcrm -m "$(sed -n 7p "$directory/data/postmaster.pid" | awk '{ print $2 }')"
  rm -rf "$directory"
done
`;
