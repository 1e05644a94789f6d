# Clients with credentials of their own for a registry that decides who may pull: the proxy has none, shows the registry those of each client, and gives nothing
# that it keeps to whom the registry would give nothing. A course of its own.

pass-through_group() {
  phase="own credentials"
  through_config
  empty_cache
  start_upstreams
  start_entrepot
  start_containerd
  check "curl is challenged, refused, and let in, as the registry would" through_curl
  check "skopeo copies with the registry's credentials, and not without" through_skopeo
  check "podman logs in and pulls" through_podman
  check "crane validates" through_crane
  check "oras copies the whole tree" through_oras
  check "ctr pulls, naming the registry by ?ns=" through_containerd
  start_dockerd
  check "docker logs in and pulls" through_docker
  stop_dockerd
  check "the registry sent each layer once" through_once
  stop_upstreams
  check "without the registry, who has proved his rights lately is served, and nobody else" through_outage
  stop_containerd
  stop entrepot
}

through_image=private.test/mcr/net-monitor
through_account=mirror:secret # at the registry; the proxy is not told

through_config() {
  scheme=https
  sed -e "s|^server:|&\n  tls: {certificate: $work/tls/server.pem, key: $work/tls/server.key}|" \
    -e "s|credentials: {username: mirror, password: secret}|pass-through: {proof: head, proof-for: 5m}|" "$work/entrepot.yaml" > "$work/through.yaml"
  grep -q pass-through "$work/through.yaml"
  entrepot_config=$work/through.yaml
}

# through_status PATH [ACCOUNT]: the status that somebody gets.
through_status() {
  curl -sS --max-time 30 --cacert "$work/tls/ca.pem" ${2:+-u "$2"} -o /dev/null -w '%{http_code}' "https://$proxy$1"
}

through_curl() {
  curl -sS --max-time 20 --cacert "$work/tls/ca.pem" -D "$scratch/head" -o /dev/null "https://$proxy/v2/"
  expect_match "the challenge" "$(cat "$scratch/head")" '401.*[Ww][Ww][Ww]-[Aa]uthenticate: Basic'
  expect "a wrong password" "$(through_status "/v2/$through_image/manifests/v1" mirror:no)" 401
  expect "the right one" "$(through_status "/v2/$through_image/manifests/v1" "$through_account")" 200
  expect "a wrong one for what is kept now" "$(through_status "/v2/$through_image/manifests/$index" mirror:no)" 401
  expect "none" "$(through_status "/v2/$through_image/manifests/$index")" 401
}

through_skopeo() {
  access_certificates
  bounded skopeo --insecure-policy copy --all --preserve-digests --src-cert-dir "$scratch/certificates" --src-creds "$through_account" \
    "docker://$proxy/$through_image:v1" "oci:$scratch/copy:v1"
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" "$index" "$amd64" "$arm64" \
    $(jq -r '.config.digest, .layers[].digest' "$(corpus_blob "$amd64")" "$(corpus_blob "$arm64")")
  refused bounded skopeo inspect --raw --cert-dir "$scratch/certificates" "docker://$proxy/$through_image:v1" 2> /dev/null
  refused bounded skopeo inspect --raw --cert-dir "$scratch/certificates" --creds mirror:no "docker://$proxy/$through_image:v1" 2> /dev/null
}

through_podman() {
  access_certificates
  export REGISTRY_AUTH_FILE=$scratch/auth.json
  bounded podman login --cert-dir "$scratch/certificates" --username "${through_account%%:*}" --password "${through_account#*:}" "$proxy"
  bounded podman --root "$scratch/root" --runroot "$scratch/runroot" --tmpdir "$scratch/tmp" --storage-driver vfs \
    --cgroup-manager cgroupfs --events-backend none pull --quiet --arch amd64 --cert-dir "$scratch/certificates" \
    "$proxy/$through_image:v1" > "$scratch/id"
  expect "the image" "sha256:$(tail -n 1 "$scratch/id")" "$(jq -r .config.digest "$(corpus_blob "$amd64")")"
}

# through_docker_config: a folder with the account, as docker login writes it, for clients that read it.
through_docker_config() {
  mkdir -p "$scratch/docker"
  printf '{"auths":{"%s":{"auth":"%s"}}}' "$proxy" "$(printf %s "$through_account" | base64)" > "$scratch/docker/config.json"
}

through_crane() {
  through_docker_config
  DOCKER_CONFIG=$scratch/docker SSL_CERT_FILE=$work/tls/ca.pem bounded crane validate --remote "$proxy/$through_image:v1"
}

through_oras() {
  through_docker_config
  DOCKER_CONFIG=$scratch/docker bounded oras cp -r --no-tty --from-ca-file "$work/tls/ca.pem" --to-oci-layout "$proxy/$through_image:v1" "$scratch/copy:v1"
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" $(corpus_graph "$index")
}

through_containerd() {
  hosts_toml private.test "https://$proxy" "ca = \"$work/tls/ca.pem\""
  refused bounded ctr --address "$containerd_socket" content fetch --hosts-dir "$scratch/hosts" --all-platforms "$through_image:v1" 2> /dev/null
  bounded ctr --address "$containerd_socket" images pull --hosts-dir "$scratch/hosts" --user "$through_account" --all-platforms \
    --snapshotter native "$through_image:v1"
  bounded ctr --address "$containerd_socket" content get "$layer" > "$scratch/blob"
  same_bytes "$scratch/blob" "$layer"
  bounded ctr --address "$containerd_socket" images remove --sync "$through_image:v1"
}

through_docker() {
  refused docker pull "$proxy/$through_image:v1" 2> /dev/null
  refused docker login --username mirror --password no "$proxy" 2> /dev/null
  docker login --username "${through_account%%:*}" --password "${through_account#*:}" "$proxy"
  docker pull --platform linux/amd64 "$proxy/$through_image:v1"
  docker image inspect "$proxy/$through_image:v1" > "$scratch/image"
  expect_match "the image" "$(jq -r '.[0].Id' "$scratch/image")" "^($(jq -r .config.digest "$(corpus_blob "$amd64")")|$index)$"
  docker logout "$proxy"
}

through_once() {
  expect "GETs of a layer" "$(upstream_requests "^GET /v2/mcr/net-monitor/blobs/$layer 200 ")" 1
}

through_outage() {
  expect "who has proved it" "$(through_status "/v2/$through_image/blobs/$layer" "$through_account")" 200
  expect_match "a wrong password" "$(through_status "/v2/$through_image/blobs/$layer" mirror:no)" '^(401|429|502|503|504)$'
  expect "none" "$(through_status "/v2/$through_image/blobs/$layer")" 401
}
