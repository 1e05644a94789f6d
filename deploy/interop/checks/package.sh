# The tarball and the unit: installed into a folder as the documentation says, verified by systemd's own tools, and run from there.

package_group() {
  phase=cold
  stop entrepot # which a group before this may have left on the same port
  check "the tarball is built" package_is_built
  [ -f "$work/package.tar.gz" ] || return 0
  check "the runtime has the ciphers of the launcher" package_ciphers
  check "the installation puts everything in its place" package_installs
  check "another collector takes the place of the one that the runtime has" package_collectors
  check "systemd-analyze verify has nothing to say" package_unit_verifies
  check "systemd-analyze security gives at most 1.5" package_unit_is_hardened
  check "a wrong configuration ends the service with the code that systemd does not repeat" package_refuses_what_is_wrong
  start_upstreams
  package_starts
  check "the installed server serves a client" package_serves
  stop package
  stop_upstreams
  check "an upgrade keeps the configuration and its times, which the startup cache goes by" package_upgrades
}

package_root=$work/package

package_is_built() {
  "$project/deploy/dist/build"
  cp "$project"/deploy/target/dist/entrepot-*.tar.gz "$work/package.tar.gz"
}

package_ciphers() {
  local expected
  expected=$(sh -c "$(sed -n '/^ciphers=/,/^done/p' "$project/entrepot"); echo \"\$ciphers\"")
  expect_match "what the launcher has" "$expected" "^TLS_AES_128_GCM_SHA256,.*POLY1305_SHA256$"
  expect "the option" "$(sed -n 's/^-Djdk.tls.server.cipherSuites=//p' "$project/deploy/dist/jvm.options")" "$expected"
}

package_installs() {
  mkdir -p "$work/unpacked" "$package_root"
  tar -xzf "$work/package.tar.gz" -C "$work/unpacked"
  "$work"/unpacked/entrepot-*/share/install --root "$package_root"
  "$package_root/opt/entrepot/bin/entrepot" --version
  "$package_root/opt/entrepot/bin/entrepot" config check --config "$package_root/etc/entrepot/entrepot.yaml"
}

package_collectors() {
  local variable
  for variable in ENTREPOT_JAVA_OPTS JDK_JAVA_OPTIONS JAVA_TOOL_OPTIONS; do
    env "$variable=-XX:+UseG1GC" "$package_root/opt/entrepot/bin/entrepot" --version
    env "$variable=-XX:+UseParallelGC" "$package_root/opt/entrepot/bin/entrepot" verify --help > "$scratch/said"
  done
}

package_unit_verifies() {
  # What the unit refers to of the machine that it is for.
  mkdir -p "$package_root/usr/lib/systemd"
  cp -r /usr/lib/systemd/system "$package_root/usr/lib/systemd/system"
  install -D -m 755 /bin/kill "$package_root/bin/kill"
  systemd-analyze verify --man=no --root="$package_root" entrepot.service > "$scratch/said" 2>&1
  # It speaks of the other units, too, and all their paths begin with the folder of this run.
  expect "what it said of the unit" "$(grep -F entrepot.service "$scratch/said")" ""
}

package_unit_is_hardened() {
  systemd-analyze security --offline=true --threshold=15 --no-pager "$package_root/etc/systemd/system/entrepot.service" | tail -n 1
}

# What the unit does not repeat is what its main process ends with; what another process of it ends with, systemd repeats for ever.
package_refuses_what_is_wrong() {
  local unit=$package_root/etc/systemd/system/entrepot.service command status=0
  printf 'server: {listne: 127.0.0.1:5000}\n' > "$package_root/etc/entrepot/wrong.yaml"
  command=$(sed -n 's|^ExecStart=||p' "$unit" | sed "s|/opt/|$package_root/opt/|; s|/etc/entrepot/entrepot.yaml|$package_root/etc/entrepot/wrong.yaml|")
  expect_match "the command of the unit" "$command" "/bin/entrepot serve --config .*/wrong.yaml$"
  # shellcheck disable=SC2086
  bounded $command > "$scratch/said" 2>&1 || status=$?
  expect "what it ends with" "$status" "$(sed -n 's|^RestartPreventExitStatus=||p' "$unit")"
  expect_match "what it says" "$(cat "$scratch/said")" "wrong.yaml:1.*listne"
  refused grep -E '^Exec(StartPre|Condition)=' "$unit"
}

# As somebody without rights, with the configuration of the run and data elsewhere.
package_starts() {
  chmod 755 "$work"
  sed "s|directory: [^,]*|directory: $work/package-data|; /private.test:/,/^  locked/d; /locked.test/d" "$work/entrepot.yaml" > "$work/package.yaml"
  install -d -o nobody "$work/package-data"
  start package setpriv --reuid=nobody --regid=nogroup --clear-groups --no-new-privs --bounding-set=-all \
    env HOME=/nonexistent "$package_root/opt/entrepot/bin/entrepot" serve --config "$work/package.yaml"
  comes_up package 30 answers "http://$proxy"
}

package_serves() {
  grep -q "$package_root/opt/entrepot/startup.aot" "/proc/${process_id[package]}/maps"
  bounded skopeo --insecure-policy copy --all --preserve-digests --src-tls-verify=false \
    "docker://$proxy/registry.test/mcr/net-monitor:v1" "oci:$scratch/copy:v1"
  expect "the index" "$(jq -r '.manifests[0].digest' "$scratch/copy/index.json")" "$index"
}

package_upgrades() {
  echo "default-upstream: quay.io" >> "$package_root/etc/entrepot/entrepot.yaml"
  "$work"/unpacked/entrepot-*/share/install --root "$package_root"
  grep -q quay.io "$package_root/etc/entrepot/entrepot.yaml"
  expect "the time of a jar" "$(stat -c %Y "$package_root"/opt/entrepot/lib/entrepot-proxy-*.jar)" "$(stat -c %Y "$work"/unpacked/entrepot-*/lib/entrepot-proxy-*.jar)"
  [ ! -e "$package_root/opt/entrepot.old" ]
}
