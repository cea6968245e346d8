"""Examples of the oracle itself, a rule each, and of the packages that the strategies make."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given, settings

from .oracle import Oracle, Result, set_id
from .packages import (
    PRELUDE,
    Act,
    Child,
    Collection,
    Content,
    Field,
    Image,
    Item,
    Meta,
    Model,
    Package,
    Reference,
    Resource,
    Territory,
    Text,
    Validity,
    packages,
    sequences,
    to_xml,
)

PUSH, PULL = Act("Push"), Act("Pull")
INCREASE, DECREASE = Act("Increase"), Act("Decrease")
ALLOW = Validity("StreamingValidity", "Allow", Text("1191297600", "unixtime"))
ALLOWED = ("StreamingValidity", "Allow", "2007-10-02T04:00:00.000000Z", None)
EXCLUDED = ("Excluded", "Deny", None, None)
ITEM = Item("Web-Link", "https://x.example/?uo=4&at=1")
US, WW = Territory("US"), Territory("WW")


def does(word: str, kind: str, value: str, *content: Content) -> Package:
    """A package with the action on its object."""
    return Package(Model(kind, value, content, Act(word)))


def artist(word: str, *content: Content) -> Package:
    """A package for the artist `a`; complete unless it is an Update."""
    name = () if word == "Update" else (Field("Name", "Adele"),)
    return does(word, "Artist", "a", *name, *content)


def track(word: str, *content: Content) -> Package:
    """A package for the track `t`; complete unless it is an Update."""
    title = () if word == "Update" else (Field("Title", "Hello"),)
    return does(word, "Track", "t", *title, *content)


def release(word: str, *content: Content) -> Package:
    """A package for the release `r`; complete unless it is an Update."""
    title = () if word == "Update" else (Field("Title", "25"),)
    return does(word, "Release", "r", *title, *content)


def genre(value: str, *, act: Act | None = None, name: str | None = "Rock") -> Model:
    """A genre to be nested, complete unless its name is None."""
    return Model("Genre", value, () if name is None else (Field("Name", name),), act)


def link(kind: str, value: str, act: Act | None = None) -> Model:
    """A model of which only the ID is given."""
    return Model(kind, value, (), act)


def genres(*children: Child, act: Act | None = None) -> Collection:
    """A list of genres."""
    return Collection("Genres", children, act)


def tracks(*values: str, act: Act | None = None) -> Collection:
    """A list of tracks, each by its ID."""
    return Collection("Tracks", tuple(link("Track", value, act) for value in values))


def territories(*children: Child, act: Act | None = None) -> Collection:
    """A list of territories."""
    return Collection("Territories", children, act)


def result(*given: Package, strict: bool = False) -> Result:
    """What becomes of the last of several packages."""
    return after(*given, strict=strict)[1]


def after(*given: Package, strict: bool = False) -> tuple[Oracle, Result]:
    """The oracle after several packages, of which all but the last apply, and the last result."""
    oracle = Oracle(strict=strict)
    for package in given[:-1]:
        made = oracle.apply(package)
        assert made.status == "applied", made
    return oracle, oracle.apply(given[-1])


def document(kind: str, value: str, *given: Package) -> Any:
    """The document of an object after packages that all apply, None when there is none."""
    oracle, made = after(*given)
    assert made.status == "applied", made
    return oracle.documents().get((kind, value))


def errors(made: Result) -> list[str]:
    """The codes of the errors; there is one at least, and nothing was changed."""
    assert made.status == "failed"
    assert made.changes == []
    return [code for severity, code in made.codes if severity == "error"]


def warnings(made: Result) -> list[str]:
    """The codes of the warnings of a package that was applied or viewed."""
    assert made.status in {"applied", "viewed"}, made
    return [code for _, code in made.codes]


def entries(**countries: tuple[Any, ...]) -> str:
    """The id of the territory set with these entries."""
    return set_id(dict(countries))


# The document


def test_scalar_given_twice_is_refused() -> None:
    """P10: a repeated scalar is refused, also under its other spelling."""
    assert errors(result(artist("Create", Field("View", "1"), Field("View", "1")))) == [
        "schema-invalid"
    ]
    both = (Field("UpdateCount", "1"), Field("UpdatedCount", "1"))
    assert errors(result(artist("Create", *both))) == ["schema-invalid"]


def test_scalar_given_twice_with_sub_actions_counts_twice() -> None:
    """P10, P35: a scalar may be repeated when each carries a sub-action, and order decides."""
    edits = (Field("View", "5", None, INCREASE), Field("View", "3", None, DECREASE))
    assert document("artist", "a", artist("Create"), artist("Update", *edits))["view"] == 2
    backwards = artist("Update", *edits[::-1])
    assert errors(result(artist("Create"), backwards)) == ["below-zero"]
    mixed = artist("Update", Field("View", "5"), edits[0])
    assert errors(result(artist("Create"), mixed)) == ["schema-invalid"]


def test_text_is_trimmed() -> None:
    """P10: text is trimmed."""
    made = document("artist", "a", artist("Create", Field("UniqueName", "  x\n")))
    assert made["unique_name"] == "x"


@pytest.mark.parametrize(
    "act", [Act("create"), Act("CREATE", "operator"), Act("Create", "operator", "create")]
)
def test_action_in_its_spellings(act: Act) -> None:
    """P12: `action` and `operator` are one attribute, letter case is free."""
    made = result(Package(Model("Genre", "g", (Field("Name", "Rock"),), act)))
    assert made.status == "applied"


def test_action_under_both_names_must_agree() -> None:
    """P12: both names present and different is a conflict, an unknown word is unknown."""
    model = Model("Genre", "g", (Field("Name", "Rock"),), Act("Create", "action", "Update"))
    assert errors(result(Package(model))) == ["action-conflict"]
    assert errors(result(does("Remove", "Genre", "g"))) == ["action-unknown"]


def test_primary_action_stands_on_schema_or_object() -> None:
    """P13: the primary action stands on either; both present and different is a conflict."""
    model = Model("Genre", "g", (Field("Name", "Rock"),))
    assert result(Package(model, Act("create"))).status == "applied"
    acted = Model("Genre", "g", (Field("Name", "Rock"),), Act("Upsert"))
    assert result(Package(acted, Act("upsert"))).status == "applied"
    assert errors(result(Package(acted, Act("Create")))) == ["action-conflict"]


def test_no_action_is_view() -> None:
    """P13: no action at all is View."""
    made = result(artist("Create"), Package(link("Artist", "a")))
    assert made == Result("viewed", [], [])


def test_sub_action_is_no_primary_action() -> None:
    """P26: only a primary action belongs on the first object."""
    assert errors(result(does("Push", "Artist", "a"))) == ["action-forbidden"]


def test_id_stands_as_element_or_attribute() -> None:
    """P14: the ID stands as element, attribute, or both alike."""
    for model in (
        Model("Genre", "g", (Field("Name", "Rock"),), Act("Create")),
        Model("Genre", None, (Field("Name", "Rock"),), Act("Create"), "g"),
        Model("Genre", "g", (Field("Name", "Rock"),), Act("Create"), "g"),
    ):
        assert document("genre", "g", Package(model))["id"] == "g"


def test_id_that_is_missing_in_conflict_or_too_long() -> None:
    """P14: no ID, two IDs and one of 256 characters are refused."""
    assert errors(result(Package(Model("Genre", None, (), Act("Delete"))))) == ["id-missing"]
    both = Model("Genre", "g", (), Act("Delete"), "h")
    assert errors(result(Package(both))) == ["id-conflict"]
    assert errors(result(does("Delete", "Genre", "x" * 256))) == ["value-invalid"]
    assert errors(result(does("Delete", "Genre", "x" * 255))) == ["not-found"]


def test_doubles_are_read_as_one() -> None:
    """P15: `Heigth`, `Resolutions` and `Provider` are read as what they mean."""
    spelled = Image(
        "s",
        "v",
        height="8",
        source_name="Provider",
        height_name="Heigth",
        resolution_name="Resolutions",
    )
    plain = Image("s", "v", height="8")
    package = artist("Create", Collection("Images", (spelled, plain)))
    assert warnings(result(package)) == ["duplicate-item"]
    assert document("artist", "a", package)["image"] == [{"source": "s", "value": "v", "height": 8}]


def test_item_inside_resource_is_transparent() -> None:
    """P15: several Items are several resources with that Source."""
    resource = Resource("apple", (ITEM, Item("Bio", "b")), wrapped=True)
    made = document("artist", "a", artist("Create", Collection("Resources", (resource,))))
    assert [(item["source"], item["type"]) for item in made["resource"]] == [
        ("apple", "Web-Link"),
        ("apple", "Bio"),
    ]


def test_metadata_has_free_names() -> None:
    """P15: children of MetaData are name, `type=` and text, and an empty one is no empty item."""
    metas = (Meta("BirthDay", "1980-03-22", "ISO-YMD"), Meta("Motto"))
    package = artist("Create", Collection("MetaData", metas))
    assert warnings(result(package)) == []
    assert document("artist", "a", package)["metadata"] == [
        {"name": "BirthDay", "type": "ISO-YMD", "value": "1980-03-22"},
        {"name": "Motto"},
    ]


def test_bare_references_are_one_list() -> None:
    """P15: `Reference` stands bare or collected, one of the two when it is plain."""
    bare = (Reference("7digital", "1"), Reference("upc", "2"))
    made = document("track", "t", track("Create", *bare))
    assert [item["provider"] for item in made["reference"]] == ["7digital", "upc"]
    both = track("Create", bare[0], Collection("References", bare[1:]))
    assert errors(result(both)) == ["schema-invalid"]


def test_empty_item_is_skipped() -> None:
    """P15: an empty item in a plain list is skipped with a warning; the list is given, empty."""
    emptied = track("Update", Collection("Validities", (Validity(), Validity())))
    given = track("Create", Collection("Validities", (ALLOW,)))
    oracle, made = after(given, emptied)
    assert warnings(made) == ["empty-item", "empty-item"]
    assert "validity" not in oracle.documents()["track", "t"]


def test_unknown_element() -> None:
    """P15: an unknown element is refused."""
    assert errors(result(artist("Create", Field("Titel", "x")))) == ["element-unknown"]


INSTANTS = {
    ("1614859461", "unixtimestamp"): ("2021-03-04T12:04:21.000000Z", []),
    ("1614859461123", "unixtime"): ("2021-03-04T12:04:21.123000Z", []),
    ("2022-10-30T11:12:00:0400", "ISO-2023A12"): (
        "2022-10-30T07:12:00.000000Z",
        ["offset-assumed"],
    ),
    ("2022-10-30T11:12:00", None): ("2022-10-30T11:12:00.000000Z", ["offset-assumed"]),
    ("2022-10-30", None): ("2022-10-30T00:00:00.000000Z", ["offset-assumed"]),
    ("2022-10-30T11:12:00-04:00", None): ("2022-10-30T15:12:00.000000Z", []),
    ("2022-10-30T11:12:00.1234560Z", None): ("2022-10-30T11:12:00.123456Z", []),
}


@pytest.mark.parametrize(("given", "expected"), INSTANTS.items())
def test_instants(given: tuple[str, str | None], expected: tuple[str, list[str]]) -> None:
    """P16: instants are kept in UTC, an assumed zone leaves a warning."""
    package = artist("Create", Field("CreatedAt", *given))
    assert document("artist", "a", package)["created_at"] == expected[0]
    assert warnings(result(package)) == expected[1]


def test_windows_of_bare_dates() -> None:
    """P16, A1: a bare start is its midnight, a bare end includes its day; neither is doubtful."""
    window = Validity("X", "Deny", Text("2022-10-30", "ISO-YMD"), Text("2022-12-31"))
    package = track("Create", Collection("Validities", (window,)))
    assert warnings(result(package)) == []
    assert document("track", "t", package)["validity"] == [
        {
            "name": "X",
            "type": "Deny",
            "starts_at": "2022-10-30T00:00:00.000000Z",
            "ends_at": "2023-01-01T00:00:00.000000Z",
        }
    ]


VALUES = {
    Field("Popularity", "0.20"): ("popularity", "0.2"),
    Field("Popularity", "100"): ("popularity", "100"),
    Field("View", "+7"): ("view", 7),
    Field("Duration", "226", "seconds"): ("duration_seconds", 226),
    Field("Duration", "226"): ("duration_seconds", 226),
    Field("Duration", "PT3M46S"): ("duration_seconds", 226),
    Field("Duration", "P1DT1H"): ("duration_seconds", 90000),
    Field("ReleaseDate", "1992-02-29", "ISO-YMD"): ("release_date", "1992-02-29"),
    Field("ProductNumber", "724358220254"): ("gtin14", "00724358220254"),
    Field("CLine", "© 2003"): ("c_line", "© 2003"),
    Field("GRID", "A12425GABC1234002M"): ("grid", "A12425GABC1234002M"),
}


@pytest.mark.parametrize(("given", "expected"), VALUES.items())
def test_values(given: Field, expected: tuple[str, object]) -> None:
    """P16: values are kept in one canonical form."""
    column, value = expected
    assert document("release", "r", release("Create", given))[column] == value


@pytest.mark.parametrize(
    "wrong",
    [
        Field("View", "-1"),
        Field("View", "1.5"),
        Field("View", "9223372036854775808"),
        Field("Popularity", "1e3"),
        Field("Duration", "3:46"),
        Field("Duration", "P"),
        Field("Duration", "226", "unixtime"),
        Field("ReleaseDate", "1993-02-29"),
        Field("CreatedAt", "yesterday"),
        Field("CreatedAt", "12", "seconds"),
    ],
)
def test_wrong_values(wrong: Field) -> None:
    """P16: a wrong value is refused."""
    assert errors(result(release("Create", wrong))) == ["value-invalid"]


def test_empty_element_sets_null() -> None:
    """P17: an empty element sets NULL, an absent one says nothing, a required one is refused."""
    given = release("Create", Field("ISPN", "U40"), Field("ProductNumber", "96385074"))
    kept = document("release", "r", given, release("Update", Field("ISPN")))
    assert "ispn" not in kept
    assert kept["gtin14"] == "00000096385074"
    assert "gtin14" not in document(
        "release", "r", given, release("Update", Field("ProductNumber"))
    )
    assert errors(result(given, release("Update", Field("Title")))) == ["field-required"]


def test_identifiers_are_only_doubted() -> None:
    """P18: a doubtful identifier is kept as it is and leaves a warning."""
    for name, good, bad in (
        ("ISRC", "ISRC US-EWC-07-61141", "12345"),
        ("GRID", "GRID:A1-2425G-ABC1234002-M", "A12425GABC1234002X"),
        ("ProductNumber", "5901234123457", "5901234123458"),
        ("ProductNumber", "96385074", "123456789"),
    ):
        assert warnings(result(release("Create", Field(name, good)))) == []
        assert warnings(result(release("Create", Field(name, bad)))) == ["identifier-suspect"]


def test_countries() -> None:
    """P18: any case is upper, UK is GB with a warning, Worldwide is WW, others are unknown."""
    package = release("Create", territories(Territory("uk"), Territory("worldwide", bare=True)))
    assert warnings(result(package)) == ["country-alias"]
    assert document("release", "r", package)["territory_set_id"] == entries(GB=(), WW=())
    assert warnings(result(release("Create", territories(Territory("xk"))))) == []
    assert errors(result(release("Create", territories(Territory("ZZ"))))) == ["country-unknown"]


# Primary actions


def test_create_must_be_complete_and_new() -> None:
    """P20, P25: Create needs the required fields alone, and an ID that is new."""
    assert errors(result(does("Create", "Track", "t"))) == ["field-required"]
    assert errors(result(track("Create"), track("Create"))) == ["already-exists"]
    made = result(track("Create"))
    written = {"id": "t", "title": "Hello", "client": "TestClient"}
    assert made == Result("applied", [], [("track", "t", "create", written)])


def test_update_sets_what_is_given() -> None:
    """P21: Update sets the fields given, leaves the rest, and replaces a plain list whole."""
    given = artist("Create", Field("View", "7"), genres(genre("g"), genre("h")))
    made = document("artist", "a", given, artist("Update", genres(link("Genre", "h"))))
    assert (made["view"], made["genre"]) == (7, ["h"])
    assert errors(result(artist("Update"))) == ["not-found"]


def test_update_without_a_difference_leaves_no_row() -> None:
    """P21, H1: no difference, no row."""
    again = artist("Update", Field("Name", "Adele"))
    assert result(artist("Create"), again) == Result("applied", [], [])


def test_upsert_creates_or_updates() -> None:
    """P22: Upsert is Create where the ID is new, otherwise Update; complete in both cases."""
    first, second = artist("Upsert", Field("View", "7")), artist("Upsert", Field("Popularity", "1"))
    assert [row[2] for row in result(first).changes] == ["create"]
    made = document("artist", "a", first, second)
    assert (made["view"], made["popularity"]) == (7, "1")
    assert errors(result(first, does("Upsert", "Artist", "a"))) == ["field-required"]


def test_delete_needs_only_the_id() -> None:
    """P23: Delete ignores what else stands there, right or wrong, with one warning."""
    package = does("Delete", "Artist", "a", Field("View", "-1"), Field("Titel", "x"))
    made = result(artist("Create"), package)
    assert made == Result(
        "applied", [("warning", "content-ignored")], [("artist", "a", "delete", None)]
    )
    assert errors(result(does("Delete", "Artist", "a"))) == ["not-found"]


def test_delete_removes_the_links() -> None:
    """P23: links go with the object; a release's tracks and artists stay."""
    given = (
        track("Create"),
        artist("Create"),
        release("Create", tracks("t"), Collection("Artists", (link("Artist", "a"),))),
    )
    oracle, made = after(*given, does("Delete", "Release", "r"))
    assert [row[:3] for row in made.changes] == [
        ("release", "r", "delete"),
        ("release_track", "r/t", "delete"),
    ]
    assert set(oracle.documents()) == {("track", "t"), ("artist", "a")}
    made = result(*given, does("Delete", "Artist", "a"))
    assert [row[:3] for row in made.changes] == [
        ("artist", "a", "delete"),
        ("release", "r", "update"),
    ]


