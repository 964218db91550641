"""Comparing what two regions and the hub have of a day, row by row (三方对账).

A row is known by its case number and sign: a case is settled once and taken back once. Each key is
in exactly one class, so the classes partition what was compared, and what the rows of the classes
differ by is what the sums of the lists differ by. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct

Key = tuple[str, bool]
"""Case number, and whether the row takes it back."""
_Rows = tuple[Mapping[Key, "Row"], Mapping[Key, "Row"]]
"""Of a side on the day, and on the days around it."""


class Row(Struct, frozen=True, kw_only=True, gc=False):
    """A row of somebody's list; negative where it takes back."""

    case_no: str
    reversal: bool
    total_fen: int
    fund_fen: int
    account_fen: int

    @property
    def key(self) -> Key:
        """What it is known by."""
        return self.case_no, self.reversal

    @property
    def owed_fen(self) -> int:
        """What the region of insurance owes."""
        return self.fund_fen + self.account_fen

    @property
    def amounts(self) -> tuple[int, int, int]:
        """All three."""
        return self.total_fen, self.fund_fen, self.account_fen


class Class(StrEnum):
    """What a key comes to, in order of precedence."""

    AGREES = "agrees"
    DAY_EDGE = "day_edge"
    """equal on both sides, on neighbouring days; or the hub's alone is of a neighbouring day"""
    UNDONE_THERE = "undone_there"
    """settled and taken back on one side alone, on the same day or across a midnight: nothing is
    owed"""
    AMOUNT = "amount"
    """both have it, with other amounts"""
    KIND = "kind"
    """one has it as settled, the other as taken back alone"""
    ONLY_OURS = "only_ours"
    ONLY_THEIRS = "only_theirs"
    HUB_AMOUNT = "hub_amount"
    """both regions agree, and the hub saw other amounts"""
    HUB_LACKS = "hub_lacks"
    """both regions agree, and the hub does not know it"""
    ONLY_HUB = "only_hub"
    """the hub carried it, and neither region has it"""


WITH_HUB = frozenset({Class.HUB_AMOUNT, Class.HUB_LACKS, Class.ONLY_HUB})
"""Classes of which nothing is known where the hub's rows were not there."""
FINE = frozenset({Class.AGREES, Class.DAY_EDGE, Class.UNDONE_THERE})
"""Classes that nobody needs to look at."""
CLASS_ZH: Mapping[Class, str] = {
    Class.AGREES: "一致", Class.DAY_EDGE: "跨日", Class.UNDONE_THERE: "单方已冲销",
    Class.AMOUNT: "金额不符", Class.KIND: "正负不符", Class.ONLY_OURS: "仅本方有",
    Class.ONLY_THEIRS: "仅对方有", Class.HUB_AMOUNT: "平台金额不符",
    Class.HUB_LACKS: "平台无记录", Class.ONLY_HUB: "仅平台有",
}  # fmt: skip


class Compared(Struct, frozen=True, kw_only=True, gc=False):
    """A key, what each region has of it on the day, and the hub on that day or beside it, and its
    class."""

    key: Key
    found: Class
    ours: Row | None
    theirs: Row | None
    hub: Row | None

    @property
    def difference_fen(self) -> int:
        """What ours owes more than theirs, on this day."""
        return _owed(self.ours) - _owed(self.theirs)


class Lists(Struct, frozen=True, kw_only=True):
    """What is compared: the rows of the day, and of the days around it. `hub` is None where the
    hub did not tell: nothing is said about it then; `hub_around` where it told of the day alone."""

    ours: Mapping[Key, Row]
    theirs: Mapping[Key, Row]
    hub: Mapping[Key, Row] | None = None
    ours_around: Mapping[Key, Row] = {}
    theirs_around: Mapping[Key, Row] = {}
    hub_around: Mapping[Key, Row] | None = None


class Totals(Struct, frozen=True, kw_only=True):
    """How the sums of the lists explain each other."""

    ours_fen: int
    theirs_fen: int
    by_class: Mapping[Class, tuple[int, int]]
    """of each class that occurs how many keys, and by how much ours is more"""

    @property
    def is_explained(self) -> bool:
        """Whether the classes' differences are the difference of the sums."""
        return self.ours_fen - self.theirs_fen == sum(fen for _, fen in self.by_class.values())


