# Whole graphs copied to three registries of different make and verified there by oras, cosign and notation: docker-registry and crane's
# have no referrers API, so that fallback tags must be there; the tests' own registry has it.

replication_group() {
  free_port first_target_port
  free_port second_target_port
  first_target=127.0.0.1:$first_target_port
  second_target=127.0.0.1:$second_target_port
  empty_cache
  start_upstreams
  start_first_target
  start_second_target
  start_third_target
  write_replication_config
  trust_the_copies

  phase="first run"
  check "entrepot plan writes nothing" plan_writes_nothing
  check "entrepot sync does what was planned" sync_does_the_plan
  check_copies
  phase="second run"
  check "nothing changed, nothing is written" second_run_writes_nothing
  check_copies
  phase="late referrer"
  check "a referrer attached later arrives, and only it" late_referrer_arrives
  phase="dead target"
  stop second-target
  check "the second target is gone" eventually 20 is_silent "http://$second_target"
  check "a dead target fails the run and delays no other" dead_target_fails_alone
  start_second_target
  phase="kill -9"
  check_kill_in_mid_run
  phase=prune
  check_prune

  stop first-target
  stop second-target
  stop third-target
  stop_upstreams
}

write_replication_config() {
  cp "$work/entrepot.yaml" "$work/replication.yaml"
  cat >> "$work/replication.yaml" << YAML
replication:
  rules:
    - name: to-regions
      source: referrers.test
      repositories: ["mcr/*"]
      tags: ["v*"]
      targets: [{url: "http://$first_target", prefix: mirror}, {url: "http://$second_target"}, {url: "http://$third_target"}]
    - name: large
      source: slow.test
      repositories: ["big/blob"]
      tags: ["v*"]
      targets: [{url: "http://$first_target", prefix: mirror}]
    - name: pruned
      source: registry.test
      repositories: ["going/app"]
      tags: ["v*"]
      targets: [{url: "http://$first_target", prefix: mirror}, {url: "http://$second_target"}, {url: "http://$third_target"}]
      prune: {enabled: true, grace: 0s, max-share: 100%}
YAML
}

start_first_target() {
  cat > "$work/target.yaml" << YAML
version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: $work/target}}
http: {addr: $first_target}
YAML
  start first-target env REGISTRY_STORAGE_DELETE_ENABLED=true docker-registry serve "$work/target.yaml"
  comes_up first-target 30 answers "http://$first_target"
}

start_second_target() {
  mkdir -p "$work/second-target"
  # By env, because the checks of crane define a function of that name, whose shell would be ended instead of the server.
  start second-target env crane registry serve --address "$second_target" --disk "$work/second-target"
  comes_up second-target 30 answers "http://$second_target"
}

is_silent() {
  ! answers "$1"
}

start_third_target() {
  local lib=$project/deploy/target/entrepot/lib
  # Another group may have had one, elsewhere.
  : > "$work/log/third-target"
  start third-target "$JAVA_HOME/bin/java" -Xmx256m -cp "$project/oci/target/test-classes:$project/oci/target/classes:$lib/*" \
    dev.entrepot.oci.testing.TestRegistryProcess
  comes_up third-target 30 grep -q . "$work/log/third-target"
  third_target=$(head -n 1 "$work/log/third-target")
}

# trust_the_copies: notation's policy for the names at the targets.
trust_the_copies() {
  local folder=$XDG_CONFIG_HOME/notation
  mkdir -p "$folder/truststore/x509/ca/corpus"
  cp "$here/corpus/keys/notation-acme.crt" "$folder/truststore/x509/ca/corpus/"
  jq -n --arg first "$first_target/mirror/mcr/net-monitor" --arg second "$second_target/mcr/net-monitor" \
    --arg third "$third_target/mcr/net-monitor" \
    '{version: "1.0", trustPolicies: [{
      name: "corpus",
      registryScopes: [$first, $second, $third],
      signatureVerification: {level: "strict", override: {authenticTimestamp: "log"}},
      trustStores: ["ca:corpus"],
      trustedIdentities: ["x509.subject: C=US, ST=WA, L=Seattle, O=Notary, CN=acme.example"]
    }]}' > "$folder/trustpolicy.json"
}

synchronises() {
  timeout --kill-after=5 180 "$entrepot" sync "$1" --config "$work/replication.yaml"
}

target_repositories() {
  local target
  for target in "$first_target" "$second_target" "$third_target"; do
    bounded crane catalog "$target"
  done
}

