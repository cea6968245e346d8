"""What a package may be at most is the operator's to say (P11, P42, section 6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from feedengine.catalogue import decide
from feedengine.engine import Engine
from feedengine.errors import UsageError
from feedengine.feeds.author import new_feed

if TYPE_CHECKING:
    from pathlib import Path


def found(root: Path, package: str, files: dict[str, str], **settings: Any) -> list[dict[str, Any]]:
    """The findings of a feed of one package."""
    Engine.init(root).close()
    feed = new_feed(root, "A", milliseconds=1)
    for name, text in files.items():
        feed.add(text, name)
    feed.add(package)
    feed.stack()
    with Engine.at(root, grace_seconds=0, settle_seconds=0, **settings) as engine:
        engine.run()
        findings: list[dict[str, Any]] = engine.findings()["findings"]
        return findings


def model(kind: str, name: str, named: str, action: str = "View") -> str:
    """A release or track that names others of the other kind."""
    plural = {"Release": "Tracks", "Track": "Releases"}[kind]
    inside = f"<ID>{name}</ID><Title>T</Title><{plural}>{named}</{plural}>"
    return f'<xml><Schema action="{action}"><{kind}>{inside}</{kind}></Schema></xml>'


def chain(length: int, times: int = 1) -> dict[str, str]:
    """Files that each name the next one, so many times over."""
    kinds = ("Track", "Release")
    return {
        f"{n}.xml": model(kinds[n % 2], f"{n}", f'<{kinds[n % 2 - 1]} src="{n + 1}.xml"/>' * times)
        for n in range(length)
    } | {f"{length}.xml": model(kinds[length % 2], "last", "")}


MAIN = model("Release", "r", '<Track src="0.xml"/>', "Create")


def test_so_many_findings_are_told_as_the_operator_says(tmp_path: Path) -> None:
    """Section 6: the last one counts the others."""
    package = f'<xml><Schema action="Create"><Artist>{"<x/>" * 9}</Artist></Schema></xml>'
    told = found(tmp_path, package, {}, max_findings=3)
    assert [one["code"] for one in told] == ["element-unknown"] * 3
    assert [one["message"].partition(" (and ")[2] for one in told] == [
        "",
        "",
        "8 findings more, 8 of them errors)",
    ]


def test_so_many_files_and_levels_as_the_operator_says(tmp_path: Path) -> None:
    """P42: one more of either is `source-limit`."""
    for number, (settings, refused) in enumerate(
        (
            ({"max_source_files": 5}, False),
            ({"max_source_files": 4}, True),
            ({"max_source_levels": 4}, False),
            ({"max_source_levels": 3}, True),
        )
    ):
        codes = [one["code"] for one in found(tmp_path / f"{number}", MAIN, chain(3), **settings)]
        assert ("source-limit" in codes) == refused


def test_files_that_name_the_next_twice_are_read_once(tmp_path: Path) -> None:
    """P42: 2^30 readings would be without end."""
    told = found(tmp_path, MAIN, chain(30, 2))
    assert {one["code"] for one in told} == {"duplicate-item"}
    assert len(told) == 30


def test_models_are_carried_out_so_many_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P42: files that all name each other and say Upsert are carried out in every order."""
    monkeypatch.setattr(decide, "MOST_REPEATED", 1000)
    tracks, releases = (
        "".join(f'<{kind} src="{kind}{n}.xml"/>' for n in range(6)) for kind in ("Track", "Release")
    )
    files = {f"Track{n}.xml": model("Track", f"{n}", releases, "Upsert") for n in range(6)}
    files |= {f"Release{n}.xml": model("Release", f"{n}", tracks, "Upsert") for n in range(6)}
    told = found(tmp_path, model("Release", "r", tracks, "Create"), files)
    assert {one["code"] for one in told} == {"source-limit", "name-not-lowercase"}


def test_a_list_that_stands_in_a_circle_ends(tmp_path: Path) -> None:
    """P40, P42: also where a collection, which may not have a src, has one."""
    files = {
        "t.xml": '<xml><Schema><Track><ID>t</ID><Releases src="r.xml"/></Track></Schema></xml>',
        "r.xml": '<xml><Schema><Release><ID>r</ID><Tracks src="t.xml"/></Release></Schema></xml>',
    }
    package = '<xml><Schema action="Create"><Release><ID>q</ID><Title>T</Title>'
    package += '<Tracks src="t.xml"/></Release></Schema></xml>'
    assert {one["code"] for one in found(tmp_path, package, files)} == {"schema-invalid"}


def test_a_limit_has_limits(tmp_path: Path) -> None:
    """What would exhaust the machine, or mean nothing, is wrong usage."""
    Engine.init(tmp_path).close()
    for wrong in ({"max_source_levels": 65}, {"max_findings": 0}, {"max_source_files": 0}):
        with pytest.raises(UsageError):
            Engine.at(tmp_path, **wrong)
