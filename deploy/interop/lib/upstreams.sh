# The upstream registries, all over one store of Debian's docker-registry, which knows no referrers API:
#
#   $plain_port       docker-registry itself: referrers only by their fallback tags
#   $referrers_port   nginx before it, which answers referrers/<digest> from files and has no fallback tags
#   $slow_port        nginx before it, which sends 16 MB per second and connection
#   $private_port     nginx before it, with TLS, which wants the user mirror and the password secret
#   $counted_port     nginx before it, which says how many pulls are left, as Docker Hub does
#
# And $events_port: nginx as somebody who is told of events at /hook; log/events has a line with signature and body of each.
#
# nginx logs every request with the bytes sent, so that checks can count what was asked of an upstream.

write_upstreams() {
  free_port plain_port
  free_port referrers_port
  free_port slow_port
  free_port private_port
  free_port counted_port
  free_port events_port
  cat > "$work/docker-registry.yaml" << YAML
version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: $work/upstream}, delete: {enabled: true}}
http: {addr: 127.0.0.1:$plain_port}
YAML
  write_referrers
  mkdir -p "$work/nginx"
  write_certificates
  echo "mirror:$(openssl passwd -apr1 secret)" > "$work/nginx/passwords"
  sed -e "s|@plain@|$plain_port|g; s|@referrers@|$referrers_port|g; s|@slow@|$slow_port|g; s|@private@|$private_port|g; s|@counted@|$counted_port|g; s|@events@|$events_port|g; s|@work@|$work|g" \
    "$here/lib/upstream-nginx.conf" > "$work/nginx/nginx.conf"
}

# An authority of this run, and a certificate for 127.0.0.1, and for the other address that group access uses, that nginx and Entrepôt share.
write_certificates() {
  local folder=$work/tls
  mkdir -p "$folder"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=interop authority" \
    -addext basicConstraints=critical,CA:TRUE -keyout "$folder/ca.key" -out "$folder/ca.pem" 2> "$work/log/openssl"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=interop" \
    -keyout "$folder/server.key" -out "$folder/server.csr" 2>> "$work/log/openssl"
  printf 'subjectAltName=IP:127.0.0.1,IP:192.0.2.1,DNS:localhost\nbasicConstraints=CA:FALSE\n' > "$folder/extensions"
  openssl x509 -req -in "$folder/server.csr" -CA "$folder/ca.pem" -CAkey "$folder/ca.key" -set_serial 1 -days 2 \
    -extfile "$folder/extensions" -out "$folder/server.pem" 2>> "$work/log/openssl"
}

# The answers of the referrers API: the lists of the corpus, and an empty list for everything else.
write_referrers() {
  local folder=$work/referrers/v2/mcr/net-monitor/referrers digest list
  mkdir -p "$folder"
  echo '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}' > "$work/referrers/empty"
  for digest in "$index" "$sbom"; do
    list=$(corpus_digest net-monitor "$(fallback_tag "$digest")")
    cp "$(corpus_blob "$list")" "$folder/$digest"
  done
}

start_upstreams() {
  : > "$work/log/upstream-requests"
  start docker-registry docker-registry serve "$work/docker-registry.yaml"
  start nginx nginx -p "$work/nginx" -e "$work/log/nginx" -c "$work/nginx/nginx.conf"
  comes_up docker-registry 30 answers "http://127.0.0.1:$plain_port"
  comes_up nginx 30 answers "http://127.0.0.1:$slow_port"
}

stop_upstreams() {
  stop nginx
  stop docker-registry
}

# fill_upstreams: every tag of the corpus with the bytes of the layout, and one large blob of random bytes.
# mcr/cosign-tags has no referrers, only cosign's tags: where cosign finds a bundle it does not look at them.
fill_upstreams() {
  local repository tag
  for tag in $(corpus_tags net-monitor); do
    for repository in mcr/net-monitor library/net-monitor; do
      push_tag net-monitor "$repository" "$tag"
    done
  done
  for tag in v1 $(corpus_tags net-monitor | grep -E '\.(sig|att)$'); do
    push_tag net-monitor mcr/cosign-tags "$tag"
  done
  push_tag namespace-artifact mcr/namespace-artifact v1
  head -c $((96 * 1024 * 1024)) /dev/urandom > "$work/large"
  large=sha256:$(sha256sum "$work/large" | cut -d ' ' -f 1)
  (cd "$work" && bounded oras push --plain-http --no-tty "127.0.0.1:$plain_port/big/blob:v1" large:application/octet-stream)
}

# fill_images REPOSITORY TAG...: the image of the corpus under these tags, unsigned.
fill_images() {
  local repository=$1 tag
  shift
  for tag; do
    bounded oras cp --no-tty --from-oci-layout --to-plain-http "$work/corpus/net-monitor:v1" "127.0.0.1:$plain_port/$repository:$tag"
  done
}

# fill_repository REPOSITORY TAG...: the same with all that refers to it.
fill_repository() {
  local repository=$1 tag
  fill_images "$@"
  for tag in $(corpus_tags net-monitor | grep -E '^sha256-[0-9a-f]+$'); do
    push_tag net-monitor "$repository" "$tag"
  done
}

# start_empty_registry NAME VARIABLE: one more docker-registry, without anything in it; sets the variable to its port.
start_empty_registry() {
  free_port "$2"
  cat > "$work/$1.yaml" << YAML
version: 0.1
log: {level: info}
storage: {filesystem: {rootdirectory: $work/registry-$1}}
http: {addr: 127.0.0.1:${!2}}
YAML
  start "registry-$1" docker-registry serve "$work/$1.yaml"
  comes_up "registry-$1" 30 answers "http://127.0.0.1:${!2}"
}

# push_tag LAYOUT REPOSITORY TAG
push_tag() {
  bounded oras cp --no-tty --from-oci-layout --to-plain-http \
    "$work/corpus/$1:$3" "127.0.0.1:$plain_port/$2:$3"
}

# The upstream must be what the corpus is before anything is said about the proxy.
upstream_is_the_corpus() {
  local tag digest
  for tag in $(corpus_tags net-monitor); do
    digest=$(corpus_digest net-monitor "$tag")
    bounded oras manifest fetch --plain-http "127.0.0.1:$plain_port/mcr/net-monitor:$tag" > "$scratch/manifest"
    same_bytes "$scratch/manifest" "$digest"
  done
}

# upstream_requests PATTERN: how many requests nginx has logged whose line matches. A line:
#   method path status bytes-sent "range" "user agent"
upstream_requests() {
  grep -cE -- "$1" "$work/log/upstream-requests" || true
}

# upstream_bytes PATTERN: bytes of the bodies that nginx has sent for these requests.
upstream_bytes() {
  { grep -E -- "$1" "$work/log/upstream-requests" || true; } | awk '{ sum += $4 } END { print sum + 0 }'
}
