# Bundles that go in: through three volumes into a registry without the referrers API and into one with it, our simulator, where cosign, notation and oras say the same as at the
# source, and so they do of the bundle that is served; what is wrong is named; three rounds travel as differences by receipt, also by one that was made of the target alone; some platforms go into
# Debian's docker-registry, which takes no index without the others; the bundle itself serves crane, skopeo and oras.

bundle-import_group() {
  free_port first_target_port
  first_target=127.0.0.1:$first_target_port
  empty_cache
  start_upstreams
  mkdir -p "$work/gap"
  write_import_config
  start_import_targets

  phase="export"
  check "three volumes are written" writes_three_volumes
  check "entrepot verify accepts them" reads_bundle verify
  phase="damage"
  check "each volume that is lost is named, and written again alone" lost_volumes_are_named
  check "a flipped bit is named and no manifest is written" flipped_bit_is_named
  phase="source"
  check "cosign verifies at the source" says_of_source cosign_says
  check "notation verifies at the source" says_of_source notation_says
  check "oras discover finds what the corpus has at the source" says_of_source oras_says
  phase="import"
  check "a registry without the referrers API takes it" imports_to "$first_target/inside"
  check "a registry with it takes it" imports_to "$third_target/inside"
  check "the same again sends nothing" imports_nothing "$third_target/inside"
  local copy
  for copy in "$first_target/inside" "$third_target/inside"; do
    check "oras copies the same tree from ${copy%%/*}" imported_tree "$copy"
    check "oras copies the artifact that is no image from ${copy%%/*}" imported_artifact "$copy"
    check "oras discover agrees with the source at ${copy%%/*}" agrees_with_source oras_says "$copy"
    check "cosign verifies what it verifies at the source at ${copy%%/*}" agrees_with_source cosign_says "$copy"
    check "notation verifies what it verifies at the source at ${copy%%/*}" agrees_with_source notation_says "$copy"
  done
  for copy in "$first_target/inside" "$third_target/inside"; do
    check "a receipt made of ${copy%%/*} alone is the one that was lost" receipt_anew "$copy"
  done
  phase="some platforms"
  check "docker-registry takes no index without some of its platforms, and the import says what to do" sparse_is_refused "$first_target/some"
  check "trimmed on request it is complete there, for clients and for receipts" sparse_is_trimmed "$first_target/some"
  phase="rounds"
  for copy in "$first_target/rounds" "$third_target/rounds"; do
    check "each of three rounds by receipt carries only what ${copy%%/*} lacks" rounds_by_receipt "$copy"
    check "oras copies the same tree from there" imported_tree "$copy"
  done
  phase="folders"
  check "volumes in folders are taken" imports_folders "$first_target/folders"
  check "oras copies the same tree from there" imported_tree "$first_target/folders"
  phase="kill -9"
  check "an import that was killed goes on" killed_import_goes_on "$first_target/killed"
  check "oras copies the same tree from there" imported_tree "$first_target/killed"
  phase="serve"
  start bundle-server "$entrepot" serve --bundle "$work/gap/out" --trust "$work/gap/sender.pub" --config "$work/import.yaml"
  comes_up bundle-server 60 answers "http://$proxy"
  check "crane pulls from the bundle" crane_pulls_bundle
  check "skopeo copies all platforms from the bundle" skopeo_pulls_bundle
  check "oras copies the same tree from the bundle" imported_tree "$proxy"
  check "oras discover agrees with the source at the bundle" agrees_with_source oras_says "$proxy"
  check "cosign verifies what it verifies at the source at the bundle" agrees_with_source cosign_says "$proxy"
  check "notation verifies what it verifies at the source at the bundle" agrees_with_source notation_says "$proxy"
  stop bundle-server

  stop first-target
  stop third-target
  stop_upstreams
}

