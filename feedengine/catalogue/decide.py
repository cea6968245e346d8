"""A change and the objects it touches become the objects afterwards, or findings (sections 3 to 5).

Nothing is read or written here: `Hand` holds what was loaded; who calls takes it from there.
"""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, NamedTuple

from feedengine.catalogue.availability import CROWDED
from feedengine.catalogue.edits import EDITS, Draft, cut_links, replace_shared
from feedengine.catalogue.filling import filled
from feedengine.catalogue.objects import Key, Object
from feedengine.catalogue.sameness import says_nothing_new
from feedengine.errors import Fault, quoted
from feedengine.feeds.changes import (
    SHARED,
    UNSET,
    Change,
    GenreList,
    ReplaceLinks,
    Request,
    Source,
    TerritoryView,
    bare,
)
from feedengine.model.faults import MOST_FINDINGS, Faults

if TYPE_CHECKING:
    from feedengine.catalogue.hand import Hand
    from feedengine.catalogue.territories import TerritorySet


MOST_NESTED = 100
"""Models inside each other: whoever carries them out calls itself."""

MOST_REPEATED = 300_000
"""Models that files give where they are named, again and again: some seconds of work."""


class Terms(NamedTuple):
    """Under which terms a package is carried out.

    ``newer`` holds the objects that a later feed of the same client has changed already (G2),
    ``foreign`` those that another client created, where only the creator may change them (G3).
    """

    client: str
    strict: bool = False
    newer: Container[Key] = frozenset()
    refuse_stale: bool = False
    foreign: Container[Key] = frozenset()
    most_findings: int = MOST_FINDINGS
    most_levels: int = 32


class Viewed(NamedTuple):
    """What View answers (P24): the object with its territory list and its linked ids, in order."""

    thing: Object | None
    territories: TerritorySet | None
    linked: tuple[str, ...] = ()
    setting: bool = False


class Decision(NamedTuple):
    """What became of a package: its faults, and what a View answers."""

    faults: Faults
    viewed: tuple[Viewed, ...] = ()


