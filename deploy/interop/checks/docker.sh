# dockerd with a registry mirror, which names no upstream: the default upstream stands for Docker Hub. Its BuildKit as well.

docker_checks() {
  start_containerd
  start_dockerd
  check "docker pulls an official image" docker_pulls amd64 net-monitor:v1
  check "docker pulls another platform" docker_pulls arm64 net-monitor:v1
  check "docker pulls by digest" docker_pulls amd64 "net-monitor@$index"
  check "docker pulls an image with an owner" docker_pulls amd64 mcr/net-monitor:v1
  check "BuildKit builds from an image that it pulls through the mirror" docker_builds
  stop_dockerd
  stop_containerd
}

docker_pulls() {
  local manifest=${!1} configuration
  configuration=$(jq -r .config.digest "$(corpus_blob "$manifest")")
  docker pull --platform "linux/$1" "$2"
  docker image inspect "$2" > "$scratch/image"
  expect_match "the image" "$(jq -r '.[0].Id' "$scratch/image")" "^($configuration|$index)$"
  expect_match "the digests" "$(jq -c '.[0].RepoDigests' "$scratch/image")" "$index"
  expect "the layers" "$(jq -c '.[0].RootFS.Layers' "$scratch/image")" \
    "$(jq -c .rootfs.diff_ids "$(corpus_blob "$configuration")")"
  docker image rm --force "$2"
}

docker_builds() {
  mkdir -p "$DOCKER_CONFIG/cli-plugins" "$scratch/context"
  ln -sfn "$clients/docker-buildx" "$DOCKER_CONFIG/cli-plugins/docker-buildx"
  printf 'FROM net-monitor:v1\nLABEL built-by=interop\n' > "$scratch/context/Dockerfile"
  docker buildx build --builder default --progress plain --platform linux/amd64 --pull --tag "built:$checks" "$scratch/context"
  docker image inspect "built:$checks" > "$scratch/image"
  expect "the layers" "$(jq -c '.[0].RootFS.Layers' "$scratch/image")" \
    "$(jq -c .rootfs.diff_ids "$(corpus_blob "$(jq -r .config.digest "$(corpus_blob "$amd64")")")")"
  docker image rm --force "built:$checks"
  docker builder prune --all --force
}
