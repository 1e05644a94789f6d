# The compose file, by compose itself, which reads it and starts nothing; and the configuration beside it. Group image starts that configuration and runs its command.

compose_group() {
  phase=static
  compose=$(ENTREPOT_CLIENTS=${clients%/bin} "$here/install-clients" docker-compose > /dev/null && command -v docker-compose)
  check "compose takes the file" compose_is_taken
  check "compose refuses what is not in its schema" compose_can_refuse
  check "the configuration beside it is right" compose_configuration
}

compose_is_taken() {
  bounded "$compose" --file "$project/deploy/compose/compose.yaml" config > "$scratch/config"
  grep -q 'image: localhost/entrepot:' "$scratch/config"
  grep -qF "$project/deploy/compose/entrepot.yaml" "$scratch/config"
  grep -q 'read_only: true' "$scratch/config"
}

compose_can_refuse() {
  sed 's/read_only:/read_olny:/' "$project/deploy/compose/compose.yaml" > "$scratch/compose.yaml"
  refused bounded "$compose" --file "$scratch/compose.yaml" config 2> "$scratch/said"
  grep -q read_olny "$scratch/said"
}

compose_configuration() {
  expect_match "what it says" "$("$entrepot" config check --config "$project/deploy/compose/entrepot.yaml")" ": ok$"
}
