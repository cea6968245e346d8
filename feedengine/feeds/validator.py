"""Packages against their XML Schema: by libxml2 on the way in, by ``xmlschema`` to explain in full.

Both read the same text, `feedengine.model.xsd.schemas`; no file and no network is touched. They give
the same verdict but for one thing: where elements belong, ``xmlschema`` overlooks text of nothing but
Unicode's white space beyond XML's four characters (a no-break space, say).
"""

from __future__ import annotations

from functools import cache
from io import BytesIO
from itertools import islice
from typing import TYPE_CHECKING

from lxml import etree

from feedengine.errors import quoted
from feedengine.model.xsd import schemas

if TYPE_CHECKING:
    from lxml.etree import _Element as Element
    from xmlschema import XMLSchema10

MOST_VIOLATIONS = 20
"""How many violations of a document are told."""


@cache
def package_schema() -> etree.XMLSchema:
    """The schema of packages for libxml2; made once."""
    return etree.XMLSchema(etree.fromstring(schemas()["package.xsd"].encode()))


@cache
def _second_opinion() -> XMLSchema10:
    """The schema of packages for the library ``xmlschema``; made once, in some 0.4 s."""
    from xmlschema import XMLSchema10  # noqa: PLC0415 - heavy, and rarely wanted

    return XMLSchema10(schemas()["package.xsd"], defuse="always", allow="none")


def violations(root: Element) -> tuple[tuple[int, str], ...]:
    """What libxml2 finds in a document: line and message, the first twenty; none: it is valid.

    Comments and processing instructions are expected to be gone; messages are safe to show.
    """
    schema = package_schema()
    if schema.validate(root):
        return ()
    found = islice(schema.error_log, MOST_VIOLATIONS)
    return tuple((entry.line, _shown(entry.message)) for entry in found)


def explain(data: bytes) -> list[tuple[str, str]]:
    """All that is wrong with a package: XPath and reason; none: it is valid.

    ``data`` is a whole document. One that cannot be read as XML has one reason and no XPath. Some
    hundred times slower than `violations`: for a person who asks, not for the way in.
    """
    from xmlschema import XMLResource, XMLSchemaException  # noqa: PLC0415 - as above

    try:
        document = XMLResource(BytesIO(data), defuse="always", allow="none")
        found = _second_opinion().iter_errors(document, use_location_hints=False)
        return [(error.path or "", _shown(error.reason or error.message)) for error in found]
    except (XMLSchemaException, ValueError) as error:
        return [("", _shown(str(error)))]


def _shown(message: str) -> str:
    """A message, which quotes the feed, made safe as a quotation is (section 6)."""
    return quoted(message)[1:-1]
