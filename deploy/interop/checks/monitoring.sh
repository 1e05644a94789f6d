# The alert rules and the dashboard, by Prometheus' own tool. That their metrics exist is held by MonitoringTest.

monitoring_group() {
  phase=static
  check "promtool takes the alert rules" bounded promtool check rules "$project/deploy/monitoring/alerts.yaml"
  check "the alerts fire when they should, and not before" bounded promtool test rules "$project/deploy/monitoring/alerts.test.yaml"
  check "promtool takes every expression of the dashboard" monitoring_dashboard
  start_upstreams
  start_entrepot
  check "promtool finds nothing wrong with the metrics" monitoring_metrics "http://$proxy"
  stop entrepot
  monitoring_everything
  check "promtool finds nothing wrong with those of TLS, users, tokens, replication, notifications and traces" monitoring_all_metrics
  stop entrepot
  stop_upstreams
}

monitoring_dashboard() {
  jq -er '.. | .expr? // empty' "$project/deploy/monitoring/dashboard.json" | sed 's/\$__rate_interval/5m/g; s/\$instance/.*/g' |
    jq -Rn '{groups: [{name: "dashboard", rules: [inputs | {record: "dashboard:expression", expr: .}]}]}' > "$scratch/rules.yaml"
  bounded promtool check rules --lint=none "$scratch/rules.yaml"
}

# monitoring_metrics URL [CURL_OPTION...]
monitoring_metrics() {
  local url=$1
  shift
  curl -sS --fail "$@" -o /dev/null "$url/v2/registry.test/mcr/net-monitor/manifests/v1"
  curl -sS --fail --max-time 20 "http://127.0.0.1:$admin_port/metrics" > "$scratch/metrics"
  bounded promtool check metrics < "$scratch/metrics"
}

# A server with all that brings metrics of its own.
monitoring_everything() {
  scheme=https
  entrepot_config=$work/monitored.yaml
  echo 'alice:$2y$04$KJuBB87FvevxaxyuoE02cuPv/hKFrS0Cr1YG0C1MjE.K8g7JBn8I2' > "$work/users"
  {
    sed "s|^server:|&\n  tls: {certificate: $work/tls/server.pem, key: $work/tls/server.key}\n  authentication: {htpasswd: $work/users, token: {service: interop}}|" \
      "$work/entrepot.yaml"
    cat << YAML
replication:
  rules:
    - name: beside
      source: registry.test
      repositories: [mcr/net-monitor]
      tags: [v1]
      targets: [{url: "http://127.0.0.1:$plain_port", prefix: beside}]
      schedule: {every: 10m}
  notifications:
    deliver: [{url: "http://127.0.0.1:$events_port/hook"}]
tracing: {endpoint: "http://127.0.0.1:$events_port/v1/traces"}
YAML
  } > "$entrepot_config"
  start_entrepot
}

monitoring_all_metrics() {
  local family
  eventually 60 monitoring_has 'entrepot_replication_complete_ratio{.*} 1'
  monitoring_metrics "https://$proxy" --cacert "$work/tls/ca.pem" -u alice:wonder
  for family in entrepot_certificate_expiry_timestamp_seconds entrepot_authentication_failures_total entrepot_replication_bytes_total; do
    grep -q "^# TYPE $family " "$scratch/metrics" || fail "there is no $family"
  done
  for family in entrepot_replication_ entrepot_events_ entrepot_trace_spans_; do
    grep -q "^# TYPE $family" "$scratch/metrics" || { grep '^# TYPE' "$scratch/metrics"; fail "there is no $family*"; }
  done
}

monitoring_has() {
  curl -sS --fail --max-time 20 "http://127.0.0.1:$admin_port/metrics" | grep > /dev/null "$1"
}
