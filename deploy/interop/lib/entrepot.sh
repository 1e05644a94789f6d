# Entrepôt itself: its configuration, start, restart. ENTREPOT_COMMAND may name another program that takes the same arguments.

entrepot=${ENTREPOT_COMMAND:-$project/entrepot}

# write_config: tags are asked for again after a second, so that every later request meets the upstream's absence.
write_config() {
  free_port proxy_port
  free_port admin_port
  proxy=127.0.0.1:$proxy_port
  cat > "$work/entrepot.yaml" << YAML
server:
  listen: $proxy
  admin: 127.0.0.1:$admin_port
cache: {directory: $work/cache, capacity: 4GiB, fresh-for: 1s, referrers-fresh-for: 1s}
default-upstream: docker.io
upstreams:
  docker.io: {url: http://127.0.0.1:$plain_port}
  registry.test: {url: http://127.0.0.1:$plain_port, hosts: [mirror.test]}
  quay.io: {url: http://127.0.0.1:$plain_port}
  referrers.test: {url: http://127.0.0.1:$referrers_port}
  slow.test: {url: http://127.0.0.1:$slow_port}
  private.test:
    url: https://127.0.0.1:$private_port
    ca: $work/tls/ca.pem
    credentials: {username: mirror, password: secret}
  locked.test: {url: https://127.0.0.1:$private_port, ca: $work/tls/ca.pem}
  registry.test:5443: {url: http://127.0.0.1:$plain_port}
YAML
}

# with_tls: the same with TLS, for a group that calls this when it is read.
with_tls() {
  scheme=https
  sed "s|^server:|&\n  tls: {certificate: $work/tls/server.pem, key: $work/tls/server.key}|" "$work/entrepot.yaml" > "$work/tls.yaml"
  entrepot_config=$work/tls.yaml
}

# start_entrepot: in the place of one that a group may have left running, which would answer on the same port.
start_entrepot() {
  stop entrepot
  # SIGHUP means to it what it means by itself, also where this run was started by nohup.
  start entrepot env --default-signal=HUP "$entrepot" serve --config "$entrepot_config"
  comes_up entrepot 60 answers "$scheme://$proxy"
}

empty_cache() {
  rm -rf "$work/cache"
}

kill_entrepot() {
  stop entrepot KILL
}
