# skopeo (containers/image): GET for manifests, no */*, everything by the challenge of /v2/.

skopeo_checks() {
  check "skopeo inspects the index by tag" skopeo_inspects ":v1" "$index"
  check "skopeo inspects the index by digest" skopeo_inspects "@$index" "$index"
  check "skopeo inspects the amd64 manifest by tag" skopeo_inspects ":v1-amd64" "$amd64"
  check "skopeo inspects the arm64 manifest by digest" skopeo_inspects "@$arm64" "$arm64"
  check "skopeo reads the configuration of each platform" skopeo_configurations
  check "skopeo copies the index with all platforms" skopeo_copies_all
  check "skopeo copies one platform by digest" skopeo_copies_one
  check "skopeo copies an artifact" skopeo_copies_an_artifact
  check "skopeo copies through a mirror of registries.conf" skopeo_through_mirror
  check "skopeo lists the tags" skopeo_lists_tags
}

skopeo() {
  bounded skopeo --insecure-policy "$@"
}

skopeo_inspects() {
  skopeo inspect --raw --tls-verify=false "docker://$proxy/registry.test/mcr/net-monitor$1" > "$scratch/manifest"
  same_bytes "$scratch/manifest" "$2"
}

skopeo_configurations() {
  local platform manifest
  for platform in amd64 arm64; do
    manifest=${!platform}
    skopeo --override-os linux --override-arch "$platform" inspect --config --raw --tls-verify=false \
      "docker://$proxy/registry.test/mcr/net-monitor:v1" > "$scratch/configuration"
    same_bytes "$scratch/configuration" "$(jq -r .config.digest "$(corpus_blob "$manifest")")"
  done
}

# blobs_of MANIFEST...: the manifests with their configuration and layers.
blobs_of() {
  local manifest
  for manifest in "$@"; do
    echo "$manifest"
    jq -r '.config.digest, .layers[].digest' "$(corpus_blob "$manifest")"
  done
}

skopeo_copies_all() {
  skopeo copy --all --preserve-digests --src-tls-verify=false \
    "docker://$proxy/registry.test/mcr/net-monitor:v1" "oci:$scratch/copy:v1"
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" "$index" $(blobs_of "$amd64" "$arm64")
}

skopeo_copies_one() {
  skopeo copy --preserve-digests --src-tls-verify=false \
    "docker://$proxy/registry.test/mcr/net-monitor@$arm64" "oci:$scratch/copy:v1"
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" $(blobs_of "$arm64")
}

skopeo_copies_an_artifact() {
  skopeo copy --preserve-digests --src-tls-verify=false \
    "docker://$proxy/registry.test/mcr/namespace-artifact:v1" "oci:$scratch/copy:v1"
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" $(blobs_of "$artifact")
}

skopeo_through_mirror() {
  sample containers/registries.conf > "$scratch/registries.conf"
  skopeo --registries-conf "$scratch/registries.conf" copy --all --preserve-digests \
    "docker://quay.io/mcr/net-monitor:v1" "oci:$scratch/copy:v1"
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" "$index" $(blobs_of "$amd64" "$arm64")
}

skopeo_lists_tags() {
  skopeo list-tags --tls-verify=false "docker://$proxy/registry.test/mcr/net-monitor" > "$scratch/tags"
  diff <(corpus_tags net-monitor | sort) <(jq -r '.Tags[]' "$scratch/tags" | sort)
}
