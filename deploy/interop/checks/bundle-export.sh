# Bundles as other tools see them: skopeo, oras and podman read tar and folder, openssl checks the signature, the same content gives the same bytes, also
# after kill -9.

bundle-export_group() {
  empty_cache
  start_upstreams
  mkdir -p "$work/bundle"
  write_bundle_config
  make_bundle_keys

  phase="one volume"
  check "entrepot export writes a tar" exports mcr one.tar --key "$work/bundle/p256.pem"
  check "openssl verifies the signature" openssl_verifies "$work/bundle/one.tar" p256
  check "skopeo inspects the tar" skopeo_reads_bundle "oci-archive:$work/bundle/one.tar:mcr/net-monitor:v1"
  check "skopeo copies all platforms out of the tar" skopeo_copies_bundle "oci-archive:$work/bundle/one.tar:mcr/net-monitor:v1"
  check "oras copies the whole graph out of the tar" oras_copies_bundle "$work/bundle/one.tar"
  check "podman pulls the amd64 image from the tar" podman_pulls_bundle amd64 oci-archive:one.tar:mcr/net-monitor:v1
  check "a folder has the same files" exports mcr folder --key "$work/bundle/p256.pem"
  check "the folder is what the tar has" same_as_tar
  check "skopeo copies all platforms out of the folder" skopeo_copies_bundle "oci:$work/bundle/folder:mcr/net-monitor:v1"
  check "podman pulls the arm64 image from the folder" podman_pulls_bundle arm64 oci:folder:mcr/net-monitor:v1
  check "oras finds all referrers in the folder" oras_discovers_bundle
  check "oras copies the whole graph out of the folder" oras_copies_bundle "$work/bundle/folder"

  phase="one repository"
  check "entrepot export writes a tar of one image" exports referrers.test/mcr/net-monitor:v1 single.tar --key "$work/bundle/p256.pem"
  check "skopeo copies oci-archive: by the tag alone" skopeo_copies_bundle "oci-archive:$work/bundle/single.tar:v1"
  check "oras cp --from-oci-layout by the tag alone" oras_copies_by_tag "$work/bundle/single.tar:v1"
  check "podman pulls oci-archive: by the tag alone" podman_pulls_bundle arm64 oci-archive:single.tar:v1

  phase="again"
  check "another machine's export has the same bytes" exports_again
  check "an Ed25519 signature is verified by openssl" exports_with_ed25519
  phase="kill -9"
  check "a killed export goes on and has the same bytes" killed_export_goes_on
  phase="volumes"
  check "volumes are no larger than asked for" exports_in_volumes
  check "a lost volume is written again alone" reissues_a_volume

  stop_upstreams
}

write_bundle_config() {
  cp "$work/entrepot.yaml" "$work/bundle.yaml"
  cat >> "$work/bundle.yaml" << YAML
replication:
  rules:
    - {name: mcr, source: referrers.test, repositories: ["mcr/*"], tags: ["v*"]}
    - {name: large, source: slow.test, repositories: ["big/blob"], tags: ["v*"]}
YAML
}

make_bundle_keys() {
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/bundle/p256.pem" 2> "$work/log/openssl"
  openssl genpkey -algorithm ed25519 -out "$work/bundle/ed25519.pem" 2> "$work/log/openssl"
  local key
  for key in p256 ed25519; do
    openssl pkey -in "$work/bundle/$key.pem" -pubout -out "$work/bundle/$key.pub"
  done
}

# exports RULE|IMAGE OUTPUT OPTION...: into $work/bundle.
exports() {
  local rule=$1 output=$2
  shift 2
  timeout --kill-after=5 180 "$entrepot" export "$rule" --config "$work/bundle.yaml" --output "$work/bundle/$output" "$@"
}

# openssl_verifies TAR KEY
openssl_verifies() {
  tar -xf "$1" -C "$scratch" entrepot/inventory.json entrepot/inventory.sig
  local inventory=$scratch/entrepot/inventory.json signature=$scratch/entrepot/inventory.sig key=$work/bundle/$2.pub
  if [ "$2" = ed25519 ]; then
    openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in "$inventory" -sigfile "$signature"
  else
    openssl dgst -sha256 -verify "$key" -signature "$signature" "$inventory"
  fi
}

