# The container image under real engines: as somebody without rights, with nothing writable but its volume, and ended by SIGTERM.

image_group() {
  phase=cold
  stop entrepot # which a group before this may have left on the same port
  check "the image is built without an engine and is under 60 MB" image_is_built
  [ -f "$work/image.tar" ] || return 0
  check "the image is a layout that skopeo reads" image_is_a_layout
  start_upstreams
  image_config
  check "podman loads and starts the image, read-only, without rights and capabilities" image_starts
  check "a client pulls through the container" image_serves
  check "a command runs in the container beside the server" image_commands
  check "SIGTERM ends the container in time and in order" image_stops
  check "the container starts again on its volume and serves without the upstream" image_starts_again
  image_engine rm --force --time 5 mirror > /dev/null 2>&1 || true
  stop_upstreams
  check "the image serves with the configuration that it has" image_starts_as_it_is
  check "the image serves with the configuration of the compose file" image_starts_as_composed
  start_containerd
  start_dockerd
  check "docker loads the image and runs it" image_in_docker
  compose=$(ENTREPOT_CLIENTS=${clients%/bin} "$here/install-clients" docker-compose > /dev/null && command -v docker-compose)
  check "compose brings it up as the file says, and down again" image_composed
  stop_dockerd
  stop_containerd
}

# Limits of open files as they are here: an engine may not raise them everywhere.
image_limits="--ulimit nofile=$(ulimit -Sn):$(ulimit -Hn) --ulimit nproc=4096:4096"
image_name=localhost/entrepot:interop

image_engine() {
  bounded podman --root "$work/image/root" --runroot "$work/image/runroot" --tmpdir "$work/image/tmp" --storage-driver vfs \
    --cgroup-manager cgroupfs --events-backend none --runtime runc "$@"
}

image_is_built() {
  "$project/deploy/image/build" --tag "$image_name"
  cp "$project"/deploy/target/image/entrepot-*.oci.tar "$work/image.tar"
  [ "$(stat -c %s "$work/image.tar")" -lt 60000000 ]
}

image_is_a_layout() {
  bounded skopeo inspect --config "oci-archive:$work/image.tar" > "$scratch/config"
  expect "the user" "$(jq -r .config.User "$scratch/config")" 65532:65532
  expect "the volume" "$(jq -c '.config.Volumes | keys' "$scratch/config")" '["/var/lib/entrepot"]'
  bounded skopeo --insecure-policy copy "oci-archive:$work/image.tar" "dir:$scratch/copy"
}

# The configuration of the run, with the folder of the container.
image_config() {
  sed "s|directory: [^,]*|directory: /var/lib/entrepot|" "$work/entrepot.yaml" | sed '/private.test:/,/^  locked/d; /locked.test/d' > "$work/image.yaml"
  chmod 644 "$work/image.yaml"
}

image_starts() {
  image_engine load --quiet --input "$work/image.tar"
  # shellcheck disable=SC2086
  image_engine run --detach --name mirror $image_limits --network host --read-only --read-only-tmpfs=false --cap-drop all \
    --security-opt no-new-privileges --volume entrepot-data:/var/lib/entrepot --volume "$work/image.yaml:/etc/entrepot/entrepot.yaml:ro" "$image_name"
  eventually 30 answers "http://$proxy" || { image_engine logs mirror; return 1; }
  local id
  id=$(image_engine inspect --format '{{.State.Pid}}' mirror)
  expect "the user" "$(awk '/^Uid:/ { print $2 }' "/proc/$id/status")" 65532
  expect "its capabilities" "$(awk '/^Cap(Prm|Eff|Bnd):/ { print $2 }' "/proc/$id/status" | sort -u)" 0000000000000000
  # The startup cache fits: it is mapped.
  grep -q /opt/entrepot/startup.aot "/proc/$id/maps"
}

image_serves() {
  bounded skopeo --insecure-policy copy --all --preserve-digests --src-tls-verify=false \
    "docker://$proxy/registry.test/mcr/net-monitor:v1" "oci:$scratch/copy:v1"
  expect "the index" "$(jq -r '.manifests[0].digest' "$scratch/copy/index.json")" "$index"
}

image_commands() {
  expect_match "the check" "$(image_engine exec mirror java @/entrepot config check)" ": ok$"
  image_engine exec mirror java @/entrepot runs
}

image_stops() {
  local begin=$SECONDS
  image_engine stop --time 20 mirror
  [ $((SECONDS - begin)) -lt 15 ]
  expect_match "the log" "$(image_engine logs mirror 2>&1 | tail -n 1)" "stopped"
  # 143: ended by SIGTERM after draining, as Java says it; 137 would be the engine's patience.
  expect "the exit code" "$(image_engine inspect --format '{{.State.ExitCode}}' mirror)" 143
}

