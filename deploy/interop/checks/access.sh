# Clients that say who they are, over TLS: with a password at each request, and with tokens that the proxy gives out. A course of its own: what is wanted of them is
# in the configuration of the proxy.

access_group() {
  for access_way in password token; do
    phase="$access_way"
    access_config
    empty_cache
    start_upstreams
    start_entrepot
    start_containerd
    check "curl is challenged, refused, and let in" access_curl
    check "skopeo copies what its user may, and nothing else" access_skopeo
    check "podman pulls with credentials" access_podman
    check "crane validates with credentials" access_crane
    check "ctr pulls with credentials, naming the upstream by ?ns=" access_containerd
    start_dockerd
    check "docker logs in and pulls" access_docker
    stop_dockerd
    [ "$access_way" = password ] || check "a storm of wrong passwords at the token endpoint is throttled" access_storm "token?service=interop"
    [ "$access_way" = password ] || access_by_certificate
    [ "$access_way" = token ] || access_attacks
    stop_containerd
    stop entrepot
    stop_upstreams
  done
}

access_image=registry.test/mcr/net-monitor

# alice may pull from one registry, bob nothing at all; the password of both is wonder.
access_config() {
  local hash='$2y$04$KJuBB87FvevxaxyuoE02cuPv/hKFrS0Cr1YG0C1MjE.K8g7JBn8I2' tokens=
  printf '%s\n' "alice:$hash" "bob:$hash" > "$work/users"
  [ "$access_way" = password ] || tokens=", token: {service: interop}"
  scheme=https
  {
    sed "s|^server:|&\n  tls: {certificate: $work/tls/server.pem, key: $work/tls/server.key}\n  authentication: {htpasswd: $work/users$tokens}|" \
      "$work/entrepot.yaml"
    echo 'access: [{users: [alice], repositories: ["registry.test/mcr/*"]}]'
  } > "$work/access.yaml"
  entrepot_config=$work/access.yaml
}

access_curl() {
  local url=https://$proxy/v2/ way
  way=$([ "$access_way" = password ] && echo Basic || echo "Bearer realm=\"https://$proxy/token\"")
  curl -sS --max-time 20 --cacert "$work/tls/ca.pem" -D "$scratch/head" -o /dev/null "$url"
  expect_match "the challenge" "$(cat "$scratch/head")" "401.*[Ww][Ww][Ww]-[Aa]uthenticate: $way"
  expect "a wrong password" "$(curl -sS --max-time 20 --cacert "$work/tls/ca.pem" -u alice:no -o /dev/null -w '%{http_code}' "$url")" 401
  expect "the right one" "$(curl -sS --max-time 20 --cacert "$work/tls/ca.pem" -u alice:wonder -o /dev/null -w '%{http_code}' "$url")" 200
  expect "another user" "$(curl -sS --max-time 20 --cacert "$work/tls/ca.pem" -u bob:wonder -o /dev/null -w '%{http_code}' \
    "$url$access_image/manifests/v1")" 403
}

access_skopeo() {
  access_certificates
  bounded skopeo --insecure-policy copy --all --preserve-digests --src-cert-dir "$scratch/certificates" --src-creds alice:wonder \
    "docker://$proxy/$access_image:v1" "oci:$scratch/copy:v1"
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" "$index" "$amd64" "$arm64" \
    $(jq -r '.config.digest, .layers[].digest' "$(corpus_blob "$amd64")" "$(corpus_blob "$arm64")")
  refused bounded skopeo inspect --raw --cert-dir "$scratch/certificates" "docker://$proxy/$access_image:v1" 2> /dev/null
  refused bounded skopeo inspect --raw --cert-dir "$scratch/certificates" --creds alice:no "docker://$proxy/$access_image:v1" 2> /dev/null
  refused bounded skopeo inspect --raw --cert-dir "$scratch/certificates" --creds bob:wonder "docker://$proxy/$access_image:v1" 2> /dev/null
}

access_podman() {
  access_certificates
  bounded podman --root "$scratch/root" --runroot "$scratch/runroot" --tmpdir "$scratch/tmp" --storage-driver vfs \
    --cgroup-manager cgroupfs --events-backend none pull --quiet --arch amd64 --cert-dir "$scratch/certificates" \
    --creds alice:wonder "$proxy/$access_image:v1" > "$scratch/id"
  expect "the image" "sha256:$(tail -n 1 "$scratch/id")" "$(jq -r .config.digest "$(corpus_blob "$amd64")")"
}

