"""THE findings: every code with its rule, severity, an example and its cure (protocol, section 6).

Codes are a public interface: stable. The reference page of the documentation is made from here.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from feedengine.errors import Fault, Severity


class Code(NamedTuple):
    """A finding's code: what it says, an example that raises it, and what to do about it."""

    name: str
    severity: Severity
    rules: str
    says: str
    example: str
    cure: str


def _error(name: str, rules: str, says: str, example: str, cure: str) -> Code:
    return Code(name, "error", rules, says, example, cure)


def _warning(name: str, rules: str, says: str, example: str, cure: str) -> Code:
    return Code(name, "warning", rules, says, example, cure)


CODES: tuple[Code, ...] = (
    _error(
        "xml-malformed",
        "P11",
        "The document is not well-formed XML; nothing of it was applied.",
        "<Popularity>0.2</Popuylarity>",
        "Correct the place named; the hint says how where the mistake is a common one.",
    ),
    _error(
        "xml-forbidden",
        "P11",
        "The document holds a DOCTYPE, an entity of its own, or an XInclude.",
        '<!DOCTYPE xml [<!ENTITY who "Adele">]>',
        "Write the text itself; only &amp; &lt; &gt; &quot; &apos; are entities here.",
    ),
    _error(
        "too-large",
        "P11",
        "The file is larger than the limit (max_package_bytes, 64 MiB unless set).",
        "a package.xml of 100 MB",
        "Split the package, or ask the operator to raise max_package_bytes.",
    ),
    _error(
        "too-deep",
        "P11",
        "Elements are nested deeper than the limit (64 unless set).",
        "<a><a><a>… 5,000 levels",
        "Refer to nested models by their ID instead of writing them inside one another.",
    ),
    _error(
        "encoding-invalid",
        "P11",
        "The bytes are not in the encoding the document declares, or it is none of the four read.",
        '<?xml version="1.0" encoding="windows-1252"?>',
        "Write UTF-8 (or US-ASCII, ISO-8859-1, UTF-16 with its byte order mark).",
    ),
    _error(
        "schema-invalid",
        "P10",
        "The document does not have the shape of a package.",
        "<Release><Title>A</Title><Title>B</Title></Release>",
        "Compare it with schemas/package.xsd; the message names the element or attribute.",
    ),
    _error(
        "element-unknown",
        "P15",
        "No element of this name may stand here.",
        "<Release><Titel>Hello</Titel></Release>",
        "Use the name in the hint; names are case-sensitive.",
    ),
    _error(
        "action-unknown",
        "P12",
        "The word in action= or operator= is none of the protocol's.",
        '<Release action="Remove">',
        "Use Create, Update, Upsert, Delete; inside an Update Push, Pull, Increase, Decrease.",
    ),
    _error(
        "action-conflict",
        "P12, P13",
        "Two actions are given for one thing, and they differ.",
        '<Release action="Create" operator="Update">',
        "Give the action once.",
    ),
    _error(
        "action-forbidden",
        "P24, P26, P30, P31, P34",
        "This action may not stand here.",
        '<Release><Artists><Artist action="Push"><ID>1</ID></Artist></Artists></Release>',
        'Put action="Update" on the object, and Push or Pull on every child of the list.',
    ),
    _error(
        "id-missing",
        "P14",
        "The object has no ID.",
        '<Track action="Delete"/>',
        "Give the ID as <ID>…</ID> or id=.",
    ),
    _error(
        "id-conflict",
        "P14",
        "The object has two IDs, and they differ.",
        '<Release id="1"><ID>2</ID></Release>',
        "Give the ID once.",
    ),
    _error(
        "value-invalid",
        "P16",
        "The text is no value of the field's type.",
        "<StartDate>30/10/2022</StartDate>",
        "Write it in the form the message names.",
    ),
    _error(
        "field-required",
        "P17, P20, P32",
        "A field that a complete object or item must have is missing or empty.",
        '<Track action="Create"><ID>7</ID></Track>',
        "Add the element named.",
    ),
    _error(
        "country-unknown",
        "P18",
        "The code is no country of ISO 3166-1, and not Worldwide.",
        "<Country>ZZ</Country>",
        "Use the two-letter code, such as GB.",
    ),
    _error(
        "already-exists",
        "P20",
        "Create names an ID that the catalogue has.",
        '<Artist action="Create"> with the ID of an artist that is there',
        "Use Upsert, or Update.",
    ),
    _error(
        "not-found",
        "P21, P23, P24",
        "The catalogue has no object of this ID.",
        '<Release action="Update"><ID>unknown</ID></Release>',
        "Send the Create first (then `feedengine feed retry`), or use Upsert.",
    ),
    _error(
        "pull-empty",
        "P33",
        "A Pull names nothing.",
        '<Resource action="Pull"/>',
        "Give the scalars of the item to take away, or the ID of the model.",
    ),
    _error(
        "below-zero",
        "P34",
        "A Decrease would go below 0.",
        '<View operator="Decrease">5</View> where the view count is 3',
        "Decrease by less, or set the number.",
    ),
    _error(
        "reference-unknown",
        "P43",
        "A nested model is not in the catalogue, and is too incomplete to be created on the way.",
        "<Artists><Artist><ID>99</ID></Artist></Artists>",
        "Send the object first, or give its required fields here.",
    ),
    _error(
        "source-missing",
        "P40, P41",
        "The file that src= names, or the key that ref= names in it, is not there.",
        '<Genre src="genres/rok.xml"/>',
        "Put the file into the feed, or correct the name.",
    ),
    _error(
        "source-outside",
        "P40",
        "A path leads out of the feed, or through a symbolic link.",
        '<Genre src="../../secret.xml"/>',
        "Keep everything a package reads inside its feed, as plain files.",
    ),
    _error(
        "source-ambiguous",
        "P41",
        "The file holds several models where one is wanted.",
        '<Genre src="genres.xml"/>',
        "Say which one with ref=.",
    ),
    _error(
        "source-limit",
        "P42",
        "A package reads too many files, or through too many levels.",
        "a chain of 33 files that name each other",
        "Refer by ID instead of by file.",
    ),
    _error(
        "content-conflict",
        "P40",
        "Content stands beside src=.",
        '<Genre src="rock.xml"><Name>Rock</Name></Genre>',
        "Keep one of the two.",
    ),
    _error(
        "client-mismatch",
        "P6",
        "Stack entry and manifest name different clients.",
        "<Client>A</Client> in the entry, <Client>B</Client> in manifest.xml",
        "Name the same client in both.",
    ),
    _error(
        "no-packages",
        "P6",
        "The manifest's path matches no file, or points outside the feed.",
        '<Packages path="packages/*/*/package.xml"/> beside packages/01/package.xml',
        "Correct the path; the message names the package.xml files that are there.",
    ),
    _error(
        "feed-missing",
        "P4",
        "The feed's folder is not there, even after the time of grace.",
        'a Stack entry with <Feed path="/2022/10/11/1"/> and no such folder',
        "Write the feed first, its Stack entry last; then drop the entry again.",
    ),
    _error(
        "manifest-missing",
        "P4",
        "The feed has no manifest.xml, even after the time of grace, or it cannot be read as one.",
        "a feed folder without manifest.xml",
        "Write manifest.xml; then drop the Stack entry again.",
    ),
    _error(
        "entry-invalid",
        "P2, P4",
        "The Stack entry is not what the protocol says.",
        '<xml><Client>A</Client><Feed path="../elsewhere"/></xml>',
        "Give Version 1.0, Client, and Feed with a plain path below Feeds/.",
    ),
    _error(
        "client-unknown",
        "G3",
        "The client is not among those the operator knows.",
        "<Client>Stranger</Client>",
        "Ask the operator to add the client to known_clients.",
    ),
    _error(
        "not-owner",
        "G3",
        "The object was created by another client.",
        "client B updates a release of client A",
        "Refer to it by its ID alone, which links it; ask its owner for the change.",
    ),
    _error(
        "stale",
        "G2",
        "A later feed of this client has changed the object already.",
        "feed 1666271452953 after feed 1666271964620",
        "Send the change again in a new feed.",
    ),
    _error(
        "feed-held",
        "G1",
        "The feed would delete an unusual share of a client's objects; nothing of it was applied.",
        "a feed that deletes 500 of 2,000 tracks",
        "If it is meant: `feedengine feed release RUN`.",
    ),
    _warning(
        "name-not-lowercase",
        "P1",
        "A file's name has upper-case letters.",
        "packages/01/Package.xml",
        "Use lower-case names.",
    ),
    _warning(
        "offset-assumed",
        "P16",
        "An instant has no zone, or an unusual one; the message says how it was read.",
        "2022-10-30T11:12:00:0400",
        "Write the zone: 2022-10-30T11:12:00+04:00, or Z.",
    ),
    _warning(
        "empty-item",
        "P15",
        "An empty item in a list was passed over.",
        "<Validities><Validity/></Validities>",
        "Leave the empty item out.",
    ),
    _warning(
        "identifier-suspect",
        "P18",
        "An identifier does not have the form of its kind; it was kept as it is.",
        "<ISRC>12345</ISRC>",
        "Check the identifier.",
    ),
    _warning(
        "country-alias",
        "P18",
        "A country code that is not ISO's was read as the one that is meant.",
        "<Country>UK</Country>",
        "Write GB.",
    ),
    _warning(
        "content-ignored",
        "P23",
        "A Delete holds more than the ID; the rest was not looked at.",
        '<Track action="Delete"><ID>7</ID><Title>Hello</Title></Track>',
        "Send the ID alone.",
    ),
    _warning(
        "sub-action-lenient",
        "P31",
        "A Push or Increase stands under Create or Upsert; it was read as meant.",
        '<Release action="Create"><Genres><Genre action="Push">…',
        "Leave the sub-action out, or use Update.",
    ),
    _warning(
        "duplicate-item",
        "P32",
        "Two items of a list have the same key; the later one stands.",
        "two <Reference> of the same Provider",
        "Send one of them.",
    ),
    _warning(
        "pull-no-match",
        "P33",
        "A Pull matches nothing in the list.",
        '<Country operator="Pull">US</Country> where US is not in the list',
        "Nothing to do, if it was gone already.",
    ),
    _warning(
        "territory-list-begun",
        "P36",
        "A Push begins a track's own territory list, which narrows what its release permits.",
        '<Territory action="Push"> on a track without a list',
        "Send the whole list, if the track is to have one.",
    ),
    _warning(
        "older-than-last-change",
        "G2",
        "A later feed of this client has changed the object already; this one was applied on top.",
        "feed 1666271452953 after feed 1666271964620",
        "Drop Stack entries in order.",
    ),
)


@cache
def codes() -> dict[str, Code]:
    """Every code by its name."""
    return {code.name: code for code in CODES}


def severity_of(fault: Fault) -> Severity:
    """A fault's severity: its code's, but an error where ``strict`` refuses it."""
    return "error" if fault.refused else codes()[fault.code].severity
