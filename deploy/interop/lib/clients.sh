# What several groups need of the clients' own configuration.

# sample FILE: a sample of deploy/samples/clients with the address of the proxy of this run.
sample() {
  sed "s|127\.0\.0\.1:5000|$proxy|g" "$project/deploy/samples/clients/$1"
}

# sample_hosts NAMESPACE: the sample for a namespace as a folder for ctr --hosts-dir.
sample_hosts() {
  mkdir -p "$scratch/hosts/$1"
  sample "containerd/$1/hosts.toml" > "$scratch/hosts/$1/hosts.toml"
}

# hosts_toml NAMESPACE URL [LINE...]: a folder for ctr --hosts-dir that sends a namespace to the URL.
hosts_toml() {
  local folder=$scratch/hosts/$1
  mkdir -p "$folder"
  {
    echo "[host.\"$2\"]"
    echo '  capabilities = ["pull", "resolve"]'
    shift 2
    printf '  %s\n' "$@"
  } > "$folder/hosts.toml"
}

# access_certificates: a folder with the authority of this run, as podman and skopeo read it.
access_certificates() {
  mkdir -p "$scratch/certificates"
  cp "$work/tls/ca.pem" "$scratch/certificates/ca.crt"
}

# start_containerd [CERTS_D]: with an empty store in a folder of its own; its socket is $containerd_socket. With a folder of hosts.toml files it also has the API
# by which a kubelet tells it to pull, which reads that folder.
start_containerd() {
  local folder=$work/containerd disabled='"io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"'
  mkdir "$folder"
  [ -n "${1-}" ] || disabled+=', "io.containerd.grpc.v1.cri"'
  containerd_socket=$folder/containerd.sock
  cat > "$folder/config.toml" << TOML
version = 2
root = "$folder/root"
state = "$folder/state"
disabled_plugins = [$disabled]
[grpc]
  address = "$containerd_socket"
[ttrpc]
  address = "$folder/ttrpc.sock"
TOML
  if [ -n "${1-}" ]; then
    cat >> "$folder/config.toml" << TOML
[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "$1"
TOML
  fi
  start containerd containerd --config "$folder/config.toml"
  comes_up containerd 30 ctr --address "$containerd_socket" version
}

# kubelet_pulls IMAGE: the call that a kubelet makes, without one: PullImage of containerd's CRI plugin, which then pulls by itself. The name is shorter than 124 octets.
kubelet_pulls() {
  local length=${#1}
  {
    printf '\0\0\0\0' # not compressed, and the first three octets of the length
    octet $((length + 4))
    printf '\n' # field 1 of PullImageRequest: the ImageSpec
    octet $((length + 2))
    printf '\n' # field 1 of ImageSpec: the name
    octet "$length"
    printf %s "$1"
  } > "$scratch/call"
  curl -sS --max-time 90 --http2-prior-knowledge --unix-socket "$containerd_socket" -H 'content-type: application/grpc' -H 'te: trailers' \
    --data-binary "@$scratch/call" -D "$scratch/said" -o "$scratch/answer" http://localhost/runtime.v1.ImageService/PullImage
  tr -d '\r' < "$scratch/said" | grep > /dev/null -x 'grpc-status: 0' || { cat "$scratch/said"; fail "containerd did not pull $1"; }
}

octet() {
  # shellcheck disable=SC2059
  printf "\\x$(printf %02x "$1")"
}

stop_containerd() {
  stop containerd
  rm -rf "$work/containerd"
}

# start_dockerd [DAEMON_JSON]: on that containerd; its socket is $docker_socket. It mirrors Docker Hub as the sample or that file says.
start_dockerd() {
  local folder=$work/dockerd
  mkdir "$folder"
  docker_socket=$folder/docker.sock
  if [ -n "${1-}" ]; then cp "$1" "$folder/daemon.json"; else sample docker/daemon.json > "$folder/daemon.json"; fi
  start dockerd dockerd --config-file "$folder/daemon.json" --host "unix://$docker_socket" --pidfile "$folder/pid" \
    --data-root "$folder/data" --exec-root "$folder/exec" --containerd "$containerd_socket" --storage-driver vfs \
    --iptables=false --bridge=none
  comes_up dockerd 60 docker version
}

stop_dockerd() {
  stop dockerd
  rm -rf "$work/dockerd"
}

docker() {
  bounded docker --host "unix://$docker_socket" "$@"
}