write_import_config() {
  cp "$work/entrepot.yaml" "$work/import.yaml"
  openssl genpkey -algorithm ed25519 -out "$work/gap/sender.pem"
  openssl pkey -in "$work/gap/sender.pem" -pubout -out "$work/gap/sender.pub"
  openssl genpkey -algorithm ed25519 -out "$work/gap/receiver.pem"
  openssl pkey -in "$work/gap/receiver.pem" -pubout -out "$work/gap/receiver.pub"
}

start_import_targets() {
  cat > "$work/target.yaml" << YAML
version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: $work/import-target}}
http: {addr: $first_target}
YAML
  start first-target docker-registry serve "$work/target.yaml"
  comes_up first-target 30 answers "http://$first_target"
  local lib=$project/deploy/target/entrepot/lib
  : > "$work/log/third-target"
  start third-target "$JAVA_HOME/bin/java" -Xmx256m -cp "$project/oci/target/test-classes:$project/oci/target/classes:$lib/*" \
    dev.entrepot.oci.testing.TestRegistryProcess
  comes_up third-target 30 grep -q . "$work/log/third-target"
  third_target=$(head -n 1 "$work/log/third-target")
  trust_the_imports
}

trust_the_imports() {
  local folder=$XDG_CONFIG_HOME/notation
  mkdir -p "$folder/truststore/x509/ca/corpus"
  cp "$here/corpus/keys/notation-acme.crt" "$folder/truststore/x509/ca/corpus/"
  jq -n --arg first "$first_target/inside/mcr/net-monitor" --arg third "$third_target/inside/mcr/net-monitor" \
    --arg source "127.0.0.1:$referrers_port/mcr/net-monitor" --arg served "$proxy/mcr/net-monitor" \
    '{version: "1.0", trustPolicies: [{
      name: "corpus",
      registryScopes: [$first, $third, $source, $served],
      signatureVerification: {level: "strict", override: {authenticTimestamp: "log"}},
      trustStores: ["ca:corpus"],
      trustedIdentities: ["x509.subject: C=US, ST=WA, L=Seattle, O=Notary, CN=acme.example"]
    }]}' > "$folder/trustpolicy.json"
}

writes_three_volumes() {
  timeout --kill-after=5 180 "$entrepot" export referrers.test/mcr/net-monitor:v1 referrers.test/mcr/net-monitor:v1-arm64 \
    referrers.test/mcr/cosign-tags:v1 referrers.test/mcr/namespace-artifact:v1 --config "$work/import.yaml" --output "$work/gap/out/b.tar" --volume-size 8MB --key "$work/gap/sender.pem"
  expect "the number of volumes" "$(find "$work/gap/out" -name '*.tar' | wc -l)" 3
}

# reads_bundle COMMAND: of the volumes.
reads_bundle() {
  timeout --kill-after=5 90 "$entrepot" "$1" "$work/gap/out" --trust "$work/gap/sender.pub" --config "$work/import.yaml"
}

lost_volumes_are_named() {
  local number other status
  for number in 1 2 3; do
    other=$((number % 3 + 1))
    mv "$work/gap/out/b.00$number.tar" "$scratch/"
    status=0
    reads_bundle verify > "$scratch/said" || status=$?
    expect "the exit code" "$status" 3
    expect_match "what is said" "$(cat "$scratch/said")" "volume $number is missing.*--volumes $number"
    timeout --kill-after=5 180 "$entrepot" export --reissue "$work/gap/out/b.00$other.tar" --volumes "$number" --output "$work/gap/out" \
      --config "$work/import.yaml"
    cmp "$scratch/b.00$number.tar" "$work/gap/out/b.00$number.tar"
  done
}

