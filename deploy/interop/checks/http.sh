# What clients rely on, seen with curl: status, headers and bytes; the traps of the protocol.

http_checks() {
  check "GET and HEAD of /v2/ and /v2" http_ping
  check "HEAD of a manifest has length, digest and a bare media type" http_manifest_head
  check "GET of a manifest by tag and by digest keeps the bytes" http_manifest_bytes
  check "If-None-Match with the digest, quoted or not, answers 304" http_not_modified
  check "a blob has length, digest and ranges" http_blob
  check "the digest of a manifest is no blob" http_manifest_is_no_blob
  check "single, open and suffix ranges" http_ranges
  check "several ranges, in a header of 20 KB too" http_many_ranges
  check "impossible ranges answer 416" http_bad_ranges
  check "nothing is compressed" http_identity
  check "an unknown tag, digest, repository and upstream" http_unknown
  check "a malformed digest answers 400" http_malformed_digest
  check "?ns= names the upstream and is echoed" http_namespace
  check "the upstream's name in the path, before or after /v2" http_prefix
  check "the upstream's name as the host name" http_host
  check "the default upstream, with library/ added" http_default_upstream
  check "a blob belongs to the repositories that name it" http_foreign_blob
  check "push is refused with 405" http_push
  check "tags in pages" http_tag_pages
  check "referrers of an upstream without and with the API" http_referrers
  check "referrers of what nobody refers to" http_no_referrers
  check "referrers filtered by artifact type" http_referrers_by_type
  check "an upstream that wants a password gets the configured one" http_credentials
  check "every answer says where it came from" http_verdict
  check "the admin port answers" http_admin
  # Once is enough: it is about the file and the signal, not about the upstream.
  [ "$phase" != cold ] || check "rules come into effect when the file changes and at SIGHUP, and a bad file changes nothing" http_reload
}

repository=/v2/registry.test/mcr/net-monitor

# request PATH [CURL-ARGUMENT...]: sets $status; the body is in $scratch/body, the headers in $scratch/headers.
request() {
  local path=$1
  shift
  status=$(curl -sS --max-time 60 --path-as-is -o "$scratch/body" -D "$scratch/headers" -w '%{http_code}' "$@" "http://$proxy$path")
}

# header NAME: its value in the answer to the last request.
header() {
  tr -d '\r' < "$scratch/headers" | sed -n "s/^$1: *//Ip" | tail -n 1
}

# error STATUS CODE: the last answer is this error in the specification's JSON.
error() {
  expect "the status" "$status" "$1"
  expect "the code" "$(jq -r '.errors[0].code' "$scratch/body")" "$2"
  expect_match "the media type" "$(header content-type)" '^application/json'
}

part() {
  tail -c "+$(($2 + 1))" "$(corpus_blob "$1")" | head -c "$3"
}

http_ping() {
  local path
  for path in /v2/ /v2; do
    request "$path"
    expect "the status of GET $path" "$status" 200
    request "$path" --head
    expect "the status of HEAD $path" "$status" 200
  done
}

http_manifest_head() {
  local reference
  for reference in v1 "$index"; do
    request "$repository/manifests/$reference" --head
    expect "the status" "$status" 200
    expect "the length" "$(header content-length)" "$(stat -c %s "$(corpus_blob "$index")")"
    expect "the digest" "$(header docker-content-digest)" "$index"
    expect "the media type" "$(header content-type)" application/vnd.oci.image.index.v1+json
  done
  request "$repository/manifests/$amd64" --head
  expect "the media type" "$(header content-type)" application/vnd.oci.image.manifest.v1+json
}

http_manifest_bytes() {
  local reference
  for reference in v1 "$index"; do
    request "$repository/manifests/$reference"
    expect "the status" "$status" 200
    same_bytes "$scratch/body" "$index"
    expect_match "the entity tag" "$(header etag)" "$index"
  done
  # A narrow Accept is no reason to refuse or to convert.
  request "$repository/manifests/$index" -H 'Accept: application/vnd.docker.distribution.manifest.v2+json'
  expect "the status" "$status" 200
  same_bytes "$scratch/body" "$index"
}

