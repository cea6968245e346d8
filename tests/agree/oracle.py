"""The feed protocol as a plain model: dictionaries, no SQL, nothing of the engine.

Meant to be obviously right rather than fast, so that the engine can be held against it. Numbers
(`P33`) are the protocol's rules. A package is read first (`_Reader`: whatever the document alone
tells); when nothing is wrong with it, it is carried out on a copy of the catalogue (`_Work`), which
`Oracle` keeps when again nothing was wrong. Under a refused action nothing more is read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import Any, NamedTuple, TypeAlias

import iso3166
from stdnum import ean, grid

from . import packages as p

Document: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[str, str]
Step: TypeAlias = tuple[str, str, Any]

PRIMARY = {"Create", "Update", "Upsert", "Delete", "View"}
WORDS = PRIMARY | {"Push", "Pull", "Increase", "Decrease", "Transform", "Placement"}
REFUSED = "refused"
DOUBLES = {"UpdatedCount": "UpdateCount"}
_TIMES = "View UpdateCount CreatedAt"
_WORK = f"SubTitle Popularity CLine PLine DiscNumber Duration ExplicitType GRID ISPN ISRC {_TIMES}"
FIELDS = {  # the first of each is required
    "Artist": f"Name UniqueName Popularity {_TIMES}".split(),
    "Release": f"Title {_WORK} TrackCount ProductNumber ReleaseDate".split(),
    "Track": f"Title {_WORK} TrackNumber".split(),
    "Genre": ["Name", "Source", "CreatedAt"],
    "Label": ["Name", "CreatedAt"],
    "ReleaseSetting": ["Territories"],
}
COUNTS = {"View", "UpdateCount", "TrackCount", "TrackNumber", "DiscNumber"}
SORTS = dict.fromkeys(COUNTS, "integer") | {
    "Popularity": "decimal",
    "Duration": "duration",
    "ReleaseDate": "date",
    "CreatedAt": "instant",
}
_COLLECTIONS = (
    "Images=image Resources=resource References=reference MetaData=metadata Artists=artist"
    " Genres=genre Tracks=track Releases=release Validities=validity Territories=territory"
)
LISTS = dict(pair.split("=") for pair in _COLLECTIONS.split())
ITEM_KEYS: dict[type, tuple[str, ...]] = {
    p.Image: ("source", "value", "resource", "width", "height"),
    p.Resource: ("source", "type", "value"),
    p.Reference: ("provider",),
    p.Meta: ("name",),
    p.Validity: ("name", "type", "starts_at", "ends_at"),
}
ITEM_REQUIRED: dict[type, tuple[str, ...]] = {
    p.Resource: ("source", "type", "value"),
    p.Reference: ("provider",),
    p.Validity: ("name", "type"),
}
COUNTRIES = iso3166.countries_by_alpha2.keys() | {"WW"}


class Result(NamedTuple):
    """What became of a package, all its findings, and its history rows in order."""

    status: str
    codes: list[tuple[str, str]]
    changes: list[tuple[str, str, str, Document | None]]


@dataclass
class _Plan:
    """A model as it is to be carried out; ``action`` is empty where it refers (P43).

    A step is a list's name, what to do (Push, Pull, or = for a plain list), and its items.
    """

    entity: str
    id: str
    action: str
    is_setting: bool = False
    is_complete: bool = False
    sets: list[Step] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


class _Findings:
    """Collects findings."""

    def __init__(self, found: list[tuple[str, str]], *, strict: bool) -> None:
        self.found, self.strict = found, strict

    @property
    def errors(self) -> int:
        return sum(severity == "error" for severity, _ in self.found)

    def error(self, code: str) -> str:
        self.found.append(("error", code))
        return REFUSED

    def warn(self, code: str) -> None:
        self.found.append(("warning", code))


class _Reader(_Findings):
    """Reads a package into plans; ``mode`` is View, Create (Upsert, and what refers) or Update."""

    def word(self, act: p.Act | None) -> str:
        """The word of an action, "" for none (P12)."""
        spelled = (act.word, act.other) if act else ("", None)
        words = {word.capitalize() for word in spelled if word is not None}
        if words - WORDS - {""}:
            return self.error("action-unknown")
        return words.pop() if len(words) == 1 else self.error("action-conflict")

    def lenient(self, word: str) -> str:
        """A doubtful action is read as it is meant, or refused by ``strict`` (P31)."""
        if self.strict:
            return self.error("action-forbidden")
        self.warn("sub-action-lenient")
        return word

    def mark(self, act: p.Act | None, mode: str, legal: set[str]) -> str:
        """The sub-action of an element where only some are legal (P24, P26, P31)."""
        word = self.word(act)
        if word in {"", REFUSED}:
            return word
        if word == "View" and "View" in legal:
            return ""
        never = {"View": WORDS, "Create": {"Pull", "Decrease"}, "Update": set[str]()}[mode]
        if word not in legal - never:
            return self.error("action-forbidden")
        return self.lenient(word) if mode == "Create" and word in {"Push", "Increase"} else word

    def marks(self, children: tuple[p.Child, ...], over: str, mode: str) -> list[str]:
        """The sub-action of each child; "" for all of them in a plain list (P30)."""
        models = {"Create", "Upsert", "View"}
        words = [
            self.mark(kid.act, mode, {"Push", "Pull"} | (models if _is_model(kid) else set()))
            for kid in children
        ]
        if over in {"Push", "Pull"}:
            agree = {"", REFUSED, over} | ({"Create", "Upsert"} if over == "Push" else set())
            words = [word if word in agree else self.error("action-conflict") for word in words]
            return [word or over for word in words]
        if mode != "View" and (over or any(words)):
            return [word or self.error("action-forbidden") for word in words]
        return words

    def package(self, package: p.Package) -> tuple[str, list[_Plan]]:
        """The primary action (P13) and the objects that it is for."""
        thing = package.object
        words = {self.word(package.schema), self.word(thing.act)} - {""}
        if len(words - {REFUSED}) > 1:
            self.error("action-conflict")
        action = words.pop() if words else "View"
        is_genres = isinstance(thing, p.Collection) and thing.name == "Genres"
        legal = PRIMARY - {"Delete"} if is_genres else {"View"}  # P44
        if not self.errors and action not in (PRIMARY if _is_model(thing) else legal):
            self.error("action-forbidden")
        if self.errors:
            return REFUSED, []
        if isinstance(thing, p.Model):
            return action, [self.model(thing, action, _mode(action))]
        if isinstance(thing, p.Territory):
            self.item(thing, "", "View")
        elif is_genres:
            return action, self.genres(thing.children, action)
        else:
            self.collection("territory", thing.children, None, "View")
        return action, []

    def genres(self, children: tuple[p.Child, ...], action: str) -> list[_Plan]:
        """The genres of a package's ``Genres``, each an object in its own right (P44, D2)."""
        if action == "Update":  # an unmarked one is a Push
            words = [self.marks((kid,), "", action)[0] or "Push" for kid in children]
        else:
            words = self.marks(children, "", _mode(action))
        plans: list[Any] = []
        for kid, word in zip(children, words, strict=True):
            if not word and kid.is_empty:
                self.warn("empty-item")
            elif word != REFUSED and isinstance(kid, p.Model):
                asked = "Upsert" if action == "Update" else action
                own, before = asked if word in {"", "Push"} else word, self.errors
                plan = self.model(kid, own, _mode(own))
                plans += [plan] if self.errors == before else []
        return plans if any(words) else self.unrepeated(plans)

    def model(self, model: p.Model, action: str, mode: str) -> _Plan:
        """A model with all that stands in it."""
        kind = "Release" if model.kind == "ReleaseSetting" else model.kind
        value = self.identity(model, "pull-empty" if action == "Pull" else "id-missing")
        plan = _Plan(kind.lower(), value, action, is_setting=kind != model.kind)
        if action == "Delete" and model.content:
            self.warn("content-ignored")
        if action in {"Delete", "Pull"}:
            return plan
        self.repeats(model)
        required = FIELDS[model.kind][0]
        names = {part.name for part in model.content if isinstance(part, p.Field | p.Collection)}
        if action in {"Create", "Upsert"} and required not in names:
            self.error("field-required")
        bare = tuple(part for part in model.content if isinstance(part, p.Reference))
        references = self.collection("reference", bare, None, mode) if bare else []
        for part in model.content:
            if isinstance(part, p.Field):
                self.scalar(model.kind, part, mode, plan)
            elif isinstance(part, p.Collection):
                steps = self.collection(LISTS[part.name], part.children, part.act, mode)
                plan.steps += steps
            elif isinstance(part, p.Model):
                plan.steps += self.label(part, mode)
            elif references:  # edits keep their place among those of `References`
                plan.steps.append(references.pop(0))
        plan.is_complete = any(column == required.lower() for column, _, _ in plan.sets)
        return plan

    def identity(self, model: p.Model, missing: str) -> str:
        """The ID, as element or attribute (P14)."""
        ids = {(text or "").strip() for text in (model.id, model.id_attribute)} - {""}
        if len(ids) > 1:
            return self.error("id-conflict")
        value = ids.pop() if ids else self.error(missing)
        return value if len(value) <= 255 else self.error("value-invalid")

    def repeats(self, model: p.Model) -> None:
        """Refuse what is given twice, unless all of it carries sub-actions (P10, P35)."""
        bare = [part for part in model.content if isinstance(part, p.Reference)]
        given = [("References", any(part.act for part in bare))] if bare else []
        for part in model.content:
            if isinstance(part, p.Field):
                given.append((DOUBLES.get(part.name, part.name), part.act is not None))
            elif isinstance(part, p.Collection):
                acts = [kid.act for kid in part.children if kid.act and kid.act.word != "View"]
                given.append((part.name, bool(part.act or acts)))
            elif isinstance(part, p.Model):
                given.append((part.kind, False))
        for name, times in Counter(name for name, _ in given).items():
            if times > 1 and (name, False) in given:
                self.error("schema-invalid")

    def label(self, label: p.Model, mode: str) -> list[Step]:
        """A release's label: NULL, one referred to, or one made on the way (D18)."""
        word = self.mark(label.act, mode, {"Create", "Upsert", "View"})
        if not word and label.is_empty:
            return [("label_id", "=", [])]
        return [] if word == REFUSED else [("label_id", "=", self.item(label, word, mode))]

    def scalar(self, kind: str, given: p.Field, mode: str, plan: _Plan) -> None:
        """A scalar element: a value, NULL (P17) or an amount (P34)."""
        name = DOUBLES.get(given.name, given.name)
        if name not in FIELDS[kind]:
            self.error("element-unknown")
            return
        counts = {"Increase", "Decrease"} if name in COUNTS | {"Popularity"} else set()
        word, text = self.mark(given.act, mode, counts), given.text.strip()
        if word == REFUSED:
            return
        if not text and (word or name == FIELDS[kind][0]):
            self.error("value-invalid" if word else "field-required")
            return
        value = self.value(SORTS.get(name, "text"), text, given.type) if text else None
        verb = {"": "=", "Increase": "+", "Decrease": "-"}[word]
        plan.sets.append((_column(name), verb, value))
        if text and not IDENTIFIERS.get(name, bool)(text):
            self.warn("identifier-suspect")
        if name == "ProductNumber":
            key = text.zfill(14) if re.fullmatch(r"[0-9]{8,14}", text) else None
            plan.sets.append(("gtin14", "=", key))

    def collection(
        self, name: str, children: tuple[p.Child, ...], act: p.Act | None, mode: str
    ) -> list[Step]:
        """A list: one step that replaces it, or the edits of its children in order (P30)."""
        over = self.mark(act, mode, {"Push", "Pull", "Update", "Transform", "Placement"})
        bare = {isinstance(kid, p.Territory) and kid.bare for kid in children}
        models = False in bare and name != "metadata"
        if {"Update": True in bare, "Transform": True in bare, "Placement": models}.get(over):
            over = self.lenient(over)
        if over == REFUSED:
            return []
        words = self.marks(children, over, mode)
        steps: list[Step] = []
        for kid, word in zip(children, words, strict=True):
            if not word and kid.is_empty:
                self.warn("empty-item")
            elif word != REFUSED:
                verb = "Pull" if word == "Pull" else "Push"
                steps += [(name, verb, [value]) for value in self.item(kid, word, mode)]
        if mode != "View" and (over or any(words)):
            return steps
        return [(name, "=", self.unrepeated([value for _, _, [value] in steps]))]

    def unrepeated(self, values: list[Any]) -> list[Any]:
        """The items of a plain list: the later of two replaces the earlier in its place (P32)."""
        kept: dict[Any, Any] = {}
        for value in values:
            if _key(value) in kept:
                self.warn("duplicate-item")
            kept[_key(value)] = value
        return list(kept.values())

    def item(self, child: p.Child, word: str, mode: str) -> list[Any]:
        """The values that one child stands for; none when something in it is wrong."""
        before = self.errors
        if isinstance(child, p.Model):
            inner = "View" if mode == "View" else "Create"
            found: list[Any] = [self.model(child, "" if word == "Push" else word, inner)]
        elif isinstance(child, p.Territory):
            found = [self.territory(child, word)]
        else:
            found = [self.scalars(type(child), row, word) for row in child.rows]
        return found if self.errors == before else []

    def scalars(
        self, kind: type, row: dict[str, p.Text | None], word: str
    ) -> tuple[type, Document]:
        """An item made of scalars: complete (D25), or under Pull naming something (P33)."""
        sorts = {"width": "integer", "height": "integer", "starts_at": "start", "ends_at": "end"}
        sorts |= {"type": "permission"} if kind is p.Validity else {}
        given = {
            column: self.value(sorts.get(column, "text"), raw.text.strip(), raw.type)
            for column, raw in row.items()
            if raw and raw.text.strip()
        }
        if word == "Pull":
            lacks = [] if given else ["pull-empty"]
        elif kind is p.Image:
            lacks = [] if given.keys() & {"value", "resource"} else ["field-required"]
        else:
            required = ITEM_REQUIRED.get(kind, ())
            lacks = ["field-required" for column in required if column not in given]
        for code in lacks:
            self.error(code)
        return kind, given

    def territory(self, child: p.Territory, word: str) -> tuple[str, tuple[Any, ...]]:
        """A country with its validities, sorted (D7); under Pull the country alone (P33)."""
        text = (child.country or "").strip().upper()
        country = {"UK": "GB", "WORLDWIDE": "WW", "XW": "WW"}.get(text, text)
        if text == "UK":
            self.warn("country-alias")
        if not text:
            self.error("pull-empty" if word == "Pull" else "field-required")
        elif country not in COUNTRIES:
            self.error("country-unknown")
        found: list[Any] = []
        for validity in child.validities or () if word != "Pull" else ():
            if self.mark(validity.act, "Update", set()) == REFUSED:
                continue
            if validity.is_empty:
                self.warn("empty-item")
            else:
                found += self.item(validity, "", "Update")
        windows = [_key(value)[1] for value in self.unrepeated(found)]
        return country, tuple(sorted(windows, key=lambda window: [text or "" for text in window]))

    def value(self, sort: str, text: str, kind: str | None) -> Any:
        """The canonical value of a text, None (and a finding) when it is wrong (P16)."""
        try:
            value = VALUES[sort](text, kind)
        except (ValueError, OverflowError):
            self.error("value-invalid")
            return None
        has_zone = kind in UNIX or re.search(r"(Z|[+-][0-9]{2}:[0-9]{2})$", text)
        has_clock = "T" in text and sort in {"start", "end"}
        if not has_zone and (sort == "instant" or has_clock):
            self.warn("offset-assumed")
        return value


