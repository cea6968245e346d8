"""The way in: a folder becomes changes."""
