# Checks and their report: one line per check, and the end of the logs that explain a failure.
# Uses: $work (folder of this run), $phase, $match (a check runs only if its description matches this pattern).

checks=0
passed=0
failed=0
failures=()
running_check=

# check DESCRIPTION COMMAND [ARGUMENT...]
# Runs a command, mostly a function of checks/, in a shell of its own that stops at its first failure.
check() {
  local description="$1 ($phase)" log begin status=0
  shift
  [[ "$description" =~ $match ]] || return 0
  checks=$((checks + 1))
  log=$work/checks/$checks
  mkdir -p "$log"
  begin=$SECONDS
  : > "$work/log/entrepot-before"
  [ ! -f "$work/log/entrepot" ] || wc -l < "$work/log/entrepot" > "$work/log/entrepot-before"
  (
    scratch=$log
    "$@"
  ) > "$log/output" 2>&1 < /dev/null &
  running_check=$!
  wait "$running_check" || status=$?
  running_check=
  if [ "$status" = 0 ]; then
    rm -rf "$log"
    passed=$((passed + 1))
    echo "ok $checks - $description$(took "$begin")"
    return 0
  fi
  failed=$((failed + 1))
  failures+=("$checks - $description")
  echo "not ok $checks - $description$(took "$begin")"
  echo "  status $status of: $*; the end of its output:"
  tail -n 25 "$log/output" | cut -c 1-400 | sed 's/^/  | /'
  show_log entrepot 10 "$(cat "$work/log/entrepot-before")"
}

# took BEGIN: says so if something took long.
took() {
  [ $((SECONDS - $1)) -lt 5 ] || echo ", $((SECONDS - $1)) s"
}

# show_log PROCESS LINES [AFTER]: the end of the log of a process that this run started, without its first lines.
show_log() {
  local log=$work/log/$1
  [ -s "$log" ] || return 0
  tail -n "+$((${3:-0} + 1))" "$log" | tail -n "$2" | cut -c 1-400 | sed "s/^/  $1: /"
}

# summary: the last lines; false if a check failed.
summary() {
  local failure
  for failure in "${failures[@]}"; do
    echo "failed: $failure"
  done
  if [ "$checks" = 0 ]; then
    echo "no check was run" >&2
    failed=1
  fi
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}

# fail MESSAGE: ends a check.
fail() {
  echo "$*" >&2
  return 1
}

# expect WHAT ACTUAL EXPECTED
expect() {
  [ "$2" = "$3" ] || fail "$1 is '$2', expected '$3'"
}

# expect_match WHAT ACTUAL PATTERN (extended regular expression)
expect_match() {
  [[ "$2" =~ $3 ]] || fail "$1 is '$2', expected to match '$3'"
}

# refused COMMAND [ARGUMENT...]: true if the command fails by itself (and not because it is missing or hangs).
refused() {
  local status=0
  "$@" || status=$?
  case $status in
    0) fail "succeeded, and should not have: $*" ;;
    124 | 126 | 127 | 137) fail "status $status: $*" ;;
  esac
}

# bounded COMMAND [ARGUMENT...]: a client must not hang the run.
bounded() {
  timeout --kill-after=5 90 "$@"
}

# eventually SECONDS COMMAND [ARGUMENT...]: waits until the command succeeds.
eventually() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.05
  done
}
