"""Paths as feeds name them: checked, put in order, and what can be wrong with them (P2, P6, P40).

Pure text; nothing here looks at a disk. The exceptions are for one path of one feed, and whoever
reads on behalf of a package turns them into a finding. Their text names the path below the feed
and nothing else of the file system.
"""

from __future__ import annotations

import re

from feedengine.errors import quoted


class FeedPathError(Exception):
    """A path inside a feed that gives no file; ``path`` as it was asked for, ``reason`` why."""

    def __init__(self, path: str, reason: str) -> None:
        """Keep both apart, for messages that quote the path elsewhere."""
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        """One sentence, the path quoted safely."""
        return f"{quoted(self.path)} {self.reason}"


class MissingError(FeedPathError):
    """Nothing is there, or a folder where a file is wanted."""


class OutsideError(FeedPathError):
    """The path leaves the feed, or leads through something that is no plain folder or file."""


class TooLargeError(FeedPathError):
    """The file has more bytes than the reader allows (P11)."""


class UnreadableError(FeedPathError):
    """The file or a folder on the way may not be read (permission)."""


NO_NAMES = frozenset({"", ".", ".."})
"""Components that name no file or folder of their own."""

LONGEST_PATH = 4096
"""Characters of a path or glob; longer ones are refused before they are looked at."""

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Characters that may stand in no path or name a feed gives: controls and halves of pairs."""

XML_BLANKS = " \t\r\n"
"""What is trimmed from values: the blanks of XML, no others (P10)."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")


def local_parts(path: str) -> list[str]:
    """Components of a relative path as text of a feed gives it, not yet judged one by one.

    Raises `OutsideError` for absolute paths, URLs (a colon in the first component, as RFC 3986
    reads relative references), backslashes, control characters and paths beyond all measure.
    """
    if len(path) > LONGEST_PATH:
        raise OutsideError(path, f"is longer than {LONGEST_PATH} characters")
    if CONTROL.search(path):
        raise OutsideError(path, "holds a control character")
    if "\\" in path:
        raise OutsideError(path, "holds a backslash; folders are parted by '/'")
    if path.startswith("/"):
        raise OutsideError(path, "is an absolute path")
    if _SCHEME.match(path):
        raise OutsideError(path, "is a URL or names a drive")
    return path.split("/")


def plain_parts(path: str) -> list[str]:
    """Components of a plain relative path (P2): besides `local_parts`, no ``.``, ``..`` or gap."""
    parts = local_parts(path)
    for part in parts:
        if part in NO_NAMES:
            what = f"the component {quoted(part)}" if part else "an empty component"
            raise OutsideError(path, f"is no plain relative path: it has {what}")
    return parts


def resolve_source(from_file: str, src: str) -> list[str]:
    """Where the file of a ``src`` is looked for, best place first (P40).

    ``from_file`` is the path of the package below the feed (P40 looks from the package's folder,
    also for a ``src`` inside another file), ``src`` the attribute. From the package's folder, then
    from the feed's; in each first the name as it stands, then with ``.xml``. Paths are normal
    (no ``.`` or ``..``), without repeats. Empty when ``src`` names no file at all (``""``, ``a/``).
    Raises `OutsideError` for what `local_parts` refuses and for ``..`` above the feed.
    """
    wanted = local_parts(src.strip(XML_BLANKS))
    paths = [_joined(folder, wanted) for folder in (from_file.split("/")[:-1], [])]
    inside = [path for path in paths if path is not None]
    if not inside:
        raise OutsideError(src, "leads above the feed's folder")
    if wanted[-1] in NO_NAMES:
        return []
    found: dict[str, None] = {}
    for path in inside:
        found[path] = None
        if not path.endswith(".xml"):
            found[f"{path}.xml"] = None
    return list(found)


def _joined(folder: list[str], wanted: list[str]) -> str | None:
    """The normal path of ``wanted`` seen from ``folder``; None when it climbs above the feed."""
    path = list(folder)
    for part in wanted:
        if part == "..":
            if not path:
                return None
            path.pop()
        elif part not in NO_NAMES:
            path.append(part)
    return "/".join(path)
