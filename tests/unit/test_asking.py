"""Questions to a catalogue: `feedengine.asking` on a small site of its own."""

from __future__ import annotations

import fcntl
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from databases import Databases

from feedengine import asking
from feedengine.engine import Engine
from feedengine.errors import RefusedError, UsageError
from feedengine.feeds.author import new_feed
from feedengine.store.database import reading
from feedengine.store.pages import asked
from feedengine.turn import turn_of

pytestmark = pytest.mark.usefixtures("on_both")

WINDOW = """<Territories><Territory><Country>{country}</Country><Validities><Validity>
<Name>StreamingValidity</Name><Type>Allow</Type><StartDate>2020-01-01</StartDate>
<EndDate>2020-12-31</EndDate></Validity></Validities></Territory></Territories>"""

HOLDS_BOTH = "<Tracks><Track><ID>t2</ID></Track><Track><ID>t1</ID></Track></Tracks>"
HOLDS_ONE = "<Tracks><Track><ID>t1</ID></Track></Tracks>"

FIRST = (
    "<Genre><ID>rock</ID><Name>Rock</Name></Genre>",
    "<Track><ID>t1</ID><Title>One</Title></Track>",
    "<Track><ID>t2</ID><Title>Two</Title></Track>",
    f"<Track><ID>alone</ID><Title>Alone</Title>{WINDOW.format(country='US')}</Track>",
    "<Track><ID>nowhere</ID><Title>Nowhere</Title></Track>",
    f"<Release><ID>r1</ID><Title>First</Title>{WINDOW.format(country='US')}{HOLDS_BOTH}</Release>",
    f"<Release><ID>r2</ID><Title>Second</Title>{WINDOW.format(country='FR')}{HOLDS_ONE}</Release>",
    "<Release><ID>r3</ID><Title>Third</Title><Territories/></Release>",
)
SECOND = ("<Release><ID>r1</ID><Title>Renamed</Title></Release>", "<Label><ID>9</ID></Label>")


def apply(engine: Engine, client: str, action: str, objects: tuple[str, ...], at: int) -> None:
    """A feed of one package an object, applied."""
    feed = new_feed(engine.settings.root, client, milliseconds=at)
    for one in objects:
        feed.add(f'<xml><Schema action="{action}">{one}</Schema></xml>')
    feed.stack()
    engine.run()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, on_both: Databases) -> Iterator[Engine]:
    """A catalogue with two releases of one track, made by one feed and changed by another."""
    assert on_both.kind  # the sites of this module are made where it says
    made = Engine.init(tmp_path_factory.mktemp("asked"), settle_seconds=0, grace_seconds=0)
    with made:
        apply(made, "Sony", "Create", FIRST, 1_600_000_000_000)
        apply(made, "Emi", "Upsert", SECOND, 1_600_000_000_001)
        yield made


def test_status_says_how_things_stand(engine: Engine) -> None:
    """The queue, what is held, the last run, the objects and the clients are told."""
    found = engine.status()
    assert set(found) == {
        "root",
        "queue",
        "plays",
        "busy",
        "turn",
        "held",
        "last_run",
        "objects",
        "clients",
        "last_change",
    }
    assert found["queue"] == {"waiting": 0, "oldest": None}
    assert found["busy"] is False
    assert found["held"] == []
    assert found["last_run"]["status"] == "partial"
    assert found["objects"] == {"label": 0, "genre": 1, "artist": 0, "release": 3, "track": 4}
    assert [(one["client"], one["runs"], one["last_run"]) for one in found["clients"]] == [
        ("Emi", 1, 2),
        ("Sony", 1, 1),
    ]
    json.dumps(found)