http_not_modified() {
  local reference tag
  for reference in v1 "$index"; do
    for tag in "\"$index\"" "$index"; do
      request "$repository/manifests/$reference" -H "If-None-Match: $tag"
      expect "the status for $tag" "$status" 304
      expect "the body" "$(wc -c < "$scratch/body" 2> /dev/null || echo 0)" 0
    done
  done
  request "$repository/manifests/v1" -H "If-None-Match: \"$amd64\""
  expect "the status for another digest" "$status" 200
}

http_blob() {
  local size
  size=$(stat -c %s "$(corpus_blob "$layer")")
  request "$repository/blobs/$layer"
  expect "the status" "$status" 200
  same_bytes "$scratch/body" "$layer"
  expect "the length" "$(header content-length)" "$size"
  expect "the digest" "$(header docker-content-digest)" "$layer"
  expect "the ranges" "$(header accept-ranges)" bytes
  request "$repository/blobs/$layer" --head
  expect "the status of HEAD" "$status" 200
  expect "the length of HEAD" "$(header content-length)" "$size"
  expect "the digest of HEAD" "$(header docker-content-digest)" "$layer"
}

http_manifest_is_no_blob() {
  local digest
  request "$repository/manifests/$index"
  for digest in "$index" "$amd64"; do
    request "$repository/blobs/$digest"
    error 404 BLOB_UNKNOWN
    request "$repository/blobs/$digest" --head
    expect "the status of HEAD" "$status" 404
  done
}

http_ranges() {
  local size
  size=$(stat -c %s "$(corpus_blob "$layer")")
  range 'bytes=500-1499' 500 1000
  range "bytes=$((size - 1000))-" $((size - 1000)) 1000
  range 'bytes=-500' $((size - 500)) 500
  range "bytes=$((size - 100))-$((size + 5000))" $((size - 100)) 100
  range 'bytes=0-0' 0 1
}

# range HEADER OFFSET LENGTH: the range is answered by exactly these bytes of the layer.
range() {
  request "$repository/blobs/$layer" -H "Range: $1"
  expect "the status for $1" "$status" 206
  expect "the range for $1" "$(header content-range)" "bytes $2-$(($2 + $3 - 1))/$size"
  expect "the length for $1" "$(header content-length)" "$3"
  cmp "$scratch/body" <(part "$layer" "$2" "$3")
}

http_many_ranges() {
  local ranges=0-9 offset
  request "$repository/blobs/$layer" -H 'Range: bytes=0-9,1000-1009'
  expect_match "the status" "$status" '^(206|200)$'
  if [ "$status" = 206 ]; then
    expect_match "the media type" "$(header content-type)" '^multipart/byteranges; *boundary='
    expect "the parts" "$(grep -aciE '^content-range: bytes (0-9|1000-1009)/' "$scratch/body")" 2
    expect "the length" "$(header content-length)" "$(wc -c < "$scratch/body")"
  else
    same_bytes "$scratch/body" "$layer"
  fi
  for ((offset = 1000; offset < 1500000; offset += 1000)); do
    ranges+=",$offset-$((offset + 9))"
  done
  request "$repository/blobs/$layer" -H "Range: bytes=$ranges"
  expect_match "the status for $((${#ranges} / 1024)) KB of ranges" "$status" '^(206|200|400)$'
}

http_bad_ranges() {
  local range
  for range in 500-0 99999999-; do
    request "$repository/blobs/$layer" -H "Range: bytes=$range"
    expect "the status for $range" "$status" 416
  done
}

http_identity() {
  local path
  for path in "manifests/$index" "blobs/$layer" "referrers/$index" tags/list; do
    request "$repository/$path" -H 'Accept-Encoding: zstd;q=1.0, gzip;q=0.8, deflate;q=0.5'
    expect "the status of $path" "$status" 200
    expect "the encoding of $path" "$(header content-encoding)" ""
  done
}