plan_writes_nothing() {
  timeout --kill-after=5 90 "$entrepot" plan to-regions --json --config "$work/replication.yaml" > "$work/plan.json"
  expect_match "the plan" "$(jq -r '.targets[].images[].repository' "$work/plan.json")" "mcr/net-monitor"
  expect "what is at the targets" "$(target_repositories)" ""
}

# By target: images, and what was sent. A registry may refuse to mount, which makes it a push; what it had sent again is counted apart, as repaired.
sync_does_the_plan() {
  timeout --kill-after=5 180 "$entrepot" sync to-regions --json --config "$work/replication.yaml" > "$scratch/report.json"
  expect "the outcome" "$(jq -r .outcome "$scratch/report.json")" complete
  jq -c '.targets[] | {target, images: [.images[] | select(.action == "copy")]} | .nodes = [.images[].nodes[]?] | {
      target,
      copied: (.images | length),
      manifests: ([.nodes[] | select(.kind == "manifest" and .step == "push")] | length),
      blobs: ([.nodes[] | select(.kind == "blob" and (.step == "push" or .step == "mount"))] | length)
    }' "$work/plan.json" > "$scratch/planned"
  jq -c '.targets[] | {
      target,
      copied,
      manifests: .done.manifestsPushed,
      blobs: (.done.blobsPushed + .done.blobsMounted)
    }' "$scratch/report.json" > "$scratch/done"
  diff "$scratch/planned" "$scratch/done"
}

check_copies() {
  local copy
  for copy in "$first_target/mirror" "$second_target" "$third_target"; do
    check "the tags at ${copy%%/*} are those of the source" copied_tags "$copy"
    check "oras copies the same tree from ${copy%%/*}" copied_tree "$copy"
    check "cosign verifies at ${copy%%/*}" copied_cosign "$copy"
    check "notation verifies at ${copy%%/*}" copied_notation "$copy"
  done
}

copied_tags() {
  expect "v1 of net-monitor" "$(bounded crane digest "$1/mcr/net-monitor:v1")" "$index"
  expect "v1-arm64 of net-monitor" "$(bounded crane digest "$1/mcr/net-monitor:v1-arm64")" "$arm64"
  expect "v1 of namespace-artifact" "$(bounded crane digest "$1/mcr/namespace-artifact:v1")" "$artifact"
}

copied_tree() {
  bounded oras cp -r --no-tty --from-plain-http --to-oci-layout "$1/mcr/net-monitor:v1" "$scratch/copy:v1"
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" $(corpus_graph "$index")
}

copied_cosign() {
  local options=(--key "$here/corpus/keys/cosign.pub" --insecure-ignore-tlog=true --allow-http-registry)
  bounded cosign verify "${options[@]}" "$1/mcr/net-monitor:v1"
  bounded cosign verify "${options[@]}" "$1/mcr/cosign-tags:v1"
  bounded cosign verify-attestation "${options[@]}" --type cyclonedx "$1/mcr/cosign-tags:v1"
}

copied_notation() {
  bounded notation verify --insecure-registry "$1/mcr/net-monitor:v1"
}

# docker-registry logs every request; what writes is PUT, POST or PATCH.
second_run_writes_nothing() {
  local before after
  before=$(writes)
  synchronises to-regions
  after=$(writes)
  expect "the writing requests" "$after" "$before"
}

writes() {
  grep -cE '"(PUT|POST|PATCH) ' "$work/log/first-target" || true
}

manifest_writes() {
  grep -cE '"PUT /v2/[^ ]*/manifests/' "$work/log/first-target" || true
}

late_referrer_arrives() {
  echo late > "$scratch/note"
  # The source's API answers from files: the new referrer is put into its list.
  local list digest
  (cd "$scratch" && bounded oras attach --plain-http --no-tty --artifact-type application/vnd.example.late \
    "127.0.0.1:$plain_port/mcr/net-monitor@$index" note:text/plain)
  bounded oras manifest fetch --plain-http "127.0.0.1:$plain_port/mcr/net-monitor:$(fallback_tag "$index")" > "$scratch/list"
  list=$work/referrers/v2/mcr/net-monitor/referrers/$index
  cp "$scratch/list" "$list"
  digest=$(jq -r '.manifests[] | select(.artifactType == "application/vnd.example.late") | .digest' "$list")
  local copy before
  before=$(manifest_writes)
  synchronises to-regions
  expect "the manifests written: the referrer and its fallback tag" $(($(manifest_writes) - before)) 2
  for copy in "$first_target/mirror" "$second_target" "$third_target"; do
    bounded oras discover --plain-http --format json "$copy/mcr/net-monitor:v1" > "$scratch/tree.json"
    expect_match "the referrers at $copy" "$(jq -r '.referrers[].digest' "$scratch/tree.json")" "$digest"
  done
}

