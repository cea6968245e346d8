"""A made-up catalogue, thing by thing: every thing is a function of the seed and its number.

So a catalogue of ten million tracks needs no memory, and any part of it can be made again. A thing
is what the canonical document says of it (H1): keys are column names, collections table suffixes.
Five hundred tracks make a label, twenty an artist, ten a release. Ids are UUIDs, since ids that
ascend would make every index cheaper than it is in life.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from random import Random
from typing import Any, NamedTuple, TypeAlias

LABEL_TRACKS, ARTIST_TRACKS, RELEASE_TRACKS, GENRES = 500, 20, 10, 20
CLIENT = "OrbitalTernMusic"
PROVIDER = "7digital"
"""Whose ids plays are logged with: whole numbers."""

FIRST_TRACK_REF, FIRST_RELEASE_REF = 50_000_000, 10_000_000

Document: TypeAlias = dict[str, Any]
Validities: TypeAlias = tuple[tuple[str, str, str | None, str | None], ...]

COUNTRIES = (
    "AD AE AR AT AU BA BE BG BH BO BR CA CH CL CO CR CY CZ DE DK DO DZ EC EE EG ES FI FR GB GR"
    " GT HK HN HR HU ID IE IL IN IS IT JO JP KE KR KW KZ LB LI LT LU LV MA MC ME MK MT MX MY NG"
    " NI NL NO NZ OM PA PE PH PK PL PT PY QA RO RS SA SE SG SI SK SV TH TN TR TW TZ UA UG US UY"
    " VE VN ZA AL AM AO AZ BB BD BF BJ BN BS BT BW BY BZ CI CM CU DJ DM ET FJ GA GD GE GH GM GN"
).split()
_WORDS = (
    "amber anchor autumn avenue bells blue bridge cedar circle city cloud copper dawn desert"
    " drift echo ember empty field fire garden ghost glass golden gravity harbour hollow horizon"
    " island ivory kite lantern letters light little long lost marble midnight mirror moon"
    " morning nord ocean orbit paper pearl pilot quiet rain river road salt satellite shadow"
    " silver slow small snow song spark station stone storm summer tern thunder tide valley"
    " velvet voices water wild wind winter yellow été größer naïve señal żagiel пчела ветер 風 灯台"
    " 등대"
).split()
_FORMATS = ("radio edit", "live", "remastered", "acoustic", "instrumental")


@lru_cache(maxsize=4096)
def digest(value: Any) -> str:
    """What content is shared by: 32 hex digits of the SHA-256 of its JSON."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Territories:
    """A territory list of which all countries have the same validities; both sorted."""

    countries: tuple[str, ...]
    validities: Validities = ()

    @cached_property
    def id(self) -> str:
        """The id of the set."""
        return digest(tuple((country, self.validities) for country in self.countries))


class Thing(NamedTuple):
    """An object: ``kind`` is its table. ``release`` is set of a track, with its place there."""

    kind: str
    document: Document
    territories: Territories | None = None
    release: str | None = None
    place: int = 0