def by_key(rows: Iterable[Row]) -> tuple[dict[Key, Row], tuple[Key, ...]]:
    """Rows by their keys, and the keys that came twice; of these the first row counts."""
    found: dict[Key, Row] = {}
    doubled: list[Key] = []
    for row in rows:
        if found.setdefault(row.key, row) is not row:
            doubled.append(row.key)
    return found, tuple(doubled)


def compare(lists: Lists) -> list[Compared]:
    """Every key of the day once, in order."""
    keys = {*lists.ours, *lists.theirs, *(lists.hub or {})}
    return [_compared(key, lists) for key in sorted(keys)]


def totals(lists: Lists, compared: Iterable[Compared]) -> Totals:
    """How the sums explain each other."""
    by_class: dict[Class, tuple[int, int]] = {}
    for one in compared:
        count, fen = by_class.get(one.found, (0, 0))
        by_class[one.found] = count + 1, fen + one.difference_fen
    return Totals(
        ours_fen=sum(row.owed_fen for row in lists.ours.values()),
        theirs_fen=sum(row.owed_fen for row in lists.theirs.values()),
        by_class=by_class,
    )


def _compared(key: Key, lists: Lists) -> Compared:
    ours, theirs = lists.ours.get(key), lists.theirs.get(key)
    return Compared(
        key=key, found=_class_of(key, ours, theirs, lists), ours=ours, theirs=theirs,
        hub=_of_hub(key, lists),
    )  # fmt: skip


def _class_of(key: Key, ours: Row | None, theirs: Row | None, lists: Lists) -> Class:
    if ours is not None and theirs is not None:
        return Class.AMOUNT if ours.amounts != theirs.amounts else _seen_by_hub(key, ours, lists)
    if ours is not None:
        found = _one_sided(
            key, ours, Class.ONLY_OURS, (lists.ours, lists.ours_around),
            (lists.theirs, lists.theirs_around),
        )  # fmt: skip
        # What agrees across midnight is held against the hub on our day, and so once.
        if found is not Class.DAY_EDGE or lists.hub_around is None:
            return found
        seen = _seen_by_hub(key, ours, lists)
        return Class.DAY_EDGE if seen is Class.AGREES else seen
    if theirs is not None:
        return _one_sided(
            key, theirs, Class.ONLY_THEIRS, (lists.theirs, lists.theirs_around),
            (lists.ours, lists.ours_around),
        )  # fmt: skip
    # Where one region alone has it, on a neighbouring day, that day's comparison says so.
    known = key in lists.ours_around or key in lists.theirs_around
    return Class.DAY_EDGE if known else Class.ONLY_HUB


def _one_sided(key: Key, row: Row, only: Class, own: _Rows, others: _Rows) -> Class:
    other, around = others
    near = around.get(key)
    if near is not None:
        return Class.DAY_EDGE if near.amounts == row.amounts else Class.AMOUNT
    opposite = key[0], not key[1]
    mirror = own[0].get(opposite) or own[1].get(opposite)
    if mirror is None:
        return Class.KIND if opposite in other else only
    there_too = opposite in other or opposite in around
    return only if there_too or mirror.owed_fen != -row.owed_fen else Class.UNDONE_THERE


def _seen_by_hub(key: Key, ours: Row, lists: Lists) -> Class:
    if lists.hub is None:
        return Class.AGREES
    hub = _of_hub(key, lists)
    if hub is None:
        return Class.HUB_LACKS
    return Class.AGREES if hub.amounts == ours.amounts else Class.HUB_AMOUNT


def _of_hub(key: Key, lists: Lists) -> Row | None:
    """The hub's row, whose day is that of its own clock."""
    if lists.hub is None:
        return None
    return lists.hub.get(key) or (lists.hub_around or {}).get(key)


def _owed(row: Row | None) -> int:
    return 0 if row is None else row.owed_fen
