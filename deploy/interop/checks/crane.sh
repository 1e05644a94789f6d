# crane (go-containerregistry).

crane_checks() {
  check "crane reads the manifest by tag" crane_reads_manifest ":v1" "$index"
  check "crane reads the manifest by digest" crane_reads_manifest "@$arm64" "$arm64"
  check "crane resolves tag and platform" crane_resolves
  check "crane reads a blob" crane_reads_blob
  check "crane reads the configuration" crane_reads_configuration
  check "crane pulls the index with all platforms" crane_pulls_index
  check "crane validates every layer" crane_validates
  check "crane lists the tags" crane_lists_tags
  check "crane lists the catalog" crane_lists_catalog
}

crane() {
  bounded crane "$@"
}

crane_reads_manifest() {
  crane manifest "$proxy/registry.test/mcr/net-monitor$1" > "$scratch/manifest"
  same_bytes "$scratch/manifest" "$2"
}

crane_resolves() {
  local image=$proxy/registry.test/mcr/net-monitor:v1
  expect "the digest" "$(crane digest "$image")" "$index"
  expect "the digest of amd64" "$(crane digest --platform linux/amd64 "$image")" "$amd64"
  expect "the digest of arm64" "$(crane digest --platform linux/arm64 "$image")" "$arm64"
}

crane_reads_blob() {
  crane blob "$proxy/registry.test/mcr/net-monitor@$layer" > "$scratch/blob"
  same_bytes "$scratch/blob" "$layer"
}

crane_reads_configuration() {
  crane config --platform linux/arm64 "$proxy/registry.test/mcr/net-monitor:v1" > "$scratch/configuration"
  same_bytes "$scratch/configuration" "$(jq -r .config.digest "$(corpus_blob "$arm64")")"
}

crane_pulls_index() {
  crane pull --format oci "$proxy/registry.test/mcr/net-monitor:v1" "$scratch/copy"
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" "$index" "$amd64" "$arm64" \
    $(jq -r '.config.digest, .layers[].digest' "$(corpus_blob "$amd64")" "$(corpus_blob "$arm64")")
}

crane_validates() {
  crane validate --remote "$proxy/registry.test/mcr/net-monitor:v1"
}

crane_lists_tags() {
  diff <(corpus_tags net-monitor | sort) <(crane ls "$proxy/registry.test/mcr/net-monitor" | sort)
}

crane_lists_catalog() {
  crane catalog "$proxy" > "$scratch/catalog"
  expect_match "the catalog" "$(cat "$scratch/catalog")" "mcr/net-monitor"
}
