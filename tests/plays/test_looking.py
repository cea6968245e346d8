"""Plays against a small catalogue, told as people would: H3, L2, L3, L6, L10 to L13."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from agree.memory import MemorySite

from feedengine.plays import past
from feedengine.plays.enrich import Fills, enrich, ids_made
from feedengine.plays.frames import ENRICHED, Looked
from feedengine.plays.loading import SNAPSHOTS, load
from feedengine.plays.looking import Looker
from feedengine.plays.reports import FORMATS
from feedengine.plays.rules import RULES
from feedengine.plays.seen import Numbers, Seen
from feedengine.plays.snapshot import leaves, read_snapshot
from feedengine.plays.verdicts import Terms
from feedengine.store.database import reading

from .batches import plain, play, raw, repeating, song
from .histories import Step, date

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import Databases

    from feedengine.plays.facts import Facts
    from feedengine.plays.frames import FormatName

pytestmark = pytest.mark.usefixtures("on_both")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, on_both: Databases) -> Iterator[MemorySite]:
    """One catalogue, emptied by each test."""
    folder = tmp_path_factory.mktemp("looking")
    made = MemorySite(folder, on_both.url(folder))
    yield made
    made.database.dispose()


def xml(action: str, kind: str, name: str, inside: str = "") -> str:
    """A package."""
    title = "Title" if kind in {"Release", "Track"} else "Name"
    titled = (
        ""
        if action == "Delete" or inside.startswith(("<Title", "<Name"))
        else f"<{title}>{name}</{title}>"
    )
    content = f'<{kind} action="{action}"><ID>{name}</ID>{titled}{inside}</{kind}>'
    return f"<xml><Schema>{content}</Schema></xml>"


def reference(ref: str) -> str:
    """A reference to the default provider."""
    inside = f"<Provider>7digital</Provider><ID>{ref}</ID>"
    return f"<References><Reference>{inside}</Reference></References>"


def territories(*countries: str) -> str:
    """A list of countries in which everything is allowed."""
    inside = "".join(f"<Territory><Country>{one}</Country></Territory>" for one in countries)
    return f"<Territories>{inside}</Territories>"


def tracks(*names: str) -> str:
    """Tracks of a release."""
    inside = (f"<Track><ID>{one}</ID><Title>{one}</Title></Track>" for one in names)
    return f"<Tracks>{''.join(inside)}</Tracks>"


def applied(site: MemorySite, *packages: tuple[int, str]) -> Facts:
    """The facts of packages, each applied at a microsecond."""
    site.empty()
    outcomes = site.apply([document.encode() for _, document in packages])
    assert [one.status for one in outcomes] == ["applied"] * len(packages)
    times = [at for at, _ in packages]
    later = np.diff([0, *times]).tolist()
    steps = [Step(document, more) for more, (_, document) in zip(later, packages, strict=True)]
    date(site.database, steps, 0)
    with reading(site.database) as connection:
        return load(connection, words=True)


def looked(
    facts: Facts,
    rows: list[dict[str, Any]],
    form: FormatName = "receipts",
    **terms: Any,
) -> Looked:
    """Rows looked up."""
    given = [{**row, "datetimeplayed": moment(row["datetimeplayed"])} for row in rows]
    with Seen() as names:
        came = raw(given)
        made = ids_made(came, FORMATS[form], Numbers(names))
        batch = enrich(came, FORMATS[form], Fills(0), made).batch
    looker = Looker(facts, Terms(**terms))
    found = looker.look(batch, form)
    same_of_dictionaries(found, looker.look(repeating(batch), form))
    assert found.batch.schema == ENRICHED
    assert found.batch.num_rows == len(rows)
    assert {*found.broken, *found.warned} <= RULES.keys()
    found.batch.validate(full=True)
    return found


def same_of_dictionaries(found: Looked, other: Looked) -> None:
    """The same is found of columns that are dictionaries."""
    assert plain(other.batch).equals(plain(found.batch))
    assert other.filled == found.filled
    assert other.matched == found.matched
    for some, others in ((found.broken, other.broken), (found.warned, other.warned)):
        assert some.keys() == others.keys()
        assert all((some[name] == others[name]).all() for name in some)


def moment(at: Any) -> str | None:
    """A microsecond of the first day of 2020; text stays."""
    return f"2020-01-01T00:00:00.{at:06d}Z" if isinstance(at, int) else at


def rules(found: Looked) -> list[set[str]]:
    """The rules that each row breaks."""
    return [
        {rule for rule, mask in found.broken.items() if mask[row]}
        for row in range(found.batch.num_rows)
    ]


def told(facts: Facts) -> dict[str, Any]:
    """All arrays of facts, as lists."""
    return {
        name: value.tolist() if hasattr(value, "tolist") else value
        for name, value in leaves("", facts)
    }


def at(*moments: int, **changes: Any) -> list[dict[str, Any]]:
    """A good play at these microseconds."""
    return [
        {**play(trackid="51", releaseid="91", country="us"), "datetimeplayed": one, **changes}
        for one in moments
    ]


TRACK = (10, xml("Create", "Track", "t", reference("51")))


def album(*names: str) -> tuple[int, str]:
    """A release for the US that holds these tracks."""
    return 10, xml("Create", "Release", "r", reference("91") + territories("US") + tracks(*names))


ALBUM = album("t")


def test_a_catalogue_loaded_late_voids_no_earlier_play(site: MemorySite) -> None:
    """H3: before its first appearance a fact counts as it was first seen."""
    assert rules(looked(applied(site, TRACK, ALBUM), at(0, 9, 10, 11))) == [set()] * 4


def test_a_track_taken_down_refuses_the_plays_from_then_on(site: MemorySite) -> None:
    """H3, L10: a play a microsecond before the take-down is valid, one at that microsecond not."""
    facts = applied(site, TRACK, ALBUM, (20, xml("Delete", "Track", "t")))
    assert rules(looked(facts, at(19, 20, 21))) == [set(), {"L10"}, {"L10"}]


def test_a_track_that_came_back_is_refused_for_the_time_between(site: MemorySite) -> None:
    """H3: the first appearance is the first of all; a new link and list count from then on."""
    facts = applied(
        site,
        TRACK,
        ALBUM,
        (20, xml("Delete", "Track", "t")),
        (30, TRACK[1]),
        (40, xml("Upsert", "Release", "r", tracks("t"))),
    )
    found = rules(looked(facts, at(5, 15, 25, 35, 45)))
    assert found == [set(), set(), {"L10"}, {"L11"}, set()]


def test_what_came_and_went_at_one_instant_never_was(site: MemorySite) -> None:
    """H3: a track first appears at the first instant as of which there is one."""
    facts = applied(site, TRACK, ALBUM, (10, xml("Delete", "Track", "t")), (20, TRACK[1]))
    assert rules(looked(facts, at(5, 15, 25, releaseid=None))) == [{"L12"}] * 3


def test_a_country_pulled_after_the_play_leaves_it_valid(site: MemorySite) -> None:
    """H3, L12: and one that a late licence covers is valid by ``then-or-now``."""
    facts = applied(site, TRACK, ALBUM, (20, xml("Update", "Release", "r", territories("DE"))))
    assert rules(looked(facts, at(15, 25))) == [set(), {"L12"}]
    assert rules(looked(facts, at(15, 25, country="de"))) == [{"L12"}, set()]
    assert rules(looked(facts, at(15, 25, country="de"), judge="then-or-now")) == [set(), set()]
    assert rules(looked(facts, at(25), availability=False)) == [set()]


def test_a_release_that_lost_the_track_is_refused_from_then_on(site: MemorySite) -> None:
    """L11: and one that never held it, or never was, always."""
    facts = applied(site, TRACK, ALBUM, (20, xml("Update", "Release", "r", "<Tracks></Tracks>")))
    assert rules(looked(facts, at(15, 25))) == [set(), {"L11"}]
    assert rules(looked(facts, at(15, releaseid="nix"))) == [{"L11"}]


def test_a_reference_means_whom_it_meant_then(site: MemorySite) -> None:
    """L2: it moved from one track to another; in between nobody had it, then both."""
    facts = applied(
        site,
        TRACK,
        (10, xml("Create", "Track", "other")),
        album("t", "other"),
        (20, xml("Update", "Track", "t", reference("52"))),
        (30, xml("Update", "Track", "other", reference("51"))),
        (40, xml("Update", "Track", "t", reference("51"))),
    )
    found = looked(facts, at(5, 15, 25, 35, 45))
    assert rules(found) == [set(), set(), {"L10"}, set(), {"L2"}]
    mine = looked(facts, at(15, 25, 35, trackid="t"))
    assert mine.batch.column("trackid").to_pylist() == ["51", "52", "52"]
    theirs = looked(facts, at(25, 35, trackid="other"))
    assert theirs.batch.column("trackid").to_pylist() == ["51", "51"]


def test_ids_are_tried_as_the_providers_then_as_our_own_then_as_anothers(site: MemorySite) -> None:
    """L2: and sent as the provider's; an object without such a reference is refused."""
    other = reference("t").replace("7digital", "other")
    facts = applied(
        site,
        (10, xml("Create", "Track", "51", reference("7"))),
        (10, xml("Create", "Track", "t", reference("51"))),
        (10, xml("Create", "Track", "u", other)),
        album("51", "t", "u"),
    )
    sent = looked(facts, [*at(15, trackid="51"), *at(15, trackid="t"), *at(15, trackid="7")])
    assert sent.batch.column("trackid").to_pylist() == ["51", "51", "7"]
    assert rules(looked(facts, at(15, trackid="u"))) == [{"L2"}]
    own = looked(facts, at(15, trackid="51"), provider="")
    assert own.batch.column("trackid").to_pylist() == ["51"]
    assert own.batch.column("releaseid").to_pylist() == ["r"]
    theirs = looked(facts, at(15, trackid="t"), provider="other")
    assert theirs.batch.column("trackid").to_pylist() == ["t"]