flipped_bit_is_named() {
  cp -r "$work/gap/out" "$scratch/out"
  printf '\x55' | dd of="$scratch/out/b.002.tar" bs=1 seek=1234567 conv=notrunc status=none
  local status=0
  timeout --kill-after=5 90 "$entrepot" import "$scratch/out" --trust "$work/gap/sender.pub" --config "$work/import.yaml" \
    --to "http://$first_target/inside" --data "$scratch/data" 2> "$scratch/said" || status=$?
  expect "the exit code" "$status" 1
  expect_match "what is said" "$(cat "$scratch/said")" "volume 2 .* is altered"
  # Blobs that were sent before it was found are no image to anybody; the same import with the volume as it should be finds them there.
  expect "the repositories that have a manifest or a tag" "$(find "$work/import-target" -name _manifests | wc -l)" 0
}

# imports_to TARGET [OPTION...]
imports_to() {
  local target=$1
  shift
  timeout --kill-after=5 180 "$entrepot" import "$work/gap/out" --trust "$work/gap/sender.pub" --config "$work/import.yaml" \
    --to "http://$target" --data "$work/gap/data" "$@"
}

imports_nothing() {
  imports_to "$1" --json > "$scratch/report"
  expect "the bytes sent" "$(jq -r '.targets[].done.bytes' "$scratch/report")" 0
  expect "images copied" "$(jq -r '.targets[].copied' "$scratch/report")" 0
}

receipt_anew() {
  imports_to "$1" --receipt "$scratch/before.json" --receipt-key "$work/gap/receiver.pem"
  timeout --kill-after=5 180 "$entrepot" receipt --to "http://$1" --config "$work/import.yaml" --data "$scratch/data" \
    --receipt "$scratch/after.json" --receipt-key "$work/gap/receiver.pem"
  diff <(jq -S 'del(.bundle, .made)' "$scratch/before.json") <(jq -S 'del(.made)' "$scratch/after.json")
}

# exports_some OUTPUT: the images of one platform.
exports_some() {
  cp "$work/import.yaml" "$work/some.yaml"
  cat >> "$work/some.yaml" << YAML
replication:
  rules:
    - {name: some, source: referrers.test, repositories: [mcr/net-monitor], tags: [v1], platforms: [linux/amd64]}
YAML
  timeout --kill-after=5 180 "$entrepot" export some --config "$work/some.yaml" --output "$1" --key "$work/gap/sender.pem"
}

# The refusal is the registry's own: it knows the manifest that the index names and it lacks as MANIFEST_BLOB_UNKNOWN.
sparse_is_refused() {
  exports_some "$work/gap/some.tar"
  local status=0
  gap_imports "$work/gap/some.tar" "$1" "$scratch/data" > "$scratch/said" || status=$?
  expect "the exit code" "$status" 1
  expect_match "what is said" "$(cat "$scratch/said")" "refuses the index $index without 1 of its platforms.*--on-sparse-refused trim"
  expect "the tags" "$(bounded crane ls --insecure "$1/mcr/net-monitor" | grep -vc '^sha256-' || true)" 0
  bounded curl --silent --fail --output "$scratch/index" "http://127.0.0.1:$plain_port/v2/mcr/net-monitor/manifests/$index" \
    --header "Accept: application/vnd.oci.image.index.v1+json"
  expect "the answer to the index" "$(bounded curl --silent --output "$scratch/answer" --write-out '%{http_code}' --upload-file "$scratch/index" \
    --header "Content-Type: application/vnd.oci.image.index.v1+json" "http://${1%%/*}/v2/${1#*/}/mcr/net-monitor/manifests/v1")" 400
  expect "its code" "$(jq -r '.errors[0].code' "$scratch/answer")" MANIFEST_BLOB_UNKNOWN
}

