#!/bin/sh
# What `make run` shows: a new site, the sample feeds dropped into it, and what people ask of it.
# Usage: sh docs/first_run.sh FEEDENGINE SITE; SITE is made anew.
set -eu
feedengine=$1
site=$2

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi

# Show a command, then run it. A "no" and a refusal (exit status 1) are answers here, not faults.
try() {
    printf '\n%s$ feedengine %s%s\n' "$bold" "$*" "$plain"
    "$feedengine" "$@" || test $? -eq 1
}
say() { printf '\n%s# %s%s\n' "$bold" "$*" "$plain"; }

rm -rf "$site"
try init "$site"

say "The sample feeds are dropped: three clients, and many faults on purpose."
cp -R sample_feeds/Feeds/. "$site/Feeds/"
cp -R sample_feeds/Stack/. "$site/Stack/"
try run "$site"
try status "$site"

say "A release as the catalogue has it now."
try show release 700203 --root "$site"

say "What is wrong in a feed, and how to cure it."
try findings "$site" --code xml-malformed

say "May the US stream this track now?"
try available 900303 --country US --root "$site"
try available 900304 --country US --root "$site"

say "A day of a player: may these plays leave for their recipient? (IDs as in the catalogue itself.)"
try plays prepare sample_plays/player --out "$site/judged" --root "$site" --provider '' \
    --now 2026-02-23T06:00:00Z

say "A week of a station, before its playlist is sent."
try plays check --format playlist --station-zone America/New_York sample_plays/station/2026-W08.txt \
    --root "$site" --now 2026-02-23T06:00:00Z --list 5

cat <<END

The site is $site/: its catalogue is $site/catalogue.db, an SQLite database to query with SQL.
What came of the player's plays, as a page with plots: open $site/judged/report.html in a browser.
Try next:
  $feedengine findings $site --summary
  $feedengine show track 900301 --history --root $site
  $feedengine plays check sample_plays/player --root $site --provider ''
  sqlite3 -readonly $site/catalogue.db 'SELECT id, title, release_date FROM release'
Drop a feed of your own: README.md. More queries: docs/querying.md. From the start: docs/tutorial.md.
END