def test_an_id_of_our_own_finds_only_what_stood(site: MemorySite) -> None:
    """L2: once its track is deleted, an id may be another provider's for another track."""
    other = reference("t").replace("7digital", "other").replace("</References>", "")
    both = f"{other}{reference('52').replace('<References>', '')}"
    facts = applied(
        site,
        TRACK,
        (10, xml("Create", "Track", "u", both)),
        (12, album("t", "u")[1]),
        (20, xml("Delete", "Track", "t")),
    )
    found = looked(facts, at(15, 25, trackid="t"))
    assert found.batch.column("trackid").to_pylist() == ["51", "52"]
    assert rules(found) == [set(), set()]


def test_a_missing_release_is_the_one_that_was_available(site: MemorySite) -> None:
    """L3: of several the policy says which; of none the country is the reason."""
    dated = f"<ReleaseDate>2001-01-01</ReleaseDate>{reference('92')}"
    facts = applied(
        site,
        TRACK,
        ALBUM,
        (10, xml("Create", "Release", "de", dated + territories("DE", "US") + tracks("t"))),
    )
    german = looked(facts, at(15, releaseid=None, country="de"))
    assert german.batch.column("releaseid").to_pylist() == ["92"]
    assert german.filled == {"releaseid": 1}
    assert rules(looked(facts, at(15, releaseid=None))) == [{"L3"}]
    assert rules(looked(facts, at(15, releaseid=None, country="fr"))) == [{"L12"}]
    for policy, release in (("earliest-release", "92"), ("first-linked", "91")):
        found = looked(facts, at(15, releaseid=None), policy=policy)
        assert found.batch.column("releaseid").to_pylist() == [release]
        assert rules(found) == [set()]


