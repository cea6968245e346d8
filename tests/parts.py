"""Run every test in parts beside each other, since most of them wait for a server or a child.

What a part says is printed when it has ended. Exits 1 when one of them fails.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

PARTS = (
    ("agree", "unit"),
    ("faults", "bench"),
    ("feeds", "store"),
    ("plays",),
    ("service",),
)


def main() -> int:
    """Start all parts, then tell of each as it ends."""
    here = Path(__file__).parent
    say(f"tests run in {len(PARTS)} parts; each says what it found when it has ended")
    with tempfile.TemporaryDirectory(
        prefix="feedengine-tests-", ignore_cleanup_errors=True
    ) as name:
        running = {}
        for part in PARTS:
            log = Path(name) / f"{'-'.join(part)}.log"
            folders = [str(here / folder) for folder in part]
            words = [sys.executable, "-m", "pytest", f"--basetemp={log.with_suffix('')}", *folders]
            with log.open("wb") as file:
                running[log] = subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT)
        failed = 0
        try:
            while running:
                ended = [log for log, process in running.items() if process.poll() is not None]
                for log in ended:
                    failed |= running.pop(log).returncode != 0
                    say(f"{log.stem}\n{log.read_text('utf-8', 'replace')}")
                time.sleep(0.2)
        finally:
            for process in running.values():
                process.terminate()
            for process in running.values():
                process.wait()
    return int(failed)


def say(text: str) -> None:
    """Print at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
