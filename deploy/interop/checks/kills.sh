# The real program, killed without warning again and again while it copies from one docker-registry to another: neither has a referrers API, so that
# whole graphs hang on fallback tags. After each kill everything under each tag at the target is asked for, one by one. KILLS says how many kills are wanted,
# KILLS_SECONDS after how many seconds fewer are enough, but KILLS_LEAST (25); KILLS_SEED draws the same moments again.

kills=${KILLS:-60}
kills_seconds=${KILLS_SECONDS:-100}
least_kills=${KILLS_LEAST:-25}
kills_limit=300
accept_manifests='Accept: application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json'

kills_group() {
  phase="killed at random"
  free_port kills_port
  kills_target=127.0.0.1:$kills_port
  start_upstreams
  start_kills_target
  match=. check "a fleet with referrers of referrers is at the source" fill_fleet
  read_fleet > "$work/fleet"
  kill_again_and_again
  check "$least_kills kills or more came in mid-run" enough_kills
  check "no kill left a tag without all that belongs to it" no_tag_was_torn
  check "the run after the last kill completes and is the source, by digest" last_run_is_the_source
  check "skopeo and oras take each image from there, with all that refers to it" clients_take_all
  check "what is taken away there would have been noticed" losses_are_noticed
  stop kills-target
  stop_upstreams
}

start_kills_target() {
  cat > "$work/kills-target.yaml" << YAML
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: $work/kills-target}}
http: {addr: $kills_target}
YAML
  start kills-target docker-registry serve "$work/kills-target.yaml"
  comes_up kills-target 30 answers "http://$kills_target"
}

# Images of two repositories with a layer in common; on each an SBOM with a signature of its own, and a signature.
fill_fleet() {
  local repository tag name subject sbom_of
  head -c 300000 /dev/urandom > "$scratch/shared"
  cd "$scratch"
  for repository in fleet/app fleet/base; do
    for tag in v1 v2 v3; do
      name=127.0.0.1:$plain_port/$repository
      head -c 700000 /dev/urandom > own
      bounded oras push --plain-http --no-tty --artifact-type application/vnd.example.app "$name:$tag" \
        shared:application/octet-stream own:application/octet-stream
      subject=$(bounded crane digest "$name:$tag")
      echo "sbom of $subject" > sbom
      sbom_of=$(bounded oras attach --plain-http --no-tty --format json --artifact-type application/vnd.example.sbom \
        "$name@$subject" sbom:text/plain | jq -r .digest)
      echo "signature of $sbom_of" > signature
      bounded oras attach --plain-http --no-tty --artifact-type application/vnd.example.signature "$name@$sbom_of" signature:text/plain
      echo "signature of $subject" > signature
      bounded oras attach --plain-http --no-tty --artifact-type application/vnd.example.signature "$name@$subject" signature:text/plain
    done
  done
}

# read_fleet: all that belongs under each tag, as lines: repository, tag, kind, and a digest, or for referrers that of the subject and of one that refers to it.
read_fleet() {
  local repository tag
  for repository in fleet/app fleet/base; do
    for tag in v1 v2 v3; do
      read_graph "$repository" "$tag" "$(bounded crane digest "127.0.0.1:$plain_port/$repository:$tag")"
    done
  done
}

# read_graph REPOSITORY TAG DIGEST
read_graph() {
  local from=http://127.0.0.1:$plain_port/v2/$1 manifest list digest
  echo "$1 $2 manifest $3"
  manifest=$(manifest_at "$from" "$3")
  jq -r --arg of "$1 $2" '[.config, .layers[]?] | map(select(. != null).digest) | unique[] | "\($of) blob \(.)"' <<< "$manifest"
  for digest in $(jq -r '.manifests[]?.digest' <<< "$manifest"); do
    read_graph "$1" "$2" "$digest"
  done
  list=$(manifest_at "$from" "$(fallback_tag "$3")") || return 0
  for digest in $(jq -r '.manifests[].digest' <<< "$list"); do
    echo "$1 $2 referrer $3 $digest"
    read_graph "$1" "$2" "$digest"
  done
}

# manifest_at REPOSITORY-URL REFERENCE
manifest_at() {
  curl -s --fail --max-time 10 -H "$accept_manifests" "$1/manifests/$2"
}

