# The page: its files by the packaged server, and all of it in a headless Chromium, driven by PageBrowserTest, which a build without a browser leaves out.

page_group() {
  phase=packaged
  empty_cache
  start_upstreams
  start_entrepot
  check "the admin port leads to the page" page_is_there
  check "every file that the page names is served, and none from elsewhere" page_files
  check "the events begin at once" page_events
  stop entrepot
  stop_upstreams
  phase=chromium
  ENTREPOT_CLIENTS=${clients%/bin} "$here/install-clients" chromium > /dev/null
  check "figures, tree, keys, contrast and width in a real browser" page_in_chromium
}

page() {
  curl -sS --fail --max-time 20 "http://127.0.0.1:$admin_port/ui/$1"
}

page_is_there() {
  curl -sS --fail --max-time 20 --location -D "$scratch/headers" "http://127.0.0.1:$admin_port/" | grep > /dev/null '<title>Entrepôt</title>'
  grep -qi "^content-security-policy: default-src 'none';" "$scratch/headers"
}

page_files() {
  local name
  page "" | grep -o 'href="[a-z-]*\.[a-z]*"\|src="[a-z-]*\.[a-z]*"' | cut -d '"' -f 2 > "$scratch/names"
  page page.js | grep -o 'from "./[a-z-]*.js"' | cut -d / -f 2 | tr -d '"' >> "$scratch/names"
  [ "$(wc -l < "$scratch/names")" -gt 10 ]
  while read -r name; do
    page "$name" > "$scratch/file"
    # The name of SVG's vocabulary is no address that is fetched.
    ! grep -v 'http://www.w3.org/2000/svg' "$scratch/file" | grep 'https\?://'
  done < "$scratch/names"
}

page_events() {
  { curl -sS --no-buffer --max-time 5 "http://127.0.0.1:$admin_port/ui/api/events" 2> /dev/null || true; } | grep -m 1 '^event: overview'
}

# The build finds its tools in the real home.
page_in_chromium() {
  local report=$project/proxy/target/surefire-reports/TEST-dev.entrepot.proxy.PageBrowserTest.xml home
  home=$(getent passwd "$(id -u)" | cut -d : -f 6)
  rm -f "$report"
  (cd "$project" && HOME=$home timeout --kill-after=5 900 ./mvnw -B -q -pl proxy -am -Dtest=PageBrowserTest \
    -Dsurefire.failIfNoSpecifiedTests=false -Dspotless.check.skip=true test)
  grep -q '<testsuite [^>]*errors="0" skipped="0" failures="0"' "$report" && grep -q '<testcase ' "$report"
}
