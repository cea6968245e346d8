"""Packages about things: the XML that a distributor would send, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from random import Random
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from bench.world import RELEASE_TRACKS, Territories, Thing, World

_ELEMENTS = {
    "name": "Name",
    "unique_name": "UniqueName",
    "title": "Title",
    "sub_title": "SubTitle",
    "track_count": "TrackCount",
    "c_line": "CLine",
    "p_line": "PLine",
    "disc_number": "DiscNumber",
    "track_number": "TrackNumber",
    "duration_seconds": "Duration",
    "explicit_type": "ExplicitType",
    "isrc": "ISRC",
    "product_number": "ProductNumber",
    "release_date": "ReleaseDate",
    "popularity": "Popularity",
    "view": "View",
    "update_count": "UpdateCount",
    "created_at": "CreatedAt",
}
_ATTRIBUTES = {"duration_seconds": ' type="seconds"'}
_LINKS = {"artist": ("Artists", "Artist"), "genre": ("Genres", "Genre")}


class Package(NamedTuple):
    """A package: its text, what is asked, and the thing before (None: new) and after it."""

    xml: str
    action: str
    before: Thing | None
    after: Thing


def created(thing: Thing) -> Package:
    """The Create of a thing."""
    return Package(_whole(thing, "Create"), "create", None, thing)


def repeated(thing: Thing) -> Package:
    """The thing once more, as it stands: an Upsert that changes nothing."""
    return Package(_whole(thing, "Upsert"), "upsert", thing, thing)


def _whole(thing: Thing, action: str) -> str:
    return _framed(thing, action, "\n".join(_body(thing)))


def _framed(thing: Thing, action: str, body: str) -> str:
    element = thing.kind.capitalize()
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<xml>\n<Schema version="1.0" action="{action}">\n'
        f"<{element}>\n<ID>{thing.document['id']}</ID>\n{body}\n</{element}>\n</Schema>\n</xml>\n"
    )


def _body(thing: Thing) -> Iterator[str]:
    document = thing.document
    for column, element in _ELEMENTS.items():
        if column in document:
            text = escape(str(document[column]))
            yield f"<{element}{_ATTRIBUTES.get(column, '')}>{text}</{element}>"
    if "label_id" in document:
        yield f"<Label><ID>{document['label_id']}</ID></Label>"
    for column, (plural, item) in _LINKS.items():
        if column in document:
            inside = "\n".join(f"<{item}><ID>{name}</ID></{item}>" for name in document[column])
            yield f"<{plural}>\n{inside}\n</{plural}>"
    if thing.release is not None:
        yield f"<Releases>\n<Release><ID>{thing.release}</ID></Release>\n</Releases>"
    for column, render in _CHILDREN.items():
        if column in document:
            yield render(document[column])
    if thing.territories is not None:
        yield _territories(thing.territories)


def _references(items: list[Any]) -> str:
    inside = "\n".join(_reference(**item) for item in items)
    return f"<References>\n{inside}\n</References>"


def _reference(provider: str, ref_id: str, mark: str = "") -> str:
    return f"<Reference{mark}>\n<Provider>{provider}</Provider>\n<ID>{ref_id}</ID>\n</Reference>"


def _resources(items: list[Any]) -> str:
    inside = "\n".join(_resource(**item) for item in items)
    return f"<Resources>\n{inside}\n</Resources>"


def _resource(source: str, type: str, value: str, mark: str = "") -> str:  # noqa: A002 - a column
    inside = f"<Source>{source}</Source>\n<Type>{type}</Type>\n<Value>{value}</Value>"
    return f"<Resource{mark}>\n{inside}\n</Resource>"


def _images(items: list[Any]) -> str:
    inside = "\n".join(
        f"<Image>\n<Source>{one['source']}</Source>\n"
        f'<Resource type="{one["resource_type"]}" mimeType="{one["mime_type"]}">'
        f"{one['resource']}</Resource>\n<Resolution><Width>{one['width']}</Width>"
        f"<Height>{one['height']}</Height></Resolution>\n</Image>"
        for one in items
    )
    return f"<Images>\n{inside}\n</Images>"


def _metadata(items: list[Any]) -> str:
    inside = "\n".join(f"<{one['name']}>{escape(one['value'])}</{one['name']}>" for one in items)
    return f"<MetaData>\n{inside}\n</MetaData>"


_CHILDREN: dict[str, Callable[[list[Any]], str]] = {
    "reference": _references,
    "resource": _resources,
    "image": _images,
    "metadata": _metadata,
}


def _territories(territories: Territories) -> str:
    if not territories.validities:
        inside = "\n".join(f"<Country>{country}</Country>" for country in territories.countries)
        return f"<Territories>\n{inside}\n</Territories>"
    windows = "\n".join(
        f"<Validity><Name>{name}</Name><Type>{kind}</Type>"
        f"<StartDate>{(start or '')[:10]}</StartDate></Validity>"
        for name, kind, start, _ in territories.validities
    )
    inside = "\n".join(
        f"<Territory>\n<Country>{country}</Country>\n<Validities>\n{windows}\n</Validities>\n"
        "</Territory>"
        for country in territories.countries
    )
    return f"<Territories>\n{inside}\n</Territories>"


def updates(world: World, tracks: int, many: int, seed: int = 1) -> Iterator[Package]:
    """So many Updates with sub-actions of things among the first ``tracks``, each thing once.

    Nine of ten are of tracks; the tenth is of the release of a track that is left alone.
    """
    random = Random(f"{seed} updates")
    numbers = random.sample(range(tracks), many)
    releases: set[int] = set()
    for at, number in enumerate(numbers):
        release = number // RELEASE_TRACKS
        if at % 10 == 9 and release not in releases:
            releases.add(release)
            yield _release_update(world.release(release))
        else:
            yield _TRACK_UPDATES[at % len(_TRACK_UPDATES)](world.track(number))


def _package(before: Thing, after: Thing, *lines: str) -> Package:
    return Package(_framed(before, "Update", "\n".join(lines)), "update", before, after)


def _changed(thing: Thing, **columns: Any) -> Thing:
    return thing._replace(document={**deepcopy(thing.document), **columns})


def _counters(track: Thing) -> Package:
    document = track.document
    lower = int(document["popularity"][2:]) - 11
    popularity = f"0.{lower:03}".rstrip("0")
    after = _changed(track, view=document["view"] + 25, popularity=popularity)
    return _package(
        track,
        after,
        '<View action="Increase">25</View>',
        '<Popularity action="Decrease">0.011</Popularity>',
    )


def _other_file(track: Thing) -> Package:
    """The file's place has changed: the old one is pulled, the new one pushed."""
    old, kept = track.document["resource"]
    new = {**old, "value": f"audio/2/{track.document['id']}.flac"}
    pulled = '<Resource action="Pull">\n<Source>store</Source>\n<Type>FilePath</Type>\n</Resource>'
    pushed = _resource(**new, mark=' action="Push"')
    after = _changed(track, resource=[kept, new])
    return _package(
        track, after, f'<Resources operator="Update">\n{pulled}\n{pushed}\n</Resources>'
    )


