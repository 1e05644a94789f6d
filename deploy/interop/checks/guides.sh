# The first use in the README, and the guide about Docker Hub and MCR in a private network, as they are printed but for names and ports: their commands, and with the files that the guide's write a real
# Docker, containerd and podman.
# (MirrorGuideTest runs its commands, too, without those.) And what these clients say when something is wrong, as docs/troubleshooting.md has it.

guides_group() {
  phase="as printed"
  guide=$work/guide
  guide_page=$work/mirror.md
  mkdir -p "$guide"
  guide_substitute < "$project/docs/guides/mirror.md" > "$guide_page"
  ln -s "$entrepot" "$guide/entrepot"
  stop entrepot
  start_upstreams
  guide_first_server
  check "the first use in the README does what it says" guide_first_use
  stop entrepot
  check "certificate, password and configuration, and both upstreams answer" guide_prepares
  start entrepot env -C "$guide" ./entrepot serve
  comes_up entrepot 60 answers "https://$proxy"
  check "a pull is a miss and then a hit, and nobody gets in without the password" guide_step "4. Pull something through it"
  check "client-config writes the files of the page" guide_step "5. Point the nodes at it"
  start_containerd
  start_dockerd "$guide/clients/etc/docker/daemon.json"
  check "docker pulls from its mirror, logs in, and pulls by the mirror's name" guide_docker
  check "containerd pulls with the hosts.toml of the page" guide_containerd
  check "podman logs in and pulls" guide_podman
  check "what clients say when something is wrong is in the list of troubles" guide_troubles
  stop_dockerd
  stop_containerd
  check "images are brought beforehand" guide_step "6. Fill it before it is needed"
  check "it shows how many pulls are left" guide_step "7. See how many pulls are left"
  stop_upstreams
  check "what is kept is served without the network, and nobody is asked any more" guide_step "8. Without the network"
  check "it can be watched" guide_step "9. What to watch"
  stop entrepot
}

# The upstreams of this run in the place of the two registries; the names of its images; its ports.
guide_substitute() {
  sed -e "s|https://registry-1.docker.io|http://127.0.0.1:$counted_port|; s|https://mcr.microsoft.com|http://127.0.0.1:$plain_port|" \
    -e "s|listen: \":5000\"|listen: $proxy|; s|127.0.0.1:5001|127.0.0.1:$admin_port|g; s|mirror.internal:5000|$proxy|g" \
    -e "s|DNS:mirror.internal|IP:127.0.0.1|" \
    -e "s|alpine:3.20|net-monitor:v1|g; s|dotnet/runtime:9.0|mcr/net-monitor:v1|g" \
    -e "s|alpine/manifests/3.20|net-monitor/manifests/v1|g; s|dotnet/runtime/manifests/9.0|mcr/net-monitor/manifests/v1|g" \
    -e "s|prometheus/prometheus/manifests/v3.0.0|mcr/net-monitor/manifests/v1|g; s|prometheus/prometheus:v3.0.0|mcr/net-monitor:v1|g" \
    -e "s|\([ \"]\)/etc/containerd/certs.d|\1$guide/clients/etc/containerd/certs.d|g; s|/etc/containers/certs.d|$guide/home/.config/containers/certs.d|g"
}