def test_delete_of_a_label_sets_null() -> None:
    """P23: a deleted label leaves its releases without one."""
    label = Model("Label", "l", (Field("Name", "EMI"),))
    made = document("release", "r", release("Create", label), does("Delete", "Label", "l"))
    assert "label_id" not in made


def test_view_changes_nothing() -> None:
    """P24: View reads what stands there, changes nothing, and needs the object."""
    view = does("View", "Artist", "a", Field("Name", "Other"))
    oracle, made = after(artist("Create"), view)
    assert made == Result("viewed", [], [])
    assert oracle.documents()["artist", "a"]["name"] == "Adele"
    assert errors(result(view)) == ["not-found"]
    wrong = does("View", "Artist", "a", Field("View", "many"))
    assert errors(result(artist("Create"), wrong)) == ["value-invalid"]


def test_sub_actions_under_view() -> None:
    """P24: any action inside a View is refused, also a nested Create."""
    inside = genres(genre("g", act=PUSH), genre("h", act=Act("Create")))
    counted = Field("View", "1", None, INCREASE)
    made = result(artist("Create"), Package(Model("Artist", "a", (inside, counted))))
    assert errors(made) == ["action-forbidden"] * 3


def test_nested_update_and_delete_are_refused() -> None:
    """P26: a nested Update or Delete is refused under every primary action."""
    for word in ("Create", "Upsert", "Update"):
        for nested in ("Update", "Delete"):
            package = artist(word, genres(genre("g", act=Act(nested))))
            assert "action-forbidden" in errors(result(artist("Create"), package))