sparse_is_trimmed() {
  local options=(--on-sparse-refused trim --receipt "$scratch/receipt.json" --receipt-key "$work/gap/receiver.pem") trimmed
  gap_imports "$work/gap/some.tar" "$1" "$scratch/data" "${options[@]}"
  trimmed=$(bounded crane digest --insecure "$1/mcr/net-monitor:v1")
  [ "$trimmed" != "$index" ] || fail "docker-registry took the index as it is"
  expect "the images of it" "$(bounded crane manifest --insecure "$1/mcr/net-monitor:v1" | jq -r '.manifests[].digest')" "$amd64"
  bounded crane validate --remote "$1/mcr/net-monitor:v1" --insecure
  expect "the image of the receipt" "$(jq -r '.images[] | .repository + ":" + .tag + "@" + .manifest' "$scratch/receipt.json")" \
    "mcr/net-monitor:v1@$trimmed"
  gap_imports "$work/gap/some.tar" "$1" "$scratch/data" "${options[@]}" --json > "$scratch/report"
  expect "images copied again" "$(jq -r '.targets[].copied' "$scratch/report")" 0
  expect "the receipt again" "$(jq -r '.images[].manifest' "$scratch/receipt.json")" "$trimmed"
}

# gap_exports OUTPUT IMAGE [OPTION...]
gap_exports() {
  local output=$1 image=$2
  shift 2
  timeout --kill-after=5 180 "$entrepot" export "referrers.test/mcr/$image" --config "$work/import.yaml" --output "$output" \
    --key "$work/gap/sender.pem" "$@"
}

# gap_imports BUNDLE TARGET DATA [OPTION...]
gap_imports() {
  local bundle=$1 target=$2 data=$3
  shift 3
  timeout --kill-after=5 180 "$entrepot" import "$bundle" --trust "$work/gap/sender.pub" --config "$work/import.yaml" --to "http://$target" \
    --data "$data" "$@"
}

# The third image has nothing that the first has not, and nothing of the second.
rounds_by_receipt() {
  local target=$1 round=0 image since=()
  for image in net-monitor:v1 namespace-artifact:v1 net-monitor:v1-arm64; do
    round=$((round + 1))
    gap_exports "$scratch/$round.tar" "$image" "${since[@]}"
    gap_imports "$scratch/$round.tar" "$target" "$scratch/data" --receipt "$scratch/receipt.json" --receipt-key "$work/gap/receiver.pem"
    expect "the digest of $image" "$(bounded crane digest --insecure "$target/mcr/$image")" \
      "$(bounded crane digest --insecure "127.0.0.1:$plain_port/mcr/$image")"
    since=(--since "$scratch/receipt.json" --trust "$work/gap/receiver.pub")
  done
  [ "$(stat -c %s "$scratch/3.tar")" -le 60000 ] || fail "the third bundle has $(stat -c %s "$scratch/3.tar") bytes"
  expect "the images of the last receipt" "$(jq -r '.images | map(.tag) | join(" ")' "$scratch/receipt.json")" "v1 v1 v1-arm64"
}

imports_folders() {
  gap_exports "$scratch/disk/set" net-monitor:v1 --volume-size 8MB
  gap_imports "$scratch/disk" "$1" "$scratch/data"
}

# Killed when the first blob has begun to arrive; should it have ended all the same, it is done again.
killed_import_goes_on() {
  local repositories=$work/import-target/docker/registry/v2/repositories attempt left=0
  for attempt in 1 2 3 4 5; do
    rm -rf "${repositories:?}/${1#*/}" "$scratch/data"
    start killed-import "$entrepot" import "$work/gap/out" --trust "$work/gap/sender.pub" --config "$work/import.yaml" --to "http://$1" \
      --data "$scratch/data"
    eventually 60 test -d "$repositories/${1#*/}"
    stop killed-import KILL
    left=$(find "$repositories/${1#*/}" -path '*/_manifests/tags/*' -prune ! -name 'sha256-*' -print | wc -l)
    [ "$left" != 0 ] || break
    echo "attempt $attempt came too late"
  done
  expect "the tags after the kill" "$left" 0
  gap_imports "$work/gap/out" "$1" "$scratch/data" --json > "$scratch/report"
  [ "$(jq '[.targets[].copied] | add' "$scratch/report")" -gt 0 ] || fail "nothing was left to do: $(cat "$scratch/report")"
}

imported_tree() {
  bounded oras cp -r --no-tty --from-plain-http --to-oci-layout "$1/mcr/net-monitor:v1" "$scratch/copy:v1"
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" $(corpus_graph "$index")
}

