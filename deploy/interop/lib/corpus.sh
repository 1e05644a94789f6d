# The corpus: two OCI layouts, unpacked into $work/corpus, and what is known of them. All digests are read from the layouts.
#
#   net-monitor          v1 is an index of two platforms. Its referrers: two notation signatures (JWS and COSE), a CycloneDX
#                        SBOM which has a signature of its own, an in-toto statement, a Sigstore bundle. Beside them cosign's
#                        tags .sig and .att, and the fallback tags of the referrers of the index and of the SBOM.
#   namespace-artifact   v1 is an artifact of one file without a subject.

unpack_corpus() {
  local name
  for name in net-monitor namespace-artifact; do
    mkdir -p "$work/corpus/$name"
    tar -xf "$here/corpus/$name.oci.tar" -C "$work/corpus/$name"
  done
  layout=$work/corpus/net-monitor
  index=$(corpus_digest net-monitor v1)
  amd64=$(corpus_digest net-monitor v1-amd64)
  arm64=$(corpus_digest net-monitor v1-arm64)
  artifact=$(corpus_digest namespace-artifact v1)
  sbom=$(referrer_of "$index" application/vnd.cyclonedx+json)
  layer=$(jq -r '.layers | max_by(.size).digest' "$(corpus_blob "$amd64")")
}

# corpus_digest LAYOUT TAG
corpus_digest() {
  jq -er --arg tag "$2" \
    '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == $tag) | .digest' \
    "$work/corpus/$1/index.json"
}

# corpus_tags LAYOUT: images first, then what refers to them.
corpus_tags() {
  jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]' "$work/corpus/$1/index.json" | sort -r
}

# corpus_blob DIGEST: the file.
corpus_blob() {
  local file
  for file in "$work"/corpus/*/blobs/"${1/://}"; do
    if [ -f "$file" ]; then
      echo "$file"
      return 0
    fi
  done
  fail "the corpus has no $1"
}

# fallback_tag DIGEST: the tag under which the referrers of a digest are listed.
fallback_tag() {
  echo "${1/:/-}"
}

# referrers DIGEST: descriptors of what refers to it in the corpus, one per line.
referrers() {
  local list
  list=$(corpus_digest net-monitor "$(fallback_tag "$1")") || return 0
  jq -c '.manifests[]' "$(corpus_blob "$list")"
}

# referrer_of DIGEST ARTIFACT_TYPE
referrer_of() {
  referrers "$1" | jq -r --arg type "$2" 'select(.artifactType == $type) | .digest'
}

# corpus_graph DIGEST: every digest that belongs to it: children, configuration, layers, referrers, at any depth.
corpus_graph() {
  local file child
  echo "$1"
  file=$(corpus_blob "$1")
  for child in $(referrers "$1" | jq -r .digest) $(jq -r '.manifests[]?.digest' "$file"); do
    corpus_graph "$child"
  done
  jq -r '.config.digest // empty, .layers[]?.digest' "$file"
}

# same_bytes FILE DIGEST: the file is byte for byte what the corpus has under the digest.
same_bytes() {
  cmp "$1" "$(corpus_blob "$2")"
}

# same_layout FOLDER DIGEST...: an OCI layout has exactly these blobs, byte for byte.
same_layout() {
  local folder=$1 digest
  shift
  printf '%s\n' "$@" | sort -u > "$scratch/expected-digests"
  (cd "$folder/blobs" && find . -type f | sed 's|^\./||; s|/|:|' | sort) > "$scratch/actual-digests"
  diff "$scratch/expected-digests" "$scratch/actual-digests"
  while read -r digest; do
    same_bytes "$folder/blobs/${digest/://}" "$digest"
  done < "$scratch/expected-digests"
}