def test_nested_create_and_upsert_are_applied_then_linked() -> None:
    """P26: nested Create and Upsert are applied, then linked; the owner's row comes first."""
    nested = genres(genre("g", act=Act("Create")), genre("h", act=Act("Upsert")))
    made = result(artist("Create"), artist("Update", nested))
    assert [row[:3] for row in made.changes] == [
        ("artist", "a", "update"),
        ("genre", "g", "create"),
        ("genre", "h", "create"),
    ]
    assert made.codes == []
    again = artist("Update", genres(genre("g", act=Act("Create"))))
    assert errors(result(artist("Create"), artist("Update", nested), again)) == ["already-exists"]


# Sub-actions


def test_edits_are_carried_out_in_order() -> None:
    """P30, P35: each edit sees what the one before it did."""
    given = artist("Create", genres(genre("g")))
    there_and_back = genres(link("Genre", "g", PULL), link("Genre", "g", PUSH))
    assert document("artist", "a", given, artist("Update", there_and_back))["genre"] == ["g"]
    gone = genres(link("Genre", "g", PUSH), link("Genre", "g", PULL))
    assert "genre" not in document("artist", "a", given, artist("Update", gone))


def test_two_lists_of_edits_mix() -> None:
    """P35: a list may be given twice when both hold edits, not when one is plain."""
    push, pull = genres(genre("g", act=PUSH)), genres(link("Genre", "g"), act=PULL)
    made = document("artist", "a", artist("Create"), artist("Update", push, pull))
    assert "genre" not in made
    plain = genres(genre("g"))
    twice = artist("Update", plain, push)
    assert errors(result(artist("Create"), twice)) == ["schema-invalid"]


