#!/usr/bin/env bash
# What curation-session.md shows, on the reports of a CSV file:
# docs/how-to/curation_session.sh REPORTS.csv > docs/how-to/curation-session.md
# What it prints is that page: every command and its output. It works in a new folder, which it leaves behind.
set -euo pipefail
reports=$(realpath "$1")
mesh=$(realpath "$(dirname "$0")/mesh_sample.csv")
work=$(mktemp -d)
cp "$mesh" "$work/mesh_sample.csv"
ln -s "$reports" "$work/openi_reports.csv"
cd "$work"
export CLEAR_KB=openi.kb CLEAR_KB_AUTHOR=ada NO_COLOR=1

shown() { for word in "$@"; do case "$word" in *' '*) printf ' "%s"' "$word" ;; *) printf ' %s' "$word" ;; esac; done; }
run() { printf '$%s\n' "$(shown "$@")"; "$@" 2>&1 | cut -c1-150 | sed 's/ *$//'; }
say() { [ -z "${begun:-}" ] || printf '```\n'; begun=1; printf '\n%s\n\n```console\n' "$*"; }

cat <<'HEAD'
# A curation session

As it ran on the 1,892 public Open-i reports that have text; `docs/how-to/curation_session.sh REPORTS.csv` runs it
again. Lines are cut at 150 characters.
HEAD

say "Mine the reports, and name the state that curation begins from."
run clear-kb ingest reports openi_reports.csv --why "first mining"
run clear-kb tag mined
run clear-kb vocab stats

say "What may be the same? What says the same words is taken at once, after a look; it is one act, with one undo."
run clear-kb vocab suggest duplicates --limit 10
run clear-kb vocab merge --suggested "the same words" --dry-run
run clear-kb vocab merge --suggested "the same words" --why "the same words"

say "What is no whole observation was put aside as it was mined. One that is worth having is taken in."
run clear-kb vocab list --status aside --limit 8
run clear-kb vocab accept "no acute preoperative abnormality" --why "we report these"

say "What is hardly mentioned?"
run clear-kb vocab suggest rare --limit 5

say "Who did what to one concept? And it can be undone."
last=$(clear-kb vocab changes --limit 1 --format csv | tail -n 1 | cut -d, -f1)
run clear-kb vocab changes --limit 3
run clear-kb vocab revert "$last" --why "looked at again"

say "The same reports again, mined anew: every decision stands."
run clear-kb ingest reports openi_reports.csv --remine
run clear-kb check --limit 5

say "What has changed since the mining, by kind."
clear-kb vocab diff mined --format json > release.patch.json
printf '$ clear-kb vocab diff mined | head -12\n'
clear-kb vocab diff mined > diff.txt 2>&1
head -12 diff.txt | sed 's/ *$//'
printf '$ clear-kb vocab diff mined --format json > release.patch.json\n'

say "The patch carries the curation to another knowledge base of the same reports."
clear-kb ingest reports openi_reports.csv --kb other.kb --no-embed --quiet
run clear-kb vocab apply release.patch.json --kb other.kb --dry-run > applied.txt
run clear-kb vocab apply release.patch.json --kb other.kb >> applied.txt
cut -c1-140 applied.txt

say "Link it to an outside terminology, release it, and give it away."
run clear-kb vocab link mesh_sample.csv --terminology MESH --limit 8
run clear-kb tag v1 --why "first release"
run clear-kb vocab export openi.sssom.tsv
run head -13 openi.sssom.tsv
run clear-kb vocab export openi.ttl
run clear-kb vocab export openi.csv
run clear-kb vocab import openi.csv --kb copy.kb
run clear-kb log --limit 4
printf '```\n'