@dataclass(frozen=True)
class World:
    """All things there are; ``countries`` is how many a territory list names."""

    seed: int = 1
    countries: int = 50

    def _random(self, kind: str, number: int) -> Random:
        return Random(f"{self.seed} {kind} {number}")

    def id(self, kind: str, number: int) -> str:
        """The id of a thing: a UUID."""
        found = hashlib.md5(f"{self.seed} {kind} {number}".encode()).hexdigest()
        return f"{found[:8]}-{found[8:12]}-{found[12:16]}-{found[16:20]}-{found[20:]}"

    def genre(self, number: int) -> Thing:
        """One of `GENRES`."""
        name = f"{_WORDS[number]} {_WORDS[-1 - number]}"
        return Thing("genre", {"client": CLIENT, "id": self._genre_id(number), "name": name})

    def _genre_id(self, number: int) -> str:
        return f"genre-{number}"

    def label(self, number: int) -> Thing:
        """A label."""
        name = f"{self._words('label', number, 2)} Records"
        return Thing("label", {"client": CLIENT, "id": self.id("label", number), "name": name})

    def _words(self, kind: str, number: int, many: int) -> str:
        return " ".join(self._random(kind, number).sample(_WORDS, many)).capitalize()

    def artist(self, number: int) -> Thing:
        """An artist, with a genre and its id at a provider."""
        name = self._words("artist", number, 2)
        document = {
            "client": CLIENT,
            "created_at": "2021-03-04T05:06:07.000000Z",
            "genre": [self._genre_id(number % GENRES)],
            "id": self.id("artist", number),
            "metadata": [{"name": "Hometown", "value": _WORDS[number % len(_WORDS)]}],
            "name": name,
            "reference": [{"provider": PROVIDER, "ref_id": str(30_000_000 + number)}],
            "unique_name": f"{name} {number}",
            "view": number % 1000,
        }
        return Thing("artist", document)

    @lru_cache(maxsize=64)  # noqa: B019 - there is one world in a process
    def countries_of(self, label: int) -> tuple[str, ...]:
        """The countries of a label, sorted."""
        return tuple(sorted(self._random("countries", label).sample(COUNTRIES, self.countries)))

    @lru_cache(maxsize=64)  # noqa: B019 - the same
    def _plain_list(self, label: int) -> Territories:
        return Territories(self.countries_of(label))

    def release(self, number: int) -> Thing:
        """A release: its list names a street date for each country of its label."""
        random = self._random("release", number)
        label = number * RELEASE_TRACKS // LABEL_TRACKS
        day = f"{random.randint(2010, 2024)}-{random.randint(1, 12):02}-{random.randint(1, 28):02}"
        start = f"{day}T00:00:00.000000Z"
        own = (
            ("DownloadValidity", "Allow", start, None),
            ("StreamingValidity", "Allow", start, None),
        )
        territories = Territories(self.countries_of(label), own)
        name, product = self.id("release", number), _gtin(number)
        title = " ".join(random.sample(_WORDS, 3)).capitalize()
        label_name = self.label(label).document["name"]
        document = {
            "artist": [self.id("artist", number * RELEASE_TRACKS // ARTIST_TRACKS)],
            "c_line": f"© {day[:4]} {label_name}",
            "client": CLIENT,
            "created_at": "2021-03-04T05:06:07.000000Z",
            "disc_number": 1,
            "genre": [self._genre_id(number % GENRES)],
            "gtin14": product.zfill(14),
            "id": name,
            "image": [
                {
                    "height": 3000,
                    "mime_type": "image/jpeg",
                    "resource": f"artwork/{name}.jpg",
                    "resource_type": "FilePath",
                    "source": "LocalStorage",
                    "width": 3000,
                }
            ],
            "label_id": self.id("label", label),
            "p_line": f"℗ {day[:4]} {label_name}",
            "product_number": product,
            "reference": [
                {"provider": PROVIDER, "ref_id": str(FIRST_RELEASE_REF + number)},
                {"provider": "TideStore", "ref_id": f"td-{name[:13]}"},
            ],
            "release_date": day,
            "territory_set_id": territories.id,
            "title": title,
            "track_count": RELEASE_TRACKS,
        }
        return Thing("release", document, territories)

    def track(self, number: int) -> Thing:
        """A track: two to three kilobytes of XML, its list that of its label."""
        random = self._random("track", number)
        label, place = number // LABEL_TRACKS, number % RELEASE_TRACKS + 1
        territories = self._plain_list(label)
        name, year = self.id("track", number), random.randint(2010, 2024)
        artist = number // ARTIST_TRACKS
        artists = [self.id("artist", artist)]
        if artist % 5 and random.random() < 0.2:
            artists.append(self.id("artist", artist - 1))
        label_name = self.label(label).document["name"]
        document = {
            "artist": artists,
            "c_line": f"© {year} {label_name}",
            "client": CLIENT,
            "created_at": "2021-03-04T05:06:07.250000Z",
            "disc_number": 1,
            "duration_seconds": random.randint(90, 480),
            "explicit_type": random.choice(("Explicit", "NotExplicit", "Cleaned")),
            "genre": [self._genre_id(number // RELEASE_TRACKS % GENRES)],
            "id": name,
            "isrc": f"ZZ{label % 1000:03}{year % 100}{number % 100_000:05}",
            "p_line": f"℗ {year} {label_name}",
            "popularity": f"0.{random.randint(10, 99) * 10 + random.randint(1, 9)}",
            "reference": [
                {"provider": PROVIDER, "ref_id": str(FIRST_TRACK_REF + number)},
                {"provider": "TideStore", "ref_id": f"td-{name[:13]}"},
            ],
            "resource": [
                {"source": "store", "type": "FilePath", "value": f"audio/{name}.flac"},
                {"source": "preview", "type": "HttpURL", "value": f"https://a.example/{name}.mp3"},
            ],
            "territory_set_id": territories.id,
            "title": " ".join(random.sample(_WORDS, random.randint(2, 4))).capitalize(),
            "track_number": place,
            "update_count": random.randint(0, 20),
            "view": random.randint(100, 1_000_000),
        }
        if random.random() < 0.3:
            document["sub_title"] = random.choice(_FORMATS)
        release = self.id("release", number // RELEASE_TRACKS)
        return Thing("track", document, territories, release, place)

    def things(self, first: int, beyond: int) -> Iterator[Thing]:
        """The tracks ``first`` to below ``beyond`` and what they refer to, in an order to create.

        ``first`` is the first track of a label. The genres come before the track 0.
        """
        if first == 0:
            yield from map(self.genre, range(GENRES))
        for number in range(first, beyond):
            if number % LABEL_TRACKS == 0:
                yield self.label(number // LABEL_TRACKS)
            if number % ARTIST_TRACKS == 0:
                yield self.artist(number // ARTIST_TRACKS)
            if number % RELEASE_TRACKS == 0:
                yield self.release(number // RELEASE_TRACKS)
            yield self.track(number)


def _gtin(number: int) -> str:
    """A product number of 13 digits whose check digit is right."""
    digits = f"952{number % 10**9:09}"
    total = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(digits))
    return f"{digits}{-total % 10}"