def test_bare_references_keep_their_place_among_edits() -> None:
    """P30: edits of bare and collected references are carried out in document order."""
    edits = (
        Reference("x", "1", PUSH),
        Collection("References", (Reference("x", None, PULL),)),
        Reference("x", "2", PUSH),
    )
    made = document("track", "t", track("Create"), track("Update", *edits))
    assert made["reference"] == [{"provider": "x", "ref_id": "2"}]


def test_announced_list_needs_marked_children() -> None:
    """P30: an announcing attribute does nothing by itself; unmarked children are refused."""
    given = artist("Create", genres(genre("g")))
    for word in ("Update", "Transform"):
        nothing = artist("Update", genres(act=Act(word)))
        assert document("artist", "a", given, nothing)["genre"] == ["g"]
        unmarked = artist("Update", genres(link("Genre", "g"), act=Act(word)))
        assert errors(result(given, unmarked)) == ["action-forbidden"]


def test_push_or_pull_on_a_list_holds_for_every_child() -> None:
    """P30: Push or Pull on the list is that of each child, which may not carry another."""
    given = artist("Create", genres(genre("g")))
    pushed = artist("Update", genres(genre("h"), genre("i", act=Act("Create")), act=PUSH))
    assert document("artist", "a", given, pushed)["genre"] == ["g", "h", "i"]
    other = artist("Update", genres(link("Genre", "g", PULL), act=PUSH))
    assert errors(result(given, other)) == ["action-conflict"]