def test_a_link_that_was_made_again_is_a_new_one(site: MemorySite) -> None:
    """L3: of two releases the first linked, by the links that stood then."""
    facts = applied(
        site,
        TRACK,
        ALBUM,
        (12, xml("Create", "Release", "s", reference("92") + territories("US") + tracks("t"))),
        (20, xml("Update", "Release", "r", "<Tracks></Tracks>")),
        (30, xml("Update", "Release", "r", tracks("t"))),
    )
    found = looked(facts, at(15, 25, 35, releaseid=None), policy="first-linked")
    assert found.batch.column("releaseid").to_pylist() == ["91", "92", "92"]


def test_a_release_of_then_goes_before_one_of_now(site: MemorySite) -> None:
    """L3 by ``then-or-now``: what is available only now is chosen only where nothing was then."""
    facts = applied(
        site,
        TRACK,
        ALBUM,
        (12, xml("Create", "Release", "s", reference("92") + territories("DE") + tracks("t"))),
        (20, xml("Update", "Release", "s", territories("US", "FR"))),
    )
    for country, release in (("us", "91"), ("de", "92"), ("fr", "92")):
        found = looked(facts, at(15, releaseid=None, country=country), judge="then-or-now")
        assert found.batch.column("releaseid").to_pylist() == [release]
    both = looked(facts, at(15, releaseid=None, country="fr"), availability=False)
    assert rules(both) == [{"L3"}]


