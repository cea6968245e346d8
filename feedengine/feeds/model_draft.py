"""Models as they are put together by `feedengine.feeds.skim`, one in another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from feedengine.catalogue.territories import TerritorySet
from feedengine.feeds import changes
from feedengine.feeds.changes import UNSET, Asked, Change, GenreList, Request, Step, TerritoryView
from feedengine.feeds.rows import Rows, UnusualError
from feedengine.model.entities import DERIVATIONS, Kind

if TYPE_CHECKING:
    from feedengine.errors import Place
    from feedengine.model.scalars import Value


class _Model:
    """A model being read: its columns, its steps, the names of its collections so far.

    ``counted`` are the columns of the numbers that it increases or decreases; ``given`` is 1 where
    the ID is an attribute and no child; ``bare`` counts items without their collection, whose rows
    are in ``rows`` where they have no sub-action.
    """

    __slots__ = ("asked", "bare", "counted", "given", "kind", "place", "rows", "seen", "steps")

    def __init__(self, kind: Kind, place: Place) -> None:
        self.kind = kind
        self.place = place
        self.asked: list[Asked] = [UNSET] * len(kind.columns)
        self.steps: list[Step] = []
        self.seen: list[str] = []
        self.counted: list[int] = []
        self.given = 0
        self.bare = 0
        self.rows: dict[object, tuple[Value | None, ...]] = {}

    def next_place(self) -> Place:
        """Where the child stands that comes next."""
        filled = len(self.asked) - self.asked.count(UNSET)
        others = len(self.seen) + len(self.counted) + self.bare
        return (self.place, filled - self.given + others)


class _Open(NamedTuple):
    """A model, and the collection in it, in which another model is being read."""

    model: _Model
    found: dict[object, object]
    edits: int
    place: Place


class Amount(NamedTuple):
    """How a column changes (P34): ``sign`` 1 or -1."""

    column: int
    sign: int


class ModelDraft(Rows):
    """What has been read of a document so far.

    ``territories`` is the list that stands in the package's object; it is read beforehand.
    ``outcome`` is what the package asks for, once it has been read whole.
    """

    __slots__ = ("_above", "_edits", "_genres", "_model", "_place", "outcome", "territories")

    def __init__(self, file: str, territories: TerritorySet | None) -> None:
        """Nothing yet of the package ``file``."""
        super().__init__()
        self.territories = territories
        self.outcome: Request | None = None
        self._genres: list[Change] = []
        self._model = cast("_Model", None)
        self._above: list[_Open] = []
        self._place: Place = (None, file)
        self._edits = 0

    # The frame, and models

    def begin_frame(self, depth: int) -> None:
        """The root (at depth 0) or the ``Schema`` begins: the first there, and the only one."""
        if self._depth() != depth:
            raise UnusualError
        self._place = (self._place, 0)

    def begin_object(self, kind: Kind) -> None:
        """The package's object begins."""
        self.begin_frame(2)
        self._begin(kind, self._place)

    def _depth(self) -> int:
        depth, place = -1, cast("Place | None", self._place)
        while place is not None:
            depth, place = depth + 1, place[0]
        return depth

    def end_object(self, action: changes.Action) -> None:
        """The package's object is complete."""
        self.outcome = self._change(action)

    def end_deleted(self, setting: bool) -> None:  # noqa: FBT001 - told by a table
        """P23: of an object to be deleted the ID alone counts."""
        steps = (changes.Undeclare(),) if setting else ()
        kind, place = self._model.kind, self._model.place
        self.outcome = Change("delete", kind, self._id(), (), steps, (), place, setting)

    def end_setting(self, action: changes.Action) -> None:
        """P44: of the release with this ID the territories alone are meant."""
        model = self._model
        if not model.seen and action in _WHOLE:
            raise UnusualError
        asked, steps = (UNSET,) * len(model.kind.columns), tuple(model.steps)
        name, place = self._id(), model.place
        self.outcome = Change(action, model.kind, name, asked, steps, (), place, setting=True)

    # What has no identity of its own (P44)

    def begin_genres(self, _nothing: None) -> None:
        """The genre list begins as the package's object."""
        self.begin_frame(2)
        self._edits = 0

    def end_genre(self, action: changes.Action) -> None:
        """A genre of the list is complete; pulled, it is named by its ID alone."""
        model = self._model
        if action == "pull":
            if len(model.asked) - model.asked.count(UNSET) != 1:
                raise UnusualError
            genre = Change("pull", model.kind, self._id(), (), (), (), model.place)
            self._nested()
        else:
            genre = self._nested(action)
        self._edits += 1
        self._genres.append(genre)

    def end_genres(self, action: changes.Action) -> None:
        """The genre list is complete; a plain one has each genre once."""
        names = {genre.id for genre in self._genres}
        if not names or (len(names) < len(self._genres) and action != "update"):
            raise UnusualError
        self.outcome = GenreList(action, tuple(self._genres))

    def end_listed(self, _nothing: None) -> None:
        """Territories alone."""
        if self.territories is None:
            raise UnusualError
        self.outcome = TerritoryView(self.territories)

    def begin_model(self, kind: Kind) -> None:
        """A model in a list begins."""
        self._nest(kind, (self._place, len(self._found) + self._edits))

    def begin_one(self, kind: Kind) -> None:
        """A single nested model begins."""
        self._nest(kind, self._place)

    def _nest(self, kind: Kind, place: Place) -> None:
        self._above.append(_Open(self._model, self._found, self._edits, self._place))
        self._begin(kind, place)

    def _begin(self, kind: Kind, place: Place) -> None:
        self._model = _Model(kind, place)
        self._back()

    def _back(self) -> None:
        """Values belong to the innermost model."""
        self.row, self.blank = self._model.asked, UNSET

    def own_id(self, _nothing: None) -> None:
        """The ID of the model that begins is an attribute of it (P14)."""
        self._model.given = 1

    def _id(self) -> str:
        name = self._model.asked[self._model.kind.position["id"]]
        if not isinstance(name, str):
            raise UnusualError
        return name

    def _change(self, action: changes.Action) -> Change:
        """What the innermost model asks for."""
        model = self._model
        kind, asked = model.kind, model.asked
        name = self._id()
        for index, source, column in kind.derived:
            value = asked[source]
            if value is not UNSET:
                asked[index] = None if value is None else DERIVATIONS[column](str(value))
        missing = tuple([leaf.element for leaf in kind.required if asked[leaf.index] is UNSET])
        if missing and action in _WHOLE:
            raise UnusualError
        if model.counted and any(asked[column] is not UNSET for column in model.counted):
            raise UnusualError
        if model.bare:
            self._end_bares()
        steps = tuple(model.steps)
        return Change(action, kind, name, tuple(asked), steps, missing, model.place)

    def _nested(self, action: changes.Action = "refer") -> Change:
        """What the innermost model asks for (P43); from now on it is the one around it."""
        change = self._change(action)
        self._model, self._found, self._edits, self._place = self._above.pop()
        return change

    def _end_bares(self) -> None:
        """Without sub-actions they are the whole list; beside the list they need a second look."""
        model = self._model
        kind = next(one for one in model.kind.lists if one.listed.bare)
        if kind.listed.plural in model.seen or len(model.rows) not in {0, model.bare}:
            raise UnusualError
        if model.rows:
            model.steps.append(changes.Replace(kind.index, tuple(model.rows.values())))

    # Fields

    def put_null(self, column: int) -> None:
        """P17: an empty element sets NULL."""
        asked = self._model.asked
        if asked[column] is not UNSET:
            raise UnusualError
        asked[column] = None

    def begin_amount(self, _amount: Amount) -> None:
        """An amount follows."""
        self.row, self.blank = [None], None

    def end_amount(self, amount: Amount) -> None:
        """P34: a number changes by the amount."""
        model = self._model
        place = model.next_place()
        value = cast("Value", self.row[0])
        model.steps.append(changes.Adjust(amount.column, value, amount.sign, place))
        model.counted.append(amount.column)
        self._back()


_WHOLE = frozenset({"create", "upsert"})
"""Actions under which an object must be complete (P20, P22)."""
