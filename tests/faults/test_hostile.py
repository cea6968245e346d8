"""Hostile input through real feeds: refused, neighbours applied, nothing given away (P7, P11, P40).

All attacks stand in one feed, a good package before and behind each; it is run once, in a process
whose memory is limited. So are bad Stack entries between good ones.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from feedengine.engine import Engine
from feedengine.errors import Finding
from feedengine.feeds.author import FeedWriter, new_feed

from . import limited
from .attacks import ATTACKS, HARMLESS, package

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GROWTH = 200 * 1024 * 1024
"""Bytes a run may take on top of what it took before it began."""

CANARY = "feedengine-secret"
FORBIDDEN = (CANARY, "/etc", "lxml", "libxml", "expat", "Traceback", "sqlite")
"""What no finding and no log may hold; besides, the root's own path."""


def good(name: str) -> bytes:
    """A package that must be applied."""
    return package().replace("<ID>x</ID>", f"<ID>{name}</ID>").encode()


def put(file: Path, data: bytes) -> None:
    """Write a file, and its folder where there is none."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def _link(to: str) -> Callable[[Path], None]:
    def made(folder: Path) -> None:
        (folder / "package.xml").symlink_to(to)

    return made


def _linked_folder(folder: Path) -> None:
    folder.rmdir()
    folder.symlink_to("/etc")


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / "package.xml")


def _sparse(size: int) -> Callable[[Path], None]:
    def made(folder: Path) -> None:
        (folder / "package.xml").touch()
        os.truncate(folder / "package.xml", size)

    return made


def _shouting(folder: Path) -> None:
    (folder / "Package.xml").write_bytes(good("shouting"))
    (folder / "package.xml").symlink_to("Package.xml")


ON_DISK: dict[str, tuple[Callable[[Path], None], str]] = {
    "link-to-a-secret": (_link("/etc/passwd"), "source-outside"),
    "link-inside-the-feed": (_link("../000-good/package.xml"), "source-outside"),
    "link-to-nothing": (_link("nothing"), "source-outside"),
    "link-to-itself": (_link("package.xml"), "source-outside"),
    "link-to-a-folder": (_linked_folder, "source-outside"),
    "link-within-its-folder": (_shouting, "source-outside"),
    "pipe": (_pipe, "source-outside"),
    "100-megabytes": (_sparse(100_000_000), "too-large"),
    "a-terabyte": (_sparse(1_000_000_000_000), "too-large"),
}
"""Attacks that are no content: what makes each, and what must be found."""


class Ran(NamedTuple):
    """What has become of a site."""

    root: Path
    grown: int
    packages: dict[str, tuple[str, int]]
    findings: list[tuple[Any, ...]]

    def of(self, path: str) -> list[Finding]:
        """The findings of a package."""
        number = self.packages[path][1]
        return [Finding(*row[2:]) for row in self.findings if row[1] == number]


def ran(root: Path) -> Ran:
    """Run a site under limits, and read its ledger."""
    said = limited.run(root)
    wanted = ", ".join(name if name != "column" else "col" for name in Finding._fields)
    with closing(sqlite3.connect(root / "catalogue.db")) as catalogue:
        packages = catalogue.execute("SELECT path, status, id FROM package_run").fetchall()
        text = f"SELECT feed_run_id, package_run_id, {wanted} FROM finding ORDER BY id"
        findings = catalogue.execute(text).fetchall()
    return Ran(root, said["grown"], {path: tuple(rest) for path, *rest in packages}, findings)


def written(feed: FeedWriter) -> None:
    """All attacks on disk, numbered, a good package between any two."""
    outside = feed.feeds.parent / "canary.xml"
    outside.write_text(package(CANARY))
    (feed.folder / "link.xml").symlink_to(outside)
    (feed.folder / "linked").symlink_to(feed.feeds.parent)
    os.mkfifo(feed.folder / "pipe.xml")
    folders = feed.folder / "packages"
    for number, name in enumerate([*ATTACKS, *ON_DISK]):
        put(folders / f"{2 * number:03}-good" / "package.xml", good(f"before {name}"))
        folder = folders / f"{2 * number + 1:03}-{name}"
        folder.mkdir()
        if name in ON_DISK:
            ON_DISK[name][0](folder)
            continue
        put(folder / "package.xml", ATTACKS[name].data())
        for beside, data in ATTACKS[name].beside:
            put(feed.folder / beside, data)
    put(folders / "999-good" / "package.xml", good("last"))


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Every attack of `ATTACKS` and `ON_DISK`, run."""
    root = tmp_path_factory.mktemp("attacked") / "site"
    Engine.init(root).close()
    feed = new_feed(root, "Mallory")
    written(feed)
    feed.stack()
    return ran(root)


