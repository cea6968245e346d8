"""Packages as nested dictionaries, for peers that load dictionaries."""

from __future__ import annotations

import os

from lxml import etree

SINGLE = {"Label", "Resolution"}


def paths(feed):
    folder = f"{feed}/packages"
    return [f"{folder}/{name}/package.xml" for name in sorted(os.listdir(folder))]


def records(feed):
    """Kind and dictionary of every package of a feed."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True)
    for path in paths(feed):
        thing = etree.parse(path, parser).getroot().find("Schema")[0]
        yield thing.tag.lower(), record(thing)


def record(element):
    """Scalars as text, lists of models as lists."""
    found = {}
    for child in element:
        if not len(child):
            if element.tag == "Territories":
                found.setdefault("list", []).append({"Country": child.text})
            else:
                found[child.tag] = child.text
        elif element.tag in SINGLE or child.tag in SINGLE or child.tag == "MetaData":
            found[child.tag] = record(child)
        elif child.tag in PLURALS:
            inside = record(child)
            found[child.tag] = inside.get("list", [])
        else:
            found.setdefault("list", []).append(record(child))
    return found


PLURALS = {
    "Artists", "Genres", "Releases", "References", "Resources", "Images", "Territories",
    "Validities",
}  # fmt: skip
