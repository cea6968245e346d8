"""The objects in hand: what a batch of packages names, as each package finds and leaves it.

Loaded once a batch, changed package by package, saved as the difference between the beginning and
the end. What a failing package did is taken back, so that it affects no other (P7).
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from feedengine.catalogue.objects import Key, Link, Object

if TYPE_CHECKING:
    from feedengine.catalogue.territories import TerritorySet

LinkKey: TypeAlias = tuple[str, str]
"""``(release's id, track's id)``."""

PROVISIONAL = 1 << 62
"""Links made in hand are ordered from here on, until history gives them their ``linked_seq``."""


_STAYS = ""
"""No track's id: one that is not in hand, on a release from which nothing is removed."""


class Touched(NamedTuple):
    """One object or link that a package changed: as it was, and as it is. None: not there.

    For a link ``kind`` is ``release_track`` and ``id`` the pair of ids.
    """

    kind: str
    id: str | LinkKey
    before: Object | Link | None
    after: Object | Link | None


class Hand:
    """Objects, links and territory sets in hand.

    ``objects`` holds every object that may change (None: there is none of this ID); ``known`` the
    keys of objects that are only referred to; no key is in both. ``tracks_of`` and ``releases_of``
    are complete for the releases and tracks whose links were loaded.
    """

    def __init__(self) -> None:
        """Nothing in hand yet."""
        self.objects: dict[Key, Object | None] = {}
        self.known: set[Key] = set()
        self.links: dict[LinkKey, Link] = {}
        self.tracks_of: dict[str, dict[str, None]] = {}
        self.releases_of: dict[str, dict[str, None]] = {}
        self.sets: dict[str, TerritorySet] = {}
        self.new_sets: dict[str, TerritorySet] = {}
        self.referrers: dict[Key, set[Key]] = {}
        self.before: dict[Key, Object | None] = {}
        self.links_before: dict[LinkKey, Link | None] = {}
        self._pending: dict[str, TerritorySet] = {}
        self._order = PROVISIONAL
        self._ends: dict[str, list[tuple[int, str]]] = {}
        self._touched: dict[tuple[str, str | LinkKey], Object | Link | None] = {}

    def exists(self, key: Key) -> bool:
        """Whether there is an object of this kind and ID."""
        return self.objects.get(key) is not None or key in self.known

    def touch(self, key: Key) -> None:
        """The object is about to change: from here on it is among what the package touched."""
        if key not in self._touched:
            self._touched[key] = self.objects.get(key)

    def put(self, key: Key, thing: Object | None) -> None:
        """The object is now this; None deletes it."""
        self.touch(key)
        self.objects[key] = thing
        if self.referrers and thing is not None:
            self._note_referrer(key, thing)

    def _note_referrer(self, key: Key, thing: Object) -> None:
        """Whoever begins to link to an object that this batch deletes is found by the delete."""
        for target in thing.refers_to():
            watched = self.referrers.get(target)
            if watched is not None:
                watched.add(key)

    def seen_link(self, release: str, track: str, link: Link) -> None:
        """A link as the catalogue has it."""
        self.links[release, track] = link
        self.tracks_of.setdefault(release, {})[track] = None
        self.releases_of.setdefault(track, {})[release] = None
        if release in self._ends:
            heappush(self._ends[release], (-link.position, track))

    def seen_end(self, release: str, position: int) -> None:
        """Of a release whose links are not in hand, and stay: the position of its last track."""
        self._ends[release] = [(-position, _STAYS)]

    def put_link(self, release: str, track: str, position: int | None) -> None:
        """The link now stands at this position; None removes it."""
        key = (release, track)
        before = self.links.get(key)
        if ("release_track", key) not in self._touched:
            self._touched["release_track", key] = before
        if position is None:
            self._restore_link(key, None)
        elif before is None:
            self._order += 1
            self._restore_link(key, Link(position, self._order))
        else:
            self._restore_link(key, Link(position, before.order))

    def _restore_link(self, key: LinkKey, link: Link | None) -> None:
        release, track = key
        if link is None:
            self.links.pop(key, None)
            self.tracks_of.get(release, {}).pop(track, None)
            self.releases_of.get(track, {}).pop(release, None)
        else:
            self.seen_link(release, track, link)

    def end_position(self, release: str) -> int:
        """The position after the last track of a release."""
        ends = self._ends.get(release)
        if ends is None:
            tracks = self.tracks_of.get(release, ())
            ends = [(-self.links[release, track].position, track) for track in tracks]
            heapify(ends)
            self._ends[release] = ends
        while ends:
            position, track = ends[0]
            link = self.links.get((release, track))
            if track == _STAYS or (link is not None and link.position == -position):
                return 1 - position
            heappop(ends)  # this link has gone, or has moved
        return 1

    def ordered_tracks(self, release: str) -> list[str]:
        """The release's tracks in their order."""
        tracks = self.tracks_of.get(release, ())
        return sorted(tracks, key=lambda track: (self.links[release, track].position, track))

    def ordered_releases(self, track: str) -> list[str]:
        """The track's releases, the first linked first."""
        releases = self.releases_of.get(track, ())
        return sorted(releases, key=lambda release: self.links[release, track].order)

    def keep_set(self, territories: TerritorySet) -> str:
        """The id of a territory set, which is saved with the batch where it is new."""
        name = territories.id
        if name not in self.sets:
            self.sets[name] = self._pending[name] = territories
        return name

    def _settle_sets(self, found: list[Touched]) -> None:
        """Of the sets a package made, those that an object has afterwards are kept."""
        if not self._pending:
            return
        used = {
            str(one.after.row[one.after.kind.territory_index])
            for one in found
            if isinstance(one.after, Object) and one.after.kind.territory_index is not None
        }
        for name, territories in self._pending.items():
            if name in used:
                self.new_sets[name] = territories
            else:
                del self.sets[name]
        self._pending.clear()

    def settle(self) -> list[Touched]:
        """The package succeeded: what it changed, in the order of first touch."""
        found = []
        for (kind, name), before in self._touched.items():
            if kind == "release_track":
                link: LinkKey = name  # type: ignore[assignment]
                after: Object | Link | None = self._same_link(link, before)  # type: ignore[arg-type]
                self.links_before.setdefault(link, before)  # type: ignore[arg-type]
            else:
                key: Key = (kind, name)  # type: ignore[assignment]
                after = self.objects[key]
                self.before.setdefault(key, before)  # type: ignore[arg-type]
            if before != after:
                found.append(Touched(kind, name, before, after))
        self._touched.clear()
        self._settle_sets(found)
        return found

    def _same_link(self, key: LinkKey, before: Link | None) -> Link | None:
        """A link that went and came back within a package is the same link."""
        after = self.links.get(key)
        if before is not None and after is not None and after.order != before.order:
            after = Link(after.position, before.order)
            self._restore_link(key, after)
        return after

    def take_back(self) -> None:
        """The package failed: everything stands as it found it."""
        for (kind, name), before in reversed(self._touched.items()):
            if kind == "release_track":
                self._restore_link(name, before)  # type: ignore[arg-type]
            else:
                self.objects[kind, name] = before  # type: ignore[index,assignment]
        self._touched.clear()
        self._settle_sets([])