def _mode(action: str) -> str:
    return "Create" if action == "Upsert" else action


def _is_model(thing: object) -> bool:
    return isinstance(thing, p.Model)


def _column(name: str) -> str:
    """The column of a scalar element."""
    spread = name if name.isupper() else re.sub(r"(?<=.)(?=[A-Z])", "_", name)
    return {"duration": "duration_seconds"}.get(spread.lower(), spread.lower())


def _key(value: Any) -> Any:
    """What makes two items of a list the same."""
    if isinstance(value, _Plan | str):
        return value.id if isinstance(value, _Plan) else value
    kind, content = value
    return kind if isinstance(kind, str) else (kind, tuple(map(content.get, ITEM_KEYS[kind])))


# Values (P16): each from a text and its `type=`; ValueError when it is wrong.

UNIX = {"unixtime", "unixtimestamp"}


def _groups(pattern: str, text: str, *, allowed: bool = True) -> tuple[Any, ...]:
    """The groups of a pattern that the whole text matches."""
    match = re.fullmatch(pattern, text, re.ASCII)
    if match is None or not allowed:
        raise ValueError(text)
    return match.groups()


def _integer(text: str, _kind: str | None) -> int:
    number = int(_groups(r"\+?(\d+)", text)[0])
    _groups("", "", allowed=number < 2**63)
    return number


