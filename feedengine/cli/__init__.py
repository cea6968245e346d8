"""The command: parses flags, calls the engine, prints."""