# Each life has a data folder and a prefix at the target of its own. It is killed until a run of it completes: because it came to its end before its
# moment, or, after one kill in four, because it is left alone. An undisturbed run says how long one takes.
kill_again_and_again() {
  local seed=${KILLS_SEED:-$RANDOM$RANDOM} begin=$SECONDS length at leave when
  killed=0
  life=0
  torn=()
  new_life
  length=${EPOCHREALTIME/./}
  survive undisturbed
  length=$((${EPOCHREALTIME/./} - length))
  RANDOM=$seed
  while wants_kills "$((SECONDS - begin))"; do
    # Of the 30 bits of two numbers, a share of nine tenths of the time that a run takes: the first one takes a little longer than the others.
    at=$((length * 9 / 10 * ((RANDOM << 15) + RANDOM) / (1 << 30)))
    leave=$((RANDOM % 4))
    when="seed $seed, life $life, after $((at / 1000)) ms"
    start fleet "$entrepot" sync fleet --config "$work/kills.yaml" --data "$work/kills-data/$life"
    over_or_at fleet "$at"
    if running fleet; then
      stop fleet KILL
      killed=$((killed + 1))
      look_under_tags "$when"
    else
      stop fleet
      leave=0
    fi
    [ "$leave" != 0 ] || survive "$when"
  done
  echo "KILLS_SEED=$seed: $killed kills in $life lives, $((SECONDS - begin)) s; a run takes $((length / 1000)) ms"
}

# wants_kills SECONDS
wants_kills() {
  [ "$killed" -lt "$kills" ] && [ "$1" -lt "$kills_limit" ] || return 1
  [ "$killed" -lt "$least_kills" ] || [ "$1" -lt "$kills_seconds" ]
}

# survive WHEN: a run that is left alone, which must complete; the next life begins with nothing.
survive() {
  sync_fleet || torn+=("$1: the last run fails: $(tail -n 5 "$work/log/fleet-run")")
  look_under_tags "$1, after the last run"
  [ "$tags_there" = 6 ] || torn+=("$1: after the last run there are $tags_there tags")
  rm -rf "$work/kills-data/$life"
  new_life
}

new_life() {
  life=$((life + 1))
  cp "$work/entrepot.yaml" "$work/kills.yaml"
  cat >> "$work/kills.yaml" << YAML
replication:
  rules:
    - name: fleet
      source: registry.test
      repositories: [fleet/app, fleet/base]
      tags: ["v*"]
      targets: [{url: "http://$kills_target", prefix: life$life}]
YAML
}

sync_fleet() {
  timeout --kill-after=5 60 "$entrepot" sync fleet --config "$work/kills.yaml" --data "$work/kills-data/$life" > "$work/log/fleet-run" 2>&1
}

# over_or_at NAME MICROSECONDS: waits until then, or until the process has ended.
over_or_at() {
  local end=$((${EPOCHREALTIME/./} + $2)) left
  while left=$((end - ${EPOCHREALTIME/./})) && [ "$left" -gt 0 ] && running "$1"; do
    [ "$left" -lt 20000 ] || left=20000
    sleep "0.$(printf %06d "$left")"
  done
}

# look_under_tags WHEN: notes what is not there of what belongs under the tags that are, and counts these.
look_under_tags() {
  local repository tag lacking
  tags_there=0
  for repository in fleet/app fleet/base; do
    for tag in $(tags_at_target "$repository"); do
      tags_there=$((tags_there + 1))
      lacking=$(lacking_under "$repository" "$tag")
      [ -z "$lacking" ] || torn+=("$1: $repository:$tag lacks"$'\n'"$lacking")
    done
  done
}

# tags_at_target REPOSITORY: those of images; none where the repository is not known.
tags_at_target() {
  curl -s --max-time 10 "http://$kills_target/v2/life$life/$1/tags/list" | jq -r '.tags[]? | select(startswith("v"))'
}

# under REPOSITORY TAG KIND: the digests of this kind under a tag of the source; of referrers the subject, and what refers to it.
under() {
  awk -v of="$1 $2 $3 " 'index($0, of) == 1 { print $4, $5 }' "$work/fleet" | sed 's/ $//' | sort -u
}