def _decimal(text: str, _kind: str | None) -> Decimal:
    return Decimal(_groups(r"\+?(\d{1,18}(?:\.\d{1,18})?)", text)[0])


def _duration(text: str, kind: str | None) -> int:
    if kind == "seconds" or (kind is None and text.isdigit()):
        return _integer(text, None)
    iso = r"P(?=.*\d[DHMS]$)(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?"
    days, hours, minutes, seconds = (int(n or 0) for n in _groups(iso, text, allowed=not kind))
    return _integer(str(((days * 24 + hours) * 60 + minutes) * 60 + seconds), None)


def _date(text: str, kind: str | None) -> str:
    _groups(r"\d{4}-\d\d-\d\d", text, allowed=kind in {None, "ISO-YMD"})
    return datetime.fromisoformat(text).date().isoformat()


def _instant(text: str, kind: str | None, days: int = 0) -> str:
    """An instant in UTC; a bare date is its midnight, ``days`` later (D22)."""
    if kind in UNIX:
        number = int(_groups(r"(\d+)", text)[0])
        since = timedelta(milliseconds=number if number > 10**11 else number * 1000)
        moment = datetime(1970, 1, 1, tzinfo=UTC) + since
    elif "T" not in text:
        midnight = datetime.fromisoformat(_date(text, kind)).replace(tzinfo=UTC)
        moment = midnight + timedelta(days=days)
    else:
        pattern = r"(.{10}T\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d|:\d{4})?"
        allowed = kind in {None, "ISO-2023A12"}
        clock, fraction, zone = _groups(pattern, text, allowed=allowed)
        if zone in {None, "Z"}:
            zone = "+00:00"
        elif zone[0] == ":":
            zone = f"+{zone[1:3]}:{zone[3:]}"
        micros = timedelta(microseconds=int(((fraction or "") + "000000")[:6]))
        moment = datetime.fromisoformat(clock + zone).astimezone(UTC) + micros
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


