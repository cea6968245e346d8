#!/bin/sh
# What `make run` shows: a new site, the sample feeds dropped into it, and what people ask of it.
set -eu
feedengine=$1
site=$2
say() { printf '\n\033[1m$ %s\033[0m\n' "$*"; }

rm -rf "$site"
say feedengine init "$site"
"$feedengine" init "$site"
cp -R sample_feeds/Feeds/. "$site/Feeds/"
cp -R sample_feeds/Stack/. "$site/Stack/"
say feedengine run "$site"
"$feedengine" run "$site" || test $? -eq 1 # one of the sample feeds is full of faults
