# cosign and notation: what was signed at the upstream verifies through the proxy, offline, by key and by certificate.

signatures_checks() {
  local upstream
  trust_the_corpus
  for upstream in registry.test referrers.test; do
    check "cosign verifies the bundle of $upstream" cosign_verifies "$upstream/mcr/net-monitor:v1"
    check "cosign verifies the signature tag of $upstream" cosign_verifies "$upstream/mcr/cosign-tags:v1"
    check "cosign verifies the attestation tag of $upstream" cosign_verifies_attestation "$upstream/mcr/cosign-tags:v1"
    check "notation verifies the signatures of $upstream" notation_verifies "$upstream"
    check "notation lists the signatures of $upstream" notation_lists "$upstream"
  done
  check "cosign finds its tags and the bundle" cosign_tree
  check "cosign refuses another key" cosign_refuses_another_key
  check "notation refuses what is not signed" notation_refuses_unsigned
}

# trust_the_corpus: notation's trust store and policy. The certificate lives for a day only, so its end is not looked at.
trust_the_corpus() {
  local folder=$XDG_CONFIG_HOME/notation
  mkdir -p "$folder/truststore/x509/ca/corpus"
  cp "$here/corpus/keys/notation-acme.crt" "$folder/truststore/x509/ca/corpus/"
  jq -n --arg repository "$proxy/registry.test/mcr/net-monitor" --arg other "$proxy/referrers.test/mcr/net-monitor" \
    --arg unsigned "$proxy/registry.test/mcr/namespace-artifact" '{version: "1.0", trustPolicies: [{
      name: "corpus",
      registryScopes: [$repository, $other, $unsigned],
      signatureVerification: {level: "strict", override: {authenticTimestamp: "log"}},
      trustStores: ["ca:corpus"],
      trustedIdentities: ["x509.subject: C=US, ST=WA, L=Seattle, O=Notary, CN=acme.example"]
    }]}' > "$folder/trustpolicy.json"
}

cosign() {
  bounded cosign "$@"
}

notation() {
  bounded notation "$@"
}

cosign_verifies() {
  cosign verify --key "$here/corpus/keys/cosign.pub" --insecure-ignore-tlog=true --allow-http-registry \
    "$proxy/$1" > "$scratch/verified"
  expect_match "what was verified" "$(jq -c . "$scratch/verified")" "$index"
}

cosign_verifies_attestation() {
  cosign verify-attestation --key "$here/corpus/keys/cosign.pub" --insecure-ignore-tlog=true --allow-http-registry \
    --type cyclonedx "$proxy/$1" > "$scratch/verified"
  expect "what was attested" "$(jq -r '.payload | @base64d | fromjson | .subject[0].digest.sha256' "$scratch/verified")" \
    "${index#sha256:}"
}

cosign_tree() {
  cosign tree --allow-http-registry "$proxy/registry.test/mcr/net-monitor:v1" > "$scratch/tree"
}

cosign_refuses_another_key() {
  openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout > "$scratch/other.pub"
  refused cosign verify --key "$scratch/other.pub" --insecure-ignore-tlog=true --allow-http-registry \
    "$proxy/registry.test/mcr/cosign-tags:v1" 2> "$scratch/refusal"
  expect_match "the refusal" "$(cat "$scratch/refusal")" "no matching signatures|invalid signature"
}

notation_verifies() {
  notation verify --insecure-registry "$proxy/$1/mcr/net-monitor:v1" > "$scratch/verified"
  expect_match "what was verified" "$(cat "$scratch/verified")" "Successfully verified signature for .*@$index"
}

notation_lists() {
  notation list --insecure-registry "$proxy/$1/mcr/net-monitor@$index" > "$scratch/list"
  local digest
  for digest in $(referrers "$index" |
    jq -r 'select(.artifactType == "application/vnd.cncf.notary.signature") | .digest'); do
    expect_match "the list" "$(cat "$scratch/list")" "$digest"
  done
}

notation_refuses_unsigned() {
  refused notation verify --insecure-registry "$proxy/registry.test/mcr/namespace-artifact:v1" 2> "$scratch/refusal"
  # With the upstream stopped nobody knows whether a fallback tag was made meanwhile: then it is refused for want of an answer.
  [ "$phase" != cold ] || expect_match "the refusal" "$(cat "$scratch/refusal")" "no signature is associated"
}
