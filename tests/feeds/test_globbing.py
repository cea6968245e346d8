"""Globs and natural order against the slowest obvious way to do the same."""

from __future__ import annotations

import re
import tracemalloc
from fnmatch import fnmatchcase
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedengine.feeds.globbing import Glob, natural_key, natural_order
from feedengine.feeds.paths import OutsideError


def matches(glob: str, path: str) -> bool:
    """Whether a path matches, by stepping through a `Glob`."""
    compiled = Glob(glob)
    states = compiled.start
    *folders, last = path.split("/")
    for folder in folders:
        states = compiled.step(states, folder)
        if not compiled.goes_on(states):
            return False
    return compiled.ends(compiled.step(states, last))


def obviously_matches(pattern: list[str], path: list[str]) -> bool:
    """The same by trying everything."""
    if not pattern or not path:
        return not pattern and not path
    head, rest = pattern[0], pattern[1:]
    visible = not path[0].startswith(".")
    if head == "**":
        below = visible and obviously_matches(pattern, path[1:])
        return below or obviously_matches(rest or ["*"], path)
    if not visible and not head.startswith("."):
        return False
    return fnmatchcase(path[0], head) and obviously_matches(rest, path[1:])


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("packages/*/*/package.xml", "packages/01/package.xml", False),
        ("packages/*/package.xml", "packages/01/package.xml", True),
        ("packages/*/package.xml", "packages/a/b/package.xml", False),
        ("packages/*/package.xml", "packages/01/Package.xml", False),
        ("packages/*/package.xml", "Packages/01/package.xml", False),
        ("./packages/./*/package.xml", "packages/01/package.xml", True),
        ("package.xml", "package.xml", True),
        ("package.xml", "x/package.xml", False),
        ("*", "package.xml", True),
        ("*", "a/package.xml", False),
        ("**", "package.xml", True),
        ("**", "a/b/package.xml", True),
        ("**/package.xml", "package.xml", True),
        ("**/package.xml", "a/b/package.xml", True),
        ("a/**/package.xml", "a/package.xml", True),
        ("a/**/**/package.xml", "a/x/package.xml", True),
        ("a/**/b/**/c.xml", "a/b/b/x/c.xml", True),
        ("a/**/b/**/c.xml", "a/x/c.xml", False),
        ("a/**", "a", False),
        ("a/***/c.xml", "a/x/y/c.xml", True),
        ("a**.xml", "a.xml", True),
        ("a**.xml", "ab/c/d.xml", True),
        ("a**.xml", "b/a.xml", False),
        ("a**b**c", "axb/yc", True),
        ("a**b**c", "ax/yb/z/c", True),
        ("a**b**c", "ax/yc", False),
        ("pack**", "packages/01/package.xml", True),
        ("[ab].xml", "b.xml", True),
        ("[!ab].xml", "b.xml", False),
        ("[!ab].xml", "c.xml", True),
        ("[0-9]?.xml", "01.xml", True),
        ("[.xml", "[.xml", True),
        ("[z-a].xml", "z.xml", False),
        ("a.b", "a+b", False),
        ("*.xml", ".xml", False),
        ("*", ".git", False),
        ("?git", ".git", False),
        ("[.]git", ".git", False),
        (".*", ".git", True),
        (".git/*.xml", ".git/a.xml", True),
        ("**/a.xml", ".git/a.xml", False),
        ("**", "a/.b/c.xml", False),
        ("*/package.xml", "a\nb/package.xml", True),
        ("é*.xml", "éa.xml", True),
    ],
)
def test_globs_match_component_by_component(glob: str, path: str, *, expected: bool) -> None:
    """P6: case-sensitive, `*` never crosses a `/`, `**` does, wildcards spare hidden names."""
    assert matches(glob, path) is expected


NAMES = st.sampled_from(["a", "b", "ab", "10", "2", ".h", "a.xml"])
PARTS = st.sampled_from(["**", "*", "a", "b", "a*", "*b", "?", "[ab]", "[!a]", ".*", "*.xml"])