def path_of(name: str) -> str:
    """The package of an attack."""
    number = 2 * [*ATTACKS, *ON_DISK].index(name) + 1
    file = "" if name == "link-to-a-folder" else "/package.xml"
    return f"packages/{number:03}-{name}{file}"


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused(attacked: Ran, name: str) -> None:
    """P11, P40, P42: with its code, and where it is; nothing else is wrong with it."""
    path = path_of(name)
    assert attacked.packages[path][0] == "failed"
    found = attacked.of(path)
    assert {one.code for one in found if one.severity == "error"} == ATTACKS[name].codes
    assert all(one.message and one.hint for one in found)
    whole = {"too-large", "encoding-invalid"}
    assert all(one.line > 0 for one in found if one.code not in whole)


@pytest.mark.parametrize("name", ON_DISK)
def test_an_attack_on_the_disk_is_refused(attacked: Ran, name: str) -> None:
    """P11, P40: links, pipes and files beyond measure are not even opened."""
    path = path_of(name)
    assert attacked.packages[path][0] == "failed"
    assert [one.code for one in attacked.of(path)] == [ON_DISK[name][1]]


def test_every_neighbour_is_applied(attacked: Ran) -> None:
    """P7: one failing package never affects another."""
    neighbours = [path for path in attacked.packages if path.split("/")[1].endswith("-good")]
    assert len(neighbours) == len(ATTACKS) + len(ON_DISK) + 1
    assert {attacked.packages[path][0] for path in neighbours} == {"applied"}
    with closing(sqlite3.connect(attacked.root / "catalogue.db")) as catalogue:
        (names,) = catalogue.execute("SELECT group_concat(DISTINCT name) FROM artist").fetchone()
        (tracks,) = catalogue.execute("SELECT count(*) FROM track").fetchone()
    assert (names, tracks) == ("N", 0)


def test_nothing_of_the_file_system_is_told(attacked: Ran) -> None:
    """P11, P40: no finding and no log names a place outside the feed, or the parser."""
    forbidden = (*FORBIDDEN, str(attacked.root), str(attacked.root.parent))
    logs = [file.read_text("utf-8") for file in attacked.root.rglob("*.log")]
    assert len(logs) == len(attacked.packages)
    told = [str(part) for row in attacked.findings for part in row] + logs
    assert not [(word, text) for word in forbidden for text in told if word in text]


def test_what_is_told_is_safe_to_show(attacked: Ran) -> None:
    """Section 6: no control characters, nothing endless."""
    for row in attacked.findings:
        found = Finding(*row[2:])
        for text in (found.file, found.xpath, found.message, found.hint):
            assert text.isprintable()
            assert len(text) <= 1200


def test_memory_stays_bounded(attacked: Ran) -> None:
    """P11: refused before it is read whole; 60 MB of anything take no 200 MB."""
    assert attacked.grown < GROWTH