access_crane() {
  mkdir -p "$scratch/crane"
  printf '{"auths":{"%s":{"auth":"%s"}}}' "$proxy" "$(printf alice:wonder | base64)" > "$scratch/crane/config.json"
  DOCKER_CONFIG=$scratch/crane SSL_CERT_FILE=$work/tls/ca.pem bounded crane validate --remote "$proxy/$access_image:v1"
}

access_containerd() {
  hosts_toml registry.test "https://$proxy" "ca = \"$work/tls/ca.pem\""
  refused bounded ctr --address "$containerd_socket" content fetch --hosts-dir "$scratch/hosts" --all-platforms "$access_image:v1" \
    2> /dev/null
  bounded ctr --address "$containerd_socket" images pull --hosts-dir "$scratch/hosts" --user alice:wonder --all-platforms \
    --snapshotter native "$access_image:v1"
  bounded ctr --address "$containerd_socket" content get "$layer" > "$scratch/blob"
  same_bytes "$scratch/blob" "$layer"
  bounded ctr --address "$containerd_socket" images remove --sync "$access_image:v1"
}

access_docker() {
  refused docker pull "$proxy/$access_image:v1" 2> /dev/null
  refused docker login --username alice --password no "$proxy" 2> /dev/null
  docker login --username alice --password wonder "$proxy"
  docker pull --platform linux/amd64 "$proxy/$access_image:v1"
  docker image inspect "$proxy/$access_image:v1" > "$scratch/image"
  expect_match "the image" "$(jq -r '.[0].Id' "$scratch/image")" "^($(jq -r .config.digest "$(corpus_blob "$amd64")")|$index)$"
  docker logout "$proxy"
}

# Docker asks no certificate of what is on 127.0.0.0/8. So that it does, the proxy has another address of the loopback device for a while, of a block for documentation.
access_elsewhere=192.0.2.1

access_by_certificate() {
  local loopback=$proxy
  ip address add "$access_elsewhere/32" dev lo
  elsewhere=$access_elsewhere
  proxy=$access_elsewhere:$proxy_port
  sed "s|$loopback|$proxy|" "$work/access.yaml" > "$work/elsewhere.yaml"
  entrepot_config=$work/elsewhere.yaml
  start_entrepot
  start_dockerd
  check "docker refuses a server whose authority it does not know, and pulls when it does" access_docker_certificate
  stop_dockerd
  stop entrepot
  proxy=$loopback
  ip address del "$access_elsewhere/32" dev lo
  elsewhere=
}

access_docker_certificate() {
  known=/etc/docker/certs.d/$proxy # not local: the trap comes after the function
  refused docker login --username alice --password wonder "$proxy" 2> "$scratch/refusal"
  expect_match "the refusal" "$(cat "$scratch/refusal")" "certificate signed by unknown authority"
  trap 'rm -rf "$known"; rmdir /etc/docker/certs.d /etc/docker 2> /dev/null || true' EXIT
  mkdir -p "$known"
  cp "$work/tls/ca.pem" "$known/ca.crt"
  access_docker
}

# What strangers try, while and after which a client is served. The storm comes last: it uses up what this address may guess.
access_attacks() {
  check "requests that never end are cut" access_slow
  check "10 000 idle connections leave it serving" access_idle
  check "200 clients over TLS that keep their connections leave it serving" access_kept
  check "a header of 64 KiB is refused" access_header
  check "paths that lead elsewhere lead nowhere" access_paths
  check "a storm of wrong passwords is throttled" access_storm v2/
}

access_served() {
  expect "what a client gets $1" "$(curl -sS --max-time 20 --cacert "$work/tls/ca.pem" -u alice:wonder -o /dev/null -w '%{http_code}' \
    "https://$proxy/v2/$access_image/manifests/v1")" 200
}

# access_strangers WAY COUNT: starts them and returns when all their connections are open.
access_strangers() {
  "$JAVA_HOME/bin/java" -Xmx256m "$project/deploy/interop/lib/Strangers.java" "$1" "$proxy_port" "$2" > "$scratch/strangers" &
  strangers=$!
  trap 'kill "$strangers" 2> /dev/null || true' EXIT
  eventually 60 grep -q open "$scratch/strangers"
}