dead_target_fails_alone() {
  push_tag namespace-artifact mcr/namespace-artifact v1
  bounded crane copy "127.0.0.1:$plain_port/mcr/namespace-artifact:v1" "127.0.0.1:$plain_port/mcr/namespace-artifact:v2"
  local status=0
  timeout --kill-after=5 60 "$entrepot" sync to-regions --config "$work/replication.yaml" || status=$?
  expect "the exit code" "$status" 3
  expect "v2 at the other living target" "$(bounded crane digest "$third_target/mcr/namespace-artifact:v2")" "$artifact"
  expect "v2 at the living target" "$(bounded crane digest "$first_target/mirror/mcr/namespace-artifact:v2")" "$artifact"
}

check_kill_in_mid_run() {
  : > "$work/log/upstream-requests"
  start sync "$entrepot" sync large --config "$work/replication.yaml"
  sleep 4 # the large blob takes six seconds from the slow upstream
  check "a run is under way" running sync
  stop sync KILL
  check "after kill -9 the tag is not at the target" large_tag_is_absent
  check "the run after it completes" large_run_completes
}

large_tag_is_absent() {
  refused bounded crane digest "$first_target/mirror/big/blob:v1"
}

large_run_completes() {
  synchronises large
  bounded oras pull --no-tty --plain-http --output "$scratch/files" "$first_target/mirror/big/blob:v1"
  cmp "$scratch/files/large" "$work/large"
}

# docker-registry deletes manifests and no tags, at the source too: what is deleted there has a digest of its own.
check_prune() {
  check "what will be pruned is copied first" prunable_arrives
  check "a plan says what is pruned and deletes nothing" prune_is_planned
  check "what the source no longer has is pruned with its referrers" prune_removes
  check "the next run has nothing to prune" prune_is_done
}

prunable_arrives() {
  local tag
  for tag in v1 $(corpus_tags net-monitor | grep -E '^sha256-'); do
    push_tag net-monitor going/app "$tag"
  done
  push_tag namespace-artifact going/app v1
  bounded crane copy "127.0.0.1:$plain_port/going/app:v1" "127.0.0.1:$plain_port/going/app:v2"
  push_tag net-monitor going/app v1
  synchronises pruned
  local copy
  for copy in "$first_target/mirror" "$second_target" "$third_target"; do
    expect "v1 at $copy" "$(bounded crane digest "$copy/going/app:v1")" "$index"
    expect "v2 at $copy" "$(bounded crane digest "$copy/going/app:v2")" "$artifact"
  done
}

prune_is_planned() {
  bounded crane delete "127.0.0.1:$plain_port/going/app@$index"
  timeout --kill-after=5 90 "$entrepot" plan pruned --json --config "$work/replication.yaml" > "$scratch/plan.json"
  expect "what is pruned at each target" "$(jq -r '.targets[].prune[]' "$scratch/plan.json" | sort)" \
    "$(printf '%s\n' going/app:v1 going/app:v1 mirror/going/app:v1)"
  expect "v1 at the first target" "$(bounded crane digest "$first_target/mirror/going/app:v1")" "$index"
}

prune_removes() {
  timeout --kill-after=5 180 "$entrepot" sync pruned --json --config "$work/replication.yaml" > "$scratch/report.json"
  expect "the outcome" "$(jq -r .outcome "$scratch/report.json")" complete
  expect "tags that were pruned at each target" "$(jq -c '[.targets[].pruned]' "$scratch/report.json")" "[1,1,1]"
  local copy digest
  for copy in "$first_target/mirror" "$second_target" "$third_target"; do
    expect "the tags at $copy" "$(bounded crane ls "$copy/going/app" | grep -v '^sha256-' || true)" v2
    expect "v2 at $copy" "$(bounded crane digest "$copy/going/app:v2")" "$artifact"
    for digest in "$index" "$arm64" $(referrers "$index" | jq -r .digest); do
      refused bounded crane manifest "$copy/going/app@$digest"
    done
  done
}

prune_is_done() {
  timeout --kill-after=5 180 "$entrepot" sync pruned --json --config "$work/replication.yaml" > "$scratch/report.json"
  expect "the outcome" "$(jq -r .outcome "$scratch/report.json")" complete
  expect "tags that were pruned" "$(jq -c '[.targets[].pruned]' "$scratch/report.json")" "[0,0,0]"
}