@pytest.fixture(scope="module")
def harmless(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Every package of `HARMLESS`, run."""
    root = tmp_path_factory.mktemp("harmless") / "site"
    Engine.init(root).close()
    feed = new_feed(root, "Alice")
    for name, (text, _) in HARMLESS.items():
        data = text.encode() if isinstance(text, str) else text
        for wide in ("utf-8", "utf-16-le", "utf-16-be"):
            old, new = "<ID>x</ID>".encode(wide), f"<ID>{name}</ID>".encode(wide)
            data = data.replace(old, new)
        put(feed.folder / "packages" / name / "package.xml", data)
    feed.stack()
    return ran(root)


@pytest.mark.parametrize("name", HARMLESS)
def test_what_only_looks_like_an_attack_is_applied(harmless: Ran, name: str) -> None:
    """P11: the four encodings, comments, CDATA, instructions and pointers nobody follows."""
    path = f"packages/{name}/package.xml"
    assert harmless.of(path) == []
    assert harmless.packages[path][0] == "applied"
    with closing(sqlite3.connect(harmless.root / "catalogue.db")) as catalogue:
        rows = catalogue.execute("SELECT name FROM artist WHERE id = ?", (name,)).fetchall()
    assert rows == [(HARMLESS[name][1],)]


def _entry(feed: str = "", more: str = "", head: str = "") -> str:
    return f'{head}<xml><Client>Mallory</Client><Feed path="{feed}"/>{more}</xml>'


ENTRIES: dict[str, str | bytes] = {
    "doctype": _entry("/1", head="<!DOCTYPE xml>"),
    "entity": _entry("/&e;", head='<!DOCTYPE xml [<!ENTITY e "1">]>'),
    "entity-external": _entry("/1", "&e;", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///srv/x">]>'),
    "entity-undeclared": _entry("/&who;"),
    "xinclude": _entry(
        "/1", '<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="file:///srv/x"/>'
    ),
    "above": _entry("../outside"),
    "above-behind-a-slash": _entry("/../outside"),
    "above-in-the-middle": _entry("/1/../../outside"),
    "absolute": _entry("//srv/outside"),
    "url": _entry("file:///srv/outside"),
    "backslashes": _entry("..\\outside"),
    "nothing": _entry("/"),
    "dot": _entry("/./1"),
    "control": _entry("/1&#10;2"),
    "endless": _entry("/" + "x/" * 4_000),
    "link": _entry("/link"),
    "linked": _entry("/linked/1"),
    "file": _entry("/file"),
    "escaped": _entry("/..%2foutside"),
    "utf-7": '<?xml version="1.0" encoding="utf-7"?>' + _entry("/1"),
    "utf-16-unmarked": _entry("/1").encode("utf-16-le"),
    "nul": _entry("/1\0"),
    "empty": "",
    "binary": bytes(range(255, 0, -1)),
    "nested": "<xml>" * 5_000,
    "large": _entry("/1") + " " * 2_000_000,
    "two-roots": _entry("/1") * 2,
    "client-endless": _entry("/1").replace("Mallory", "x" * 300),
    "namespace": _entry("/1").replace("<xml>", '<xml xmlns="u">'),
}
"""Stack entries that must fail alone."""

MANIFESTS: dict[str, str | bytes | None] = {
    "manifest-missing": None,
    "manifest-doctype": '<!DOCTYPE x><xml><Client>Mallory</Client><Packages path="*"/></xml>',
    "manifest-of-another": '<xml><Client>Eve</Client><Packages path="*"/></xml>',
    **{
        f"manifest-glob-{number}": f'<xml><Client>Mallory</Client><Packages path="{glob}"/></xml>'
        for number, glob in enumerate(
            (
                *("../*/package.xml", "/**", "**/../../*", "file:///srv/*", "packages\\*", ""),
                *("*/" * 3_000, "packages/*&#0;", "packages/[", "packages/*&#10;/*"),
                *("**/**/**/**/**/**/**/**/x", "a**b**c**d**e**f**g**h", "{a,b}", "~/*", "$HOME/*"),
            )
        )
    },
    "manifest-utf-7": b'<?xml version="1.0" encoding="utf-7"?><xml/>',
    "manifest-nested": "<xml>" * 5_000,
    "manifest-large": "<xml>" + " " * 2_000_000,
}
"""Manifests whose feeds must fail alone."""


@pytest.fixture(scope="module")
def stacked(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Every entry and manifest, a good feed before, between and behind them, run."""
    root = tmp_path_factory.mktemp("stacked") / "site"
    Engine.init(root, settle_seconds=0, grace_seconds=0).close()
    (root / "feedengine.toml").write_text("settle_seconds = 0\ngrace_seconds = 0\n")
    (root / "outside").mkdir()
    (root / "outside" / "manifest.xml").write_text(f"<xml><Client>{CANARY}</Client></xml>")
    (root / "Feeds" / "link").symlink_to(root / "outside")
    (root / "Feeds" / "linked").symlink_to(root)
    (root / "Feeds" / "file").touch()
    for number, name in enumerate([*ENTRIES, *MANIFESTS]):
        feed = new_feed(root, "Mallory", milliseconds=1_000 + number)
        put(feed.folder / "packages" / "01" / "package.xml", good(f"before {name}"))
        feed.stack().rename(root / "Stack" / f"{2 * number}.xml")
        entry = root / "Stack" / f"{2 * number + 1}.xml"
        if name in ENTRIES:
            text = ENTRIES[name]
            entry.write_bytes(text.encode() if isinstance(text, str) else text)
            continue
        bad = new_feed(root, "Mallory", milliseconds=9_000 + number)
        put(bad.folder / "packages" / "01" / "package.xml", good(f"inside {name}"))
        (bad.folder / "manifest.xml").unlink()
        manifest = MANIFESTS[name]
        if manifest is not None:
            data = manifest.encode() if isinstance(manifest, str) else manifest
            (bad.folder / "manifest.xml").write_bytes(data)
        bad.stack().rename(entry)
    (root / "Stack" / "zz.xml").symlink_to(root / "outside" / "manifest.xml")
    return ran(root)


def _runs(root: Path) -> dict[str, tuple[str, list[str]]]:
    """Status and codes of each run by its Stack entry."""
    with closing(sqlite3.connect(root / "catalogue.db")) as catalogue:
        rows = catalogue.execute(
            "SELECT stack_entry, status, code FROM feed_run LEFT JOIN finding"
            " ON feed_run_id = feed_run.id AND severity = 'error' ORDER BY finding.id"
        ).fetchall()
    found: dict[str, tuple[str, list[str]]] = {}
    for entry, status, code in rows:
        found.setdefault(entry, (status, []))[1].append(code)
    return found


@pytest.mark.parametrize("name", ENTRIES)
def test_a_bad_entry_fails_alone(stacked: Ran, name: str) -> None:
    """P2, P4: `entry-invalid`, or `feed-missing` where the path is a plain one."""
    number = 2 * [*ENTRIES, *MANIFESTS].index(name) + 1
    status, codes = _runs(stacked.root)[f"{number}.xml"]
    assert status == "failed"
    assert set(codes) == {"feed-missing" if name in {"escaped", "file"} else "entry-invalid"}
    assert (stacked.root / "Stack" / "failed" / f"{number}.xml").is_file()


@pytest.mark.parametrize("name", MANIFESTS)
def test_a_bad_manifest_fails_alone(stacked: Ran, name: str) -> None:
    """P4, P6: `manifest-missing`, `client-mismatch` or `no-packages`."""
    number = 2 * [*ENTRIES, *MANIFESTS].index(name) + 1
    status, codes = _runs(stacked.root)[f"{number}.xml"]
    assert status == "failed"
    assert len(codes) == 1
    globs = {"no-packages", "manifest-missing"}
    assert codes[0] in {"manifest-of-another": {"client-mismatch"}}.get(name, globs)


def test_every_good_feed_between_them_is_applied(stacked: Ran) -> None:
    """P2, P7: bad entries and manifests hold nobody back; a link is no entry."""
    runs = _runs(stacked.root)
    count = len(ENTRIES) + len(MANIFESTS)
    assert {runs[f"{2 * number}.xml"][0] for number in range(count)} == {"succeeded"}
    assert runs["zz.xml"] == ("failed", ["entry-invalid"])
    with closing(sqlite3.connect(stacked.root / "catalogue.db")) as catalogue:
        (applied,) = catalogue.execute("SELECT count(*) FROM artist").fetchone()
    assert applied == count


def test_nothing_is_told_of_what_is_outside_the_stack(stacked: Ran) -> None:
    """P2, P40: no finding and no log names a place outside Feeds/, or the parser."""
    forbidden = (*FORBIDDEN, str(stacked.root), str(stacked.root.parent))
    logs = [file.read_text("utf-8") for file in stacked.root.rglob("*.log")]
    told = [str(part) for row in stacked.findings for part in row] + logs
    assert not [(word, text) for word in forbidden for text in told if word in text]
    assert all(str(part).isprintable() for row in stacked.findings for part in row)
    assert stacked.grown < GROWTH
