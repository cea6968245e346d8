"""What hostile or broken producers send: each attack as a package, and what must be found in it."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE = 60_000_000
"""Bytes below the limit of a file, and above that of a text."""


class Attack(NamedTuple):
    """A package, made when it is wanted; ``beside`` are files at the top of its feed."""

    data: Callable[[], bytes]
    codes: frozenset[str]
    beside: tuple[tuple[str, bytes], ...] = ()


def package(name: str = "N", inside: str = "", action: str = "Create") -> str:
    """An artist whose name is text as it stands in XML."""
    return (
        f'<xml><Schema action="{action}"><Artist><ID>x</ID><Name>{name}</Name>{inside}</Artist>'
        "</Schema></xml>"
    )


def _declared(encoding: str) -> str:
    return f'<?xml version="1.0" encoding="{encoding}"?>'


def attack(text: str | bytes, *codes: str) -> Attack:
    """A package that must be refused with these codes."""
    data = text.encode() if isinstance(text, str) else text
    return Attack(lambda: data, frozenset(codes))


BOMB = "".join(f'<!ENTITY {chr(98 + n)} "{(chr(38) + chr(97 + n) + ";") * 10}">' for n in range(12))
CANARY = "file:///srv/feedengine-canary"
XINCLUDE = 'xmlns:xi="http://www.w3.org/2001/XInclude"'
INSTANCE = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'

DOCTYPES = {
    "doctype": f"<!DOCTYPE xml>{package()}",
    "doctype-external": f'<!DOCTYPE xml SYSTEM "{CANARY}">{package()}',
    "doctype-public": f'<!DOCTYPE xml PUBLIC "-//X//Y" "{CANARY}">{package()}',
    "doctype-in-small-letters": f"<!doctype xml>{package()}",
    "doctype-in-mixed-letters": f"<!DocType xml>{package()}",
    "doctype-behind-comments": "<?xml version='1.0'?><!-- <!DOCTYPE --><?a ?>\n<!DOCTYPE x>"
    + package(),
    "doctype-behind-a-bad-comment": f"<!-- a -- b --><!DOCTYPE x>{package()}",
    "entity": f'<!DOCTYPE x [<!ENTITY e "x">]>{package("&e;")}',
    "entity-external": f'<!DOCTYPE x [<!ENTITY e SYSTEM "{CANARY}">]>{package("&e;")}',
    "entity-parameter": f'<!DOCTYPE x [<!ENTITY % e SYSTEM "{CANARY}"> %e;]>{package()}',
    "entity-bomb": f'<!DOCTYPE x [<!ENTITY a "a">{BOMB}]>{package("&m;")}',
    "entity-bomb-in-an-attribute": f'<!DOCTYPE x [<!ENTITY a "a">{BOMB}]>' + package(action="&m;"),
    "entity-quadratic": f'<!DOCTYPE x [<!ENTITY a "{"a" * 100_000}">]>{package("&a;" * 20_000)}',
    "entity-cycle": '<!DOCTYPE x [<!ENTITY a "&b;"><!ENTITY b "&a;">]>' + package("&a;"),
    "attribute-default": '<!DOCTYPE x [<!ATTLIST Artist id CDATA "y">]>' + package(),
    "entity-undeclared": package("a&nbsp;b"),
    "entity-undeclared-in-an-attribute": package(action="&create;"),
    "entity-undeclared-in-ignored-content": package("&who;", action="Delete"),
    "xinclude": package(f'<xi:include {XINCLUDE} href="{CANARY}" parse="text"/>'),
    "xinclude-unprefixed": package(
        '<include xmlns="http://www.w3.org/2001/XInclude" href="/srv/feedengine-canary"/>'
    ),
    "xinclude-disguised": package(
        '<i:include xmlns:i="http://www.w3.org/2001/XIncl&#117;de" href="/srv/feedengine-canary"/>'
    ),
    "xinclude-as-root": f'<xi:include {XINCLUDE} href="{CANARY}"/>',
    "xinclude-in-ignored-content": package("N", f"<xi:fallback {XINCLUDE}/>", "Delete"),
}

ENCODINGS = {
    **{
        f"declared-{name[:20] or 'nothing'}": (_declared(name) + package("ü")).encode()
        for name in (
            *("utf-7", "utf-16", "utf-32", "ucs-4", "windows-1252", "cp037", "big5", "latin1"),
            *("", "x" * 500, "unicode", "utf-8-sig", "rot13", "punycode", "idna", "hex"),
        )
    },
    "utf-7": b'<?xml version="1.0" encoding="UTF-7"?>+ADw-xml+AD4-',
    "ebcdic": f'<?xml version="1.0" encoding="ebcdic-cp-us"?>{package()}'.encode("cp037"),
    "utf-16-unmarked": package().encode("utf-16-le"),
    "utf-32": b"\xff\xfe\0\0" + package().encode("utf-32-le"),
    "utf-32-big": b"\0\0\xfe\xff" + package().encode("utf-32-be"),
    "utf-32-unmarked": package().encode("utf-32-be"),
    "utf-16-marked-declared-utf-8": (
        "\ufeff" + '<?xml version="1.0" encoding="utf-8"?>' + package()
    ).encode("utf-16-le"),
    "utf-8-marked-declared-latin": (
        "\ufeff" + '<?xml version="1.0" encoding="iso-8859-1"?>' + package()
    ).encode(),
    "utf-16-half": b"\xff\xfe" + package().encode("utf-16-le") + b"\0",
    "utf-16-lone-surrogate": b"\xff\xfe" + package("\ud800").encode("utf-16-le", "surrogatepass"),
    "overlong": package("@").encode().replace(b"@", b"\xc0\xbc"),
    "surrogates": package("\ud83d\ude00").encode("utf-8", "surrogatepass"),
    "latin-in-utf-8": package("ü").encode("iso-8859-1"),
    "bytes-in-ascii": b'<?xml version="1.0" encoding="us-ascii"?>' + package("ü").encode(),
    "declaration-without-end": b"<?xml " + b" " * 5_000 + b"?>" + package().encode(),
    "gzip": gzip.compress(package().encode(), mtime=0),
    "noise": bytes(range(255, 0, -1)) * 20,
}

MALFORMED = {
    "empty": b"",
    "blanks": b" \n\t\r\n ",
    "mark-alone": b"\xef\xbb\xbf",
    "nul": package("a\0b").encode(),
    "nul-behind-the-root": package().encode() + b"\0",
    "control-character": package("\x1b[31m").encode(),
    "no-character": package("\ufffe").encode(),
    "reference-to-nul": package("&#0;").encode(),
    "reference-to-a-surrogate": package("&#xD800;").encode(),
    "reference-beyond": package("&#x110000;").encode(),
    "reference-without-end": package("&#x41").encode(),
    "doctype-inside": package("<!DOCTYPE a>").encode(),
    "doctype-behind": package().encode() + b"<!DOCTYPE a>",
    "two-roots": package().encode() * 2,
    "garbage-behind": package().encode() + b"garbage",
    "declaration-late": b" <?xml version='1.0'?>" + package().encode(),
    "declaration-twice": b"<?xml version='1.0'?>" * 2 + package().encode(),
    "declaration-wrong": b"<?xml version='1.0' bogus='1'?>" + package().encode(),
    "version-of-the-future": b"<?xml version='2.0'?>" + package().encode(),
    "attribute-twice": b'<xml><Schema action="Create" action="Delete"/></xml>',
    "attribute-twice-by-namespace": b'<xml xmlns:a="u" xmlns:b="u" a:x="1" b:x="2"/>',
    "prefix-unbound": package().replace("Artist", "a:Artist").encode(),
    "tag-unclosed": b'<xml a="' + b"<" * 1000,
    "cut-off": package().encode()[:-20],
    "zip": b"PK\x03\x04" + bytes(100),
    "brackets": b"<" * 600_000,
    "ampersands": b"<xml>" + b"&" * 600_000,
}

SHAPES = {
    "namespace-on-the-root": (package().replace("<xml", '<xml xmlns="u"'), "element-unknown"),
    "namespace-prefixed": (
        package().replace("Artist>", "a:Artist>").replace("<xml", '<xml xmlns:a="u"'),
        "element-unknown",
    ),
    "xsi-type": (
        package().replace("<Artist", f'<Artist {INSTANCE} xsi:type="ArtistObject"'),
        "schema-invalid",
    ),
    "xsi-nil": (package().replace("<Name", f'<Name {INSTANCE} xsi:nil="false"'), "schema-invalid"),
    "xml-base": (package().replace("<xml", f'<xml xml:base="{CANARY}"'), "schema-invalid"),
    "xml-lang": (package().replace("<Name", '<Name xml:lang="en"'), "schema-invalid"),
    "xml-space": (package().replace("<Name", '<Name xml:space="preserve"'), "schema-invalid"),
    "nested-65": ("<a>" * 65 + "</a>" * 65, "too-deep"),
    "nested-255": ("<a>" * 255 + "</a>" * 255, "too-deep"),
    "nested-5000": ("<a>" * 5_000 + "</a>" * 5_000, "too-deep"),
    "nested-without-end": ("<a>" * 600_000, "too-deep"),
    "models-nested": (
        package("N", "<Genres><Genre>" * 40 + "</Genre></Genres>" * 40),
        "too-deep",
    ),
    "long-name-of-an-element": (f"<{'x' * 60_000}/>", "too-large"),
}

BEYOND: dict[str, tuple[Callable[[], str | bytes], str]] = {
    "long-attribute": (lambda: package(action="x" * 9_000_000), "too-large"),
    "longer-attribute": (lambda: package(action="x" * 11_000_000), "too-large"),
    "long-text": (lambda: package("x" * 10_000_001), "too-large"),
    "long-cdata": (lambda: package(f"<![CDATA[{'x' * 10_000_001}]]>"), "too-large"),
    "long-comment": (lambda: f"<!--{'x' * 10_000_001}-->{package()}", "too-large"),
    "long-instruction": (lambda: f"<?a {'x' * 10_000_001}?>{package()}", "too-large"),
    "attributes": (lambda: f"<xml {_attributes(200_000)}/>", "too-large"),
    "attributes-beyond-measure": (lambda: f"<xml {_attributes(700_000)}/>", "too-large"),
    "siblings": (lambda: f"<xml>{'<a/>' * 1_000_000}</xml>", "too-large"),
    "brackets-beyond-measure": (lambda: "<" * LARGE, "too-large"),
    "blanks-beyond-measure": (lambda: " " * LARGE + package(), "too-large"),
    "text-beyond-measure": (lambda: package("x" * LARGE), "too-large"),
    "latin-beyond-measure": (
        lambda: _declared("iso-8859-1").encode() + b"<a>" + b"\xe9" * (LARGE // 3),
        "too-large",
    ),
    "utf-16-beyond-measure": (lambda: package("x" * (LARGE // 3)).encode("utf-16"), "too-large"),
}
"""Those that are large, made when they are wanted."""


def _attributes(count: int) -> str:
    return " ".join(f'a{number:x}=""' for number in range(count))


def _genre(*sources: str) -> str:
    genres = "".join(f'<Genre src="{src}"/>' for src in sources)
    return package("N", f"<Genres>{genres}</Genres>")


def _chain(length: int, times: int) -> tuple[tuple[str, bytes], ...]:
    """Files that name the next one, each so many times over."""
    made = []
    for n in range(length):
        kind, plural, other = (("Release", "Tracks", "Track"), ("Track", "Releases", "Release"))[
            n % 2
        ]
        uses = f'<{other} src="deep/{length}-{n + 1}.xml"/>' * times if n + 1 < length else ""
        text = f"<{kind}><ID>{n}</ID><Title>T</Title><{plural}>{uses}</{plural}></{kind}>"
        made.append((f"deep/{length}-{n}.xml", f"<xml><Schema>{text}</Schema></xml>".encode()))
    return tuple(made)


def _named(*sources: str) -> bytes:
    tracks = "".join(f'<Release src="{src}"/>' for src in sources)
    return (
        '<xml><Schema action="Create"><Track><ID>x</ID><Title>T</Title>'
        f"<Releases>{tracks}</Releases></Track></Schema></xml>"
    ).encode()


SOURCES = {
    "src-absolute": attack(_genre("/srv/feedengine-canary"), "source-outside"),
    "src-above-the-feed": attack(_genre("../../../canary.xml"), "source-outside"),
    "src-url": attack(_genre(CANARY), "source-outside"),
    "src-http": attack(_genre("http://127.0.0.1:1/x"), "source-outside"),
    "src-backslashes": attack(_genre("..\\..\\..\\canary.xml"), "source-outside"),
    "src-escaped": attack(_genre("..%2f..%2f..%2fcanary.xml"), "source-missing"),
    "src-of-a-folder": attack(_genre("packages/"), "source-missing"),
    "src-empty": attack(_genre(""), "source-missing"),
    "src-endless": attack(_genre("x" * 5_000), "source-outside"),
    "src-with-a-control": attack(_genre("a&#10;b"), "source-outside"),
    "src-behind-a-link": attack(_genre("link.xml"), "source-outside"),
    "src-behind-a-linked-folder": attack(_genre("linked/canary.xml"), "source-outside"),
    "src-pipe": attack(_genre("pipe.xml"), "source-outside"),
    "src-itself": attack(_genre("../attack/package.xml"), "source-missing"),
    "src-malformed": attack(_genre("bad.xml"), "xml-malformed")._replace(
        beside=(("bad.xml", b"<xml>"),)
    ),
    "src-bomb": attack(_genre("bomb.xml"), "xml-forbidden")._replace(
        beside=(("bomb.xml", DOCTYPES["entity-bomb"].encode()),)
    ),
    "src-chain": attack(_named("deep/40-0.xml"), "source-limit")._replace(beside=_chain(40, 1)),
    "src-chain-from-everywhere": attack(
        _named(*(f"deep/300-{n}.xml" for n in range(0, 250, 2))), "source-limit"
    )._replace(beside=_chain(300, 1)),
}


def _encoded(made: Callable[[], str | bytes]) -> Callable[[], bytes]:
    def data() -> bytes:
        text = made()
        return text.encode() if isinstance(text, str) else text

    return data


def _of(texts: dict[str, str], code: str) -> dict[str, Attack]:
    return {name: attack(text, code) for name, text in texts.items()}


ATTACKS: dict[str, Attack] = {
    **_of(DOCTYPES, "xml-forbidden"),
    **{name: attack(data, "encoding-invalid") for name, data in ENCODINGS.items()},
    **{name: attack(data, "xml-malformed") for name, data in MALFORMED.items()},
    **{name: attack(text, code) for name, (text, code) in SHAPES.items()},
    **{name: Attack(_encoded(made), frozenset({code})) for name, (made, code) in BEYOND.items()},
    **SOURCES,
}
"""Every attack that is the content of a package."""

_DISGUISED = (
    f'xmlns:q="http://www.w3.org/2001/XMLSchema&#45;instance" q:schemaLocation="u {CANARY}"'
)
_LOCATED = f'{INSTANCE} xsi:noNamespaceSchemaLocation="{CANARY}"'
_POINTING = f'<?xml-stylesheet href="{CANARY}"?><?xml-model href="{CANARY}"?>'

HARMLESS: dict[str, tuple[str | bytes, str]] = {
    "utf-8": (package("Björk 😀"), "Björk 😀"),
    "utf-8-marked": ("\ufeff" + package("Björk 😀"), "Björk 😀"),
    "utf-16": (package("Björk 😀").encode("utf-16"), "Björk 😀"),
    "utf-16-big": (("\ufeff" + package("Björk 😀")).encode("utf-16-be"), "Björk 😀"),
    "utf-16-declared": (f"{_declared('UTF-16')}{package('Björk')}".encode("utf-16"), "Björk"),
    "latin": (f"{_declared('ISO-8859-1')}{package('Björk')}".encode("iso-8859-1"), "Björk"),
    "ascii": (f"{_declared('US-ASCII')}{package('Bj&#246;rk')}", "Björk"),
    "version-1.1": (f'<?xml version="1.1"?>{package()}', "N"),
    "standalone": (f'<?xml version="1.0" standalone="yes"?>{package()}', "N"),
    "instructions": (f"{_POINTING}{package('Bj<?x y?>ork')}", "Bjork"),
    "comments": (package("Bj<!-- <!DOCTYPE x> -->o<!-- --> <!-- -->rk"), "Bjo rk"),
    "cdata": (package("<![CDATA[Bj]]>o<![CDATA[rk & ]]>co"), "Bjork & co"),
    "doctype-in-cdata": (package("<![CDATA[<!DOCTYPE x>]]>"), "<!DOCTYPE x>"),
    "five-entities": (package("&amp;&lt;&gt;&quot;&apos;"), "&<>\"'"),
    "schema-location": (package().replace("<xml", f"<xml {_LOCATED}"), "N"),
    "schema-location-disguised": (package().replace("<xml", f"<xml {_DISGUISED}"), "N"),
    "namespace-unused": (package().replace("<xml", '<xml xmlns:a="u"'), "N"),
    "line-ends": (package("a\r\nb\rc").replace("><", ">\r<"), "a\nb\nc"),
    "comments-many": ("<!---->" * 100_000 + package(), "N"),
}
"""Packages that look like attacks and are none, each with the name that its artist must get."""