def test_a_release_that_is_away_is_not_chosen(site: MemorySite) -> None:
    """H3, L3: a link counts before its first appearance, but not on a release that stood not."""
    facts = applied(
        site,
        TRACK,
        (10, xml("Create", "Release", "r", reference("91"))),
        (20, xml("Delete", "Release", "r")),
        (30, album("t")[1]),
    )
    found = looked(facts, at(15, 25, 35, releaseid=None))
    assert found.batch.column("releaseid").to_pylist() == ["91", None, "91"]
    assert rules(found) == [set(), {"L12"}, set()]


def test_a_play_longer_than_its_track_is_warned_of(site: MemorySite) -> None:
    """L13: two seconds more are nothing."""
    length = "<Duration>PT3M</Duration>"
    facts = applied(site, (10, xml("Create", "Track", "t", reference("51") + length)), ALBUM)
    rows = [*at(15, totaltimeplayed="182"), *at(15, totaltimeplayed="183")]
    assert looked(facts, rows).warned["L13"].tolist() == [False, True]


def test_what_cannot_be_read_or_has_no_instant_is_left_alone(site: MemorySite) -> None:
    """The format says what is wrong with it."""
    found = looked(
        applied(site, TRACK, ALBUM), [*at(15, trackid="nix"), *at(0, datetimeplayed="x")]
    )
    assert rules(found) == [{"L10"}, set()]
    assert rules(looked(applied(site), at(0, trackid=None, releaseid=None))) == [set()]


ISRC = "<ISRC>GBAYE0601477</ISRC>"
ADELE = "<Artists><Artist><ID>a</ID><Name>Adele</Name></Artist></Artists>"
BEYONCE = "<Artist><ID>b</ID><Name>Beyoncé</Name></Artist>"
BOTH = ADELE.replace("</Artists>", f"{BEYONCE}</Artists>")
LABEL = "<Label><ID>xl</ID><Name>XL</Name></Label>"
HELLO = f"<Title>Hello</Title><Duration>PT4M55S</Duration>{ISRC}{ADELE}"
TWENTY_FIVE = f"<Title>25</Title>{LABEL}{territories('US')}{tracks('t')}"


def entry(**changes: Any) -> dict[str, Any]:
    """A line of a station's log."""
    blank = dict.fromkeys(("title", "artist", "album", "label", "duration", "starttime"))
    return {**song(**blank), "datetimeplayed": 15, "country": "us", **changes}


def station(site: MemorySite, *more: tuple[int, str]) -> Facts:
    """A catalogue with one song, and more."""
    return applied(
        site,
        (10, xml("Create", "Track", "t", HELLO)),
        (10, xml("Create", "Release", "r", TWENTY_FIVE)),
        *more,
    )


def test_a_song_is_found_by_its_isrc_and_completed(site: MemorySite) -> None:
    """L6: Title, Artist, Album, Label and Duration come from the catalogue."""
    found = looked(station(site), [entry(isrc="gb-aye-06-01477")], "playlist")
    row = {name: found.batch.column(name)[0].as_py() for name in ("title", "artist", "album")}
    assert row == {"title": "Hello", "artist": "Adele", "album": "25"}
    assert found.batch.column("label").to_pylist() == ["XL"]
    assert found.batch.column("duration").to_pylist() == ["04:55"]
    assert found.batch.column("duration_int").to_pylist() == [295]
    assert found.filled == dict.fromkeys(("title", "artist", "album", "label", "duration"), 1)
    assert found.matched == {"isrc": 1}
    assert rules(found) == [set()]


def test_a_song_is_found_by_title_and_artist(site: MemorySite) -> None:
    """L6: whatever their spelling; what the station gives stays, a difference is a warning."""
    rows = [
        entry(title="HELLO!", artist="adele feat. Somebody"),
        entry(title="Hello", artist="Adele", album="25", label="Other"),
        entry(title="Hello", artist="Adele", album="Another"),
        entry(title="Hello", artist="Nobody"),
        entry(title="Hello", artist="Adele", duration="9:00"),
    ]
    found = looked(station(site), rows, "playlist")
    assert found.matched == {"title-artist": 1, "title-artist-album": 1, "uncertain": 2}
    assert found.batch.column("title").to_pylist() == ["HELLO!", *["Hello"] * 4]
    assert found.batch.column("album").to_pylist() == ["25", "25", "Another", None, None]
    assert found.warned["L6"].tolist() == [False, True, False, False, False]
    assert rules(found) == [set()] * 5


