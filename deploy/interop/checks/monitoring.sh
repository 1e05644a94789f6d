# The alert rules and the dashboard, by Prometheus' own tool. That their metrics exist is held by MonitoringTest.

monitoring_group() {
  phase=static
  check "promtool takes the alert rules" bounded promtool check rules "$project/deploy/monitoring/alerts.yaml"
  check "the alerts fire when they should, and not before" bounded promtool test rules "$project/deploy/monitoring/alerts.test.yaml"
  check "promtool takes every expression of the dashboard" monitoring_dashboard
  start_upstreams
  start_entrepot
  check "promtool finds nothing wrong with the metrics" monitoring_metrics
  stop entrepot
  stop_upstreams
}

monitoring_dashboard() {
  jq -er '.. | .expr? // empty' "$project/deploy/monitoring/dashboard.json" | sed 's/\$__rate_interval/5m/g; s/\$instance/.*/g' |
    jq -Rn '{groups: [{name: "dashboard", rules: [inputs | {record: "dashboard:expression", expr: .}]}]}' > "$scratch/rules.yaml"
  bounded promtool check rules --lint=none "$scratch/rules.yaml"
}

monitoring_metrics() {
  curl -sS --fail -o /dev/null "http://$proxy/v2/registry.test/mcr/net-monitor/manifests/v1"
  curl -sS --fail --max-time 20 "http://127.0.0.1:$admin_port/metrics" > "$scratch/metrics"
  bounded promtool check metrics < "$scratch/metrics"
}
