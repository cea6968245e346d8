"""A4: the pure function, the view and the Python API give one answer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedengine.asking import available
from feedengine.catalogue.availability import judge
from feedengine.catalogue.territories import Validity, territory_set
from feedengine.errors import RefusedError
from feedengine.store.database import reading

sys.path.insert(0, str(Path(__file__).parents[1]))
from agree.memory import MemorySite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import Databases

pytestmark = pytest.mark.usefixtures("on_both")

DAYS = ("2020-01-01", "2021-01-01", "2022-01-01", "2023-01-01")
COUNTRIES = ("US", "GB", "WW")
ASKED = ("US", "GB", "FR")
NAMES = ("StreamingValidity", "DownloadValidity", "RadioValidity", "FreezeMechanism", "Excluded")
USAGES = ("streaming", "download", "radio")
MOMENTS = tuple(f"{year}-{rest}" for year in range(2019, 2025) for rest in ("01-01", "06-01"))

validity = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(("Allow", "Allow", "Deny")),
    st.none() | st.sampled_from(DAYS),
    st.none() | st.sampled_from(DAYS),
)
validities = st.lists(validity, max_size=4)
territories = st.none() | st.dictionaries(st.sampled_from(COUNTRIES), validities, max_size=3)


def instant(day: str | None) -> str | None:
    """The canonical instant at which a day begins."""
    return None if day is None else f"{day}T00:00:00.000000Z"


def xml_of(found: list[tuple[Any, ...]]) -> str:
    """Validities as the protocol writes them, both ends as instants."""
    texts = []
    for name, kind, start, end in found:
        starts = f"<StartDate>{start}T00:00:00Z</StartDate>" if start else ""
        ends = f"<EndDate>{end}T00:00:00Z</EndDate>" if end else ""
        texts.append(f"<Validity><Name>{name}</Name><Type>{kind}</Type>{starts}{ends}</Validity>")
    return f"<Validities>{''.join(texts)}</Validities>"


def list_xml(declared: dict[str, list[tuple[Any, ...]]] | None) -> str:
    """A territory list, or nothing where none is declared."""
    if declared is None:
        return ""
    inside = "".join(
        f"<Territory><Country>{country}</Country>{xml_of(own)}</Territory>"
        for country, own in declared.items()
    )
    return f"<Territories>{inside}</Territories>"


def create(kind: str, content: str) -> str:
    """A package that creates an object."""
    return f'<xml><Schema action="Create"><{kind}>{content}</{kind}></Schema></xml>'


def values(found: list[tuple[Any, ...]]) -> list[Validity]:
    """Validities as values."""
    return [Validity(name, kind, instant(start), instant(end)) for name, kind, start, end in found]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, on_both: Databases) -> Iterator[MemorySite]:
    """One catalogue for all examples."""
    folder = tmp_path_factory.mktemp("view")
    made = MemorySite(folder, on_both.url(folder))
    yield made
    made.database.dispose()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(release=territories, track=territories, own=validities, linked=st.booleans())
def test_function_view_and_command_agree(
    site: MemorySite,
    release: dict[str, list[tuple[Any, ...]]] | None,
    track: dict[str, list[tuple[Any, ...]]] | None,
    own: list[tuple[Any, ...]],
    *,
    linked: bool,
) -> None:
    """A1–A4: for every country, usage and moment the three answers are one."""
    site.empty()
    link = "<Tracks><Track><ID>t</ID></Track></Tracks>" if linked else ""
    documents = [
        create("Track", f"<ID>t</ID><Title>T</Title>{xml_of(own)}{list_xml(track)}"),
        create("Release", f"<ID>r</ID><Title>R</Title>{list_xml(release)}{link}"),
    ]
    outcomes = site.apply([text.encode() for text in documents])
    assert [outcome.status for outcome in outcomes] == ["applied", "applied"]
    release_set = set_of(release) if linked else None
    with reading(site.database) as connection:
        named = {row[0] for row in connection.exec_driver_sql("SELECT name FROM usage")}
        rows = connection.exec_driver_sql(
            "SELECT country, usage, starts_at, ends_at, release_id FROM track_availability"
            " WHERE track_id = 't' AND country IN ('US', 'GB', 'FR')"
        ).fetchall()
        assert {row[4] for row in rows} <= {"r" if linked else None}
        for country in ASKED:
            for usage in USAGES:
                for day in MOMENTS:
                    at = str(instant(day))
                    wanted = judge(release_set, set_of(track), values(own), country, usage, at)
                    seen = any(
                        row[0] == country
                        and row[1] == usage
                        and (row[2] is None or row[2] <= at)
                        and (row[3] is None or row[3] > at)
                        for row in rows
                    )
                    if usage in named:
                        assert seen == wanted.available, (country, usage, at, wanted)
        answer = available(connection, "t", country="US", at="2021-06-01T00:00:00Z")
        moment = str(instant("2021-06-01"))
        wanted = judge(release_set, set_of(track), values(own), "US", "streaming", moment)
        assert (answer["available"], answer["rule"]) == (wanted.available, wanted.rule)


def set_of(declared: dict[str, list[tuple[Any, ...]]] | None) -> Any:
    """A territory list as a value."""
    if declared is None:
        return None
    return territory_set((country, values(own)) for country, own in declared.items())


def test_an_unknown_track_is_refused(site: MemorySite) -> None:
    """A question about a track that is not there is no "no"."""
    site.empty()
    with reading(site.database) as connection, pytest.raises(RefusedError):
        available(connection, "nobody", country="US")