class Decider:
    """Carries one package out on the objects in hand."""

    __slots__ = ("_depth", "_open", "_repeated", "drafts", "faults", "hand", "terms", "viewed")

    def __init__(self, hand: Hand, terms: Terms) -> None:
        """Work on ``hand`` under ``terms``."""
        self.hand = hand
        self.terms = terms
        self.faults = Faults(most=terms.most_findings)
        self.viewed: list[Viewed] = []
        self.drafts: dict[Key, Draft] = {}
        self._open: list[str] = []
        self._depth = 0
        self._repeated = 0

    def fault(self, fault: Fault) -> None:
        """Keep a fault."""
        self.faults.append(fault)

    def request(self, request: Request) -> Decision:
        """Carry out what a package asks for."""
        if isinstance(request, TerritoryView):
            return Decision(self.faults, (Viewed(None, request.territories),))
        members = request.members if isinstance(request, GenreList) else (request,)
        for change in members:
            PRIMARY[change.action](self, change)
        if isinstance(request, Change):
            self._check_drafts(request)
        self.put_back()
        return Decision(self.faults, tuple(self.viewed))

    def draft(self, key: Key) -> Draft:
        """The draft of an object: one for all who change it on the way."""
        found = self.drafts.get(key)
        if found is None:
            found = self.drafts[key] = Draft(self.hand, key)
        return found

    def put_back(self) -> None:
        """Every object that was changed on the way stands in hand as it is now."""
        for draft in self.drafts.values():
            draft.put_back()
        self.drafts.clear()

    def _check_drafts(self, change: Change) -> None:
        """P11: what the whole of an object has become, whichever packages gave its parts."""
        for draft in self.drafts.values():
            if draft.crowded:
                self.fault(Fault("too-large", "P11", change.place, CROWDED))

    def nested(self, change: Change) -> bool:
        """A model in its place inside another; whether it can be linked (P26, P42, P43)."""
        source = change.source
        if source is not None and (source.file in self._open or source.change is None):
            return self.refer(bare(change))  # met again while it is carried out
        if self._depth >= MOST_NESTED:
            return self._limited(change, f"models are nested deeper than {MOST_NESTED} levels")
        self._depth += 1
        done = (
            PRIMARY[change.action](self, change) if source is None else self._whole(change, source)
        )
        self._depth -= 1
        return done

    def _whole(self, change: Change, source: Source) -> bool:
        """P42: a model from a file, with all that stands there."""
        levels = self.terms.most_levels
        if len(self._open) >= levels:
            message = f"files name each other through more than {levels} levels"
            return self._limited(change, message)
        self._repeated += 1
        if self._repeated > MOST_REPEATED:
            message = f"files are carried out more than {MOST_REPEATED} times"
            return self._limited(change, message)
        if source.change is not None and not change.asked:
            change = source.change._replace(action=change.action)
            if change.missing and change.action != "refer":
                message = f"{', '.join(change.missing)} required in {change.kind.element}"
                self.fault(Fault("field-required", "P20", change.place, message))
                return False
        self._open.append(source.file)
        done = PRIMARY[change.action](self, change)
        self._open.pop()
        return done

    def _limited(self, change: Change, message: str) -> bool:
        self.fault(Fault("source-limit", "P42", change.place, message))
        return False

    def create(self, change: Change) -> bool:
        """P20; of a ReleaseSetting: declare a territory list where none is (P44)."""
        key = (change.kind.name, change.id)
        if change.setting:
            return self._setting(change, key)
        if self.hand.exists(key):
            return self._no("already-exists", "P20", change, "exists already")
        self.make(change)
        return True

    def update(self, change: Change) -> bool:
        """P21: set the fields given, replace or edit the collections given."""
        key = (change.kind.name, change.id)
        if change.setting:
            return self._setting(change, key)
        if not self.hand.exists(key):
            return self._no("not-found", "P21", change, "is not in the catalogue")
        if not self._may_change(change, key):
            return False
        if key not in self.drafts and says_nothing_new(self.hand, change, self.terms.client):
            return True
        draft = self.draft(key)
        for index, asked in enumerate(change.asked):
            if asked is not UNSET:
                draft.row[index] = asked
        self._finish(change, draft)
        return True

    def upsert(self, change: Change) -> bool:
        """P22: Create where the ID is new, otherwise Update."""
        if change.setting:
            return self._setting(change, (change.kind.name, change.id))
        if self.hand.exists((change.kind.name, change.id)):
            return self.update(change)
        self.make(change)
        return True

    def refer(self, change: Change) -> bool:
        """P43: the catalogue's own object, or the complete model created on the way."""
        if self.hand.exists((change.kind.name, change.id)):
            return True
        if change.missing:
            lacking = ", ".join(change.missing)
            message = f"{change.kind.element} {quoted(change.id)} is not in the catalogue"
            hint = f"send it first, or give {lacking} here so that it can be created"
            self.fault(Fault("reference-unknown", "P43", change.place, message, hint))
            return False
        self.make(change)
        return True

    def make(self, change: Change) -> None:
        """A new object; it stands with its fields before what is nested in it is carried out."""
        key = (change.kind.name, change.id)
        thing = None if key in self.drafts else filled(self.hand, change, self.terms.client)
        if thing is not None:
            self.hand.put(key, thing)
            for step in change.steps:
                if isinstance(step, ReplaceLinks) and step.list == SHARED:
                    replace_shared(self, key, step)
            return
        row = tuple([None if asked is UNSET else asked for asked in change.asked])
        self.hand.put(key, Object(change.kind, row, ((),) * len(change.kind.lists)))
        self._finish(change, self.draft(key))

    def _finish(self, change: Change, draft: Draft) -> None:
        draft.row[change.kind.position["client"]] = self.terms.client
        self.hand.touch(draft.key)
        for step in change.steps:
            EDITS[type(step)](self, draft, step)

    def delete(self, change: Change) -> bool:
        """P23: the object goes, and every link to it."""
        key = (change.kind.name, change.id)
        if change.setting:
            return self._setting(change, key)
        if not self.hand.exists(key):
            return self._no("not-found", "P23", change, "is not in the catalogue")
        if not self._may_change(change, key):
            return False
        self.drafts.pop(key, None)
        self.hand.put(key, None)
        if key[0] == "release":
            for track in sorted(self.hand.tracks_of.get(key[1], ())):
                self.hand.put_link(key[1], track, None)
        elif key[0] == "track":
            for release in sorted(self.hand.releases_of.get(key[1], ())):
                self.hand.put_link(release, key[1], None)
        else:
            cut_links(self, key)
        return True

    def pull(self, change: Change) -> bool:
        """P44: a genre taken out of the genre list, with its links."""
        key = (change.kind.name, change.id)
        if not self.hand.exists(key):
            message = f"{change.kind.element} {quoted(change.id)} is not in the catalogue"
            strict = self.terms.strict
            self.fault(Fault("pull-no-match", "P33", change.place, message, refused=strict))
            return False
        return self.delete(change)

    def view(self, change: Change) -> bool:
        """P24: the object as the catalogue holds it."""
        key = (change.kind.name, change.id)
        if key in self.drafts:
            self.drafts[key].put_back()
        thing = self.hand.objects.get(key)
        if thing is None:
            return self._no("not-found", "P24", change, "is not in the catalogue")
        index = change.kind.territory_index
        name = None if index is None else thing.row[index]
        if change.setting and name is None:
            return self._no("not-found", "P44", change, "declares no territory list")
        declared = None if name is None else self.hand.sets[str(name)]
        linked = {"release": self.hand.ordered_tracks, "track": self.hand.ordered_releases}
        ids = tuple(linked[key[0]](key[1])) if key[0] in linked else ()
        self.viewed.append(Viewed(thing, declared, ids, change.setting))
        return True

    def _setting(self, change: Change, key: Key) -> bool:
        """P44: what is done to a ReleaseSetting is done to its release's territory list."""
        if not self.hand.exists(key):
            return self._no("not-found", "P44", change, "is not in the catalogue")
        draft = self.draft(key)
        if change.action == "create" and draft.declares:
            return self._no("already-exists", "P44", change, "declares a territory list already")
        if change.action == "delete" and not draft.declares:
            return self._no("not-found", "P44", change, "declares no territory list")
        if not self._may_change(change, key):
            return False
        self._finish(change, draft)
        return True

    def _may_change(self, change: Change, key: Key) -> bool:
        """G3: not another client's object; G2: maybe not one that a later feed has changed."""
        if key in self.terms.foreign:
            return self._no("not-owner", "G3", change, "was created by another client")
        if key in self.terms.newer:
            code = "stale" if self.terms.refuse_stale else "older-than-last-change"
            message = f"a later feed of this client has changed {quoted(change.id)} already"
            self.fault(Fault(code, "G2", change.place, message))
        return True

    def _no(self, code: str, rule: str, change: Change, what: str) -> bool:
        message = f"{change.kind.element} {quoted(change.id)} {what}"
        self.fault(Fault(code, rule, change.place, message))
        return False


PRIMARY = {
    "create": Decider.create,
    "update": Decider.update,
    "upsert": Decider.upsert,
    "delete": Decider.delete,
    "view": Decider.view,
    "refer": Decider.refer,
    "pull": Decider.pull,
}
"""How each action of a model is carried out."""