def test_queue_names_what_has_waited_longest(tmp_path: Path) -> None:
    """The oldest entry is the one with the oldest mtime, whatever its name."""
    for name, age in (("1.xml", 10), ("2.xml", 5_000), ("x.tmp", 9_000)):
        (tmp_path / name).write_text("<xml/>")
        now = (tmp_path / name).stat().st_mtime
        os.utime(tmp_path / name, (now - age, now - age))
    found = asking.queue_of(tmp_path)
    assert found["waiting"] == 2
    assert found["oldest"]["entry"] == "2.xml"
    assert found["oldest"]["age_seconds"] >= 5_000


def test_queue_wants_a_stack(tmp_path: Path) -> None:
    """Without a Stack folder the question is wrong, not the answer empty."""
    with pytest.raises(UsageError, match="no Stack"):
        asking.queue_of(tmp_path / "Stack")


def test_status_says_who_takes_entries(engine: Engine) -> None:
    """A lock says that somebody does; a lease also who, since when and until when."""
    assert (engine.status()["busy"], engine.status()["turn"]) == (False, None)
    turn = turn_of(engine.settings.stack, engine.database)
    with turn.taken(threading.Event(), pytest.fail):
        found = engine.status()
    assert found["busy"] is True
    assert set(found["turn"]) == {"holder", "since", "expires"}
    if engine.database.dialect.name == "postgresql":
        assert str(os.getpid()) in found["turn"]["holder"]
        assert found["turn"]["since"] < found["turn"]["expires"]
    else:
        assert set(found["turn"].values()) == {None}
    assert (engine.status()["busy"], engine.status()["turn"]) == (False, None)


