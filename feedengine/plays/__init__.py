"""The way out: raw play logs in; each row enriched, judged, written for its recipient."""