http_unknown() {
  local nowhere=sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
  request /v2/unknown.test/mcr/net-monitor/manifests/v1 -H 'Host: unknown.test'
  expect "the status of an unknown upstream in the path" "$status" 404
  request "/v2/mcr/net-monitor/manifests/v1?ns=unknown.test"
  error 404 NAME_UNKNOWN
  request "/v2/mcr/net-monitor/manifests/v1?ns=127.0.0.1:$plain_port"
  error 404 NAME_UNKNOWN
  [ "$phase" = cold ] || return 0
  request "$repository/manifests/no-such-tag"
  error 404 MANIFEST_UNKNOWN
  request "$repository/manifests/$nowhere"
  error 404 MANIFEST_UNKNOWN
  request "$repository/blobs/$nowhere"
  error 404 BLOB_UNKNOWN
  request /v2/registry.test/no/such/repository/manifests/v1
  expect_match "the code" "$status $(jq -r '.errors[0].code' "$scratch/body")" '^404 (NAME|MANIFEST)_UNKNOWN$'
}

http_malformed_digest() {
  request "$repository/blobs/sha256:nothex"
  error 400 DIGEST_INVALID
  request "$repository/manifests/sha256:baddigeststring"
  expect_match "the status of a manifest" "$status" '^(400|404)$'
}

http_namespace() {
  request "/v2/mcr/net-monitor/manifests/v1?ns=registry.test"
  expect "the status" "$status" 200
  expect "the namespace" "$(header oci-namespace)" registry.test
  same_bytes "$scratch/body" "$index"
  request "/v2/mcr/net-monitor/manifests/v1?ns=registry.test%3A5443"
  expect "the status with a port" "$status" 200
  request "/v2/library/net-monitor/manifests/v1?ns=docker.io"
  expect "the status with docker.io" "$status" 200
  request "/v2/mcr/net-monitor/blobs/$layer?ns=registry.test"
  expect "the status of a blob" "$status" 200
  same_bytes "$scratch/body" "$layer"
}

http_prefix() {
  local path
  for path in /v2/registry.test/mcr /registry.test/v2/mcr; do
    request "$path/net-monitor/manifests/$index"
    expect "the status of $path" "$status" 200
    same_bytes "$scratch/body" "$index"
  done
  request "/v2/docker.io/library/net-monitor/manifests/v1?ns=docker.io"
  expect "the status with ?ns= besides, as BuildKit asks" "$status" 200
  request "/v2/registry.test:5443/mcr/net-monitor/manifests/$index"
  expect "the status with a port" "$status" 200
}

http_host() {
  local host
  for host in registry.test "registry.test:$proxy_port" "mirror.test:$proxy_port"; do
    request "/v2/mcr/net-monitor/manifests/v1" -H "Host: $host"
    expect "the status for $host" "$status" 200
    same_bytes "$scratch/body" "$index"
  done
}

http_default_upstream() {
  local path
  for path in /v2/library/net-monitor /v2/net-monitor /v2/docker.io/net-monitor /v2/mcr/net-monitor; do
    request "$path/manifests/v1"
    expect "the status of $path" "$status" 200
    same_bytes "$scratch/body" "$index"
  done
}

http_foreign_blob() {
  request "/v2/registry.test/mcr/namespace-artifact/manifests/v1"
  expect "the status of the manifest" "$status" 200
  request "$repository/blobs/$layer"
  expect "the status in its repository" "$status" 200
  request "/v2/registry.test/mcr/namespace-artifact/blobs/$layer"
  # Without the upstream nobody knows, and not knowing is not having.
  if [ "$phase" = cold ]; then
    error 404 BLOB_UNKNOWN
  else
    expect_match "the status in another repository" "$status" '^(404|50[234])$'
  fi
}

http_push() {
  request "$repository/blobs/uploads/" -X POST
  error 405 UNSUPPORTED
  request "$repository/manifests/v1" -X PUT -H 'Content-Type: application/vnd.oci.image.manifest.v1+json' --data-binary '{}'
  error 405 UNSUPPORTED
  request "$repository/manifests/$index" -X DELETE
  error 405 UNSUPPORTED
}