imported_artifact() {
  bounded oras cp -r --no-tty --from-plain-http --to-oci-layout "$1/mcr/namespace-artifact:v1" "$scratch/copy:v1"
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" $(corpus_graph "$artifact")
}

# says_of_source TOOL_says: what a tool says of the source, kept to be compared.
says_of_source() {
  "$1" "127.0.0.1:$referrers_port" > "$scratch/says"
  test -s "$scratch/says"
  cp "$scratch/says" "$work/gap/$1"
}

# agrees_with_source TOOL_says PLACE: the tool says there what it says of the source.
agrees_with_source() {
  test -s "$work/gap/$1"
  "$1" "$2" > "$scratch/says"
  diff "$work/gap/$1" "$scratch/says"
}

# oras_says PLACE: the digests of all that refers to the index and to its SBOM, which are at least those of the corpus.
oras_says() {
  local subject digest
  for subject in "$index" "$sbom"; do
    bounded oras discover --plain-http --format json "$1/mcr/net-monitor@$subject" > "$scratch/tree"
    jq -r '.. | objects | select(has("artifactType")) | .digest' "$scratch/tree" | sort -u > "$scratch/found"
    for digest in $(referrers "$subject" | jq -r .digest); do
      grep -qxF "$digest" "$scratch/found" || fail "oras does not find $digest at $1"
    done
    sed "s|^|$subject |" "$scratch/found"
  done
}

# cosign_says PLACE: the digests in what it verified, of the bundle, of the signature tag and of the attestation tag.
cosign_says() {
  local options=(--key "$here/corpus/keys/cosign.pub" --insecure-ignore-tlog=true --allow-http-registry) image
  for image in net-monitor:v1 cosign-tags:v1; do
    bounded cosign verify "${options[@]}" "$1/mcr/$image" > "$scratch/verified"
    grep -qF "$index" "$scratch/verified" || fail "cosign did not verify $index at $1"
    grep -oE '[0-9a-f]{64}' "$scratch/verified" | sort -u | sed "s|^|$image |"
  done
  bounded cosign verify-attestation "${options[@]}" --type cyclonedx "$1/mcr/cosign-tags:v1" > "$scratch/attested"
  expect "what was attested" "$(jq -r '.payload | @base64d | fromjson | .subject[0].digest.sha256' "$scratch/attested")" "${index#sha256:}"
  jq -r .payload "$scratch/attested" | sha256sum
}

# notation_says PLACE: the digest that it verified, and those of the signatures.
notation_says() {
  local digest
  bounded notation verify --insecure-registry "$1/mcr/net-monitor:v1" > "$scratch/verified"
  grep -oE 'Successfully verified signature for .*@sha256:[0-9a-f]{64}' "$scratch/verified" | sed 's/.*@//' > "$scratch/digest"
  expect "what notation verified" "$(cat "$scratch/digest")" "$index"
  bounded notation list --insecure-registry "$1/mcr/net-monitor@$index" > "$scratch/list"
  for digest in $(referrers "$index" | jq -r 'select(.artifactType == "application/vnd.cncf.notary.signature") | .digest'); do
    grep -qF "$digest" "$scratch/list" || fail "notation does not list $digest at $1"
  done
  cat "$scratch/digest"
  grep -oE 'sha256:[0-9a-f]{64}' "$scratch/list" | sort -u
}

crane_pulls_bundle() {
  expect "the digest" "$(bounded crane digest "$proxy/mcr/net-monitor:v1")" "$index"
  bounded crane validate --remote "$proxy/mcr/net-monitor:v1" --insecure
}

skopeo_pulls_bundle() {
  bounded skopeo --insecure-policy copy --all --preserve-digests --src-tls-verify=false "docker://$proxy/mcr/net-monitor:v1" "oci:$scratch/copy:v1"
  test -s "$scratch/copy/blobs/${index/://}"
}