def test_words_are_those_of_then(site: MemorySite) -> None:
    """L6, H3: renamed artists and retitled tracks are found by what they were called then."""
    facts = station(
        site,
        (20, xml("Update", "Artist", "a", "<Name>Adele Adkins</Name>")),
        (30, xml("Update", "Track", "t", "<Title>Hello Again</Title>")),
    )
    rows = [
        entry(title="Hello", artist=artist, datetimeplayed=when)
        for when in (5, 25, 35)
        for artist in ("Adele", "Adele Adkins")
    ]
    found = looked(facts, rows, "playlist")
    assert found.batch.column("album").to_pylist() == ["25", None, None, "25", None, None]


def test_a_song_of_several_artists_is_found_by_all_or_by_the_first(site: MemorySite) -> None:
    """L6: a track without artists has its release's."""
    release = TWENTY_FIVE.replace(">t<", ">Hello<") + BOTH
    facts = applied(site, (10, xml("Create", "Release", "r", release)))
    artists = ("Adele", "Adele & Beyonce", "Adele, Beyoncé", "Beyoncé", "Beyoncé & Adele")
    found = looked(facts, [entry(title="hello", artist=one) for one in artists], "playlist")
    assert found.batch.column("album").to_pylist() == ["25", "25", "25", None, None]
    assert found.warned.get("L6") is None
    by_title = looked(facts, [entry(trackid="Hello")], "playlist")
    assert by_title.batch.column("artist").to_pylist() == ["Adele, Beyoncé"]
    assert by_title.batch.column("label").to_pylist() == ["XL"]


def test_one_recording_on_two_tracks_is_found_two_recordings_are_not(site: MemorySite) -> None:
    """L6: with one ISRC the first of the catalogue stands for both; else it is a guess."""
    same = (10, xml("Create", "Track", "t2", HELLO))
    found = looked(station(site, same), [entry(title="Hello", artist="Adele")], "playlist")
    assert found.matched == {"title-artist": 1}
    assert found.batch.column("album").to_pylist() == ["25"]
    other = (10, xml("Create", "Track", "t2", HELLO.replace("01477", "01478")))
    rows = [entry(title="Hello", artist="Adele"), entry(title="Hello", artist="Adele", album="25")]
    found = looked(station(site, other), rows, "playlist")
    assert found.matched == {"uncertain": 1, "title-artist-album": 1}


def test_rules_of_the_catalogue_hold_for_what_was_matched(site: MemorySite) -> None:
    """L10 to L12: an entry that nothing is known of breaks none of them."""
    rows = [entry(isrc="GBAYE0601477", country="de"), entry(title="?", artist="?", country="de")]
    assert rules(looked(station(site), rows, "playlist")) == [{"L12"}, set()]


def test_a_snapshot_gives_the_same_facts_until_something_changes(
    site: MemorySite, tmp_path: Path
) -> None:
    """It is found by its history, ignored when it does not fit, or is damaged."""
    station(site)

    def loaded(*, words: bool = False) -> Facts:
        with reading(site.database) as connection:
            return load(connection, words=words, folder=tmp_path)

    first = loaded(words=True)
    plain, spoken = (tmp_path / name for name in SNAPSHOTS)
    assert spoken.exists()
    kept = loaded()
    assert not plain.exists()  # the one with words will do
    assert told(kept) == told(first) == told(loaded(words=True))
    assert looked(kept, [entry(isrc="GBAYE0601477")], "playlist").matched == {"isrc": 1}
    site.apply([xml("Delete", "Track", "t").encode()])
    assert loaded().seq > first.seq
    assert plain.exists()
    assert not read_snapshot(plain, "another key")
    plain.write_bytes(plain.read_bytes()[:500])
    assert loaded().tracks.stands.first.tolist() != first.tracks.stands.first.tolist()
    plain.unlink()
    plain.mkdir()
    assert loaded().seq > first.seq


def test_history_is_read_page_by_page(site: MemorySite, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the size of a page, the facts are the same."""
    whole = station(
        site,
        (20, xml("Update", "Track", "t", reference("1") + territories("US"))),
        (20, xml("Delete", "Track", "t")),
    )
    real = past.read_past
    monkeypatch.setattr("feedengine.plays.loading.PAGE_ROWS", 1)
    monkeypatch.setattr(
        "feedengine.plays.loading.read_past", lambda one, read: real(one, read, page=1)
    )
    with reading(site.database) as connection:
        assert told(load(connection, words=True)) == told(whole)