image_starts_again() {
  stop_upstreams
  image_engine start mirror
  eventually 30 answers "http://$proxy"
  curl -sS --fail --max-time 20 -D "$scratch/head" -o "$scratch/blob" "http://$proxy/v2/registry.test/mcr/net-monitor/blobs/$layer"
  same_bytes "$scratch/blob" "$layer"
  expect_match "why" "$(tr -d '\r' < "$scratch/head" | grep -i x-entrepot-cache)" "hit"
}

# image_alone OPTION...: a container with a network of its own, in which nothing but this container can be reached, and for which its configuration needs no other ports.
image_alone() {
  trap 'image_engine rm --force --time 5 alone > /dev/null 2>&1 || true' EXIT
  # shellcheck disable=SC2086
  image_engine run --detach --name alone $image_limits --network none --read-only --read-only-tmpfs=false --cap-drop all \
    --security-opt no-new-privileges "$@" "$image_name"
  alone=$(image_engine inspect --format '{{.State.Pid}}' alone)
  eventually 30 image_within curl -sf --max-time 2 -o /dev/null http://127.0.0.1:5001/readyz || { image_engine logs alone; return 1; }
  expect "the registry API" "$(image_within curl -s --max-time 10 -o /dev/null -w '%{http_code}' http://127.0.0.1:5000/v2/)" 200
  expect "what the admin API opens" "$(image_within curl -s --max-time 10 -o /dev/null -w '%{http_code}' http://127.0.0.1:5001/metrics)" 200
  expect_match "what it does not open" "$(image_within curl -s --max-time 10 -o /dev/null -w '%{http_code}' http://127.0.0.1:5001/cache/stats)" '^40[13]$'
  image_engine exec alone java @/entrepot cache stats > "$scratch/stats" # as the files say
  [ -s "$scratch/stats" ]
}

image_within() {
  nsenter --target "$alone" --net "$@"
}

image_starts_as_it_is() {
  image_alone
}

image_starts_as_composed() {
  local line
  line=$(grep -o 'docker compose exec entrepot .*' "$project/deploy/compose/entrepot.yaml")
  expect "the command in its comment" "${line#docker compose exec entrepot }" "java @/entrepot cache stats"
  install -m 644 "$project/deploy/compose/entrepot.yaml" "$work/compose.yaml"
  image_alone --volume "$work/compose.yaml:/etc/entrepot/entrepot.yaml:ro"
}

image_in_docker() {
  docker load --input "$work/image.tar"
  # shellcheck disable=SC2086
  docker run --rm $image_limits --network none --read-only --cap-drop all "$image_name" --version > "$scratch/version"
  expect_match "the version" "$(cat "$scratch/version")" "^entrepot [0-9]"
}

# The compose file as it is, in the folder where it lies, with its ports; where others have these, nothing is brought up. Only the project's name is the run's.
image_composed() {
  local port version
  for port in 5000 5001; do
    ! curl -s --max-time 2 -o /dev/null "http://127.0.0.1:$port/" || { echo "port $port, which compose.yaml publishes, is taken" >&2; return 1; }
  done
  version=$(grep -o 'image: localhost/entrepot:.*' "$project/deploy/compose/compose.yaml")
  docker tag "$image_name" "${version#image: }"
  trap 'image_compose logs; image_compose down --volumes --timeout 20' EXIT
  image_compose up --detach
  eventually 60 curl -sf --max-time 2 -o /dev/null http://127.0.0.1:5001/readyz
  expect "the registry API" "$(curl -s --max-time 10 -o /dev/null -w '%{http_code}' http://127.0.0.1:5000/v2/)" 200
  expect_match "what the admin port does not open" "$(curl -s --max-time 10 -o /dev/null -w '%{http_code}' http://127.0.0.1:5001/cache/stats)" '^40[13]$'
  image_compose exec -T entrepot java @/entrepot cache stats > "$scratch/stats"
  [ -s "$scratch/stats" ]
  expect "what may be written" "$(docker inspect --format '{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}' interop_entrepot_1)" "true [ALL]"
  image_compose stop
  expect "the exit code after draining" "$(docker inspect --format '{{.State.ExitCode}}' interop_entrepot_1)" 143
}

image_compose() {
  DOCKER_HOST=unix://$docker_socket bounded "$compose" --project-name interop --file "$project/deploy/compose/compose.yaml" "$@"
}
