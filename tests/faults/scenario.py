"""A site on which applying anything twice, never, or in another order shows.

Three clients; counters that are increased and decreased, children pushed and pulled, things
deleted, and viewed between two changes; small feeds that are saved together; failing packages,
feeds and entries that fail as a whole; feeds that are announced twice, packages side by side in one
folder, names that are no UTF-8, a feed that is held and one that waits behind it.
"""

from __future__ import annotations

import os
from pathlib import Path

from feedengine.engine import Engine
from feedengine.feeds.author import FeedWriter, new_feed

BEGAN = 1_700_000_000_000
SETTINGS = """\
batch_packages = 4
grace_seconds = 0
settle_seconds = 0
hold_count = 2
"""
AT_ONCE = "retry_seconds = 0\n"
"""For those who want to see a failure and not how it is borne."""
HELD_RUN = "9"
"""The number of the run that is held; it is the same in every run, however often that is killed."""

_UP = '<UpdateCount operator="Increase">3</UpdateCount>'
_DOWN = '<UpdateCount operator="Decrease">1</UpdateCount>'
_POPULAR = '<Popularity operator="Increase">0.1</Popularity>'
_IMAGES = '<Images operator="{}"><Image><Source>{}</Source><Value>{}.jpg</Value></Image></Images>'
_RELEASE = """<ID>r1</ID><Title>First</Title><Label><ID>l</ID><Name>L</Name></Label>
<Artists><Artist><ID>a1</ID></Artist></Artists><Tracks><Track><ID>t1</ID><Title>One</Title></Track>
<Track src="tracks/two.xml"/></Tracks><Territories><Territory><Country>WW</Country></Territory>
</Territories>"""
_TWO = "<xml><Schema><Track><ID>t2</ID><Title>Two</Title></Track></Schema></xml>"


def package(element: str, action: str, inside: str) -> str:
    """A package."""
    return f'<xml><Schema action="{action}"><{element}>{inside}</{element}></Schema></xml>'


def update(element: str, name: str, *inside: str) -> str:
    """An Update of one object."""
    return package(element, "Update", f"<ID>{name}</ID>{''.join(inside)}")


def track(name: str) -> str:
    """A Create of one track."""
    return package("Track", "Create", f"<ID>{name}</ID><Title>{name}</Title>")


def delete(name: str) -> str:
    """A Delete of one track."""
    return package("Track", "Delete", f"<ID>{name}</ID>")


def view(element: str, name: str) -> str:
    """A View of one object."""
    return package(element, "View", f"<ID>{name}</ID>")


def written(root: Path, url: str | None = None) -> None:
    """Make the site: everything is announced, nothing applied.

    ``url`` is the catalogue's; without one it is SQLite at its usual place.
    """
    root.mkdir(parents=True)
    database = "" if url is None else f'database_url = "{url}"\n'
    (root / "feedengine.toml").write_text(SETTINGS + AT_ONCE + database)
    Engine.init(root).close()
    _first(root)
    _counters(root)
    _failures(root)
    _held(root)
    _small(root)


def feed(root: Path, number: int, client: str, *packages: str) -> FeedWriter:
    """Write a feed; the caller puts it on the Stack."""
    made = new_feed(root, client, milliseconds=BEGAN + number)
    for one in packages:
        made.add(one)
    return made


def _first(root: Path) -> None:
    """What the others need."""
    genres = "<Genre><ID>g1</ID><Name>G</Name></Genre><Genre><ID>g2</ID><Name>H</Name></Genre>"
    artist = "<ID>a1</ID><Name>A</Name><Popularity>0.5</Popularity>"
    alpha = feed(
        root,
        1,
        "alpha",
        package("Genres", "Create", genres),
        package("Artist", "Create", artist),
        package("Release", "Create", _RELEASE),
        update("Artist", "a1", _POPULAR, _IMAGES.format("Push", "s", "x")),
    )
    alpha.add(_TWO, "tracks/two.xml")
    alpha.stack()
    feed(root, 2, "beta", *(track(f"b{number}") for number in range(1, 6))).stack()