def test_asking_never_takes_the_turn(engine: Engine) -> None:
    """Two who ask do not take each other for a run, and whoever wants the turn gets it."""
    (engine.settings.stack / ".lock").touch()
    with (engine.settings.stack / ".lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        assert engine.status()["busy"] is False


def test_feeds_newest_first(engine: Engine) -> None:
    """The newest run comes first; client, status and limit choose."""
    found = engine.feeds()
    assert [one["id"] for one in found] == [2, 1]
    assert set(found[0]) == {
        "id",
        "stack_entry",
        "feed_path",
        "client",
        "started_at",
        "finished_at",
        "status",
        "packages",
        "applied",
        "failed",
        "skipped",
        "released_at",
        "filed_at",
        "undone_by",
        "retry_of",
        "retry_code",
        "undoes",
        "pruned_at",
    }
    assert [one["id"] for one in engine.feeds(client="Sony")] == [1]
    assert [one["id"] for one in engine.feeds(status="partial")] == [2]
    assert [one["id"] for one in engine.feeds(limit=1)] == [2]
    assert engine.feeds(client="x' OR '1'='1") == []


def test_findings_with_their_package_and_client(engine: Engine) -> None:
    """Each finding names its run, feed, client and package; counts are by code and client."""
    found = engine.findings()
    assert found["total"] == 1
    (counted,) = found["by_code"]
    assert counted.pop("cure")
    assert counted == {
        "severity": "error",
        "code": "field-required",
        "client": "Emi",
        "findings": 1,
        "runs": 1,
        "last_run": 2,
    }
    (one,) = found["findings"]
    assert set(one) == {
        "id",
        "feed_run_id",
        "package_run_id",
        "feed_path",
        "client",
        "package",
        "severity",
        "code",
        "rule",
        "file",
        "line",
        "col",
        "xpath",
        "message",
        "hint",
    }
    assert (one["feed_run_id"], one["client"]) == (2, "Emi")
    assert one["package"] == "packages/02/package.xml"


def test_findings_are_chosen_by_run_code_client_and_severity(engine: Engine) -> None:
    """What is asked for narrows findings and counts alike."""
    assert engine.findings(run=1)["total"] == 0
    assert engine.findings(run=2, severity="error", client="Emi")["total"] == 1
    assert engine.findings(code="not-found")["total"] == 0
    assert engine.findings(client="Sony")["by_code"] == []
    assert engine.findings(limit=0) == {**engine.findings(), "findings": []}


def test_findings_of_what_is_not_there(engine: Engine) -> None:
    """A run that never was is refused, a code that is none is a wrong question."""
    with pytest.raises(RefusedError, match="no run 7"):
        engine.findings(run=7)
    with pytest.raises(UsageError) as wrong:
        engine.findings(code="field-requird")
    assert wrong.value.hint == "field-required is the nearest"


def test_most_frequent_codes_of_some_runs(engine: Engine) -> None:
    """The codes of these runs alone are counted, the most frequent first."""
    frequent = [{"severity": "error", "code": "field-required", "findings": 1}]
    assert engine.most_frequent([1, 2]) == frequent
    assert engine.most_frequent([1]) == []
    assert engine.most_frequent([]) == []
    assert engine.most_frequent(range(2, 2 + 2 * asking.MANY)) == frequent


def test_show_has_document_links_and_territories(engine: Engine) -> None:
    """P36, D10: tracks in the release's order, territories as people read them."""
    found = engine.show("release", "r1")
    window = {"starts_at": "2020-01-01T00:00:00.000000Z", "ends_at": "2021-01-01T00:00:00.000000Z"}
    validity = {"name": "StreamingValidity", "type": "Allow", **window}
    assert found.pop("changed_at").endswith("Z")
    assert len(found.pop("territory_set_id")) == 32
    assert found == {
        "client": "Emi",
        "id": "r1",
        "title": "Renamed",
        "track": ["t2", "t1"],
        "territories": [{"country": "US", "validities": [validity]}],
    }


def test_show_tells_undeclared_from_empty(engine: Engine) -> None:
    """P36: a list that was never declared is None, one declared empty is empty."""
    assert engine.show("track", "t1")["territories"] is None
    assert engine.show("release", "r3")["territories"] == []
    assert engine.show("track", "t1")["release"] == ["r1", "r2"]
    assert "territories" not in engine.show("genre", "rock")


def test_show_as_of_an_instant_has_the_form_of_now(engine: Engine) -> None:
    """H1: as of this instant an object reads as it does now, as of another as it was then."""
    for kind, name in (("release", "r1"), ("release", "r3"), ("track", "t1"), ("genre", "rock")):
        assert engine.show(kind, name, at="2999-01-01") == engine.show(kind, name)
    created = engine.history("release", "r1")[0]["changed_at"]
    then = engine.show("release", "r1", at=created)
    assert (then["title"], then["changed_at"]) == ("First", created)
    with pytest.raises(RefusedError, match="no release 'r1' at 2001"):
        engine.show("release", "r1", at="2001-01-01")


def test_history_of_objects_and_links(engine: Engine) -> None:
    """H1: every change of an object, and of a release–track link, oldest first."""
    found = engine.history("release", "r1")
    assert [(one["action"], one["client"]) for one in found] == [
        ("create", "Sony"),
        ("update", "Emi"),
    ]
    assert found[1]["document"]["title"] == "Renamed"
    assert engine.history("release_track", "r1/t2")[0]["document"]["position"] == 1
    assert engine.history("release", "r1", at="2001-01-01") == []
    with pytest.raises(RefusedError, match="never was"):
        engine.history("release", "r1' --")


def test_what_is_not_there_is_refused(engine: Engine) -> None:
    """An unknown object is no, an unknown kind a wrong question; SQL in an ID is but an ID."""
    for name in ("nothing", "", "' OR 1=1 --", "t1'; DROP TABLE track; --", "T1"):
        with pytest.raises(RefusedError, match="no track"):
            engine.show("track", name)
    with pytest.raises(UsageError, match="no kind"):
        engine.show("track; DROP TABLE track", "t1")
    assert engine.status()["objects"]["track"] == 4


def test_available_answers_with_reason_rule_window_and_pair(engine: Engine) -> None:
    """A3: the answer has four parts and the pair that it was judged on."""
    found = engine.available("t1", country="us", at="2020-06-01", release="r1")
    assert found == {
        "available": True,
        "reason": "the release's list permits streaming in US: available from"
        " 2020-01-01 00:00:00 UTC to 2021-01-01 00:00:00 UTC",
        "rule": "A3",
        "window": {
            "starts_at": "2020-01-01T00:00:00.000000Z",
            "ends_at": "2021-01-01T00:00:00.000000Z",
        },
        "track": "t1",
        "release": "r1",
    }


@pytest.mark.parametrize(
    ("country", "release", "answer", "judged"),
    [
        ("FR", None, "yes", "r2"),
        ("US", None, "yes", "r1"),
        ("FR", "r1", "no", "r1"),
        ("DE", None, "no", "r1"),
    ],
)
def test_any_release_that_holds_the_track(
    engine: Engine, country: str, release: str | None, answer: str, judged: str
) -> None:
    """A3: the first available release answers; where none is, the first of all says why."""
    found = engine.available("t1", country=country, at="2020-06-01", release=release)
    assert (found["available"], found["release"]) == (answer == "yes", judged)


def test_a_track_on_no_release_stands_on_its_own_list(engine: Engine) -> None:
    """A3: without a release its own list decides, and without a list nothing is permitted."""
    found = engine.available("alone", country="US", at="2020-06-01")
    assert (found["available"], found["release"]) == (True, None)
    found = engine.available("nowhere", country="US", at="2020-06-01")
    assert (found["available"], found["rule"]) == (False, "A3")


def test_available_ends_with_its_window(engine: Engine) -> None:
    """A1: a window is [start, end); other usages, and now, are asked in the same way."""
    last = engine.available("t1", country="US", at="2020-12-31T23:59:59.999999Z")
    after = engine.available("t1", country="US", at="2021-01-01")
    assert (last["available"], after["available"], after["window"]) == (True, False, None)
    assert engine.available("t1", country="US", at="2020-06-01", usage="Streaming")["available"]
    assert not engine.available("t1", country="US", at="2020-06-01", usage="download")["available"]
    assert not engine.available("t1", country="US")["available"]


def test_available_agrees_with_the_view(engine: Engine) -> None:
    """A4: the command and the view answer alike for every country, usage and pair."""
    text = (
        "SELECT count(*) FROM track_availability WHERE track_id = ? AND country = ? AND usage = ?"
        " AND (starts_at IS NULL OR starts_at <= ?) AND (ends_at IS NULL OR ends_at > ?)"
    )
    with reading(engine.database) as connection:
        for track in ("t1", "t2", "alone", "nowhere"):
            for country in ("US", "FR", "GB"):
                for usage in ("streaming", "download"):
                    for year in ("2019", "2020", "2021"):
                        at = f"{year}-06-01T00:00:00.000000Z"
                        found = asking.available(
                            connection, track, country=country, usage=usage, at=at
                        )
                        rows = asked(connection, text, track, country, usage, at, at)
                        assert found["available"] is bool(next(rows)[0])


def test_available_of_what_is_not_there(engine: Engine) -> None:
    """An unknown track, release or pair is refused, and said."""
    with pytest.raises(RefusedError, match="no track 'x'"):
        engine.available("x", country="US")
    with pytest.raises(RefusedError, match="no release 'x'"):
        engine.available("t1", country="US", release="x")
    with pytest.raises(RefusedError, match="'r2' does not hold the track 't2'"):
        engine.available("t2", country="US", release="r2")


@pytest.mark.parametrize(
    "wrong", [{"country": "ZZ"}, {"country": "WW"}, {"country": ""}, {"usage": "*"}, {"at": "soon"}]
)
def test_available_of_wrong_questions(engine: Engine, wrong: dict[str, str]) -> None:
    """P16, P18: what is no country, no usage or no instant is a wrong question."""
    with pytest.raises(UsageError):
        engine.available("t1", **{"country": "US", **wrong})


def test_uk_is_read_as_gb() -> None:
    """P18: the alias is read, in any case."""
    assert asking.country_of("uk") == asking.country_of(" Gb ") == "GB"