def test_where_one_child_carries_an_action_all_must() -> None:
    """P30: an unmarked child beside marked ones is refused, under Create too."""
    mixed = genres(genre("g", act=PUSH), genre("h"))
    assert errors(result(artist("Create"), artist("Update", mixed))) == ["action-forbidden"]
    assert errors(result(artist("Create", mixed))) == ["action-forbidden"]


def test_placement_is_for_bare_countries() -> None:
    """P30: Placement for models, Transform for bare countries: lenient, or refused by strict."""
    bare = Territory("US", act=PUSH, bare=True)
    placed = release("Update", territories(bare, act=Act("Placement")))
    assert warnings(result(release("Create"), placed)) == []
    for wrong in (
        territories(bare, act=Act("Transform")),
        territories(Territory("US", act=PUSH), act=Act("Placement")),
    ):
        package = release("Update", wrong)
        assert warnings(result(release("Create"), package)) == ["sub-action-lenient"]
        assert errors(result(release("Create"), package, strict=True)) == ["action-forbidden"]


def test_push_and_increase_under_create_are_lenient() -> None:
    """P31: Push and Increase under Create are plain values with a warning, refused by strict."""
    inside = (genres(genre("g", act=PUSH)), Field("View", "3", None, INCREASE))
    made = document("artist", "a", artist("Create", *inside))
    assert (made["genre"], made["view"]) == (["g"], 3)
    assert warnings(result(artist("Create", *inside))) == ["sub-action-lenient"] * 2
    assert errors(result(artist("Create", *inside), strict=True)) == ["action-forbidden"] * 2


def test_push_and_increase_under_upsert_act_on_what_is_there() -> None:
    """P31: under Upsert they act on the object as it stands."""
    given = artist("Create", genres(genre("g")), Field("View", "3"))
    inside = (genres(genre("h"), act=PUSH), Field("View", "3", None, INCREASE))
    made = document("artist", "a", given, artist("Upsert", *inside))
    assert (made["genre"], made["view"]) == (["g", "h"], 6)
    assert warnings(result(given, artist("Upsert", *inside))) == ["sub-action-lenient"] * 2


def test_pull_and_decrease_under_create_are_refused() -> None:
    """P31: Pull and Decrease are refused under Create and Upsert."""
    inside = (genres(link("Genre", "g", PULL)), Field("View", "3", None, DECREASE))
    for word in ("Create", "Upsert"):
        assert errors(result(artist(word, *inside))) == ["action-forbidden"] * 2


def test_pushed_child_must_be_complete() -> None:
    """P32: one finding for each field that is missing; an image needs Value or Resource."""
    pushed = track("Update", Collection("Resources", (Resource(act=PUSH),)))
    assert errors(result(track("Create"), pushed)) == ["field-required"] * 3
    image = track("Update", Collection("Images", (Image("s", act=PUSH),)))
    assert errors(result(track("Create"), image)) == ["field-required"]


def test_push_replaces_in_place() -> None:
    """P32: a Push goes to the end, or replaces the item with the same key in its place."""
    given = track("Create", Reference("x", "1"), Reference("y", "1"))
    edits = (Reference("x", "2", PUSH), Reference("z", None, PUSH))
    made = document("track", "t", given, track("Update", *edits))
    assert made["reference"] == [
        {"provider": "x", "ref_id": "2"},
        {"provider": "y", "ref_id": "1"},
        {"provider": "z"},
    ]


def test_later_of_two_items_in_a_plain_list_stands() -> None:
    """P32: in a plain list the later of two replaces the earlier in its place, with a warning."""
    references = (Reference("x", "1"), Reference("y"), Reference("x", "2"))
    made = document("track", "t", track("Create", *references))
    assert [item.get("ref_id") for item in made["reference"]] == ["2", None]
    assert warnings(result(track("Create", *references))) == ["duplicate-item"]


def test_pull_removes_every_match() -> None:
    """P33: a Pull removes every item that matches all scalars given."""
    images = (Image("s", "1"), Image("s", "2"), Image("other", "1"))
    given = track("Create", Collection("Images", images))
    pulled = track("Update", Collection("Images", (Image("s", act=PULL),)))
    assert document("track", "t", given, pulled)["image"] == [{"source": "other", "value": "1"}]