VALUES: dict[str, Any] = {
    "text": lambda text, _kind: text,
    "permission": lambda text, _kind: _groups("(Allow|Deny)", text)[0],
    "integer": _integer,
    "decimal": _decimal,
    "duration": _duration,
    "date": _date,
    "instant": _instant,
    "start": _instant,
    "end": lambda text, kind: _instant(text, kind, days=1),
}


# Identifiers, checked only to warn of doubtful ones (P18).


def _is_isrc(text: str) -> bool:
    bare = re.sub(r"[ -]", "", text.upper()).removeprefix("ISRC")
    return re.fullmatch(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}", bare) is not None


def _is_gtin(text: str) -> bool:
    return text.isdigit() and ean.is_valid(text)


def _is_grid(text: str) -> bool:
    return grid.is_valid(text) and grid.compact(text).startswith("A1")


IDENTIFIERS = {"ISRC": _is_isrc, "ProductNumber": _is_gtin, "GRID": _is_grid}


class _Work(_Findings):
    """A copy of the catalogue on which a package is carried out."""

    def __init__(self, oracle: Oracle, found: list[tuple[str, str]]) -> None:
        super().__init__(found, strict=oracle.strict)
        self.client = oracle.client
        self.objects, self.links = deepcopy(oracle.objects), deepcopy(oracle.links)
        self.ownership, self.creators = oracle.ownership, dict(oracle.creators)
        self.touched: dict[Key, None] = {}

    def is_foreign(self, key: Key) -> bool:
        """Whether another client created the object, and only its creator may change it (G3)."""
        return self.ownership and key in self.objects and self.creators[key] != self.client

    def no_match(self) -> None:
        """A Pull of what is not there (P33)."""
        self.found.append(("error" if self.strict else "warning", "pull-no-match"))

    def primary(self, plan: _Plan) -> None:
        """Carry out an object of the package itself (P20 to P24, P44)."""
        key, action = (plan.entity, plan.id), plan.action
        exists = key in self.objects
        is_there = exists and (not plan.is_setting or "territory" in self.objects[key])
        makes = action in {"Create", "Upsert"} and not plan.is_setting
        if action == "Pull" and not is_there:
            self.no_match()
        elif action == "Create" and is_there:
            self.error("already-exists")
        elif not (is_there if action in {"Delete", "View"} else exists or makes):
            self.error("not-found")
        elif action != "View" and self.is_foreign(key):
            self.error("not-owner")
        elif action in {"Delete", "Pull"} and not plan.is_setting:
            self.remove(key)
        elif action != "View":
            self.write(plan)
            if action == "Delete":
                del self.objects[key]["territory"]

    def nested(self, plan: _Plan) -> bool:
        """Carry out a model in its place in another (P26, P43); whether it can be linked."""
        key = (plan.entity, plan.id)
        if plan.action == "Create" and key in self.objects:
            self.error("already-exists")
        elif plan.action and self.is_foreign(key):
            self.error("not-owner")
            return False
        elif plan.action or (plan.is_complete and key not in self.objects):
            self.write(plan)
        elif key not in self.objects:
            self.error("reference-unknown")
        return key in self.objects

    def write(self, plan: _Plan) -> None:
        """Put the object in hand with its scalars, then carry out its lists (D17)."""
        key = (plan.entity, plan.id)
        if key not in self.objects:
            self.creators[key] = self.client
        owner = self.objects.setdefault(key, {"id": plan.id})
        owner["client"] = self.client
        self.touched.setdefault(key)
        for column, verb, value in plan.sets:
            owner[column] = value if verb == "=" else self.count(owner.get(column), verb, value)
        for name, verb, values in plan.steps:
            if name in {"track", "release"}:
                self.links_step(key, verb, values)
            else:
                self.step(key, name, verb, values)

    def count(self, old: int | Decimal | None, verb: str, amount: int | Decimal) -> object:
        """Increase or Decrease, in exact decimals; the old value when it cannot be (P34)."""
        change = Decimal(amount if verb == "+" else -amount)
        total = Context(prec=60).add(Decimal(old or 0), change)
        limit = 2**63 if isinstance(amount, int) else 10**18
        if 0 <= total < limit:
            return type(amount)(total)
        self.error("below-zero" if total < 0 else "value-invalid")
        return old

    def remove(self, key: Key) -> None:
        """Delete an object and the links to it (P23, D15)."""
        kind, value = key
        del self.objects[key]
        self.touched.setdefault(key)
        if kind in _ENDS:
            self.unlink({link for link in self.links if link[_ENDS.index(kind)] == value})
            return
        name = "label_id" if kind == "label" else kind
        for other in sorted(self.objects):
            if value in self.objects[other].get(name, []):
                self.objects[other][name].remove(value)
                self.touched.setdefault(other)

    def step(self, key: Key, name: str, verb: str, values: list[Any]) -> None:
        """Edits of a list of the object, a plain one (``=``) after it was emptied."""
        owner = self.objects[key]
        if verb == "=":
            owner[name] = {} if name == "territory" else []
        for value in values:
            if name == "territory":
                self.territory(key, verb, *value)
                continue
            items = owner.setdefault(name, [])
            if verb == "Pull":
                kept = [item for item in items if not _matches(value, item)]
                owner[name] = kept
                if len(kept) == len(items):
                    self.no_match()
            elif not isinstance(value, _Plan) or self.nested(value):
                item = value.id if isinstance(value, _Plan) else value
                same = [at for at, old in enumerate(items) if _key(old) == _key(item)]
                items[slice(same[0], same[0] + 1) if same else slice(len(items), None)] = [item]

    def territory(self, key: Key, verb: str, country: str, windows: tuple[Any, ...]) -> None:
        """Push or Pull an entry of the object's territories (P36, D8)."""
        owner = self.objects[key]
        entries = owner.get("territory", {})
        if verb != "Pull":
            releases = [release for release, track in self.links if ("track", track) == key]
            declared = ["territory" in self.objects["release", release] for release in releases]
            if "territory" not in owner and any(declared):
                self.warn("territory-list-begun")
            owner["territory"] = entries | {country: windows}
        elif "WW" in entries and country != "WW":
            entries[country] = (("Excluded", "Deny", None, None),)
        elif entries.pop(country, None) is None:
            self.no_match()

    def links_step(self, key: Key, verb: str, plans: list[_Plan]) -> None:
        """Links of releases and tracks, seen from either end (D10)."""
        side = _ENDS.index(key[0])
        links = [(key[1], plan.id) if side == 0 else (plan.id, key[1]) for plan in plans]
        if verb == "=":
            self.unlink({link for link in self.links if link[side] == key[1]} - set(links))
        for number, (plan, link) in enumerate(zip(plans, links, strict=True), 1):
            if verb == "Pull" and link not in self.links:
                self.no_match()
            elif verb == "Pull":
                self.unlink({link})
            elif self.nested(plan):
                places = [at for other, at in self.links.items() if other[0] == link[0]]
                ranked = (verb, side) == ("=", 0)
                if ranked or link not in self.links:
                    self.touched.setdefault(_link_key(link))
                place = self.links.get(link, max(places, default=0) + 1)
                self.links[link] = number if ranked else place

    def unlink(self, links: set[Key]) -> None:
        """Remove links, in the order of their ids."""
        for link in sorted(links, key=_link_key):
            del self.links[link]
            self.touched.setdefault(_link_key(link))


