"""Who may send feeds, and who may change what (G3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from feedengine.engine import Engine
from feedengine.feeds.author import new_feed
from feedengine.store.database import reading
from feedengine.validating import validate

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("on_both")

DAY = 1_700_000_000_000


def package(action: str, kind: str, name: str, more: str = "") -> str:
    """A package about one object."""
    return f'<xml><Schema action="{action}"><{kind}><ID>{name}</ID>{more}</{kind}></Schema></xml>'


ARTIST = package("Create", "Artist", "adele", "<Name>Adele</Name>")
RELEASE = package(
    "Create",
    "Release",
    "r",
    "<Title>25</Title><Artists><Artist><ID>adele</ID></Artist></Artists>"
    "<Genres><Genre><ID>pop</ID><Name>Pop</Name></Genre></Genres>",
)


class Site:
    """A site on which clients drop feeds one after the other."""

    def __init__(self, root: Path) -> None:
        """Begin without guards."""
        self.root = root
        Engine.init(root).close()
        self.number = DAY

    def drop(self, client: str, *packages: str) -> Path:
        """Write a feed with its entry; its folder."""
        self.number += 1
        feed = new_feed(self.root, client, milliseconds=self.number)
        for one in packages:
            feed.add(one)
        feed.stack()
        return feed.folder

    def run(self, **settings: Any) -> list[tuple[str, list[str]]]:
        """The feeds taken, each with its status and the codes of its findings."""
        with Engine.at(self.root, grace_seconds=0, settle_seconds=0, **settings) as engine:
            return [
                (run.status, [one["code"] for one in engine.findings(run=run.id)["findings"]])
                for run in engine.run().runs
            ]

    def send(self, client: str, *packages: str, **settings: Any) -> tuple[str, list[str]]:
        """What became of one feed, which `validate` had told before."""
        settings = {"ownership": True, **settings}
        folder = self.drop(client, *packages)
        with Engine.at(self.root, **settings) as engine:
            told = [
                one.code for found in validate([folder], against=engine) for one in found.findings
            ]
        ((status, codes),) = self.run(**settings)
        assert told == codes
        return status, codes

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query gives."""
        with Engine.at(self.root) as engine, reading(engine.database) as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A new site."""
    return Site(tmp_path / "site")


def test_a_feed_of_an_unknown_client_fails_as_a_whole(site: Site) -> None:
    """G3: nothing of it is applied, its entry goes to failed/, and the finding is the feed's."""
    site.drop("Stranger", ARTIST)
    site.drop("A", package("Create", "Label", "l", "<Name>L</Name>"))
    assert site.run(known_clients=("A", "B")) == [("failed", ["client-unknown"]), ("succeeded", [])]
    assert site.rows("SELECT entity FROM change") == [("label",)]
    assert site.rows("SELECT package_run_id, file FROM finding") == [(None, f"{DAY + 1}.xml")]
    failed = site.root / "Stack" / "failed"
    assert len(list(failed.glob("*.xml"))) == len(list(failed.glob("*.error.log"))) == 1
    assert [path.name for path in (site.root / "Feeds").rglob("*.log")] != []


def test_an_unknown_client_is_refused_before_its_feed_is_waited_for(site: Site) -> None:
    """G3, P4: nothing is opened for a client whom nobody knows."""
    folder = site.drop("Stranger", ARTIST)
    folder.rename(folder.with_name("gone"))
    assert site.run(known_clients=("A",)) == [("failed", ["client-unknown"])]


def test_everybody_is_known_where_nobody_is_named(site: Site) -> None:
    """G3: the list is optional."""
    site.drop("Stranger", ARTIST)
    assert site.run() == [("succeeded", [])]


def test_validate_says_that_a_client_is_unknown(site: Site) -> None:
    """G3: of an entry and of a feed's folder alike; packages are then not looked at."""
    folder = site.drop("Stranger", ARTIST)
    entry = site.root / "Stack" / f"{DAY + 1}.xml"
    with Engine.at(site.root, known_clients=("a",)) as engine:
        for path in (entry, folder):
            (found,) = validate([path], against=engine)
            assert [one.code for one in found.findings] == ["client-unknown"]


def genres(inside: str) -> str:
    """A package that edits the genre list."""
    return f'<xml><Schema action="Update"><Genres>{inside}</Genres></Schema></xml>'