@given(st.lists(PARTS, min_size=1, max_size=5), st.lists(NAMES, min_size=1, max_size=5))
def test_globs_agree_with_the_obvious_matcher(pattern: list[str], path: list[str]) -> None:
    """P6: stepping folder by folder decides as trying everything does."""
    assert matches("/".join(pattern), "/".join(path)) is obviously_matches(pattern, path)


@pytest.mark.parametrize(
    "glob",
    [
        "",
        "/packages/*",
        "../*/package.xml",
        "packages/../*",
        "packages/..",
        "packages//*.xml",
        "packages/*/",
        "packages\\*\\package.xml",
        "http://example.org/*",
        "C:/packages/*",
        "a\0*",
        "a\n*",
        "**a" * 8,
        "*/" * 3000 + "a",
    ],
)
def test_globs_that_point_outside_are_refused(glob: str) -> None:
    """P6: `..`, absolute paths, URLs, backslashes and empty components never match anything."""
    with pytest.raises(OutsideError):
        Glob(glob)


def test_a_glob_of_nothing_but_dots_matches_nothing() -> None:
    """P6: the feed's folder itself is no package."""
    assert not matches(".", "a")
    assert Glob("./.").only_names(Glob("./.").start) == set()


def test_only_names_tells_where_no_listing_is_needed() -> None:
    """P6: a component without wildcards is looked up by its name."""
    glob = Glob("packages/*/package.xml")
    assert glob.only_names(glob.start) == {"packages"}
    inside = glob.step(glob.start, "packages")
    assert glob.only_names(inside) is None
    assert glob.only_names(glob.step(inside, "01")) == {"package.xml"}
    assert Glob("**/a").only_names(Glob("**/a").start) is None


def test_a_glob_made_to_be_slow_is_not() -> None:
    """P6: a hostile pattern costs no more than its length."""
    assert not matches("/".join(["*a" * 20 + "b"] * 3), "/".join(["a" * 200] * 3))
    assert not matches("**/a/" * 40 + "b", "/".join(["a"] * 60))


def obvious_key(name: str) -> list[tuple[str, int]]:
    """Numbers by value, the rest by code point."""
    parts = re.findall("[0-9]+|[^0-9]", name)
    return [("0", int(part)) if part[0] in "0123456789" else (part, 0) for part in parts]


@given(st.lists(st.text("019a-.é/_", max_size=8), max_size=30))
def test_natural_order_is_that_of_the_numbers_in_names(names: list[str]) -> None:
    """P6: `2` before `10`, whatever stands around the numbers."""
    expected = sorted(names, key=lambda name: (obvious_key(name), name))
    assert list(natural_order(names)) == expected


@pytest.mark.parametrize(
    "ordered",
    [
        ["1", "2", "10", "100"],
        ["001", "01", "1", "2"],
        ["a", "a1", "a2", "a10", "a10b", "b"],
        ["1.2", "1.10", "2.1"],
        ["x-1", "x1"],
        ["9" * 254, "1" + "0" * 254],
        ["٣", "٤"],
    ],
)
def test_natural_keys(ordered: list[str]) -> None:
    """P6: numbers of any length, leading zeros, ASCII digits only."""
    backwards = ordered[::-1]
    assert sorted(backwards, key=natural_key) == ordered


def test_marks_before_names_are_not_compared() -> None:
    """The walk carries a letter before each name."""
    assert list(natural_order(["z2", "a10", "m1"], skip=1)) == ["m1", "z2", "a10"]


def test_many_names_in_one_folder_stay_small() -> None:
    """P6: 200,000 names are put in order within 20 MB."""
    numbers = list(range(200_000))
    Random(1).shuffle(numbers)  # noqa: S311 - an order, not a secret
    tracemalloc.start()
    try:
        ordered = natural_order(f"{number:06d}.xml" for number in numbers)
        first = next(ordered)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert [int(name[:6]) for name in (first, *ordered)] == list(range(200_000))
    assert peak < 20_000_000