# access_holds COUNT: so many connections are open by the server's own count, and still are when it has counted anew, as it does each second.
access_holds() {
  eventually 30 access_connections "$1" || fail "it holds $(access_metric), not $1"
  sleep 2
  access_connections "$1" || fail "it held $1 connections, and now $(access_metric)"
}

access_connections() {
  [ "$(access_metric)" -ge "$1" ]
}

access_metric() {
  curl -sS --fail --max-time 10 "http://127.0.0.1:$admin_port/metrics" | sed -n 's/^entrepot_connections \([0-9]*\).*/\1/p'
}

access_slow() {
  access_strangers slow 300
  access_served "meanwhile"
  eventually 60 gone "$strangers"
  expect "what became of them" "$(tail -n 1 "$scratch/strangers")" cut
  access_served "afterwards"
}

access_idle() {
  access_strangers idle 10000
  access_holds 10000
  access_served "meanwhile"
  kill "$strangers"
  eventually 20 gone "$strangers"
  access_served "afterwards"
}

access_kept() {
  access_strangers kept 200
  access_holds 200
  access_served "meanwhile"
  kill "$strangers"
  eventually 20 gone "$strangers"
  access_served "afterwards"
}

access_header() {
  local url=https://$proxy/v2/
  printf 'Authorization: Basic %s\nX-Padding: %060000d' "$(printf alice:wonder | base64)" 0 > "$scratch/large"
  printf 'X-Flood: %065536d' 0 > "$scratch/flood"
  expect "60 000 bytes" "$(curl -sS --max-time 20 --cacert "$work/tls/ca.pem" -H "@$scratch/large" -o /dev/null -w '%{http_code}' "$url")" 200
  expect_match "64 KiB" "$(curl -s --max-time 20 --cacert "$work/tls/ca.pem" -H "@$scratch/flood" -o /dev/null -w '%{http_code}' "$url")" '^(400|431|000)$'
  access_served "afterwards"
}

access_paths() {
  local path code
  for path in /../../etc/passwd /v2/../../../../etc/passwd /v2/%2e%2e/%2e%2e/etc/passwd /v2/..%2f..%2fetc%2fpasswd \
    /v2/registry.test/mcr/../../../etc/manifests/passwd /v2/registry.test/mcr/%2e%2e/manifests/v1 "/v2/$access_image/manifests/..%2f..%2fx" \
    "/v2/$access_image/blobs/sha256:../../../../etc/passwd" "/v2/$access_image/blobs/../../../index.db" "/v2/..;/admin" //etc/passwd \
    "/v2/$access_image%00/manifests/v1" /v2/%c0%ae%c0%ae/manifests/v1 "/token/../v2/$access_image/manifests/v1"; do
    code=$(curl -s --max-time 20 --path-as-is --cacert "$work/tls/ca.pem" -u alice:wonder -o "$scratch/body" -w '%{http_code}' "https://$proxy$path")
    expect_match "$path" "$code" '^(400|403|404)$'
    if grep -q root: "$scratch/body"; then fail "$path shows a file"; fi
  done
  access_served "afterwards"
}

# access_storm PATH: guesses there.
access_storm() {
  local guess
  access_served "before"
  expect "the right password" "$(curl -sS --max-time 20 --cacert "$work/tls/ca.pem" -u alice:wonder -o /dev/null -w '%{http_code}' "https://$proxy/$1")" 200
  for guess in $(seq 300); do
    printf 'url = "https://%s/%s"\nuser = "alice:guess%s"\ncacert = "%s"\noutput = "/dev/null"\nwrite-out = "%%{http_code}\\n"\nnext\n' \
      "$proxy" "$1" "$guess" "$work/tls/ca.pem"
  done | sed '$d' > "$scratch/storm"
  bounded curl -s --parallel --parallel-max 50 --config "$scratch/storm" > "$scratch/codes"
  expect "the answers" "$(grep -c . "$scratch/codes")" 300
  expect "the kinds of answers" "$(sort -u "$scratch/codes" | paste -sd ' ')" "401 429"
  [ "$(grep -c 429 "$scratch/codes")" -gt 200 ] || fail "only $(grep -c 429 "$scratch/codes") of 300 were throttled"
  access_served "afterwards"
}
