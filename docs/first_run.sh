#!/bin/sh
# What `make run` shows: a new site, the sample feeds dropped into it, and what people ask of it.
set -eu
feedengine=$1
site=$2
show() {
    printf '\n$ feedengine %s\n' "$*"
    "$feedengine" "$@" || test $? -eq 1 # 1 is an answer too: "no", or feeds with faults
}

rm -rf "$site"
show init "$site"
cp -R sample_feeds/Feeds/. "$site/Feeds/"
cp -R sample_feeds/Stack/. "$site/Stack/"
show run "$site"
show status "$site"
show show track 900302 --root "$site"
show findings "$site" --summary

printf '\nMay the US stream this now?\n'
show available 900302 --country US --root "$site"
show available 900301 --country US --root "$site"

printf '\nThe catalogue is %s/catalogue.db: query it with any SQLite tool, or try\n' "$site"
printf '  %s show track 900302 --history --root %s\n' "$feedengine" "$site"
printf '  %s findings %s --run 9\n' "$feedengine" "$site"
printf '  %s export --root %s | head\n' "$feedengine" "$site"
