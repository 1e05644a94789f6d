# The disk under pressure: eight clients pull five times as much as may be kept, while the proxy is killed every few seconds.
# DISK_MIB is the capacity, 1024 unless set. The layers are sparse files, so that the upstream takes no room.

disk_group() {
  phase="kill -9 under pressure"
  disk_mib=${DISK_MIB:-1024}
  disk_layer_mib=$((disk_mib / 64 > 0 ? disk_mib / 64 : 1))
  write_disk_upstream
  start disk-upstream nginx -p "$work/disk" -e "$work/log/disk-upstream" -c "$work/disk/nginx.conf"
  comes_up disk-upstream 30 answers "http://127.0.0.1:$disk_port"
  sed "s|capacity: [^,]*|capacity: ${disk_mib}MiB, min-free: 1MiB|; s|^upstreams:|&\n  disk.test: {url: http://127.0.0.1:$disk_port}|" \
    "$work/entrepot.yaml" > "$work/disk.yaml"
  entrepot_config=$work/disk.yaml
  empty_cache
  start_entrepot
  check "an image is pinned and pulled" pin_disk_image
  check "each piece is forced to the disk before it has its name, and its name after that" disk_forces_in_order
  # Not within a check: what is started in one is not known outside.
  start disk-clients eight_disk_clients
  disk_kills=0
  disk_most=0
  while sleep 3 && running disk-clients && [ ! -e "$work/disk/wrong" ]; do
    see_disk
    kill_entrepot
    disk_kills=$((disk_kills + 1))
    start_entrepot
  done
  stop disk-clients
  check "eight clients pull $((disk_mib * 5)) MiB through $disk_mib MiB, with a kill every few seconds" disk_clients_have_all
  check "the proxy was killed $disk_kills times meanwhile" disk_was_killed_often
  check "at each kill there was no more on the disk than may be and the blobs in flight: $((disk_most >> 20)) MiB at most" disk_was_never_over
  check "the count is exact, nothing is orphaned, the capacity is kept" disk_count_is_exact
  check "the pin is there and complete" disk_pin_is_whole
  stop disk-upstream
  check "the pinned image comes without its upstream, byte for byte" disk_pull "$(head -n 1 "$work/disk/images")"
  stop entrepot
  rm -rf "$work/disk"
}

write_disk_upstream() {
  local root=$work/disk/v2/disk/image number layers image digest
  free_port disk_port
  mkdir -p "$root/blobs" "$root/manifests" "$work/disk/tmp"
  cat > "$work/disk/nginx.conf" << NGINX
daemon off;
master_process off;
pid $work/disk/pid;
events { worker_connections 256; }
http {
  access_log off;
  sendfile on;
  client_body_temp_path $work/disk/tmp; proxy_temp_path $work/disk/tmp; fastcgi_temp_path $work/disk/tmp;
  uwsgi_temp_path $work/disk/tmp; scgi_temp_path $work/disk/tmp;
  server {
    listen 127.0.0.1:$disk_port;
    root $work/disk;
    types { }
    location = /v2/ { return 200; }
    location ~ /manifests/ { default_type application/vnd.oci.image.manifest.v1+json; }
    location ~ /blobs/ { default_type application/octet-stream; }
  }
}
NGINX
  printf '{}' > "$root/blobs/sha256:$(printf '{}' | sha256sum | cut -d ' ' -f 1)"
  : > "$work/disk/images"
  number=0
  while [ $((number * disk_layer_mib)) -lt $((disk_mib * 5)) ]; do
    layers=
    for _ in 1 2 3 4; do
      number=$((number + 1))
      truncate -s "${disk_layer_mib}M" "$work/disk/layer"
      printf 'layer %s' "$number" | dd of="$work/disk/layer" conv=notrunc status=none
      digest=sha256:$(sha256sum "$work/disk/layer" | cut -d ' ' -f 1)
      mv "$work/disk/layer" "$root/blobs/$digest"
      layers="$layers${layers:+,}{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"$digest\",\"size\":$((disk_layer_mib << 20))}"
    done
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":2},"layers":[%s]}' \
      "$(printf '{}' | sha256sum | cut -d ' ' -f 1)" "$layers" > "$work/disk/image"
    image=sha256:$(sha256sum "$work/disk/image" | cut -d ' ' -f 1)
    mv "$work/disk/image" "$root/manifests/$image"
    echo "$image" >> "$work/disk/images"
  done
}

# disk_pull IMAGE: until all of it has come, byte for byte.
disk_pull() {
  local digest
  until_right "manifests/$1"
  for digest in $(grep -o 'sha256:[0-9a-f]*' "$work/disk/v2/disk/image/manifests/$1"); do
    until_right "blobs/$digest"
  done
}

# until_right PATH: until it has come to its end. An attempt that breaks off, or is refused, is repeated; one that came to its end with other bytes is not.
until_right() {
  local attempt got=$work/disk/got-$BASHPID
  for attempt in {1..150}; do
    if curl -sS --fail --max-time 60 -o "$got" "http://$proxy/v2/disk.test/disk/image/$1" 2> /dev/null; then
      cmp "$got" "$work/disk/v2/disk/image/$1" && return 0
      touch "$work/disk/wrong"
      fail "$1 came to its end with other bytes, at attempt $attempt"
      return 1
    fi
    sleep 0.2
  done
  fail "$1 never came to its end in $attempt attempts"
}

pin_disk_image() {
  disk_image=$(head -n 1 "$work/disk/images")
  "$entrepot" cache pin "disk.test/disk/image@$disk_image" --config "$entrepot_config"
  disk_pull "$disk_image"
}

