"""Packages against their XML Schema: by libxml2 on the way in, by ``xmlschema`` to explain in full.

Both read the same text, `feedengine.model.xsd.schemas`; no file and no network is touched. They
give the same verdict but for one thing: where elements belong, ``xmlschema`` overlooks text that is
all white space to Unicode though not to XML (a no-break space, say).
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING, cast

from lxml import etree

from feedengine.errors import quoted
from feedengine.model.xsd import schemas

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lxml.etree import _Element as Element
    from xmlschema import XMLSchema10

MOST_VIOLATIONS = 20
MOST_REASONS = 1000
WIDE = 64 * 1024
"""Bytes from which a document is validated as a stream.

lxml looks up the path of every violation in a tree, which counts the element's brothers: a hostile
document of n wrong elements side by side takes n² steps (8,000 take 0.2 s, 300,000 some minutes).
The stream knows neither paths nor lines, and ends at the first chunk with a violation.
"""

_CHUNK = 32 * 1024


@cache
def package_schema() -> etree.XMLSchema:
    """The schema of packages for libxml2; made once."""
    return etree.XMLSchema(etree.fromstring(schemas()["package.xsd"].encode()))


@cache
def _second_opinion() -> XMLSchema10:
    """The schema of packages for the library ``xmlschema``; made once, in some 0.4 s."""
    from xmlschema import XMLSchema10  # heavy, and rarely wanted

    return XMLSchema10(schemas()["package.xsd"], defuse="always", allow="none")


def valid(root: Element, size: int) -> bool:
    """Whether a document of ``size`` bytes is valid; never more than linear time (`WIDE`).

    Comments and processing instructions are expected to be gone.
    """
    if size <= WIDE:
        return package_schema().validate(root)
    return not _streamed(etree.tostring(root, encoding="utf-8"))


def violations(root: Element) -> tuple[tuple[int, str], ...]:
    """What libxml2 finds in a document: line and message, the first twenty; none: it is valid.

    A document of more than `WIDE` bytes has 0 for its lines. Messages are safe to show.
    """
    data = etree.tostring(root, encoding="utf-8")
    if len(data) > WIDE:
        return _streamed(data)
    schema = package_schema()
    return () if schema.validate(root) else _first(schema.error_log)


class _Nothing:
    """What a stream is parsed into."""

    def close(self) -> None:
        """Nothing was kept."""


def _streamed(data: bytes) -> tuple[tuple[int, str], ...]:
    """The first violations of a document, read up to the chunk that holds one."""
    target = cast("etree.ParserTarget[None]", _Nothing())
    parser = etree.XMLParser(
        schema=package_schema(), target=target, resolve_entities=False, no_network=True
    )
    for start in range(0, len(data), _CHUNK):
        parser.feed(data[start : start + _CHUNK])
        if len(parser.feed_error_log):
            return _first(parser.feed_error_log)
    parser.close()
    return ()


def _first(entries: Iterable[etree._LogEntry]) -> tuple[tuple[int, str], ...]:
    found = islice(entries, MOST_VIOLATIONS)
    return tuple((entry.line, _shown(entry.message)) for entry in found)


def explain(data: bytes) -> list[tuple[str, str]]:
    """What is wrong with a package: XPath and reason, at most a thousand; none: it is valid.

    ``data`` is a whole document. One that cannot be read as XML has one reason and no XPath. Some
    hundred times slower than `violations`: for a person who asks, not for the way in.
    """
    from xmlschema import XMLResource, XMLSchemaException  # heavy, and rarely wanted

    try:
        document = XMLResource(BytesIO(data), defuse="always", allow="none")
        found = _second_opinion().iter_errors(document, use_location_hints=False)
        first = islice(found, MOST_REASONS)
        return [(error.path or "", _shown(error.reason or error.message)) for error in first]
    except (XMLSchemaException, ValueError) as error:
        return [("", _shown(str(error)))]


def _shown(message: str) -> str:
    """A message, which quotes the feed, made as safe as a quotation (section 6)."""
    return quoted(message)[1:-1]
