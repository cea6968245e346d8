"""Paths as feeds name them: what is plain, and where the file of a `src` is looked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedengine.feeds.paths import OutsideError, plain_parts, resolve_source

PACKAGE = "packages/01/package.xml"


@pytest.mark.parametrize(
    ("src", "candidates"),
    [
        ("genres/rock.xml", ["packages/01/genres/rock.xml", "genres/rock.xml"]),
        (
            "tracks/track1",
            [
                "packages/01/tracks/track1",
                "packages/01/tracks/track1.xml",
                "tracks/track1",
                "tracks/track1.xml",
            ],
        ),
        ("../shared/a.xml", ["packages/shared/a.xml"]),
        ("../../shared/a.xml", ["shared/a.xml"]),
        ("./a//b.xml", ["packages/01/a/b.xml", "a/b.xml"]),
        ("x/../a.xml", ["packages/01/a.xml", "a.xml"]),
        (" a.xml\n", ["packages/01/a.xml", "a.xml"]),
        ("tracks/isrc:1.xml", ["packages/01/tracks/isrc:1.xml", "tracks/isrc:1.xml"]),
        ("%2e%2e/a.xml", ["packages/01/%2e%2e/a.xml", "%2e%2e/a.xml"]),
        ("...xml", ["packages/01/...xml", "...xml"]),
    ],
)
def test_src_is_looked_for_beside_the_package_then_in_the_feed(
    src: str, candidates: list[str]
) -> None:
    """P40: from the package's folder, then from the feed's; `.xml` may be left off."""
    assert resolve_source(PACKAGE, src) == candidates


def test_src_of_a_package_at_the_top_is_looked_for_once() -> None:
    """P40: where both folders are one, no place is named twice."""
    assert resolve_source("package.xml", "release.1") == ["release.1", "release.1.xml"]


@pytest.mark.parametrize("src", ["", "  ", ".", "a/", "a/.", "..", "../..", "genres//"])
def test_src_that_names_a_folder_has_no_file(src: str) -> None:
    """P40: what can only be a folder gives nothing to read, so it ends as `source-missing`."""
    assert resolve_source(PACKAGE, src) == []


@pytest.mark.parametrize(
    "src",
    [
        "../../../a.xml",
        "a/../../../../b.xml",
        "../../../../../../etc/passwd",
        "../../..",
        "/etc/passwd",
        "//host/share/a.xml",
        "http://example.org/a.xml",
        "https:a.xml",
        "file:///etc/passwd",
        "urn:x:y",
        "C:/a.xml",
        "..\\a.xml",
        "C:\\a.xml",
        "a\0.xml",
        "a\nb.xml",
        "a\x7f.xml",
        "a\x85b.xml",
        "a/" * 3000 + "b.xml",
    ],
)
def test_src_that_leads_outside_is_refused(src: str) -> None:
    """P40: `..` above the feed, absolute paths, URLs, backslashes, control characters."""
    with pytest.raises(OutsideError):
        resolve_source(PACKAGE, src)


@given(
    st.lists(st.sampled_from(["a", "b.xml", "..", ".", "", "%2e"]), min_size=1, max_size=8),
    st.lists(st.sampled_from(["p", "q"]), max_size=3),
)
def test_src_never_leads_above_the_feed(parts: list[str], folder: list[str]) -> None:
    """P40: every candidate is a plain path below the feed, whatever `src` says."""
    try:
        candidates = resolve_source("/".join([*folder, "package.xml"]), "/".join(parts))
    except OutsideError:
        return
    assert all(plain_parts(candidate) for candidate in candidates)
    assert len(set(candidates)) == len(candidates)


def test_the_message_names_the_path_and_shows_it_safely() -> None:
    """Section 6: text of a feed is quoted without control characters."""
    with pytest.raises(OutsideError) as caught:
        resolve_source(PACKAGE, "a\x1b[31m.xml")
    assert str(caught.value) == "'a\\u001b[31m.xml' holds a control character"
    assert caught.value.path == "a\x1b[31m.xml"


@pytest.mark.parametrize("path", ["", "a//b", "a/", "./a", "a/./b", "a/../b", ".."])
def test_plain_paths_have_no_gaps_or_dots(path: str) -> None:
    """P2: a plain relative path has neither `.` nor `..` nor an empty component."""
    with pytest.raises(OutsideError):
        plain_parts(path)