http_tag_pages() {
  local next="$repository/tags/list?n=2" tags=() pages=0
  while [ -n "$next" ]; do
    request "$next"
    expect "the status of $next" "$status" 200
    mapfile -t -O "${#tags[@]}" tags < <(jq -r '.tags[]' "$scratch/body")
    next=$(header link | sed -n 's/^<\([^>]*\)>; *rel="next".*/\1/p')
    pages=$((pages + 1))
    [ "$pages" -lt 10 ] || fail "the pages do not end"
    [ -z "$next" ] || expect_match "the link" "$next" '^/v2/registry.test/'
  done
  diff <(corpus_tags net-monitor | sort) <(printf '%s\n' "${tags[@]}")
  expect "the pages" "$pages" 4
  request "$repository/tags/list?n=0"
  expect "the tags of an empty page" "$status $(jq -c '.tags // []' "$scratch/body") $(header link)" "200 [] "
}

http_referrers() {
  local upstream
  for upstream in registry.test referrers.test; do
    request "/v2/$upstream/mcr/net-monitor/referrers/$index"
    expect "the status at $upstream" "$status" 200
    expect "the media type at $upstream" "$(header content-type)" application/vnd.oci.image.index.v1+json
    expect "what it says it is" "$(jq -c '[.schemaVersion, .mediaType]' "$scratch/body")" \
      '[2,"application/vnd.oci.image.index.v1+json"]'
    diff <(jq -r '.manifests[] | "\(.digest) \(.artifactType)"' "$scratch/body" | sort) \
      <(referrers "$index" | jq -r '"\(.digest) \(.artifactType)"' | sort)
  done
}

# An upstream with the API says that there are none; for one without it nobody can say, and the client asks for the tag.
http_no_referrers() {
  local nobody=sha256:0000000000000000000000000000000000000000000000000000000000000000
  request "/v2/referrers.test/mcr/net-monitor/referrers/$arm64"
  expect "with the API" "$status $(jq -c .manifests "$scratch/body")" "200 []"
  # A repository keeps one face: where other subjects have fallback tags, these are served as the API, and this subject's list is empty.
  request "/v2/registry.test/mcr/net-monitor/referrers/$arm64"
  expect "without the API, beside fallback tags" "$status $(jq -c .manifests "$scratch/body")" "200 []"
  request /v2/registry.test/mcr/namespace-artifact/manifests/v1
  request "/v2/registry.test/mcr/namespace-artifact/referrers/$(header Docker-Content-Digest)"
  expect "without the API and without fallback tags" "$status" 404
  expect_match "the code" "$(jq -r '.errors[0].code' "$scratch/body")" '^(MANIFEST_UNKNOWN|UNSUPPORTED)$'
  request "/v2/referrers.test/mcr/net-monitor/referrers/$nobody"
  expect "the probe with the API" "$status $(jq -c .manifests "$scratch/body")" "200 []"
}

http_referrers_by_type() {
  local upstream
  for upstream in registry.test referrers.test; do
    request "/v2/$upstream/mcr/net-monitor/referrers/$index?artifactType=application%2Fvnd.cyclonedx%2Bjson"
    expect "the status" "$status" 200
    if [ -n "$(header oci-filters-applied)" ]; then
      expect "the filter" "$(header oci-filters-applied)" artifactType
      expect "the referrers" "$(jq -r '.manifests[].digest' "$scratch/body")" "$sbom"
    else
      expect_match "the referrers" "$(jq -r '.manifests[].digest' "$scratch/body")" "$sbom"
    fi
  done
}

http_credentials() {
  request "/v2/private.test/mcr/net-monitor/manifests/v1"
  expect "the status with credentials" "$status" 200
  same_bytes "$scratch/body" "$index"
  request "/v2/private.test/mcr/net-monitor/blobs/$layer"
  expect "the status of a blob with credentials" "$status" 200
  same_bytes "$scratch/body" "$layer"
  # What one upstream gave with credentials does not come out under another name without.
  request "/v2/locked.test/mcr/net-monitor/manifests/$index"
  if [ "$phase" = cold ]; then
    expect_match "the status without credentials" "$status" '^(401|403)$'
    request "/v2/locked.test/mcr/net-monitor/blobs/$layer"
    expect_match "the status of a blob without credentials" "$status" '^(401|403)$'
  else
    expect_match "the status without credentials" "$status" '^(40[134]|50[234])$'
  fi
}

