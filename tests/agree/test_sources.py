"""A package whose models stand in files does what the same package does with them written out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from .memory import MemorySite
from .test_model import QUIET

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MemorySite]:
    """One catalogue for all examples."""
    folder = tmp_path_factory.mktemp("sources")
    made = MemorySite(folder, f"sqlite:///{folder / 'catalogue.db'}")
    yield made
    made.database.dispose()


class File(NamedTuple):
    """A model in a file: its action, whether it is complete, and the files that it names."""

    kind: str
    id: str
    action: str
    complete: bool
    names: tuple[int, ...]


NAMED = {"Release": ("Tracks", "Track"), "Track": ("Releases", "Release")}
FEW = 4


@st.composite
def files(draw: st.DrawFn) -> list[File]:
    """Releases (even numbers) and tracks (odd ones) that name each other."""
    found = []
    for number in range(2 * FEW):
        kind, other = ("Release", 1) if number % 2 == 0 else ("Track", 0)
        named = st.integers(0, FEW - 1).map(lambda n, other=other: 2 * n + other)
        names = tuple(draw(st.lists(named, max_size=3, unique=True)))
        action = draw(st.sampled_from(["", "", "", "Upsert"]))
        name = draw(st.sampled_from("xyz"))
        found.append(File(kind, name, action, draw(st.sampled_from([True, True, False])), names))
    return found


def model(file: File, action: str, inside: str) -> str:
    """A model with what is nested in it."""
    title = "<Title>T</Title>" if file.complete else ""
    plural = NAMED[file.kind][0]
    said = f' action="{action}"' if action else ""
    nested = f"<{plural}>{inside}</{plural}>" if inside else ""
    return f"<{file.kind}{said}><ID>{file.id}</ID>{title}{nested}</{file.kind}>"


def path_of(number: int) -> str:
    """What others call a file; the first is the package itself."""
    return f"{number}.xml" if number else "package.xml"


def by_source(found: list[File], number: int) -> str:
    """A file's model that names the others."""
    named = "".join(
        f'<{found[other].kind} src="{path_of(other)}"/>' for other in found[number].names
    )
    return model(found[number], "", named)


def written_out(found: list[File], number: int, above: tuple[int, ...], action: str) -> str:
    """P42: every file in its place; one met again while it is being read is a bare reference."""
    if number in above:  # the action that its file says still marks it in its list (P30)
        bare = found[number]._replace(complete=False)
        return model(bare, "Push" if bare.action and number else "", "")
    inside = "".join(
        written_out(found, other, (*above, number), found[other].action)
        for other in found[number].names
    )
    return model(found[number], action, inside)


def package(action: str, inside: str) -> bytes:
    """A package of one object."""
    return f'<xml><Schema action="{action}">{inside}</Schema></xml>'.encode()


@QUIET
@given(found=files(), standing=st.lists(st.sampled_from(["Release x", "Track y", "Track z"])))
def test_files_do_what_they_do_written_out(
    site: MemorySite, found: list[File], standing: list[str]
) -> None:
    """P40, P42, P43: although each is read once, and in whatever circles they name each other."""
    found[0] = found[0]._replace(complete=True)
    there = [
        package("Upsert", f"<{kind}><ID>{name}</ID><Title>T</Title></{kind}>")
        for kind, name in map(str.split, standing)
    ]
    contents = {
        f"{number}.xml": package(file.action or "View", by_source(found, number))
        for number, file in enumerate(found)
    }
    results = []
    for text in (written_out(found, 0, (), ""), by_source(found, 0)):
        site.empty()
        main = package("Upsert", text)
        outcome = site.apply([*there, main], files=contents)[-1]
        codes = {code for severity, code in outcome.codes if severity == "error"}
        results.append((outcome.status, codes, outcome.changes, site.tables()))
    assert results[0] == results[1]


def album(tracks: int) -> dict[str, bytes]:
    """A release and its tracks, each in a file that names the other."""
    named = "".join(f'<Track src="tracks/{number}.xml"/>' for number in range(tracks))
    made = {"release.xml": model(File("Release", "r", "", True, ()), "", named)}
    release = '<Release src="release.xml"/>'
    for number in range(tracks):
        file = File("Track", f"t{number}", "", True, ())
        made[f"tracks/{number}.xml"] = model(file, "", release)
    return {name: package("View", text) for name, text in made.items()}


def test_a_long_album_is_read_in_a_moment(site: MemorySite) -> None:
    """P42: 500 tracks in files that each name the release's file, which names them all."""
    site.empty()
    contents = album(500)
    main = contents["release.xml"].replace(b'"View"', b'"Create"')
    (outcome,) = site.apply([main], files=contents)
    assert (outcome.status, outcome.codes) == ("applied", [])
    assert len(outcome.changes) == 1 + 500 + 500
    assert next(row[1:3] for row in sorted(site.tables()["release_track"])) == ("t0", 1)
