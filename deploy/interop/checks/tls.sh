# The proxy with a certificate, for clients that trust its authority; and an upstream with TLS and a password.

with_tls

tls_checks() {
  start_containerd
  check "curl speaks TLS" tls_curl
  check "skopeo copies over TLS" tls_skopeo
  check "crane validates over TLS" tls_crane
  check "oras copies the whole tree over TLS" tls_oras
  check "ctr pulls over TLS" tls_containerd
  check "cosign verifies over TLS" tls_cosign
  check "who does not know the authority refuses" tls_unknown_authority
  stop_containerd
}

tls_image=private.test/mcr/net-monitor

tls_curl() {
  curl -sS --fail --max-time 60 --cacert "$work/tls/ca.pem" -o "$scratch/blob" "https://$proxy/v2/$tls_image/blobs/$layer"
  same_bytes "$scratch/blob" "$layer"
}

tls_skopeo() {
  mkdir "$scratch/certificates"
  cp "$work/tls/ca.pem" "$scratch/certificates/ca.crt"
  bounded skopeo --insecure-policy copy --all --preserve-digests --src-cert-dir "$scratch/certificates" \
    "docker://$proxy/$tls_image:v1" "oci:$scratch/copy:v1"
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" "$index" "$amd64" "$arm64" \
    $(jq -r '.config.digest, .layers[].digest' "$(corpus_blob "$amd64")" "$(corpus_blob "$arm64")")
}

tls_crane() {
  SSL_CERT_FILE=$work/tls/ca.pem bounded crane validate --remote "$proxy/$tls_image:v1"
}

tls_oras() {
  bounded oras cp -r --no-tty --from-ca-file "$work/tls/ca.pem" --to-oci-layout "$proxy/registry.test/mcr/net-monitor:v1" \
    "$scratch/copy:v1"
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" $(corpus_graph "$index")
}

tls_containerd() {
  hosts_toml private.test "https://$proxy" "ca = \"$work/tls/ca.pem\""
  bounded ctr --address "$containerd_socket" content fetch --hosts-dir "$scratch/hosts" --all-platforms "$tls_image:v1"
  bounded ctr --address "$containerd_socket" content get "$layer" > "$scratch/blob"
  same_bytes "$scratch/blob" "$layer"
}

tls_cosign() {
  bounded cosign verify --key "$here/corpus/keys/cosign.pub" --insecure-ignore-tlog=true \
    --registry-cacert "$work/tls/ca.pem" "$proxy/registry.test/mcr/net-monitor:v1"
}

tls_unknown_authority() {
  refused curl -sS --max-time 20 "https://$proxy/v2/" 2> "$scratch/refusal"
  expect_match "the refusal" "$(cat "$scratch/refusal")" "certificate"
  refused bounded oras manifest fetch "$proxy/registry.test/mcr/net-monitor:v1" 2> "$scratch/refusal"
  expect_match "the refusal" "$(cat "$scratch/refusal")" "certificate"
}