http_verdict() {
  request "$repository/manifests/$index"
  expect "the verdict by digest" "$(header x-entrepot-cache)" hit
  request "$repository/blobs/$layer"
  expect "the verdict of a blob" "$(header x-entrepot-cache)" hit
  if [ "$phase" = cold ]; then
    request "/v2/referrers.test/mcr/net-monitor/manifests/v1-arm64"
    expect "the verdict of a new tag" "$(header x-entrepot-cache)" miss
    request "$repository/manifests/v1"
    expect_match "the verdict of a tag" "$(header x-entrepot-cache)" '^(hit|revalidated)$'
    expect "the warning" "$(header warning)" ""
  else
    sleep 1.2 # the tag is fresh for a second
    request "$repository/manifests/v1"
    expect "the verdict of a tag" "$(header x-entrepot-cache)" stale
    expect_match "the warning" "$(header warning)" '^(110|299) '
  fi
}

http_admin() {
  local path
  for path in /healthz /readyz /metrics; do
    curl -sS --fail --max-time 10 -o "$scratch/admin" "http://127.0.0.1:$admin_port$path"
  done
  expect_match "the metrics" "$(cat "$scratch/admin")" "entrepot_[a-z_]+"
}

http_reload() {
  local file=$entrepot_config server=${process_id[entrepot]}
  cp "$file" "$scratch/good.yaml"
  # Also where this fails half-way: later checks and groups need the file, and the rules, as they were.
  # shellcheck disable=SC2064
  trap "cp '$scratch/good.yaml' '$file'; kill -HUP $server" EXIT
  request "$repository/manifests/v1"
  expect "the status before" "$status" 200

  printf 'rules:\n  - {repositories: ["mcr/net-monitor"], deny: "while rules are tried"}\n' >> "$file"
  eventually 20 has_status 403 || fail "the file has changed, and its rule is not in effect after 20 s"
  error 403 DENIED
  expect_match "the answer" "$(cat "$scratch/body")" "while rules are tried"

  echo 'no-such-key: 1' >> "$file"
  kill -HUP "$server"
  eventually 20 has_note || fail "no note on /readyz says that the file is wrong"
  expect "the metric" "$(metric entrepot_rules_outdated)" 1
  [ "$(metric entrepot_rules_reload_failures_total)" -ge 1 ] || fail "no failure is counted"
  logged_here | grep > /dev/null 'rules not read again, because SIGHUP came: the former ones stay in effect: .*no-such-key'
  request "$repository/manifests/v1"
  expect "the status by the former rules" "$status" 403

  cp "$scratch/good.yaml" "$file"
  kill -HUP "$server"
  eventually 20 has_status 200 || fail "the rules of the good file are not in effect after 20 s"
  ! has_note || fail "/readyz still has its note"
  expect "the metric" "$(metric entrepot_rules_outdated)" 0
  logged_here | grep > /dev/null 'rules read again, because SIGHUP came'
}

# has_status STATUS: of the tag.
has_status() {
  request "$repository/manifests/v1"
  [ "$status" = "$1" ]
}

# The server is ready all the same.
has_note() {
  curl -sS --fail --max-time 10 "http://127.0.0.1:$admin_port/readyz" | grep > /dev/null '^note: .*former rules stay in effect.*no-such-key'
}

metric() {
  curl -sS --fail --max-time 10 "http://127.0.0.1:$admin_port/metrics" | sed -n "s/^$1 //p"
}

# logged_here: what the server has logged since this check began.
logged_here() {
  tail -n "+$(($(cat "$work/log/entrepot-before") + 1))" "$work/log/entrepot"
}