# lacking_under REPOSITORY TAG: lines of what the target lacks.
lacking_under() {
  local at=http://$kills_target/v2/life$life/$1 root subject
  root=$(root_of "$1" "$2")
  [ "$(digest_at "$at/manifests/$2")" = "$root" ] || echo "the tag is not at $root"
  {
    under "$1" "$2" manifest | sed "s|.*|url = \"$at/manifests/&\"|"
    under "$1" "$2" blob | sed "s|.*|url = \"$at/blobs/&\"|"
  } > "$work/asked"
  # One line for each: the status of the answer, and the address. (A line of output for each of --output is what curl wants.)
  sed 's/^url.*/&\noutput = "\/dev\/null"/' "$work/asked" > "$work/asked-quietly"
  curl -s --head --max-time 30 -H "$accept_manifests" -w '%{http_code} %{url_effective}\n' -K "$work/asked-quietly" > "$work/answered" || true
  grep -v '^200 ' "$work/answered" || true
  [ "$(grep -c . "$work/answered")" = "$(grep -c . "$work/asked")" ] || echo "some of it was not answered"
  under "$1" "$2" referrer | cut -d ' ' -f 1 | sort -u > "$work/subjects"
  while read -r subject; do
    { manifest_at "$at" "$(fallback_tag "$subject")" || true; } | jq -r '.manifests[].digest' | sort > "$work/listed"
    under "$1" "$2" referrer | awk -v subject="$subject" '$1 == subject { print $2 }' | comm -23 - "$work/listed" |
      sed "s/^/in the fallback tag of $subject: /"
  done < "$work/subjects"
}

# root_of REPOSITORY TAG: the digest that the tag has at the source.
root_of() {
  awk -v of="$1 $2 manifest " 'index($0, of) == 1 { print $4; exit }' "$work/fleet"
}

# digest_at URL
digest_at() {
  { curl -s --head --max-time 10 -H "$accept_manifests" "$1" || true; } | tr -d '\r' | awk 'tolower($1) == "docker-content-digest:" { print $2 }'
}

enough_kills() {
  [ "$killed" -ge "$least_kills" ] || fail "$killed kills in $life lives"
}

no_tag_was_torn() {
  [ "${#torn[@]}" = 0 ] || fail "$(printf '%s\n' "${torn[@]}")"
}

images_of_fleet() {
  awk '{ print $1, $2 }' "$work/fleet" | sort -u
}

last_run_is_the_source() {
  sync_fleet || fail "$(tail -n 20 "$work/log/fleet-run")"
  look_under_tags "at the end"
  no_tag_was_torn
  expect "the number of tags at the target" "$tags_there" 6
  local repository tag
  while read -r repository tag; do
    expect "$repository:$tag" "$(skopeo_digest "$kills_target/life$life/$repository:$tag")" \
      "$(skopeo_digest "127.0.0.1:$plain_port/$repository:$tag")"
  done < <(images_of_fleet)
}

# skopeo_digest IMAGE
skopeo_digest() {
  bounded skopeo inspect --raw --tls-verify=false "docker://$1" | sha256sum
}

clients_take_all() {
  local repository tag image
  while read -r repository tag; do
    image=$kills_target/life$life/$repository:$tag
    bounded skopeo copy --all --src-tls-verify=false "docker://$image" "dir:$scratch/image"
    bounded oras cp -r --no-tty --from-plain-http --to-oci-layout "$image" "$scratch/copy:$tag"
    { under "$repository" "$tag" manifest; under "$repository" "$tag" blob; } | sort -u > "$scratch/expected"
    (cd "$scratch/copy/blobs" && find . -type f | sed 's|^\./||; s|/|:|' | sort) > "$scratch/actual"
    diff "$scratch/expected" "$scratch/actual"
    rm -r "$scratch/image" "$scratch/copy"
  done < <(images_of_fleet)
}

# losses_are_noticed: that nothing was lacking says something only if what lacks is seen.
losses_are_noticed() {
  local folder=$work/kills-target/docker/registry/v2/repositories/life$life/fleet/app blob subject
  blob=$(under fleet/app v1 blob | tail -n 1)
  rm -r "$folder/_layers/${blob/://}"
  torn=()
  look_under_tags "without a blob"
  expect_match "what is noticed without a blob" "${torn[*]}" "404 http://$kills_target/v2/life$life/fleet/app/blobs/$blob"
  subject=$(under fleet/app v2 referrer | head -n 1 | cut -d ' ' -f 1)
  rm -r "$folder/_manifests/tags/$(fallback_tag "$subject")"
  torn=()
  look_under_tags "without a fallback tag"
  expect_match "what is noticed without a fallback tag" "${torn[*]}" "in the fallback tag of $subject: sha256:"
}