skopeo_reads_bundle() {
  bounded skopeo --insecure-policy inspect --raw "$1" > "$scratch/manifest"
  same_bytes "$scratch/manifest" "$index"
}

# bundle_image: the index, its platforms, their configuration and layers.
bundle_image() {
  local manifest
  echo "$index"
  for manifest in "$amd64" "$arm64"; do
    echo "$manifest"
    jq -r '.config.digest, .layers[].digest' "$(corpus_blob "$manifest")"
  done
}

skopeo_copies_bundle() {
  bounded skopeo --insecure-policy copy --all --preserve-digests "$1" "oci:$scratch/copy:v1"
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" $(bundle_image)
}

# podman_pulls_bundle ARCHITECTURE PLACE: within the folder, because podman makes a name of the path of a layout, which must be in small letters.
podman_pulls_bundle() {
  local id configuration
  configuration=$(jq -r .config.digest "$(corpus_blob "${!1}")")
  cd "$work/bundle"
  id=$(bounded podman --root "$scratch/root" --runroot "$scratch/runroot" --tmpdir "$scratch/tmp" --storage-driver vfs \
    --cgroup-manager cgroupfs --events-backend none pull --quiet --arch "$1" "$2")
  expect "the image" "sha256:$id" "$configuration"
}

oras_copies_bundle() {
  bounded oras cp -r --no-tty --from-oci-layout-path "$1" --to-oci-layout-path "$scratch/copy" mcr/net-monitor:v1 v1
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" $(corpus_graph "$index")
}

oras_copies_by_tag() {
  bounded oras cp -r --no-tty --from-oci-layout "$1" --to-oci-layout-path "$scratch/copy" v1
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" $(corpus_graph "$index")
}

same_as_tar() {
  mkdir "$scratch/unpacked"
  tar -xf "$work/bundle/one.tar" -C "$scratch/unpacked"
  diff -r "$scratch/unpacked" "$work/bundle/folder"
}

oras_discovers_bundle() {
  bounded oras discover --format json --oci-layout-path "$work/bundle/folder" mcr/net-monitor:v1 > "$scratch/tree"
  diff <(referrers "$index" | jq -r .digest | sort) \
    <(jq -r '(.referrers // .manifests)[] | .digest // (.reference | sub(".*@"; ""))' "$scratch/tree" | sort)
}

exports_again() {
  exports mcr again.tar --key "$work/bundle/p256.pem" --data "$scratch/data"
  cmp "$work/bundle/one.tar" "$work/bundle/again.tar"
}

exports_with_ed25519() {
  exports mcr ed25519.tar --key "$work/bundle/ed25519.pem"
  openssl_verifies "$work/bundle/ed25519.tar" ed25519
}

# The large blob comes slowly, so that the export is killed somewhere in it.
killed_export_goes_on() {
  start bundle-export "$entrepot" export large --config "$work/bundle.yaml" --output "$work/bundle/large.tar" --unsigned
  eventually 60 test -s "$work/bundle/.large.tar.incoming"
  stop bundle-export KILL
  expect "a tar of a killed export" "$(ls "$work/bundle/large.tar" 2> /dev/null || true)" ""
  exports large large.tar --unsigned 2> "$scratch/said"
  expect_match "what it said" "$(cat "$scratch/said")" "going on with bundle"
  exports large whole.tar --unsigned
  cmp "$work/bundle/large.tar" "$work/bundle/whole.tar"
}

exports_in_volumes() {
  exports mcr set.tar --unsigned --volume-size 1MB
  local volume
  for volume in "$work"/bundle/set.[0-9][0-9][0-9].tar; do
    [ "$(stat -c %s "$volume")" -le 1000000 ] || fail "$volume is too large"
  done
  expect "a second volume" "$(basename "$work"/bundle/set.002.tar)" "$(basename "$(ls "$work"/bundle/set.002.tar)")"
}

reissues_a_volume() {
  timeout --kill-after=5 180 "$entrepot" export --config "$work/bundle.yaml" --reissue "$work/bundle/set.001.tar" --volumes 2 \
    --output "$scratch/again"
  cmp "$work/bundle/set.002.tar" "$scratch/again/set.002.tar"
}