# Without a configuration the registries would be the real ones: it says where those of this run are, and nothing else.
guide_first_server() {
  mkdir "$guide/first"
  ln -s "$entrepot" "$guide/first/entrepot"
  cat > "$guide/first/entrepot.yaml" << YAML
server: {listen: $proxy, admin: 127.0.0.1:$admin_port}
upstreams:
  docker.io: {url: http://127.0.0.1:$plain_port}
  quay.io: {url: http://127.0.0.1:$plain_port}
  mcr.microsoft.com: {url: http://127.0.0.1:$plain_port}
YAML
  start entrepot env -C "$guide/first" ./entrepot serve
  comes_up entrepot 60 answers "http://$proxy"
}

guide_first_use() {
  guide_page=$scratch/readme.md
  { guide_substitute | sed "s|127.0.0.1:5000|$proxy|g"; } < "$project/README.md" > "$guide_page"
  guide=$guide/first
  guide_step "First use in five minutes"
  expect "commands" "$(wc -l < "$scratch/commands")" 4
  guide_blocks yaml "Configure it" > "$scratch/configured.yaml"
  "$entrepot" config check --config "$scratch/configured.yaml" | grep -q ': ok$'
}

# guide_blocks LANGUAGE [HEADING]: the blocks of a language, of the whole page or of a section of it.
guide_blocks() {
  awk -v language="$1" -v heading="${2-}" '
    /^##+ / { here = $0; sub(/^#+ /, "", here) }
    /^```/ { inside = !inside && $0 == "```" language; next }
    inside && (heading == "" || here == heading)' "$guide_page"
}

# guide_step HEADING: the commands of a section, each with what the page says that it prints.
guide_step() {
  local line command said read
  guide_blocks sh "$1" > "$scratch/commands"
  [ -s "$scratch/commands" ]
  while read -r line; do
    command=${line%% # says *}
    said=
    [ "$command" = "$line" ] || said=${line##* # says }
    echo "+ $command"
    read=$(times_rules_were_read)
    (cd "$guide" && DOCKER_HUB_TOKEN=token bash -c "$command") > "$scratch/printed" 2>&1 < /dev/null || { cat "$scratch/printed"; return 1; }
    [[ "$(tr -s ' ' < "$scratch/printed" | tr '[:upper:]' '[:lower:]')" == *"$(tr -s ' ' <<< "$said" | tr '[:upper:]' '[:lower:]')"* ]] ||
      { cat "$scratch/printed"; fail "'$said' is not in it"; }
    # Rules are read again by themselves.
    [[ "$command" != sed* ]] || eventually 20 rules_were_read_more_than "$read"
  done < "$scratch/commands"
}

# The log goes on where that of earlier groups ends.
times_rules_were_read() {
  grep -c "rules read again" "$work/log/entrepot" || :
}

rules_were_read_more_than() {
  [ "$(times_rules_were_read)" -gt "$1" ]
}

guide_prepares() {
  guide_step "1. A certificate, a password, an account"
  guide_blocks yaml > "$guide/entrepot.yaml"
  guide_step "2. The configuration"
}

# guide_console CLIENT: the block of the page that calls a client.
guide_console() {
  awk -v client="$1" '
    $0 == "```console" { inside = 1; block = ""; wanted = 0; next }
    inside && $0 == "```" { inside = 0; if (wanted) printf "%s", block; next }
    inside { block = block $0 "\n"; if ($1 == client) wanted = 1 }' "$guide_page"
}

# guide_runs_console CLIENT COUNT FUNCTION: runs the lines of its block, of which there are so many: those of the client by a function, with what stands behind its name, all others by a shell.
guide_runs_console() {
  local line
  guide_console "$1" > "$scratch/lines"
  expect "lines" "$(wc -l < "$scratch/lines")" "$2"
  while read -r line; do
    echo "+ $line"
    # shellcheck disable=SC2086
    if [ "${line%% *}" = "$1" ]; then "$3" ${line#"$1" }; else (cd "$guide" && bash -c "$line"); fi
  done < "$scratch/lines"
}

guide_docker() {
  known=/etc/docker/certs.d/$proxy # not local: the trap comes after the function
  trap 'rm -rf "$known"; rmdir /etc/docker/certs.d /etc/docker 2> /dev/null || true' EXIT
  guide_runs_console docker 4 docker
  expect_match "what it has" "$(docker image ls --format '{{.Repository}}')" "$proxy/mcr.microsoft.com/mcr/net-monitor"
  docker logout "$proxy"
}

guide_containerd() {
  local toml=$guide/clients/etc/containerd/certs.d/mcr.microsoft.com/hosts.toml
  guide_blocks toml > "$toml"
  guide_runs_console ctr 3 guide_containerd_runs
  expect "who can read the password" "$(stat -c %a "$toml")" 600
  bounded ctr --address "$containerd_socket" content get "$layer" > "$scratch/blob"
  same_bytes "$scratch/blob" "$layer"
}

guide_containerd_runs() {
  bounded ctr --address "$containerd_socket" "$@" --snapshotter native
}

guide_podman_home() {
  export CONTAINERS_REGISTRIES_CONF=$guide/clients/etc/containers/registries.conf.d/entrepot.conf REGISTRY_AUTH_FILE=$scratch/auth.json
  export HOME=$guide/home
  mkdir -p "$HOME"
}

guide_podman() {
  guide_podman_home
  guide_runs_console podman 3 guide_podman_runs
  expect "what it has" "$(guide_podman_runs image ls --format '{{.Repository}}')" mcr.microsoft.com/mcr/net-monitor
}

guide_podman_runs() {
  local command=$1
  shift
  bounded podman --root "$scratch/root" --runroot "$scratch/runroot" --tmpdir "$scratch/tmp" --storage-driver vfs \
    --cgroup-manager cgroupfs --events-backend none "$command" "$@"
}

# guide_trouble TEXT COMMAND...: the command fails with what the page quotes.
guide_trouble() {
  local text=$1
  shift
  refused "$@" > "$scratch/trouble" 2>&1
  grep -qF "\`$text\`" "$project/docs/troubleshooting.md" || fail "the page does not have $text"
  grep -qF "$text" "$scratch/trouble" || { cat "$scratch/trouble"; fail "it did not say: $text"; }
}

guide_troubles() {
  local name=$proxy/mcr.microsoft.com/mcr/net-monitor:v1
  guide_trouble "certificate signed by unknown authority" bounded podman --root "$scratch/root" --runroot "$scratch/runroot" \
    --tmpdir "$scratch/tmp" --storage-driver vfs --cgroup-manager cgroupfs --events-backend none pull "$name"
  guide_trouble "http: server gave HTTP response to HTTPS client" bounded podman --root "$scratch/root" --runroot "$scratch/runroot" \
    --tmpdir "$scratch/tmp" --storage-driver vfs --cgroup-manager cgroupfs --events-backend none pull "127.0.0.1:$plain_port/mcr/net-monitor:v1"
  guide_trouble "unauthorized" docker pull "$name"
  guide_trouble "connection refused" bounded skopeo inspect --tls-verify=false docker://127.0.0.1:1/a:1
  guide_trouble "certificate is not valid for any names" env SSL_CERT_FILE="$guide/tls/server.crt" \
    timeout 60 crane manifest "localhost:${proxy##*:}/library/net-monitor:v1"
}
