"""Strategies for catalogues that change over time: packages, and when each was applied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from xml.sax.saxutils import escape

from hypothesis import strategies as st

if TYPE_CHECKING:
    from sqlalchemy import Engine

TRACKS = ("1", "2", "t/3%")
RELEASES = ("1", "r 2", "r/3")
PROVIDERS = ("7digital", "other", "third")
REFS = ("1", "2", "9")
COUNTRIES = ("GB", "US", "WW")
MOMENTS = tuple(range(2, 12))
NAMES = ("StreamingValidity",) * 5 + ("DownloadValidity", "Excluded", "Freeze")


def instant(number: int) -> str:
    """The canonical instant of a moment: all of them lie within microseconds of each other."""
    return f"2020-01-01T00:00:00.{number:06d}Z"


def _elements(values: dict[str, str]) -> str:
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in values.items())


def _validity_xml(found: list[tuple[str, str, int | None, int | None]]) -> str:
    items = []
    for name, kind, start, end in found:
        values = {"Name": name, "Type": kind}
        if start is not None:
            values["StartDate"] = instant(start)
        if end is not None:
            values["EndDate"] = instant(end)
        items.append(f"<Validity>{_elements(values)}</Validity>")
    return f"<Validities>{''.join(items)}</Validities>"


_bound = st.none() | st.sampled_from(MOMENTS)
_validity = st.tuples(
    st.sampled_from(NAMES), st.sampled_from(("Allow",) * 5 + ("Deny",)), _bound, _bound
)
_windows = st.lists(_validity, max_size=3)
_territories = st.dictionaries(st.sampled_from(COUNTRIES), _windows, max_size=3)
_references = st.dictionaries(st.sampled_from(PROVIDERS), st.sampled_from(REFS), max_size=3)


def _list_xml(declared: dict[str, Any]) -> str:
    return "".join(
        f"<Territory><Country>{country}</Country>{_validity_xml(own)}</Territory>"
        for country, own in declared.items()
    )


def _reference_xml(found: dict[str, str]) -> str:
    items = [
        f"<Reference><Provider>{provider}</Provider><ID>{ref}</ID></Reference>"
        for provider, ref in found.items()
    ]
    return f"<References>{''.join(items)}</References>"


@st.composite
def _common(draw: st.DrawFn) -> str:
    inside = ""
    if draw(_mostly):
        inside += _reference_xml(draw(_references))
    if draw(_mostly):
        inside += f"<Territories>{_list_xml(draw(_territories))}</Territories>"
    return inside


def _package(action: str, kind: str, name: str, inside: str) -> str:
    content = f"<ID>{escape(name)}</ID>{inside}"
    return f'<xml><Schema><{kind} action="{action}">{content}</{kind}></Schema></xml>'


_actions = st.sampled_from(("Upsert",) * 6 + ("Update", "Create"))
_mostly = st.sampled_from((True, True, True, False))


@st.composite
def _track(draw: st.DrawFn) -> str:
    inside = f"<Title>T</Title>{draw(_common())}"
    if draw(st.booleans()):
        inside += _validity_xml(draw(_windows))
    if draw(st.booleans()):
        inside += f"<Duration>PT{draw(st.integers(0, 5))}S</Duration>"
    return _package(draw(_actions), "Track", draw(st.sampled_from(TRACKS)), inside)


@st.composite
def _release(draw: st.DrawFn) -> str:
    inside = f"<Title>R</Title>{draw(_common())}"
    if draw(st.booleans()):
        inside += f"<ReleaseDate>20{draw(st.integers(10, 13))}-01-01</ReleaseDate>"
    if draw(_mostly):
        held = draw(st.lists(st.sampled_from(TRACKS), min_size=1, unique=True) | st.just([]))
        tracks = (f"<Track><ID>{escape(one)}</ID><Title>T</Title></Track>" for one in held)
        inside += f"<Tracks>{''.join(tracks)}</Tracks>"
    return _package(draw(_actions), "Release", draw(st.sampled_from(RELEASES)), inside)


@st.composite
def _deleted(draw: st.DrawFn) -> str:
    kind, names = draw(st.sampled_from((("Track", TRACKS), ("Release", RELEASES))))
    return _package("Delete", kind, draw(st.sampled_from(names)), "")


class Step(NamedTuple):
    """A package, and how many microseconds after the last it was applied."""

    document: str
    later: int


steps = st.builds(
    Step,
    st.one_of(_track(), _release(), _track(), _release(), _release(), _deleted()),
    st.sampled_from((0, 1, 1, 2)),
)
_OPEN = "<Territories><Territory><Country>WW</Country></Territory></Territories>"
_HELD = "".join(f"<Track><ID>{one}</ID><Title>T</Title></Track>" for one in TRACKS)
BEGUN = [
    Step(_package("Create", "Release", name, f"<Title>R</Title>{_OPEN}<Tracks>{_HELD}</Tracks>"), 1)
    for name in RELEASES[:2]
]
histories = st.tuples(
    st.sampled_from(([], BEGUN[:1], BEGUN)), st.lists(steps, min_size=1, max_size=9)
).map(lambda both: [*both[0], *both[1]])
"""Packages over time, mostly after releases that everybody may use."""


def date(database: Engine, history: list[Step], first: int = 3) -> None:
    """Let each package have been applied when its step says."""
    mark = "?" if database.dialect.name == "sqlite" else "%s"
    with database.connect() as connection, connection.begin():
        packages = connection.exec_driver_sql("SELECT id FROM package_run ORDER BY id").fetchall()
        at = first
        for (package,), step in zip(packages, history, strict=True):
            at += step.later
            text = f"UPDATE change SET changed_at = {mark} WHERE package_id = {mark}"
            connection.exec_driver_sql(text, (instant(at), package))