def test_pull_of_a_model_reads_the_id_alone() -> None:
    """P33: whatever stands beside the ID of a pulled model does not matter."""
    wrong = Model("Genre", "g", (Field("Titel", "x"), Field("Name")), PULL)
    given = artist("Create", genres(genre("g")))
    assert "genre" not in document("artist", "a", given, artist("Update", genres(wrong)))


def test_pull_without_a_match() -> None:
    """P33: no match leaves a warning, or is refused by strict."""
    for pulled in (
        genres(link("Genre", "g", PULL)),
        Collection("MetaData", (Meta("BirthDay", act=PULL),)),
        territories(Territory("US", act=PULL)),
    ):
        package = artist("Update", pulled)
        assert warnings(result(artist("Create"), package)) == ["pull-no-match"]
        assert errors(result(artist("Create"), package, strict=True)) == ["pull-no-match"]


def test_pull_that_names_nothing() -> None:
    """P33: a Pull that names nothing is refused."""
    for pulled in (
        genres(Model("Genre", act=PULL)),
        Collection("Images", (Image("", "", act=PULL),)),
        territories(Territory(act=PULL)),
    ):
        package = artist("Update", pulled)
        assert errors(result(artist("Create"), package)) == ["pull-empty"]


def test_increase_and_decrease() -> None:
    """P34: exact decimals, NULL counts as 0."""
    popularity = Field("Popularity", "0.1", None, INCREASE)
    given = (artist("Create"), *[artist("Update", popularity)] * 2)
    made = document("artist", "a", *given, artist("Update", popularity))
    assert made["popularity"] == "0.3"


def test_nothing_goes_below_zero_or_over_the_limit() -> None:
    """P34: nothing goes below 0, and nothing over what the column holds."""
    given = artist("Create", Field("View", "3"))
    less = artist("Update", Field("View", "4", None, DECREASE))
    assert errors(result(given, less)) == ["below-zero"]
    more = artist("Update", Field("View", str(2**63 - 3), None, INCREASE))
    assert errors(result(given, more)) == ["value-invalid"]


def test_increase_is_for_numbers() -> None:
    """P34: Increase and Decrease stand on numeric fields only, with a number of at least 0."""
    for name in ("Title", "ISRC", "Duration", "CreatedAt"):
        package = track("Update", Field(name, "1", None, INCREASE))
        assert errors(result(track("Create"), package)) == ["action-forbidden"]
    for amount in ("-1", "", "many"):
        package = track("Update", Field("View", amount, None, INCREASE))
        assert errors(result(track("Create"), package)) == ["value-invalid"]


# Territories


def test_declared_empty_differs_from_never_declared() -> None:
    """P36: `<Territories/>` or the Pull of the last country leaves the empty set."""
    assert "territory_set_id" not in document("release", "r", release("Create"))
    emptied = document("release", "r", release("Create", territories()))
    assert emptied["territory_set_id"] == entries()
    pulled = release("Update", territories(Territory("US", act=PULL)))
    made = document("release", "r", release("Create", territories(US)), pulled)
    assert made["territory_set_id"] == entries()


def test_set_id_is_a_hash_of_the_canonical_content() -> None:
    """P36: equal sets have one id, whatever the order they are written in."""
    text = '[["GB",[]],["US",[["StreamingValidity","Allow","2007-10-02T04:00:00.000000Z",null]]]]'
    given = {"US": (ALLOWED,), "GB": ()}
    assert json.loads(json.dumps(sorted(given.items()))) == json.loads(text)
    us = Territory("US", (ALLOW, ALLOW))
    for order in ((us, Territory("GB")), (Territory("GB", ()), us)):
        package = release("Create", territories(*order))
        assert document("release", "r", package)["territory_set_id"] == set_id(given)
        assert warnings(result(package)) == ["duplicate-item"]


def test_pull_from_a_set_with_worldwide_excludes() -> None:
    """P36: pulling a country where WW stands excludes it, a later Push replaces that."""
    given = release("Create", territories(WW, Territory("US", (ALLOW,))))
    pulled = release("Update", territories(Territory("US", act=PULL), Territory("GB", act=PULL)))
    made = document("release", "r", given, pulled)
    excluded = entries(WW=(), US=(EXCLUDED,), GB=(EXCLUDED,))
    assert made["territory_set_id"] == excluded
    again = result(given, pulled, pulled)
    assert (warnings(again), again.changes) == ([], [])
    pushed = release("Update", territories(Territory("US", act=PUSH)))
    made = document("release", "r", given, pulled, pushed)
    assert made["territory_set_id"] == entries(WW=(), US=(), GB=(EXCLUDED,))


def test_pull_of_worldwide_removes_that_entry_alone() -> None:
    """P36: pulling WW leaves the other entries, which can then be pulled like any."""
    given = release("Create", territories(WW, US))
    pulled = release("Update", territories(Territory("Worldwide", act=PULL)))
    assert document("release", "r", given, pulled)["territory_set_id"] == entries(US=())
    last = release("Update", territories(Territory("US", act=PULL)))
    assert document("release", "r", given, pulled, last)["territory_set_id"] == entries()


