"""``python -m feedengine``: the command, where its own name is not on the path."""

from feedengine.cli.main import main

if __name__ == "__main__":
    main()
