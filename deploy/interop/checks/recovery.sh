# Breaks in the middle of a large pull: of the proxy, of the upstream, of the client; and many clients at once.
# The upstream is the slow one, whose log tells what was asked of it.

recovery_group() {
  phase="cold"
  start_upstreams
  check_restart_in_pull
  check_upstream_break
  check_client_leaves
  check_joined_pull
  stop entrepot
  stop_upstreams
}

# fresh_entrepot: with an empty cache and an upstream log that starts here.
fresh_entrepot() {
  stop entrepot
  empty_cache
  : > "$work/log/upstream-requests"
  start_entrepot
}

# start_pull NAME: a client that fetches the large blob into $work/NAME.
start_pull() {
  rm -f "$work/$1"
  start "$1" curl -sS --fail --max-time 90 -o "$work/$1" "http://$proxy/v2/slow.test/big/blob/blobs/$large"
}

# has_bytes FILE COUNT
has_bytes() {
  [ "$(stat -c %s "$1" 2> /dev/null || echo 0)" -ge "$2" ]
}

bytes_or_end() {
  has_bytes "$work/$1" "$(mebibytes 20)" || pull_is_over "$1"
}

mebibytes() {
  echo $(($1 * 1024 * 1024))
}

# in_pull NAME: waits until the client has a fifth of the blob.
in_pull() {
  eventually 60 bytes_or_end "$1"
  running "$1"
}

pull_is_over() {
  gone "${process_id[$1]}"
}

large_upstream_requests() {
  upstream_requests "^GET [^ ]*/blobs/$large "
}

check_restart_in_pull() {
  fresh_entrepot
  start_pull interrupted
  check "a large pull is under way" in_pull interrupted
  kill_entrepot
  check "kill -9 of the proxy cuts the client off" cut_off interrupted
  start_entrepot
  check "after kill -9 in mid-pull nothing wrong is served" large_blob_is_right
  check "after kill -9 in mid-pull the fetch is taken up where it stopped" fetched_once_over
  check "oras pulls the artifact of the large blob" large_artifact_is_right
  stop interrupted
}

cut_off() {
  eventually 10 pull_is_over "$1"
  ! has_bytes "$work/$1" "$(mebibytes 96)" || fail "the client has the whole blob"
}

large_blob_is_right() {
  curl -sS --fail --max-time 90 -o "$scratch/blob" "http://$proxy/v2/slow.test/big/blob/blobs/$large"
  cmp "$scratch/blob" "$work/large"
  rm "$scratch/blob"
}

# nginx logs a request when it is over. What was sent in vain is what was on its way at the kill.
fetched_once_over() {
  eventually 20 test "$(large_upstream_requests)" -ge 2
  grep -E "/blobs/$large 206 [0-9]+ \"bytes=[1-9][0-9]*-" "$work/log/upstream-requests"
  local sent
  sent=$(upstream_bytes "/blobs/$large ")
  [ "$sent" -lt "$(mebibytes 116)" ] || fail "the upstream sent $sent bytes for a blob of $(mebibytes 96)"
}

large_artifact_is_right() {
  bounded oras pull --no-tty --plain-http --output "$scratch/files" "$proxy/slow.test/big/blob:v1"
  cmp "$scratch/files/large" "$work/large"
  rm -r "$scratch/files"
}

check_upstream_break() {
  fresh_entrepot
  start_pull patient
  check "another large pull is under way" in_pull patient
  stop nginx KILL
  start nginx nginx -p "$work/nginx" -e "$work/log/nginx" -c "$work/nginx/nginx.conf"
  comes_up nginx 30 answers "http://127.0.0.1:$slow_port"
  check "a break of the upstream goes unnoticed by the client" completes patient
  check "the fetch went on with a range" went_on_with_a_range
}

completes() {
  eventually 90 pull_is_over "$1"
  cmp "$work/$1" "$work/large"
}

went_on_with_a_range() {
  grep -E "/blobs/$large 206 [0-9]+ \"bytes=[1-9][0-9]*-" "$work/log/upstream-requests"
}

check_client_leaves() {
  fresh_entrepot
  start_pull impatient
  check "a third large pull is under way" in_pull impatient
  stop impatient KILL
  check "the fetch goes on when its client leaves" fetch_completes_alone
}

fetch_completes_alone() {
  eventually 60 test_whole_fetch
  large_blob_is_right
  expect "the requests to the upstream" "$(large_upstream_requests)" 1
}

test_whole_fetch() {
  grep -qE "^GET [^ ]*/blobs/$large 200 $(mebibytes 96) " "$work/log/upstream-requests"
}

check_joined_pull() {
  fresh_entrepot
  check "20 clients at once cost the upstream one request" many_clients
}

many_clients() {
  local i pulls=()
  for i in {1..20}; do
    (curl -sS --fail --max-time 90 "http://$proxy/v2/slow.test/big/blob/blobs/$large" | cmp - "$work/large") &
    pulls+=($!)
  done
  for i in "${pulls[@]}"; do
    wait "$i"
  done
  expect "the requests to the upstream" "$(large_upstream_requests)" 1
}