def test_push_that_begins_a_tracks_list_is_warned_of() -> None:
    """P36: on a track whose release declares a list, the Push that begins its own narrows."""
    pushed = track("Update", territories(Territory("US", act=PUSH), Territory("GB", act=PUSH)))
    declared = release("Create", territories(WW), tracks("t"))
    assert warnings(result(track("Create"), declared, pushed)) == ["territory-list-begun"]
    assert warnings(result(track("Create"), declared, pushed, pushed)) == []
    assert warnings(result(track("Create"), release("Create", tracks("t")), pushed)) == []
    plain = track("Update", territories(US))
    assert warnings(result(track("Create"), declared, plain)) == []


# References between models


def test_nested_model_without_an_action_refers() -> None:
    """P43: what the catalogue has is linked and left as it is, with all that stands in it."""
    given = (does("Create", "Genre", "g", Field("Name", "Rock")), artist("Create"))
    oracle, made = after(*given, artist("Update", genres(genre("g", name="Other"))))
    assert [row[:2] for row in made.changes] == [("artist", "a")]
    assert oracle.documents()["genre", "g"]["name"] == "Rock"
    deep = Model("Artist", "a", (genres(genre("new")),))
    made = result(*given, release("Create", Collection("Artists", (deep,))))
    assert [row[:2] for row in made.changes] == [("release", "r")]


def test_unknown_nested_model_is_created_when_complete() -> None:
    """P43: a complete model is created on the way, an incomplete one is unknown; all are told."""
    made = result(artist("Create", genres(genre("g"))))
    assert [row[:3] for row in made.changes] == [
        ("artist", "a", "create"),
        ("genre", "g", "create"),
    ]
    unknown = artist("Create", genres(link("Genre", "g"), link("Genre", "h")))
    assert errors(result(unknown)) == ["reference-unknown"] * 2


def test_release_and_track_that_name_each_other() -> None:
    """P43: an object is in hand before what is nested in it, so both ends may be named."""
    nested = Model(
        "Track", "t", (Field("Title", "Hello"), Collection("Releases", (link("Release", "r"),)))
    )
    made = result(release("Create", Collection("Tracks", (nested,))))
    assert [row[:3] for row in made.changes] == [
        ("release", "r", "create"),
        ("track", "t", "create"),
        ("release_track", "r/t", "create"),
    ]


def test_links_are_one_seen_from_both_ends() -> None:
    """P43, P32: a plain list numbers from 1, a Push goes to the end, a Pull leaves a gap."""
    made = [does("Create", "Track", value, Field("Title", "x")) for value in "tuv"]
    given = (*made, release("Create", tracks("t", "u")))

    def places(*then: Package) -> dict[str, int]:
        found = after(*given, *then)[0].documents()
        return {
            key: row["position"] for (kind, key), row in found.items() if kind == "release_track"
        }

    assert places(release("Update")) == {"r/t": 1, "r/u": 2}
    pulled = release("Update", tracks("t", act=PULL))
    assert places(pulled) == {"r/u": 2}
    own = does("Update", "Track", "v", Collection("Releases", (link("Release", "r"),)))
    assert places(pulled, own) == {"r/u": 2, "r/v": 3}
    assert places(pulled, own, release("Update", tracks("u", act=PUSH))) == {"r/u": 2, "r/v": 3}
    assert places(pulled, own, release("Update", tracks("v", "t"))) == {"r/v": 1, "r/t": 2}


def test_id_of_a_link_is_unambiguous() -> None:
    """P14, H1: IDs are opaque, so `/` and `%` in them are written %2F and %25 in a link's id."""
    given = does("Create", "Track", "100%", Field("Title", "x"))
    slashed = does("Create", "Release", "r/2", Field("Title", "x"), tracks("100%"))
    assert result(given, slashed).changes[1][:2] == ("release_track", "r%2F2/100%25")


def test_label_is_a_nested_model() -> None:
    """P43, P17: a label is referred to or created; empty it sets NULL; Push is refused."""
    label = Model("Label", "l", (Field("Name", "EMI"),))
    given = release("Create", label)
    assert document("release", "r", given)["label_id"] == "l"
    assert "label_id" not in document("release", "r", given, release("Update", Model("Label")))
    unknown = release("Update", link("Label", "m"))
    assert errors(result(given, unknown)) == ["reference-unknown"]
    pushed = release("Update", link("Label", "l", PUSH))
    assert errors(result(given, pushed)) == ["action-forbidden"]


def test_release_setting_addresses_a_release() -> None:
    """P44: Create declares, Update edits, Delete un-declares; the release stays."""
    create = does("Create", "ReleaseSetting", "r", territories(US))
    edit = does("Update", "ReleaseSetting", "r", territories(Territory("GB", act=PUSH)))
    delete = does("Delete", "ReleaseSetting", "r")
    assert errors(result(create)) == ["not-found"]
    assert errors(result(release("Create"), create, create)) == ["already-exists"]
    assert errors(result(release("Create"), delete)) == ["not-found"]
    assert errors(result(release("Create"), does("View", "ReleaseSetting", "r"))) == ["not-found"]
    assert errors(result(does("Create", "ReleaseSetting", "r"))) == ["field-required"]
    made = result(release("Create"), create, edit)
    assert [(*row[:3], row[3] and row[3]["territory_set_id"]) for row in made.changes] == [
        ("release", "r", "update", entries(US=(), GB=()))
    ]
    assert "territory_set_id" not in document("release", "r", release("Create"), create, delete)


