"""Packages that are all of one kind: what they cost grows with their size and no faster.

Each of these took minutes once. The bound is some ten times what they take today.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.agree.memory import MemorySite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MANY = 20_000
SECONDS = 10

PUSH, PULL = ' action="Push"', ' action="Pull"'


class Shape(NamedTuple):
    """What stands before, the package, and what becomes of it; or the code that refuses it."""

    before: str
    made: Callable[[int], str]
    code: str = ""


def artist(inside: str, action: str = "Update") -> str:
    """A package for one artist."""
    name = "" if action == "Update" else "<Name>N</Name>"
    said = f'<Artist action="{action}"><ID>a</ID>{name}{inside}</Artist>'
    return f"<xml><Schema>{said}</Schema></xml>"


def release(inside: str, action: str = "Update") -> str:
    """A package for one release."""
    title = "" if action == "Update" else "<Title>T</Title>"
    said = f'<Release action="{action}"><ID>r</ID>{title}{inside}</Release>'
    return f"<xml><Schema>{said}</Schema></xml>"


def times(text: str) -> Callable[[int], str]:
    """A text over and over, with its number for ``@``."""
    return lambda many: "".join(text.replace("@", str(number)) for number in range(many))


def resource(act: str = "", more: str = "<Source>s</Source><Type>t</Type>") -> str:
    """A resource of its own value."""
    return f"<Resource{act}>{more}<Value>@</Value></Resource>"


def listed(name: str, text: str, action: str = "Update") -> Callable[[int], str]:
    """An artist with one list of many items."""
    return lambda many: artist(f"<{name}>{times(text)(many)}</{name}>", action)


def tracks(text: str) -> Callable[[int], str]:
    """A release with many tracks."""
    return lambda many: release(f"<Tracks>{times(text)(many)}</Tracks>")


def genres(text: str, action: str) -> Callable[[int], str]:
    """A genre list of many genres."""
    return lambda many: (
        f'<xml><Schema action="{action}"><Genres>{times(text)(many)}</Genres></Schema></xml>'
    )


def validities(text: str) -> Callable[[int], str]:
    """A release with many validities in one country."""
    return lambda many: release(
        "<Territories><Territory><Country>US</Country><Validities>"
        f"{times(text)(many)}</Validities></Territory></Territories>"
    )


GENRE = "<Genre{}><ID>g@</ID><Name>N</Name></Genre>"
USAGE = "<Validity><Name>u@Validity</Name><Type>Allow</Type></Validity>"
CONDITION = "<Validity><Name>c@</Name><Type>Allow</Type></Validity>"
ARTIST, RELEASE = artist("", "Create"), release("", "Create")
FULL = artist(f"<Resources>{times(resource())(MANY)}</Resources>", "Create")

SHAPES = {
    "pushed": Shape(ARTIST, listed("Resources", resource(PUSH))),
    "pulled": Shape(FULL, listed("Resources", resource(PULL))),
    "pulled by a part": Shape(FULL, listed("Resources", resource(PULL, ""))),
    "pulled in vain": Shape(FULL, listed("Resources", resource(PULL, "<Type>x</Type>"))),
    "linked": Shape(ARTIST, listed("Genres", GENRE.format(PUSH))),
    "tracks": Shape(RELEASE, tracks(f"<Track{PUSH}><ID>t@</ID><Title>T</Title></Track>")),
    "tracks pulled": Shape(RELEASE, tracks(f"<Track{PULL}><ID>t@</ID><Title>T</Title></Track>")),
    "genres": Shape(ARTIST, genres(GENRE.format(""), "Create")),
    "genres in and out": Shape(ARTIST, genres(GENRE.format(PUSH) + GENRE.format(PULL), "Update")),
    "usages": Shape(RELEASE, validities(USAGE)),
    "usages and conditions": Shape(RELEASE, validities(USAGE + CONDITION), "too-large"),
    "unknown": Shape(ARTIST, lambda many: artist(times("<Nmae@/>")(5 * many)), "element-unknown"),
    "unknown and long": Shape(
        ARTIST, lambda many: artist(times(f"<{'Name' * 200}@/>")(many)), "element-unknown"
    ),
    "wrong at the end": Shape(
        ARTIST,
        lambda many: artist(times("<View>1</View>")(many) + times("<View@/>")(1000)),
        "schema-invalid",
    ),
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[MemorySite]:
    """A catalogue."""
    made = MemorySite(tmp_path, f"sqlite:///{tmp_path / 'catalogue.db'}")
    yield made
    made.database.dispose()


@pytest.mark.parametrize("name", SHAPES)
def test_time_grows_with_size_alone(site: MemorySite, name: str) -> None:
    """P11: seconds for what would take the square of its size."""
    shape = SHAPES[name]
    (before,) = site.apply([shape.before.encode()])
    assert before.status == "applied"
    document = shape.made(MANY).encode()
    began = time.process_time()
    (outcome,) = site.apply([document])
    took = time.process_time() - began
    errors = [code for severity, code in outcome.codes if severity == "error"]
    assert shape.code in errors if shape.code else outcome.status == "applied", errors[:3]
    assert len(outcome.codes) <= 1000
    assert took < SECONDS


def test_an_error_behind_all_warnings_makes_the_package_fail(site: MemorySite) -> None:
    """Section 6, P7: whether it is found on reading or on deciding."""
    warned = times("<Genre/>")(1500)
    unread = artist(f"<Genres>{warned}</Genres><View>x</View>", "Create")
    unlinked = artist(f"<Genres>{warned}<Genre><ID>g</ID></Genre></Genres>", "Create")
    for document, code in ((unread, "value-invalid"), (unlinked, "reference-unknown")):
        (outcome,) = site.apply([document.encode()])
        assert (outcome.status, len(outcome.codes)) == ("failed", 1000)
        assert ("error", code) in outcome.codes
    (outcome,) = site.apply([artist(f"<Genres>{warned}</Genres>", "Create").encode()])
    assert (outcome.status, len(outcome.codes)) == ("applied", 1000)
