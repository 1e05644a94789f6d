# containerd by ctr --hosts-dir: HEAD first, then by digest, with ?ns= on every request; three ways to write the mirror's URL.

containerd_checks() {
  start_containerd
  check "ctr pulls all platforms by tag, naming the upstream by ?ns=" containerd_pulls_by_namespace
  check "ctr pulls by digest" containerd_pulls_by_digest
  check "ctr fetches with a port in the registry's name" containerd_fetches_with_port
  check "ctr fetches from a mirror whose path stands before /v2" containerd_fetches_by_prefix
  check "ctr fetches from a mirror whose path is overridden" containerd_fetches_by_overridden_path
  check "ctr pulls an official image of docker.io" containerd_pulls_from_hub
  stop_containerd
}

# Each check has a containerd namespace of its own. Contents are shared between them, so it is emptied after each.
ctr() {
  bounded ctr --address "$containerd_socket" --namespace "interop-$checks" "$@"
}

# ctr_pulls REFERENCE: with unpacking, as for running it.
ctr_pulls() {
  ctr images pull --hosts-dir "$scratch/hosts" --all-platforms --snapshotter native "$1"
  expect "the target" "$(ctr images list "name==$1" | awk 'NR == 2 { print $3 }')" "$index"
  stored_and_removed "$1"
}

# ctr_fetches REFERENCE: the same requests without unpacking.
ctr_fetches() {
  ctr content fetch --hosts-dir "$scratch/hosts" --all-platforms "$1"
  stored_and_removed "$1"
}

stored_and_removed() {
  local digest
  for digest in "$index" "$amd64" "$arm64" \
    $(jq -r '.config.digest, .layers[].digest' "$(corpus_blob "$amd64")" "$(corpus_blob "$arm64")"); do
    ctr content get "$digest" > "$scratch/content"
    same_bytes "$scratch/content" "$digest"
  done
  ctr images remove --sync "$1"
  expect "what is left in the content store" "$(ctr content list --quiet)" ""
}

containerd_pulls_by_namespace() {
  sample_hosts _default
  ctr_pulls registry.test/mcr/net-monitor:v1
}

containerd_pulls_by_digest() {
  sample_hosts _default
  ctr_pulls "registry.test/mcr/net-monitor@$index"
}

containerd_fetches_with_port() {
  hosts_toml registry.test_5443_ "http://$proxy"
  ctr_fetches registry.test:5443/mcr/net-monitor:v1
}

containerd_fetches_by_prefix() {
  hosts_toml registry.test "http://$proxy/registry.test"
  ctr_fetches registry.test/mcr/net-monitor:v1
}

containerd_fetches_by_overridden_path() {
  hosts_toml registry.test "http://$proxy/v2/registry.test" 'override_path = true'
  ctr_fetches registry.test/mcr/net-monitor:v1
}

containerd_pulls_from_hub() {
  sample_hosts docker.io
  ctr_pulls docker.io/library/net-monitor:v1
}
