# The page that compares this with others: its commands, as they are printed but for ports, with the programs that Debian has. zot, Harbor and regsync it has not; their blocks are no shell blocks.

comparison_group() {
  local port
  phase="as printed"
  stop entrepot
  comparison=$work/comparison
  comparison_page=$work/comparison.md
  mkdir -p "$comparison"
  ln -s "$entrepot" "$comparison/entrepot"
  cp "$project/docs/comparison.md" "$comparison_page"
  for port in 5101 5102 5201 5000 5001; do
    comparison_port "$port"
  done
  check "the upstream starts and takes two large blobs" comparison_step "An upstream"
  check "distribution starts before it" comparison_step "distribution before it"
  check "this starts before it" comparison_step "This before it"
  comparison_note_processes
  check "the questions are written down" comparison_step "What to ask each"
  check "distribution downloads for each client, sends all for a range, and knows no referrers" comparison_distribution
  check "this downloads once, sends the range, and has the route" comparison_this
  check "both serve the tag that they keep while the upstream is out" comparison_outage
  comparison_note_processes
  check "a signed image is there to be copied" comparison_step "An image to copy"
  comparison_note_processes
  check "oras takes the referrers, crane and skopeo neither, this the referrers and cosign's tags" comparison_copies
  check "everything ends" comparison_step "To end it"
  comparison_forget_processes
}

# comparison_port PORT: a free one in the place of one of the page.
comparison_port() {
  local other
  free_port other
  sed -i "s/\b$1\b/$other/g" "$comparison_page"
  declare -g "comparison_$1=$other"
}

# comparison_block HEADING: the shell blocks of the last section of that name.
comparison_block() {
  awk -v heading="$1" '
    /^##+ / { here = $0; sub(/^#+ /, "", here); if (here == heading) block = "" }
    /^```/ { inside = !inside && $0 == "```sh"; next }
    inside && here == heading { block = block $0 "\n" }
    END { printf "%s", block }' "$comparison_page"
}

# comparison_step HEADING: runs the commands of a section in one shell, and shows what they print.
comparison_step() {
  comparison_block "$1" > "$scratch/commands"
  [ -s "$scratch/commands" ]
  (cd "$comparison" && bounded bash -eu "$scratch/commands") > "$scratch/printed" 2>&1 || { cat "$scratch/printed"; return 1; }
  cat "$scratch/printed"
}

# What the page starts ends with this run, also where a check fails.
comparison_note_processes() {
  local file
  for file in "$comparison"/*.pid; do
    [ -f "$file" ] || continue
    process_id[comparison-$(basename "$file" .pid)]=$(cat "$file")
  done
}

# A number that is free again may soon be another's.
comparison_forget_processes() {
  local name
  for name in "${!process_id[@]}"; do
    [[ "$name" != comparison-* ]] || ! eventually 20 gone "${process_id[$name]}" || unset "process_id[$name]"
  done
}

# comparison_ask PORT: what the questions say; the same as on the page is expected.
comparison_ask() {
  local before
  before=$(comparison_sent)
  (cd "$comparison" && bounded sh ask "$1") > "$scratch/said"
  cat "$scratch/said"
  sent=$(($(comparison_sent) - before))
}

comparison_sent() {
  grep -c "\"GET /v2/big/blob/blobs/sha256:$(sha256sum "$comparison/large" | cut -d ' ' -f 1)" "$comparison/upstream.log" || :
}

comparison_said() {
  grep -qF -- "$1" "$scratch/said" || fail "'$1' was not said"
}

comparison_distribution() {
  comparison_ask "$comparison_5201"
  [ "$sent" -gt 1 ] || fail "the upstream sent it $sent times"
  comparison_said "range of a blob that is not there yet: 200, 50000000 bytes"
  comparison_said "referrers: 404"
  comparison_said "manifest: byte for byte"
}

comparison_this() {
  comparison_ask "$comparison_5000"
  expect "how often the upstream sent it" "$sent" 1
  comparison_said "range of a blob that is not there yet: 206, 100 bytes"
  comparison_said "referrers: 200"
  comparison_said "manifest: byte for byte"
}

comparison_outage() {
  comparison_step "When the upstream is out"
  cp "$scratch/printed" "$scratch/said"
  comparison_said "$comparison_5201: 200"
  comparison_said "$comparison_5000: 200"
  comparison_said "$comparison_5201, not kept: 404"
  comparison_said "$comparison_5000, not kept: 502"
}

comparison_copies() {
  comparison_step "Each copies it"
  cp "$scratch/printed" "$scratch/said"
  comparison_said "oras: 1 referrers, 0 of cosign's tags"
  comparison_said "crane: 0 referrers, 0 of cosign's tags"
  comparison_said "skopeo: 0 referrers, 0 of cosign's tags"
  comparison_said "entrepot: 1 referrers, 1 of cosign's tags"
}
