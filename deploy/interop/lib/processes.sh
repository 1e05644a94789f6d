# The processes of this run: started in the background, each with a log, and ended by their id only.

declare -A process_id=()
used_ports=" "

# free_port VARIABLE: sets the variable to a loopback port that nobody listens on, below the range that clients' ports are
# taken from.
free_port() {
  local candidate
  while :; do
    candidate=$((20000 + RANDOM % 12000))
    [[ "$used_ports" != *" $candidate "* ]] || continue
    ! (: < "/dev/tcp/127.0.0.1/$candidate") 2> /dev/null || continue
    used_ports+="$candidate "
    printf -v "$1" %s "$candidate"
    return 0
  done
}

# start NAME COMMAND [ARGUMENT...]
start() {
  local name=$1
  shift
  "$@" >> "$work/log/$name" 2>&1 < /dev/null &
  process_id[$name]=$!
  disown # so that the shell does not report its end
}

# running NAME
running() {
  [ -n "${process_id[$1]-}" ] && kill -0 "${process_id[$1]}" 2> /dev/null
}

# stop NAME [SIGNAL]: ends a process and waits until it is gone; one that does not go within 20 s is killed.
stop() {
  local id=${process_id[$1]-}
  [ -n "$id" ] || return 0
  unset "process_id[$1]"
  kill -"${2:-TERM}" "$id" 2> /dev/null || true
  if ! eventually 20 gone "$id"; then
    echo "$1 ignored the signal ${2:-TERM} for 20 s and is killed" >&2
    kill -KILL "$id" 2> /dev/null || true
  fi
}

# gone ID: true once a process has ended with all its threads, even if nobody has waited for it yet. (A killed one counts as ended as soon
# as its first thread has; a thread that waits for the disk still holds the ports and the lock then.)
gone() {
  local state threads
  state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2> /dev/null) || return 0
  [ -z "$state" ] || [ "$state" = Z ] || return 1
  threads=("/proc/$1/task"/*)
  [ "${#threads[@]}" -le 1 ]
}

stop_all() {
  local name
  for name in "${!process_id[@]}"; do
    stop "$name"
  done
}

# comes_up NAME SECONDS COMMAND [ARGUMENT...]: waits until the command succeeds; that it never does is a failed check.
comes_up() {
  if ! becomes_ready "$@" > /dev/null; then
    match=. check "$1 starts" becomes_ready "$@"
  fi
}

becomes_ready() {
  local name=$1 end=$((SECONDS + $2))
  shift 2
  until "$@" > /dev/null 2>&1; do
    if ! running "$name" || [ "$SECONDS" -ge "$end" ]; then
      show_log "$name" 25
      return 1
    fi
    sleep 0.1
  done
}

# answers URL: a registry is there, whatever it says.
answers() {
  curl -sk -o /dev/null --max-time 2 "$1/v2/"
}
