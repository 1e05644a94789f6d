# podman with the sample of registries.conf. What it pulls is nowhere but behind the proxy.

podman_checks() {
  check "podman pulls the amd64 image by tag" podman_pulls amd64 quay.io/mcr/net-monitor:v1
  check "podman pulls the arm64 image by tag" podman_pulls arm64 quay.io/mcr/net-monitor:v1
  check "podman pulls the image by digest" podman_pulls amd64 "quay.io/mcr/net-monitor@$index"
  check "podman pulls an official image of docker.io" podman_pulls amd64 docker.io/library/net-monitor:v1
}

podman() {
  bounded podman --root "$scratch/root" --runroot "$scratch/runroot" --tmpdir "$scratch/tmp" --storage-driver vfs \
    --cgroup-manager cgroupfs --events-backend none "$@"
}

podman_pulls() {
  local manifest=${!1} configuration
  configuration=$(jq -r .config.digest "$(corpus_blob "$manifest")")
  sample containers/registries.conf > "$scratch/registries.conf"
  export CONTAINERS_REGISTRIES_CONF=$scratch/registries.conf
  podman pull --quiet --arch "$1" "$2"
  podman image inspect "$2" > "$scratch/image"
  expect "the image" "sha256:$(jq -r '.[0].Id' "$scratch/image")" "$configuration"
  expect_match "the digests" "$(jq -c '.[0].RepoDigests' "$scratch/image")" "$index"
  expect "the layers" "$(jq -c '.[0].RootFS.Layers' "$scratch/image")" \
    "$(jq -c .rootfs.diff_ids "$(corpus_blob "$configuration")")"
}
