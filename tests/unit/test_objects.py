"""Objects as canonical documents: the very text that Python's own JSON writes, and back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedengine.catalogue.objects import (
    Object,
    as_document,
    canonical_json,
    from_json,
    link_document,
    to_json,
)
from feedengine.model.entities import kinds

if TYPE_CHECKING:
    from feedengine.model.entities import Kind, ListKind
    from feedengine.model.scalars import Value

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = st.one_of(st.none(), TEXTS, st.integers(0, 2**63 - 1))


def _items(kind: ListKind) -> st.SearchStrategy[tuple[str | tuple[Value | None, ...], ...]]:
    item = TEXTS if kind.is_link else st.tuples(*[VALUES] * len(kind.columns))
    return st.lists(item, max_size=3).map(tuple)


def _objects(kind: Kind) -> st.SearchStrategy[Object]:
    row = st.tuples(*[VALUES] * len(kind.columns))
    return st.builds(Object, st.just(kind), row, st.tuples(*map(_items, kind.lists)))


OBJECTS = st.one_of(*(_objects(kind) for kind in kinds().values()))


def plain(thing: Object) -> dict[str, object]:
    """The document as H1 describes it, in the plainest way there is."""
    found: dict[str, object] = dict(zip(thing.kind.columns, thing.row, strict=True))
    for one, items in zip(thing.kind.lists, thing.lists, strict=True):
        rows = [
            item
            if one.is_link
            else {
                name: value
                for name, value in zip(one.columns, item, strict=True)
                if value is not None
            }
            for item in items
        ]
        found[one.name] = rows or None
    return {name: value for name, value in found.items() if value is not None}


@given(OBJECTS)
def test_a_document_is_what_the_standard_library_would_write(thing: Object) -> None:
    """H1: sorted keys, no blanks, nothing escaped that need not be; what is empty is left out."""
    wanted = json.dumps(plain(thing), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    assert to_json(thing) == wanted
    assert list(as_document(thing)) == sorted(plain(thing))
    assert as_document(thing) == plain(thing)


@given(OBJECTS)
def test_an_object_comes_back_from_its_document(thing: Object) -> None:
    """Whatever stands in it; what a document does not know of is NULL, or an empty list."""
    assert from_json(thing.kind, to_json(thing)) == thing


def test_every_character_is_written_as_the_standard_library_writes_it() -> None:
    """Control characters too, although XML has few of them."""
    for code in (*range(0xD800), *range(0xE000, 0x10000), 0x10000, 0x10FFFF):
        text = chr(code)
        assert canonical_json(text) == json.dumps(text, ensure_ascii=False)


def test_the_document_of_a_link_has_sorted_keys() -> None:
    """H1: the ids stand in it as they are."""
    assert link_document("r/1", "t%", 3) == '{"position":3,"release_id":"r/1","track_id":"t%"}'


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"id":1.5}', '{"id":true}', '{"artist":[{"id":"a"}]}', '"x"']
)
def test_damage_is_told(text: str) -> None:
    """Those who read history expect a `ValueError`, as of any text that is no document."""
    with pytest.raises(ValueError, match=r"."):
        from_json(kinds()["track"], text)
    assert from_json(kinds()["track"], '{"id":"t","of_later":1}').value("id") == "t"


def test_what_an_object_refers_to() -> None:
    """Its lists of links and its label; not what a child merely names."""
    text = '{"artist":["a","b"],"genre":["g"],"id":"r","label_id":"l"}'
    found = from_json(kinds()["release"], text).refers_to()
    assert sorted(found) == [("artist", "a"), ("artist", "b"), ("genre", "g"), ("label", "l")]
    assert from_json(kinds()["label"], '{"id":"l"}').refers_to() == []
