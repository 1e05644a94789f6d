# Walks a page of docs/guides: its commands in a real shell with the real launcher, as they are printed but for what the walk substitutes.
# Each command that is run is noted, so that guide_ends can say that none was left out.

# guide_begin NAME FUNCTION: a folder of its own, the page as the function (from standard input to standard output) substitutes in it.
guide_begin() {
  guide=$work/guide-$1
  guide_page=$work/guide-$1.md
  guide_walked=$work/guide-$1.walked
  mkdir -p "$guide"
  ln -s "$entrepot" "$guide/entrepot"
  "$2" < "$project/docs/guides/$1.md" > "$guide_page"
  : > "$guide_walked"
}

# guide_blocks LANGUAGE [HEADING]: the blocks of a language, of the whole page or of a section of it.
guide_blocks() {
  awk -v language="$1" -v heading="${2-}" '
    /^##+ / { here = $0; sub(/^#+ /, "", here) }
    /^```/ { inside = !inside && $0 == "```" language; next }
    inside && (heading == "" || here == heading)' "$guide_page"
}

# guide_steps HEADING: what a section says to do, in its order: "sh COMMAND", or "yaml FILE", of which the content is the configuration from then on.
guide_steps() {
  awk -v heading="$1" -v folder="$scratch" '
    !inside && /^##+ / { here = $0; sub(/^#+ /, "", here) }
    /^```/ && !inside { inside = 1; language = substr($0, 4); file = folder "/" ++blocks ".yaml"; next }
    /^```/ { inside = 0; if (here == heading && language == "yaml") { close(file); print "yaml " file }; next }
    inside && here == heading && language == "yaml" { print > file }
    inside && here == heading && language == "sh" { print "sh " $0 }' "$guide_page"
}

# guide_sentences: the commands that stand in sentences of the page.
guide_sentences() {
  awk '/^```/ { inside = !inside; next } !inside' "$guide_page" | grep -oE '`[^`]+`' | tr -d '`' |
    grep -E '^(\./entrepot|ctr|curl|docker|htpasswd|kubectl|openssl|oras|podman|printf|skopeo|systemctl|wget) ' || :
}

# guide_sentence PATTERN: the one command in a sentence of the page that the pattern (a regular expression) fits. It counts as run.
guide_sentence() {
  guide_sentences | grep -E -- "$1" > "$scratch/sentence"
  expect "commands like $1" "$(wc -l < "$scratch/sentence")" 1 || return 1
  tee -a "$guide_walked" < "$scratch/sentence"
}

# guide_step HEADING [before|after]: what a section says, each command with what the page says that it prints and exits with; only what stands before or after
# the command that serves, where there is one: for that there is guide_serves.
guide_step() {
  local what step
  guide_steps "$1" > "$scratch/steps"
  case ${2-} in
    before) sed -i '/^sh \.\/entrepot serve/,$d' "$scratch/steps" ;;
    after) sed -i '0,/^sh \.\/entrepot serve/d' "$scratch/steps" ;;
  esac
  [ -s "$scratch/steps" ] || fail "nothing is said in: $1"
  while read -r what step; do
    case $what in
      sh) guide_command "$step" ;;
      yaml) guide_configures "$step" ;;
    esac
  done < "$scratch/steps"
}

guide_command() {
  local note='' said='' code=0 status=0 read
  [[ "$1" != "./entrepot serve"* ]] || fail "this serves: $1"
  if [[ "$1" == *" # "* ]]; then
    note=${1##* # }
    if [[ "$note" =~ ^(.*)exits\ with\ ([0-9]+)$ ]]; then
      note=${BASH_REMATCH[1]%, }
      code=${BASH_REMATCH[2]}
    fi
    [[ "$note" != "says "* ]] || said=${note#says }
  fi
  echo "+ $1"
  echo "$1" >> "$guide_walked"
  read=$(times_rules_were_read)
  (cd "$guide" && DOCKER_HUB_TOKEN=token timeout --kill-after=5 90 bash -c "$1") > "$scratch/printed" 2>&1 < /dev/null || status=$?
  [ "$status" = "$code" ] || { cat "$scratch/printed"; fail "it exits with $status"; }
  [[ "$(guide_plain < "$scratch/printed")" == *"$(guide_plain <<< "$said")"* ]] || { cat "$scratch/printed"; fail "'$said' is not in it"; }
  # Rules are read again by themselves.
  [[ "$1" != sed* ]] || eventually 20 rules_were_read_more_than "$read"
}

# In whatever case, and with spaces as wide as they like.
guide_plain() {
  tr -s ' ' | tr '[:upper:]' '[:lower:]'
}

# guide_configures FILE: it is the configuration from here on, of a server that runs, too.
guide_configures() {
  local read
  read=$(times_rules_were_read)
  cat "$1" > "$guide/entrepot.yaml"
  if running entrepot; then
    kill -HUP "${process_id[entrepot]}"
    eventually 20 rules_were_read_more_than "$read"
  fi
}

# The log goes on where that of earlier groups ends.
times_rules_were_read() {
  grep -c "rules read again" "$work/log/entrepot" || :
}

rules_were_read_more_than() {
  [ "$(times_rules_were_read)" -gt "$1" ]
}

# guide_serves HEADING URL: starts what the section serves; not within a check, because it goes on.
guide_serves() {
  local line
  line=$(guide_blocks sh "$1" | grep '^\./entrepot serve')
  echo "$line" >> "$guide_walked"
  start entrepot env --default-signal=HUP -C "$guide" bash -c "$line"
  comes_up entrepot 60 answers "$2"
}

# guide_lines: all that the page prints to be run.
guide_lines() {
  guide_blocks sh
  guide_blocks console
  guide_sentences
}

# guide_ends COUNT: the page has so many commands, and all of them were run. (The count is there for a block that becomes one to be read only.)
guide_ends() {
  expect "commands of the page" "$(guide_lines | wc -l)" "$1"
  diff <(guide_lines | sort) <(sort "$guide_walked")
}