# What the proxy asks of the system is watched while it takes in an image: the file, then its name, then the folder that has the name. No test
# without a power failure would miss what is forgotten here.
disk_forces_in_order() {
  local image digest tracer trace=$scratch/trace
  image=$(sed -n 2p "$work/disk/images")
  strace -f -y -s 4096 -e trace=fsync,fdatasync,rename,renameat,renameat2 -o "$trace" -p "${process_id[entrepot]}" 2> "$scratch/strace" &
  tracer=$!
  # shellcheck disable=SC2064 # the name is gone by then
  trap "kill -INT $tracer" EXIT
  eventually 10 grep -q attached "$scratch/strace"
  disk_pull "$image"
  for digest in "$image" $(grep -o 'sha256:[0-9a-f]*' "$work/disk/v2/disk/image/manifests/$image"); do
    # That of the empty configuration came with the first image.
    [ "$digest" = "sha256:$(printf '{}' | sha256sum | cut -d ' ' -f 1)" ] || eventually 30 forced_in_order "$trace" "${digest#sha256:}"
  done
}

# forced_in_order TRACE HEX: a call counts where it ended, before the rename, and where it began, after it.
forced_in_order() {
  awk -v hex="$2" '
    function path() { match($0, /<[^>]*>/); return substr($0, RSTART + 1, RLENGTH - 2) }
    / f(data)?sync\(/ { began[path()] = NR; if (/<unfinished/) pending[$1] = path(); else ended[path()] = NR }
    /<\.\.\. f(data)?sync resumed/ { ended[pending[$1]] = NR }
    / rename(at2?)?\(/ {
      split($0, name, "\"")
      if (index(name[4], hex)) { to = name[4]; forced = name[2] in ended; at = NR }
    }
    END {
      if (to == "") { print hex ": no rename"; exit 1 }
      if (!forced) { print to ": its file was not forced before"; exit 1 }
      folder = to; sub("/[^/]*$", "", folder)
      if (!(folder in began) || began[folder] < at) { print to ": its folder was not forced after"; exit 1 }
    }' "$1"
}

eight_disk_clients() {
  local client clients=() all=true
  trap 'kill "${clients[@]}" 2> /dev/null; exit 143' TERM
  for client in {0..7}; do
    (
      for image in $(awk -v n="$client" 'NR % 8 == n' "$work/disk/images"); do
        disk_pull "$image"
      done
    ) &
    clients+=($!)
  done
  for client in "${clients[@]}"; do
    wait "$client" || all=false
  done
  ! $all || touch "$work/disk/all"
}

# bytes_of NAME...: of what the cache has under these names; files may come and go meanwhile.
bytes_of() {
  { (cd "$work/cache" && find "$@" -type f -printf '%s\n') 2> /dev/null || true; } | awk '{ sum += $1 } END { printf "%d", sum }'
}

see_disk() {
  local bytes
  bytes=$(bytes_of blobs manifests ingest ballast)
  [ "$bytes" -le "$disk_most" ] || disk_most=$bytes
}

disk_was_never_over() {
  [ "$disk_most" -gt 0 ] || fail "nobody has looked"
  # Each of the eight may have one blob that is under way, and may be seen twice where it is moved to its place.
  [ "$disk_most" -le $(((disk_mib + 8 * disk_layer_mib) << 20)) ] || fail "$disk_most bytes were on the disk"
}

disk_was_killed_often() {
  [ "$disk_kills" -ge $((disk_mib < 1024 ? 1 : 5)) ] || fail "that is not often enough to say anything"
}

disk_clients_have_all() {
  cat "$work/log/disk-clients"
  test -e "$work/disk/all"
}

# of_stats NAME: a number of the statistics.
of_stats() {
  "$entrepot" cache stats --json --config "$entrepot_config" | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"
}

disk_count_is_exact() {
  eventually 30 no_fill_is_active
  # Behind the start; it may push something out.
  eventually 60 ballast_is_made
  "$entrepot" cache rebuild --json --config "$entrepot_config" | tee "$scratch/compared"
  grep -q '"registered":0,"forgotten":0' "$scratch/compared" || fail "files and rows differed"
  local bytes
  bytes=$(bytes_of blobs manifests)
  expect "the stored bytes" "$(of_stats storedBytes)" "$bytes"
  # What was cut off is in the folder ingest, and counts too; so does the ballast.
  local used
  used=$(bytes_of blobs manifests ingest ballast)
  expect "the used bytes" "$(of_stats usedBytes)" "$used"
  [ "$(of_stats usedBytes)" -le $((disk_mib << 20)) ] || fail "more is used than may be"
  [ "$bytes" -gt $((disk_mib << 19)) ] || fail "the disk is not even half full: $bytes bytes"
}

# A 64th of the capacity, 32 MiB at most.
ballast_is_made() {
  [ "$(stat -c %s "$work/cache/ballast")" -eq $(((disk_mib < 2048 ? disk_mib : 2048) << 14)) ]
}

no_fill_is_active() {
  curl -sS "http://127.0.0.1:$admin_port/metrics" | grep > /dev/null '^entrepot_fills_active 0'
}

disk_pin_is_whole() {
  "$entrepot" cache pin --json --config "$entrepot_config" | tee "$scratch/pins"
  grep -q "@$(head -n 1 "$work/disk/images")\"" "$scratch/pins"
  grep -q '"complete":true' "$scratch/pins"
}
