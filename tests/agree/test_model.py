"""The engine against the plain-Python model of the protocol, for every batch size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .memory import Applied, MemorySite
from .oracle import Oracle, Result
from .packages import PRELUDE, Package, sequences, to_xml

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import Databases

pytestmark = pytest.mark.usefixtures("on_both")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, on_both: Databases) -> Iterator[MemorySite]:
    """One catalogue for all examples."""
    folder = tmp_path_factory.mktemp("model")
    made = MemorySite(folder, on_both.url(folder))
    yield made
    made.database.dispose()


QUIET = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@QUIET
@given(found=sequences(max_size=8), batch=st.sampled_from([1, 2, 3, 1000]), strict=st.booleans())
def test_engine_and_model_agree(
    site: MemorySite, found: list[Package], batch: int, *, strict: bool
) -> None:
    """P7, P10–P36, P43, P44, H1: status, findings, history and documents are the model's."""
    site.empty()
    oracle = Oracle(strict=strict)
    expected = [oracle.apply(package) for package in found]
    outcomes = site.apply([to_xml(package) for package in found], batch=batch, strict=strict)
    for package, wanted, got in zip(found, expected, outcomes, strict=True):
        text = to_xml(package).decode()
        assert got.status == wanted.status, (text, got.codes, wanted.codes)
        if got.status == "failed":
            assert errors_of(wanted) <= errors_of(got), text
        else:
            assert got.codes == sorted(wanted.codes), text
        assert got.changes == wanted.changes, text
    assert last_documents(site) == oracle.documents()


def told(
    site: MemorySite, feeds: list[tuple[str, list[Package]]], batch: int, **terms: bool
) -> list[Applied]:
    """What became of packages, feed by feed, each of its client."""
    return [
        outcome
        for client, found in feeds
        for outcome in site.apply(
            [to_xml(package) for package in found], batch=batch, client=client, **terms
        )
    ]


def feeds_of_two() -> st.SearchStrategy[list[tuple[str, list[Package]]]]:
    """Feeds of two clients, the first of them mostly making what both then meet."""
    then = st.lists(
        st.tuples(st.sampled_from(["A", "B", "B"]), sequences(max_size=3)), min_size=1, max_size=3
    )
    return then.map(lambda found: [("A", [*PRELUDE]), *found])


@QUIET
@given(
    feeds=feeds_of_two(),
    batch=st.sampled_from([1, 2, 1000]),
    strict=st.booleans(),
    late=st.integers(0, 3),
)
def test_engine_and_model_agree_about_owners(
    site: MemorySite,
    feeds: list[tuple[str, list[Package]]],
    batch: int,
    late: int,
    *,
    strict: bool,
) -> None:
    """G3: a client changes only what it created, also where ownership is switched on late."""
    site.empty()
    oracle = Oracle(strict=strict)
    for number, (client, found) in enumerate(feeds):
        oracle.client, oracle.ownership = client, number >= late
        expected = [oracle.apply(package) for package in found]
        outcomes = told(site, [(client, found)], batch, strict=strict, ownership=oracle.ownership)
        for package, wanted, got in zip(found, expected, outcomes, strict=True):
            text = to_xml(package).decode()
            assert got.status == wanted.status, (text, got.codes, wanted.codes)
            assert got.changes == wanted.changes, text
            if got.status == "failed":
                assert errors_of(wanted) <= errors_of(got), text
    assert last_documents(site) == oracle.documents()


@QUIET
@given(feeds=feeds_of_two(), batch=st.sampled_from([2, 3, 1000]))
def test_owners_hold_in_a_batch_as_one_by_one(
    site: MemorySite, feeds: list[tuple[str, list[Package]]], batch: int
) -> None:
    """P7, G3: who owns what does not depend on how many packages stand in one transaction."""
    results = []
    for size in (1, batch):
        site.empty()
        outcomes = told(site, feeds, size, ownership=True)
        results.append((outcomes, site.history(), site.tables()))
    assert results[0] == results[1]


def errors_of(outcome: Applied | Result) -> set[str]:
    """The errors of a package that failed.

    The model reads no further under a refused action; the engine does, and may find more there.
    Whether a collection is given twice depends on its actions, so that does not count beside them.
    """
    found = {code for severity, code in outcome.codes if severity == "error"}
    if any(code.startswith("action-") for code in found):
        found.discard("schema-invalid")
    return found


def last_documents(site: MemorySite) -> dict[tuple[str, str], object]:
    """The documents that the history leaves."""
    import json

    found = {}
    for _, _, entity, entity_id, _, _, document in site.history():
        if document is None:
            found.pop((entity, entity_id), None)
        else:
            found[entity, entity_id] = json.loads(document)
    return found


@QUIET
@given(found=sequences(max_size=8), batch=st.sampled_from([2, 3, 5, 1000]))
def test_a_batch_does_what_one_by_one_does(
    site: MemorySite, found: list[Package], batch: int
) -> None:
    """P7: what a package does to its neighbours in a batch is what it does alone."""
    documents = [to_xml(package) for package in found]
    results = []
    for size in (1, batch):
        site.empty()
        outcomes = site.apply(documents, batch=size)
        results.append((outcomes, site.history(), site.tables()))
    assert results[0] == results[1]


@QUIET
@given(found=sequences(max_size=3), batch=st.sampled_from([1, 2, 1000]))
def test_what_is_sent_twice_is_carried_out_as_the_model_says(
    site: MemorySite, found: list[Package], batch: int
) -> None:
    """P22, H1: most of it says nothing new the second time; what does is carried out."""
    twice = [package for one in found for package in (one, one)]
    site.empty()
    oracle = Oracle()
    expected = [oracle.apply(package) for package in twice]
    outcomes = site.apply([to_xml(package) for package in twice], batch=batch)
    for package, wanted, got in zip(twice, expected, outcomes, strict=True):
        assert (got.status, got.changes) == (wanted.status, wanted.changes), to_xml(package)
    assert last_documents(site) == oracle.documents()
