# Clients that say who they are by a certificate, and nothing else: its common name is the user.

mtls_group() {
  phase=certificate
  mtls_certificates
  mtls_config
  empty_cache
  start_upstreams
  start_entrepot
  check "curl is served as the user of its certificate, and refused as another and as nobody" mtls_curl
  check "a certificate of another authority does not come through the handshake" mtls_stranger
  start_containerd
  check "ctr pulls with a certificate, and not without" mtls_containerd
  stop_containerd
  check "podman pulls with a certificate, and not without" mtls_podman
  check "skopeo copies with a certificate, and not without" mtls_skopeo
  stop entrepot
  stop_upstreams
}

mtls_image=registry.test/mcr/net-monitor
mtls=$work/mtls

# mtls_certificate NAME AUTHORITY: a certificate of a client, and its key.
mtls_certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$mtls/$1.key" -out "$mtls/$1.csr" 2>> "$work/log/openssl"
  openssl x509 -req -in "$mtls/$1.csr" -CA "$2.pem" -CAkey "$2.key" -set_serial 2 -days 2 -out "$mtls/$1.cert" 2>> "$work/log/openssl"
}

mtls_certificates() {
  mkdir -p "$mtls"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=another authority" \
    -addext basicConstraints=critical,CA:TRUE -keyout "$mtls/another.key" -out "$mtls/another.pem" 2>> "$work/log/openssl"
  mtls_certificate alice "$work/tls/ca"
  mtls_certificate bob "$work/tls/ca"
  mtls_certificate mallory "$mtls/another"
}

mtls_config() {
  scheme=https
  entrepot_config=$work/mtls.yaml
  {
    sed "s|^server:|&\n  tls: {certificate: $work/tls/server.pem, key: $work/tls/server.key, client-ca: $work/tls/ca.pem}|" "$work/entrepot.yaml"
    echo 'access: [{users: [alice], repositories: ["registry.test/mcr/*"]}]'
  } > "$entrepot_config"
}

# mtls_ask [OPTION...]: the status for a manifest.
mtls_ask() {
  curl -sS --max-time 20 --cacert "$work/tls/ca.pem" -o "$scratch/body" -w '%{http_code}' "$@" "https://$proxy/v2/$mtls_image/manifests/v1"
}

mtls_curl() {
  expect "alice" "$(mtls_ask --cert "$mtls/alice.cert" --key "$mtls/alice.key" -H 'Accept: application/vnd.oci.image.index.v1+json')" 200
  same_bytes "$scratch/body" "$index"
  expect "bob" "$(mtls_ask --cert "$mtls/bob.cert" --key "$mtls/bob.key")" 403
  expect "nobody, who cannot be asked for a password where there are none" "$(mtls_ask)" 403
}

mtls_stranger() {
  refused mtls_ask --cert "$mtls/mallory.cert" --key "$mtls/mallory.key" 2> "$scratch/refusal"
  expect_match "what curl says" "$(cat "$scratch/refusal")" "alert|certificate|reset|Connection"
}

mtls_containerd() {
  hosts_toml registry.test "https://$proxy" "ca = \"$work/tls/ca.pem\""
  refused bounded ctr --address "$containerd_socket" content fetch --hosts-dir "$scratch/hosts" --all-platforms "$mtls_image:v1" 2> /dev/null
  hosts_toml registry.test "https://$proxy" "ca = \"$work/tls/ca.pem\"" "client = [[\"$mtls/alice.cert\", \"$mtls/alice.key\"]]"
  bounded ctr --address "$containerd_socket" images pull --hosts-dir "$scratch/hosts" --all-platforms --snapshotter native "$mtls_image:v1"
  bounded ctr --address "$containerd_socket" content get "$layer" > "$scratch/blob"
  same_bytes "$scratch/blob" "$layer"
}

# As podman, skopeo and docker read them.
mtls_folder() {
  access_certificates
  cp "$mtls/alice.cert" "$scratch/certificates/client.cert"
  cp "$mtls/alice.key" "$scratch/certificates/client.key"
}

mtls_podman() {
  access_certificates
  refused mtls_podman_pull 2> /dev/null
  mtls_folder
  mtls_podman_pull > "$scratch/id"
  expect "the image" "sha256:$(tail -n 1 "$scratch/id")" "$(jq -r .config.digest "$(corpus_blob "$amd64")")"
}

mtls_podman_pull() {
  bounded podman --root "$scratch/root" --runroot "$scratch/runroot" --tmpdir "$scratch/tmp" --storage-driver vfs \
    --cgroup-manager cgroupfs --events-backend none pull --quiet --arch amd64 --cert-dir "$scratch/certificates" "$proxy/$mtls_image:v1"
}

mtls_skopeo() {
  access_certificates
  refused bounded skopeo inspect --raw --cert-dir "$scratch/certificates" "docker://$proxy/$mtls_image:v1" 2> /dev/null
  mtls_folder
  bounded skopeo --insecure-policy copy --all --preserve-digests --src-cert-dir "$scratch/certificates" "docker://$proxy/$mtls_image:v1" "oci:$scratch/copy:v1"
  expect "the index" "$(jq -r '.manifests[0].digest' "$scratch/copy/index.json")" "$index"
}