def test_genres_object_edits_the_genre_list() -> None:
    """P44: Genres under Update upserts what is pushed or unmarked and deletes what is pulled."""
    given = artist("Create", genres(genre("latin")))
    sample = genres(genre("latin", act=Act("pull")), genre("hip-hop"), act=Act("Update"))
    oracle, made = after(given, Package(sample))
    assert [row[:3] for row in made.changes] == [
        ("genre", "latin", "delete"),
        ("artist", "a", "update"),
        ("genre", "hip-hop", "create"),
    ]
    assert "genre" not in oracle.documents()["artist", "a"]
    assert warnings(result(given, Package(sample), Package(sample))) == ["pull-no-match"]
    unmarked = Package(genres(*sample.children))
    assert errors(result(given, unmarked)) == ["action-forbidden"]


def test_genres_object_under_the_other_actions() -> None:
    """P44: Create makes each, Upsert writes each, Delete is refused."""
    both = genres(genre("g"), genre("h"), act=Act("Create"))
    assert len(result(Package(both)).changes) == 2
    assert errors(result(Package(both), Package(both))) == ["already-exists"] * 2
    assert result(Package(both), Package(genres(*both.children), Act("Upsert"))).changes == []
    assert errors(result(Package(genres(act=Act("Delete"))))) == ["action-forbidden"]
    bare = genres(link("Genre", "g"), act=Act("Update"))
    assert errors(result(Package(bare))) == ["field-required"]


def test_territories_as_an_object_are_view_only() -> None:
    """P44: Territory and Territories have no identity; what they hold is checked all the same."""
    assert result(Package(Territory("US", (ALLOW,)))) == Result("viewed", [], [])
    assert result(Package(territories(US, WW))).status == "viewed"
    assert errors(result(Package(Territory("ZZ")))) == ["country-unknown"]
    assert errors(result(Package(territories(US), Act("Update")))) == ["action-forbidden"]


def test_every_error_is_reported() -> None:
    """P7, P15: all the document tells is reported at once, and then the catalogue is not asked."""
    package = artist(
        "Create", Field("View", "many"), Field("Titel", "x"), genres(Model("Genre", act=Act("No")))
    )
    expected = ["action-unknown", "element-unknown", "value-invalid"]
    assert errors(result(artist("Create"), package)) == expected


def test_failing_package_changes_nothing() -> None:
    """P7: a package is applied whole or not at all; its warnings are told all the same."""
    given = artist("Create", genres(genre("g")))
    package = artist(
        "Update",
        Field("Name", "Other"),
        Field("View", "1", None, DECREASE),
        genres(link("Genre", "x", PULL), link("Genre", "y", PUSH)),
    )
    oracle, _ = after(given, artist("Update"))
    before = oracle.documents()
    made = oracle.apply(package)
    assert made.codes == [
        ("error", "below-zero"),
        ("error", "reference-unknown"),
        ("warning", "pull-no-match"),
    ]
    assert oracle.documents() == before


def test_updates_of_the_documents_own_samples() -> None:
    """P33, P32: the empty Pull and Push of the document's updates give what section 7 says."""
    for announced in (Act("Update"), Act("Transform", "operator")):
        edits = Collection("Resources", (Resource(act=PULL), Resource(act=PUSH)), announced)
        made = result(track("Create"), track("Update", edits))
        assert errors(made) == ["field-required"] * 3 + ["pull-empty"]
    country = Territory("US", act=Act("Pull", "operator"), bare=True)
    placed = territories(country, act=Act("Placement", "operator"))
    setting = does("Update", "ReleaseSetting", "r", placed)
    assert warnings(result(release("Create", territories(US)), setting)) == []


# The packages


def test_prelude_applies() -> None:
    """P20: the packages that every sequence may begin with are right."""
    assert result(*PRELUDE).codes == []


def test_xml_of_a_package() -> None:
    """P10: the tree is written in the protocol's shapes."""
    image = Image("7digital", "v", "/a.jpeg", "FilePath", "image/*", "8", height_name="Heigth")
    package = Package(
        Model(
            "Track", None, (Collection("Images", (image,), PUSH),), Act("update", "operator"), "t"
        ),
        None,
        "Package",
        "1.0",
    )
    assert to_xml(package).decode() == (
        '<Package><Schema version="1.0"><Track id="t" operator="update"><Images action="Push">'
        '<Image><Resource mimeType="image/*" type="FilePath">/a.jpeg</Resource>'
        "<Source>7digital</Source><Resolution><Width>8</Width></Resolution><Value>v</Value>"
        "</Image></Images></Track></Schema></Package>"
    )


@settings(max_examples=100, deadline=None)
@given(packages())
def test_every_generated_package_is_well_formed(package: Package) -> None:
    """P10, P11: every generated package is well-formed XML with one object in its Schema."""
    root = ET.fromstring(to_xml(package))  # noqa: S314
    assert [[child.tag for child in schema] for schema in root] == [
        [getattr(package.object, "kind", getattr(package.object, "name", "Territory"))]
    ]


@settings(max_examples=40, deadline=None)
@given(sequences(max_size=3))
def test_history_rebuilds_the_catalogue(given_packages: list[Package]) -> None:
    """H2: the history rows of a sequence, replayed, give the catalogue that it made."""
    oracle = Oracle()
    replayed: dict[tuple[str, str], Any] = {}
    for package in given_packages:
        for entity, value, action, after_it in oracle.apply(package).changes:
            assert ((entity, value) in replayed) == (action != "create")
            replayed[entity, value] = after_it
            if action == "delete":
                del replayed[entity, value]
        assert replayed == oracle.documents()