def _counters(root: Path) -> None:
    """Feeds that cannot be replayed; one is announced twice, one has its packages in one folder."""
    mixed = feed(
        root,
        3,
        "alpha",
        update("Track", "t1", _UP, _DOWN, _UP),
        view("Track", "t1"),
        update("Track", "t1", _UP, "<Title>Another</Title>"),
        update("Track", "t2", '<UpdateCount operator="Decrease">1</UpdateCount>'),
        update("Artist", "a1", _IMAGES.format("Pull", "s", "x"), _POPULAR),
        update("Artist", "a1", _IMAGES.format("Push", "s", "y"), '<Genres><Genre operator="Push">'
               "<ID>g2</ID></Genre></Genres>"),
        view("Artist", "a1"),
    )  # fmt: skip
    mixed.stack()
    beside = feed(root, 4, "beta")
    manifest = beside.folder / "manifest.xml"
    manifest.write_text(manifest.read_text().replace("packages/*/package.xml", "*/*.xml"))
    for number in range(1, 5):
        beside.add(update("Track", "b1", _UP), f"all/{number}.xml")
    beside.add(update("Track", "missing", _UP), "all/5.xml")
    odd = os.fsencode(beside.folder) + b"/odd\xff"
    os.mkdir(odd)  # noqa: PTH102 - a name that is no text
    with open(odd + b"/package.xml", "w", encoding="utf-8") as file:  # noqa: PTH123 - the same
        file.write(update("Track", "b2", _UP))
    beside.stack()
    again = root / "Stack" / f"{BEGAN + 5}.xml"
    again.write_bytes(mixed.stack().read_bytes())
    twice = root / "Stack" / f"{BEGAN + 6}.xml"
    twice.write_bytes(beside.stack().read_bytes())


def _failures(root: Path) -> None:
    """What fails as a whole: a client that is another's, no packages, an entry that is no XML."""
    wrong = feed(root, 7, "gamma", track("never"))
    manifest = wrong.folder / "manifest.xml"
    manifest.write_text(manifest.read_text().replace("gamma", "delta"))
    wrong.stack()
    feed(root, 8, "gamma").stack()
    (root / "Stack" / "zz-broken.xml").write_text("<xml><Client>gamma")
    odd = feed(root, 12, "gamma", track("c1"), update("Track", "c1", _UP)).stack()
    os.rename(odd, os.fsencode(odd.parent) + b"/zz-odd\xff.xml")  # noqa: PTH104 - no text either


def announced_again(root: Path) -> bool:
    """For when the first run is over: a producer rewrites a package and announces its feed anew.

    False when the feed's first entry is not where it has to be by then.
    """
    folder = root / "Feeds/2023/11/14" / f"{BEGAN + 2}"
    if not (root / "Stack/processed" / f"{BEGAN + 2}.xml").exists():
        return False
    (folder / "packages/05/package.xml").write_text(update("Track", "b1", _DOWN))
    entry = (root / "Stack/processed" / f"{BEGAN + 2}.xml").read_bytes()
    (root / "Stack" / f"{BEGAN + 13}.xml").write_bytes(entry)
    return True


def _held(root: Path) -> None:
    """Three of five tracks are deleted; behind that feed one waits, and one of another client."""
    feed(root, 9, "beta", *(delete(f"b{number}") for number in (3, 4, 5))).stack()
    behind = feed(root, 10, "beta", update("Track", "b1", _UP), update("Track", "b3", _UP))
    behind.stack()
    setting = "<ID>r1</ID><Territories><Territory><Country>GB</Country></Territory></Territories>"
    feed(
        root,
        11,
        "alpha",
        package("ReleaseSetting", "Update", setting),
        delete("t2"),
        update("Track", "t1", _DOWN),
        view("Release", "r1"),
    ).stack()


def _small(root: Path) -> None:
    """Feeds of one package that follow each other; some fail, one is announced twice."""
    up = update("Track", "s1", _UP)
    for number, one in enumerate((track("s1"), up, update("Track", "missing", _UP), up, up), 14):
        feed(root, number, "gamma", one).stack()
    feed(root, 19, "gamma", view("Track", "s1"), update("Track", "s1", _DOWN)).stack()
    twice = root / "Stack" / f"{BEGAN + 20}.xml"
    twice.write_bytes((root / "Stack" / f"{BEGAN + 18}.xml").read_bytes())
