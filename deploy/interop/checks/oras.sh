# oras (oras-go): HEAD then GET, exact media types, referrers by API or fallback tag. From both kinds of upstream.

oras_checks() {
  local upstream
  for upstream in registry.test referrers.test; do
    check "oras discovers the whole tree, three levels deep, of $upstream" oras_discovers "$upstream"
    check "oras copies the whole tree of $upstream" oras_copies_tree "$upstream"
    check "oras discovers by artifact type at $upstream" oras_discovers_by_type "$upstream"
  done
  check "oras pulls the file of an artifact" oras_pulls_artifact
  check "oras pulls a referrer" oras_pulls_referrer
  check "oras fetches manifests" oras_fetches_manifests
  check "oras fetches a blob" oras_fetches_blob
  check "oras resolves a tag" oras_resolves
  check "oras lists the tags" oras_lists_tags
}

oras() {
  bounded oras "$@"
}

# tree DIGEST DEPTH: what refers to a digest of the corpus, one line of depth and digest for each, sorted.
tree() {
  local digest
  for digest in $(referrers "$1" | jq -r .digest | sort); do
    echo "$2 $digest"
    tree "$digest" $(($2 + 1))
  done
}

oras_discovers() {
  oras discover --plain-http --format json "$proxy/$1/mcr/net-monitor:v1" > "$scratch/tree.json"
  jq -r 'def walk($depth): .referrers[]? | "\($depth) \(.digest)", walk($depth + 1); walk(2)' "$scratch/tree.json" |
    sort > "$scratch/actual"
  tree "$index" 2 | sort > "$scratch/expected"
  expect_match "the depth of the corpus" "$(cat "$scratch/expected")" "3 sha256"
  diff "$scratch/expected" "$scratch/actual"
  # What describes a referrer must be there as well: type and annotations.
  jq -S '[.. | .referrers? // empty | .[] | {digest, artifactType, annotations}] | sort_by(.digest)' \
    "$scratch/tree.json" > "$scratch/actual-descriptors"
  { referrers "$index"; referrers "$sbom"; } | jq -sS 'map({digest, artifactType, annotations}) | sort_by(.digest)' \
    > "$scratch/expected-descriptors"
  diff "$scratch/expected-descriptors" "$scratch/actual-descriptors"
}

oras_copies_tree() {
  oras cp -r --no-tty --from-plain-http --to-oci-layout "$proxy/$1/mcr/net-monitor:v1" "$scratch/copy:v1"
  # shellcheck disable=SC2046
  same_layout "$scratch/copy" $(corpus_graph "$index")
}

oras_discovers_by_type() {
  oras discover --plain-http --format json --artifact-type application/vnd.cyclonedx+json \
    "$proxy/$1/mcr/net-monitor:v1" > "$scratch/tree.json"
  expect "the referrers" "$(jq -r '.referrers[].digest' "$scratch/tree.json")" "$sbom"
}

oras_pulls_artifact() {
  oras pull --no-tty --plain-http --output "$scratch/files" "$proxy/registry.test/mcr/namespace-artifact:v1"
  same_bytes "$scratch/files/namespace.yaml" "$(jq -r '.layers[0].digest' "$(corpus_blob "$artifact")")"
}

oras_pulls_referrer() {
  oras pull --no-tty --plain-http --output "$scratch/files" "$proxy/registry.test/mcr/net-monitor@$sbom"
  same_bytes "$scratch/files/sbom.json" "$(jq -r '.layers[0].digest' "$(corpus_blob "$sbom")")"
}

oras_fetches_manifests() {
  local digest
  for digest in "$index" "$amd64" "$arm64" $(referrers "$index" | jq -r .digest); do
    oras manifest fetch --plain-http "$proxy/registry.test/mcr/net-monitor@$digest" > "$scratch/manifest"
    same_bytes "$scratch/manifest" "$digest"
  done
}

oras_fetches_blob() {
  oras blob fetch --no-tty --plain-http --output "$scratch/blob" "$proxy/registry.test/mcr/net-monitor@$layer"
  same_bytes "$scratch/blob" "$layer"
}

oras_resolves() {
  expect "the digest" "$(oras resolve --plain-http "$proxy/registry.test/mcr/net-monitor:v1")" "$index"
}

oras_lists_tags() {
  diff <(corpus_tags net-monitor | sort) \
    <(oras repo tags --plain-http "$proxy/registry.test/mcr/net-monitor" | sort)
}