NESTED = (
    '<Title>T</Title><Releases><Release action="Upsert"><ID>r</ID><Title>x</Title></Release>'
    "</Releases>"
)
CHANGES = {
    "update": package("Update", "Release", "r", "<SubTitle>x</SubTitle>"),
    "upsert": package("Upsert", "Release", "r", "<Title>25</Title>"),
    "delete": package("Delete", "Release", "r"),
    "setting": package("Update", "ReleaseSetting", "r", "<Territories/>"),
    "nested upsert": package("Upsert", "Track", "t", NESTED),
    "genre list": genres("<Genre><ID>pop</ID><Name>x</Name></Genre>"),
    "genre pulled": genres('<Genre action="Pull"><ID>pop</ID></Genre>'),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_another_client_created_is_not_changed(site: Site, change: str) -> None:
    """G3: not by Update, Upsert, Delete, a setting, a nested Upsert or the genre list."""
    site.send("A", ARTIST, RELEASE)
    before = site.rows("SELECT max(seq) FROM change")
    assert site.send("B", change) == ("failed", ["not-owner"])
    assert site.rows("SELECT max(seq) FROM change") == before
    assert site.send("B", change, ownership=False)[0] == "succeeded"


def test_what_another_client_created_is_viewed_and_linked(site: Site) -> None:
    """G3, P43: a link is the matter of who owns one of its ends."""
    site.send("A", ARTIST, RELEASE)
    links = "<Artists><Artist><ID>adele</ID></Artist></Artists>"
    links += "<Releases><Release><ID>r</ID></Release></Releases>"
    track = package("Create", "Track", "t", f"<Title>T</Title>{links}")
    assert site.send("B", track, package("View", "Release", "r")) == ("succeeded", [])
    unlinked = '<Tracks action="Pull"><Track><ID>t</ID></Track></Tracks>'
    assert site.send("A", package("Update", "Release", "r", unlinked)) == ("succeeded", [])
    assert site.rows("SELECT client FROM track UNION SELECT client FROM release ORDER BY 1") == [
        ("A",),
        ("B",),
    ]


def test_an_owner_deletes_what_others_link_to(site: Site) -> None:
    """G3, P23: a take-down cannot be held up by whoever linked to it; the links go."""
    site.send("A", ARTIST)
    links = "<Artists><Artist><ID>adele</ID></Artist></Artists>"
    site.send("B", package("Create", "Track", "t", f"<Title>T</Title>{links}"))
    assert site.send("A", package("Delete", "Artist", "adele")) == ("succeeded", [])
    assert site.rows("SELECT client FROM track") == [("B",)]
    assert site.rows("SELECT entity, action, client FROM change ORDER BY seq DESC LIMIT 2") == [
        ("track", "update", "A"),
        ("artist", "delete", "A"),
    ]
    assert site.send("B", package("Update", "Track", "t", "<View>1</View>"))[0] == "succeeded"


def test_ownership_that_is_switched_on_late_asks_the_history(site: Site) -> None:
    """G3: who created an object owns it, whoever wrote it last."""
    site.send("A", ARTIST)
    rename = package("Update", "Artist", "adele", "<UniqueName>x</UniqueName>")
    site.send("B", rename, ownership=False)
    assert site.rows("SELECT client FROM artist") == [("B",)]
    assert site.send("B", rename) == ("failed", ["not-owner"])
    assert site.send("A", rename)[0] == "succeeded"


def test_who_creates_it_again_owns_it(site: Site) -> None:
    """G3: the owner is who created the object that stands."""
    site.send("A", ARTIST)
    site.send("A", package("Delete", "Artist", "adele"))
    site.send("B", ARTIST, package("Update", "Artist", "adele", "<View>1</View>"))
    assert site.send("A", package("Delete", "Artist", "adele")) == ("failed", ["not-owner"])
    assert site.rows("SELECT client, view FROM artist") == [("B", 1)]


def test_an_undo_that_puts_an_object_back_makes_nobody_its_owner(site: Site) -> None:
    """G3, H2: whoever had deleted it does not get it by that."""
    site.send("A", ARTIST)
    site.send("B", package("Delete", "Artist", "adele"), ownership=False)
    with Engine.at(site.root) as engine:
        engine.undo(2)
    rename = package("Update", "Artist", "adele", "<UniqueName>x</UniqueName>")
    assert site.send("B", rename) == ("failed", ["not-owner"])
    assert site.send("A", rename) == ("succeeded", [])