def _other_countries(track: Thing) -> Package:
    """The label has lost one country and won another: the same two for all its tracks."""
    assert track.territories is not None
    countries = track.territories.countries
    lost, won = countries[0], "ZW"
    now = Territories((*countries[1:], won))
    after = _changed(track, territory_set_id=now.id)._replace(territories=now)
    placed = f'<Country operator="Pull">{lost}</Country>\n<Country operator="Push">{won}</Country>'
    text = f'<Territories operator="Placement">\n{placed}\n</Territories>'
    return _package(track, after, text)


def _other_names(track: Thing) -> Package:
    """A new title, an id at one more provider and a new one at another, and a counter."""
    first, second = track.document["reference"]
    moved, new = (
        {**second, "ref_id": second["ref_id"] + "-2"},
        {"provider": "KiteMap", "ref_id": "1"},
    )
    after = _changed(
        track,
        title=track.document["title"] + " II",
        reference=[first, moved, new],
        update_count=track.document["update_count"] + 1,
    )
    pushed = "\n".join(_reference(**one, mark=' action="Push"') for one in (moved, new))
    return _package(
        track,
        after,
        f"<Title>{escape(after.document['title'])}</Title>",
        '<UpdateCount action="Increase">1</UpdateCount>',
        f"<References>\n{pushed}\n</References>",
    )


_TRACK_UPDATES = (_counters, _other_file, _other_countries, _other_names)


def _release_update(release: Thing) -> Package:
    """Another genre instead of the one it has, and a counter that stood at nothing."""
    (old,) = release.document["genre"]
    new = f"genre-{(int(old.partition('-')[2]) + 1) % 20}"
    after = _changed(release, genre=[new], view=7)
    genres = (
        f'<Genre action="Pull"><ID>{old}</ID></Genre>\n<Genre action="Push"><ID>{new}</ID></Genre>'
    )
    return _package(
        release, after, '<View action="Increase">7</View>', f"<Genres>\n{genres}\n</Genres>"
    )