_ENDS = ("release", "track")


def _matches(value: Any, item: Any) -> bool:
    """Whether a Pull means this item (P33)."""
    if isinstance(value, _Plan):
        return bool(item == value.id)
    return bool(value[1].items() <= item[1].items())


def _link_key(link: Key) -> Key:
    """Entity and id of a link (D14)."""
    return "release_track", "/".join(end.replace("%", "%25").replace("/", "%2F") for end in link)


def set_id(entries: dict[str, Any]) -> str:
    """The id of a territory set: a hash of its content (D7)."""
    text = json.dumps(sorted(entries.items()), separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _document(owner: Document) -> Document:
    """The object as history shows it: no NULLs, no empty lists (D12)."""
    document: Document = {}
    for column, value in owner.items():
        if column == "territory":
            document["territory_set_id"] = set_id(value)
        elif isinstance(value, Decimal):
            text = format(value, "f")
            document[column] = text.rstrip("0").rstrip(".") if "." in text else text
        elif column == "label_id" and value:
            document[column] = value[0]
        elif isinstance(value, list) and value:
            document[column] = [item if isinstance(item, str) else item[1] for item in value]
        elif value not in (None, []):
            document[column] = value
    return deepcopy(document)


class Oracle:
    """A catalogue, and what the packages of ``client`` make of it."""

    def __init__(
        self, client: str = "TestClient", *, strict: bool = False, ownership: bool = False
    ) -> None:
        """Begin with an empty catalogue."""
        self.client = client
        self.strict = strict
        self.ownership = ownership
        self.creators: dict[Key, str] = {}
        self.objects: dict[Key, Document] = {}
        self.links: dict[Key, int] = {}

    def apply(self, package: p.Package) -> Result:
        """Carry a package out whole or not at all (P7)."""
        reader = _Reader([], strict=self.strict)
        action, plans = reader.package(package)
        work = _Work(self, reader.found)
        for plan in plans if not reader.errors else ():
            work.primary(plan)
        if work.errors:
            return Result("failed", sorted(work.found), [])
        before = self.documents()
        self.objects, self.links, self.creators = work.objects, work.links, work.creators
        after = self.documents()
        changes = []
        for key in work.touched:
            old, new = before.get(key), after.get(key)
            if old != new:
                word = "create" if old is None else "delete" if new is None else "update"
                changes.append((*key, word, new))
        return Result("viewed" if action == "View" else "applied", sorted(work.found), changes)

    def documents(self) -> dict[Key, Document]:
        """Every object and link of the catalogue, as history shows it."""
        found = {key: _document(owner) for key, owner in self.objects.items()}
        for link, place in self.links.items():
            ends = {"release_id": link[0], "track_id": link[1]}
            found[_link_key(link)] = {"position": place} | ends
        return found
