"""The faults of a package: as many as are wanted, and all of them counted (section 6)."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from feedengine.errors import Fault
from feedengine.model.codes import severity_of
from feedengine.model.faults import Faults

ERROR = Fault("value-invalid", "P16", ((None, "p.xml"), 0), "e")
WARNING = Fault("empty-item", "P15", ((None, "p.xml"), 0), "w")


def faults() -> st.SearchStrategy[list[Fault]]:
    """Errors and warnings, each told apart by its message."""
    kinds = st.lists(st.sampled_from([ERROR, WARNING]), max_size=12)
    return kinds.map(lambda found: [one._replace(message=f"{n}") for n, one in enumerate(found)])


def is_error(fault: Fault) -> bool:
    """Whether it makes a package fail."""
    return severity_of(fault) == "error"


@given(faults(), faults(), st.integers(1, 6))
def test_the_first_are_told_and_the_others_counted(
    found: list[Fault], later: list[Fault], most: int
) -> None:
    """Errors go first, all stand in their order, and the last one says how many are left out."""
    kept = Faults(found, most)
    kept.extend(Faults(later, most))
    together = [*found, *later]
    told = kept.told()
    assert kept.total == len(together)
    assert len(told) == min(len(together), most)
    assert any(map(is_error, told)) == any(map(is_error, together))
    left = len(together) - len(told)
    texts = [one.message.partition(" ")[0] for one in told]
    errors_first = sorted(together, key=lambda one: not is_error(one))[:most]
    if not any(is_error(one) for one in later):  # else what was only counted cannot be told
        assert sorted(texts) == sorted(one.message for one in errors_first)
    if left:
        wrong = sum(map(is_error, together)) - sum(map(is_error, told))
        assert told[-1].message.endswith(f"(and {left} findings more, {wrong} of them errors)")


@given(faults(), st.integers(1, 6))
def test_no_more_than_twice_as_many_are_kept(found: list[Fault], most: int) -> None:
    """Memory is bounded: so many errors, and so many warnings."""
    kept = Faults(found, most)
    assert len(kept) <= 2 * most
    assert kept.full == (sum(map(is_error, found)) >= most)
