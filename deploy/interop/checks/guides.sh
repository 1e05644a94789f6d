# The first use in the README, and the four guides, as they are printed but for names, ports and what their functions here say that they substitute: each command by bash with the real launcher, and with the files that the guide about
# Docker Hub and MCR writes a real Docker, containerd and podman. (Tests of the build walk the same pages in-process.) And what these clients say when something is wrong, as docs/troubleshooting.md has it.

guides_group() {
  guides_mirror
  guides_cache_rules
  guides_geo_replication
  guides_air_gap
}

guides_mirror() {
  phase="as printed"
  start_upstreams
  guide_first_server
  check "the first use in the README does what it says" guide_first_use
  stop entrepot
  guide_begin mirror guide_substitute
  check "certificate, password and configuration, and both upstreams answer" guide_prepares
  guide_serves "3. Start it" "https://$proxy"
  check "a pull is a miss and then a hit, and nobody gets in without the password" guide_step "4. Pull something through it"
  check "client-config writes the files of the page" guide_step "5. Point the nodes at it"
  mkdir "$work/certs.d"
  start_containerd "$work/certs.d"
  start_dockerd "$guide/clients/etc/docker/daemon.json"
  check "docker pulls from its mirror, logs in, and pulls by the mirror's name" guide_docker
  check "ctr pulls with the hosts.toml of the page" guide_containerd
  check "containerd itself, told as by a kubelet, pulls with the hosts.toml of the page" guide_kubelet
  check_daemonset
  check "podman logs in and pulls" guide_podman
  check "what clients say when something is wrong is in the list of troubles" guide_troubles
  stop_dockerd
  stop_containerd
  check "images are brought beforehand" guide_fills
  check "it shows how many pulls are left" guide_step "7. See how many pulls are left"
  stop_upstreams
  check "what is kept is served without the network, and nobody is asked any more" guide_step "8. Without the network"
  check "it can be watched" guide_step "9. What to watch"
  check "no command of the page was left out" guide_ends 43
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
  local guide=$work/guide-first
  mkdir "$guide"
  ln -s "$entrepot" "$guide/entrepot"
  cat > "$guide/entrepot.yaml" << YAML
server: {listen: $proxy, admin: 127.0.0.1:$admin_port}
upstreams:
  docker.io: {url: http://127.0.0.1:$plain_port}
  quay.io: {url: http://127.0.0.1:$plain_port}
  mcr.microsoft.com: {url: http://127.0.0.1:$plain_port}
YAML
  start entrepot env -C "$guide" ./entrepot serve
  comes_up entrepot 60 answers "http://$proxy"
}

guide_first_use() {
  guide=$work/guide-first
  guide_page=$scratch/readme.md
  guide_walked=$scratch/walked
  { guide_substitute | sed "s|127.0.0.1:5000|$proxy|g"; } < "$project/README.md" > "$guide_page"
  guide_step "First use in five minutes"
  expect "commands" "$(wc -l < "$guide_walked")" 4
  guide_blocks yaml "Configure it" > "$scratch/configured.yaml"
  "$entrepot" config check --config "$scratch/configured.yaml" | grep > /dev/null ': ok$'
}

guide_prepares() {
  guide_step "1. A certificate, a password, an account"
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
    echo "$line" >> "$guide_walked"
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
  expect "what the header stands for" "$(bash -c "$(guide_sentence '^printf nodes')")" "$(sed -n 's/.*"Basic \(.*\)"/\1/p' "$toml")"
  bounded ctr --address "$containerd_socket" content get "$layer" > "$scratch/blob"
  same_bytes "$scratch/blob" "$layer"
  bounded ctr --address "$containerd_socket" images remove --sync mcr.microsoft.com/mcr/net-monitor:v1
}

# The folder that the configuration of containerd names has what the page's had.
guide_kubelet() {
  cp -r "$guide/clients/etc/containerd/certs.d/." "$work/certs.d"
  kubelet_pulls_through mcr.microsoft.com/mcr/net-monitor:v1
  rm -rf "${work:?}/certs.d"/*
}

# kubelet_pulls_through IMAGE: and the server saw it: containerd itself, as the user, and for layers, too.
kubelet_pulls_through() {
  local before
  before=$(wc -l < "$work/log/entrepot")
  kubelet_pulls "$1"
  tail -n "+$((before + 1))" "$work/log/entrepot" > "$scratch/requests"
  grep -E 'kind=manifest .*containerd/' "$scratch/requests" | grep > /dev/null 'user="\?nodes' || { cat "$scratch/requests"; fail "no manifest for nodes"; }
  grep -E 'kind=blob .*containerd/' "$scratch/requests" | grep > /dev/null 'user="\?nodes' || { cat "$scratch/requests"; fail "no layer for nodes"; }
  bounded ctr --address "$containerd_socket" --namespace k8s.io content get "$layer" > "$scratch/blob"
  same_bytes "$scratch/blob" "$layer"
  bounded ctr --address "$containerd_socket" --namespace k8s.io images list --quiet |
    xargs timeout 60 ctr --address "$containerd_socket" --namespace k8s.io images remove --sync
}

# What the chart renders for the option hostsToml (a test of the build holds daemonset/ against the chart), run by a shell as on a node. Substituted: the address of the mirror, and the
# folders that are mounted into its container; and it sleeps for shorter, because what it started stays without the container.
check_daemonset() {
  local folder=$work/daemonset
  mkdir -p "$folder/hosts" "$folder/made" "$folder/authorization"
  sed "s|mirror.internal:5000|$proxy|g" "$here/daemonset/hosts.toml" > "$folder/hosts/hosts.toml"
  sed "s|mirror.internal:5000|$proxy|g; s|/host/|$work/certs.d/|g; s|sleep 3600|sleep 20|; s#/\(hosts\|made\|authorization\)/#$folder/\1/#g" "$here/daemonset/write" > "$folder/hosts/write"
  cp "$guide/tls/server.crt" "$folder/hosts/ca.crt"
  echo "Basic $(printf nodes:wonder | base64)" > "$folder/authorization/authorization"
  start daemonset sh "$folder/hosts/write"
  comes_up daemonset 10 test -s "$work/certs.d/mcr.microsoft.com/hosts.toml"
  check "containerd itself, told as by a kubelet, pulls with what the chart's DaemonSet wrote" guide_daemonset
  stop daemonset
  check "the DaemonSet takes away what it wrote" daemonset_leaves_nothing
}

guide_daemonset() {
  grep -q 'ca = "entrepot-ca.crt"' "$work/certs.d/mcr.microsoft.com/hosts.toml"
  kubelet_pulls_through mcr.microsoft.com/mcr/net-monitor:v1
}

daemonset_leaves_nothing() {
  expect "what is left" "$(find "$work/certs.d" -type f)" ""
}

# The page takes the list from a cluster; what kubectl prints of one pod stands in for it.
guide_fills() {
  guide_step "6. Fill it before it is needed"
  mkdir "$scratch/bin"
  cat > "$scratch/bin/kubectl" << 'SH'
#!/bin/sh
[ "$*" = "get pods -A -o json" ] && echo '{"apiVersion": "v1", "kind": "List", "items": [{"kind": "Pod", "spec": {"containers": [{"name": "a", "image": "net-monitor:v1"}]}}]}'
SH
  chmod +x "$scratch/bin/kubectl"
  (cd "$guide" && PATH=$scratch/bin:$PATH bash -o pipefail -c "$(guide_sentence '^kubectl ')") > "$scratch/printed"
  grep -q "^1 of 1 images are in the cache as a whole" "$scratch/printed" || { cat "$scratch/printed"; fail "it did not warm the image of the pod"; }
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

# Docker Hub is the registry of this run, in which alpine, busybox (signed) and debian are the image of the corpus.
guides_cache_rules() {
  local heading
  phase="cache rules, as printed"
  start_upstreams
  fill_images library/alpine 3.20 3.20.3 3.21 latest > "$work/log/fill-guides"
  fill_repository library/busybox 1.37 >> "$work/log/fill-guides"
  fill_images library/debian 12 >> "$work/log/fill-guides"
  guide_begin cache-rules guide_substitute_cache_rules
  check "the page up to the server" guide_step "1. Without rules" before
  guide_serves "1. Without rules" "http://$proxy"
  check "1. Without rules" guide_step "1. Without rules" after
  while read -r heading; do
    check "$heading" guide_step "$heading"
  done < <(sed -n 's/^## \([2-9]\. .*\|When .*\)/\1/p' "$guide_page")
  check "no command of the page was left out" guide_ends 28
  stop entrepot
  stop_upstreams
}

guide_substitute_cache_rules() {
  sed -e "s|https://registry-1.docker.io|http://127.0.0.1:$plain_port|; s|127.0.0.1:5000|$proxy|g; s|127.0.0.1:5001|127.0.0.1:$admin_port|g"
}

# The regions are two empty docker-registries, the source is the registry of this run, and who is told of events is nginx.
guides_geo_replication() {
  phase="geo-replication, as printed"
  start_upstreams
  start_empty_registry eu eu_port
  start_empty_registry us us_port
  fill_repository team/app v1.2.0 > "$work/log/fill-guides"
  guide_begin geo-replication guide_substitute_geo_replication
  check "1. Say what goes where" guide_step "1. Say what goes where"
  check "2. Look before you copy" guide_step "2. Look before you copy"
  check "3. Copy" guide_copies
  check "4. Copy when something is pushed" guide_step "4. Copy when something is pushed, and tell others"
  fill_repository team/app v1.3.0 >> "$work/log/fill-guides"
  guide_serves "5. Keep it going" "http://$proxy"
  check "5. Keep it going" guide_keeps_going
  check "no command of the page was left out" guide_ends 18
  stop entrepot
  stop registry-eu
  stop registry-us
  stop_upstreams
}

# The page leaves the addresses of the server at their defaults, which another one may have.
guide_substitute_geo_replication() {
  sed -e "s|https://eu.registry.internal|http://127.0.0.1:$eu_port|g; s|https://us.registry.internal|http://127.0.0.1:$us_port|g" \
    -e "s|https://registry.internal|http://127.0.0.1:$plain_port|g; s|https://events.internal/hook|http://127.0.0.1:$events_port/hook|" \
    -e "s|^upstreams:|server: {listen: $proxy, admin: 127.0.0.1:$admin_port}\n&|; s|127.0.0.1:5001|127.0.0.1:$admin_port|g"
}

# guide_is_at NAME [DIGEST]: a region has the image, or another, under this name.
guide_is_at() {
  [ "$(bounded crane digest --insecure "$1" 2> "$scratch/said")" = "${2:-$index}" ] || { cat "$scratch/said"; fail "$1 is not what it should be"; }
}

guide_copies() {
  local region
  guide_step "3. Copy"
  for region in "127.0.0.1:$eu_port/team/app" "127.0.0.1:$us_port/mirror/team/app"; do
    guide_is_at "$region:v1.2.0"
    bounded oras discover --plain-http --format json "$region:v1.2.0" > "$scratch/referrers"
    expect "what refers to it" "$(jq '.manifests // .referrers | length' "$scratch/referrers")" "$(referrers "$index" | wc -l)"
  done
  guide_is_at "127.0.0.1:$eu_port/team/hotfix:v1.2.0"
  guide_is_at "127.0.0.1:$us_port/team/carried:v1.2.0"
}

guide_keeps_going() {
  local signature body metric
  guide_step "5. Keep it going" after
  cp "$scratch/printed" "$scratch/metrics"
  eventually 30 guide_is_at "127.0.0.1:$us_port/mirror/team/app:v1.3.0"
  eventually 30 grep -q v1.3.0 "$work/log/events"
  while read -r signature body; do
    expect "the signature" "$signature" "sha256=$(printf %s "$body" | openssl dgst -sha256 -hmac "$(cat "$guide/hook.secret")" | sed 's/.* //')"
  done < "$work/log/events"
  for metric in $(grep -oE '`entrepot_[a-z_]+`' "$guide_page" | tr -d '`'); do
    grep -q "^# TYPE $metric " "$scratch/metrics" || fail "there is no $metric"
  done
}

# The registries inside are two empty docker-registries, and a volume is of a size of which the image of the corpus takes three.
guides_air_gap() {
  phase="air gap, as printed"
  start_upstreams
  start_empty_registry inside inside_port
  start_empty_registry other other_port
  rm -rf "$work/upstream/docker/registry/v2/repositories/team"
  fill_repository team/app v1.2.0 > "$work/log/fill-guides"
  fill_repository team/other v1 >> "$work/log/fill-guides"
  guide_grow v1.3.0 1000000 >> "$work/log/fill-guides" 2>&1
  guide_grow v1.2.1 1000 >> "$work/log/fill-guides" 2>&1
  guide_begin air-gap guide_substitute_air_gap
  check "1. Two pairs of keys" guide_step "1. Two pairs of keys, once"
  check "2. Outside: export" guide_exports
  check "a bundle of one volume is an image to skopeo, oras and podman" guide_other_tools
  check "3. Carry it in, and look at it" guide_step "3. Carry it in, and look at it"
  check "4. Inside: import" guide_imports
  guide_serves "4. Inside: import" "http://$proxy"
  check "the bundle itself is served" guide_is_at "$proxy/team/app:v1.2.0"
  stop entrepot
  check "5. Next time: the difference" guide_next_time
  check "When a volume is lost or damaged" guide_step "When a volume is lost or damaged"
  check "options in the sentences of the page do what these say" guide_air_gap_options
  check "no command of the page was left out" guide_ends 30
  stop registry-inside
  stop registry-other
  stop_upstreams
}

guide_substitute_air_gap() {
  sed -e "s|https://registry.internal|http://127.0.0.1:$plain_port|g; s|https://registry.inside|http://127.0.0.1:$inside_port|g; s|https://other.inside|http://127.0.0.1:$other_port|g" \
    -e "s|--volume-size 4.7GB|--volume-size 8MB|g; s|127.0.0.1:5000|$proxy|g; s|^upstreams:|server: {admin: 127.0.0.1:$admin_port}\n&|"
}

# guide_grow TAG OCTETS: one more version of the image for amd64, with a layer more.
guide_grow() {
  mkdir -p "$work/layer"
  head -c "$2" /dev/urandom > "$work/layer/more"
  tar -C "$work/layer" -cf "$work/layer.tar" more
  bounded oras cp --no-tty --from-oci-layout --to-plain-http "$work/corpus/net-monitor:v1-amd64" "127.0.0.1:$plain_port/team/app:base"
  bounded crane append --insecure --base "127.0.0.1:$plain_port/team/app:base" --new_layer "$work/layer.tar" \
    --new_tag "127.0.0.1:$plain_port/team/app:$1"
}

guide_exports() {
  guide_step "2. Outside: export"
  expect "the volumes" "$(cd "$guide/disk" && echo *)" "release.001.tar release.002.tar release.003.tar"
  (cd "$guide" && bash -c "$(guide_sentence '^\./entrepot runs --exports')") > "$scratch/printed"
  grep -q complete "$scratch/printed" || { cat "$scratch/printed"; fail "the export is not listed"; }
}

guide_imports() {
  guide_step "4. Inside: import" before
  guide_is_at "127.0.0.1:$inside_port/mirror/team/app:v1.2.0"
  guide_is_at "127.0.0.1:$other_port/team/app:v1.2.0"
  (cd "$guide" && bash -c "$(guide_sentence '^\./entrepot runs --imports')") > "$scratch/printed"
  grep -q complete "$scratch/printed" || { cat "$scratch/printed"; fail "the import is not listed"; }
}

# The commands have ... for where it goes.
guide_other_tools() {
  local names line number=0
  export CONTAINERS_REGISTRIES_CONF=/dev/null
  for names in "team/app:v1.2.0" "team/app:v1.2.0 registry.internal/team/other:v1"; do
    rm -f "$guide/release.tar"
    # shellcheck disable=SC2086
    (cd "$guide" && ./entrepot export registry.internal/$names --output release.tar --key sender.pem)
    for line in 'skopeo' 'oras' 'podman'; do
      case $names in
        *\ *) line="^$line .*team/app:v1" ;;
        *) line="^$line .*tar:v1" ;;
      esac
      line=$(guide_sentence "$line")
      echo "+ $line"
      number=$((number + 1))
      case $line in
        skopeo*) line="skopeo --insecure-policy ${line#skopeo } --all oci:$scratch/copy-$number:a" ;;
        oras*) line="$line --no-tty --to-oci-layout $scratch/copy-$number:a" ;;
        podman*)
          # shellcheck disable=SC2086
          (cd "$guide" && guide_podman_runs ${line#podman })
          continue
          ;;
      esac
      (cd "$guide" && timeout --kill-after=5 90 bash -c "${line/ .../}")
      expect "the image" "$(jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "a").digest' "$scratch/copy-$number/index.json")" "$index"
    done
  done
}

# Of what the last receipt has nothing is carried again.
guide_next_time() {
  guide_step "5. Next time: the difference"
  guide_is_at "127.0.0.1:$inside_port/mirror/team/app:v1.3.0" "$(bounded crane digest --insecure "127.0.0.1:$plain_port/team/app:v1.3.0")"
  guide_is_at "127.0.0.1:$inside_port/mirror/team/app:v1.2.1" "$(bounded crane digest --insecure "127.0.0.1:$plain_port/team/app:v1.2.1")"
  [ "$(stat -c %s "$guide/next/update.tar")" -lt 1500000 ]
  [ "$(stat -c %s "$guide/later/patch.tar")" -lt 300000 ]
}

# guide_options TEXT: options that the page names in a sentence, as they are there.
guide_options() {
  grep -qF -- "\`$1\`" "$guide_page" || { echo "the page does not have $1" >&2; return 1; }
  echo "+ with $1" >&2
}

guide_air_gap_options() {
  local import="./entrepot import disk --to http://127.0.0.1:$inside_port/mirror --trust sender.pub --data inside"
  cd "$guide"
  # What the first bundle brought is replaced.
  guide_options "--from upstream"
  bounded crane tag --insecure "127.0.0.1:$plain_port/team/app:v1.3.0" v1.2.0
  ./entrepot export registry.internal/team/app:v1.2.0 --from upstream --output moved/b.tar --key sender.pem
  bash -c "${import/disk/moved}"
  refused bash -c "$import" > "$scratch/said" 2>&1
  grep -q "back to what an earlier import brought" "$scratch/said" || { cat "$scratch/said"; fail "it was refused for something else"; }
  guide_options "--again"
  guide_options "--verify deep"
  bash -c "$import --again --verify deep"
  guide_options "layout:images.tar"
  guide_options "--only 'team/*:v1*'"
  guide_options "--map team=apps"
  guide_options "--on-sparse-refused trim"
  bash -c "./entrepot import disk --to layout:images.tar --only 'team/*:v1*' --map team=apps --on-sparse-refused trim --trust sender.pub --data part"
  tar -xOf images.tar index.json | jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]' > "$scratch/names"
  grep -q 'apps/app:v1.2.0\|^v1.2.0$' "$scratch/names" || { cat "$scratch/names"; fail "the image is not in it"; }
  guide_options "--since north.json --since south.json --trust north.pub --trust south.pub"
  cp receipt.json north.json
  cp receipt.json.sig north.json.sig
  ./entrepot receipt --to "http://127.0.0.1:$other_port" --receipt south.json --receipt-key sender.pem --data other
  cp receiver.pub north.pub
  cp sender.pub south.pub
  ./entrepot export registry.internal/team/app:v1.3.0 --since north.json --since south.json --trust north.pub --trust south.pub --output both/b.tar --key sender.pem
}
