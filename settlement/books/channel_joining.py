"""Payments that agree with a channel's bills only together (合并, 拆分): several of ours in one row
of theirs, or one of ours in several.

Pure. Works on what the matching found in all lanes (books/channel_matching.py), because orders
of one row of theirs lie in several. Two rules, in this order, both exact to the fen:

- by reference: the channel gave all of them one number;
- by neighbourhood: they are all that differs at a merchant on neighbouring days, the bills of those
  days and of the days around are here, and in one way only they come to each other.

One payment of ours never agrees with one of theirs of another number; what has another fault than
being alone, or of another amount, is not joined, nor is what stands beside it. What could be joined
in several ways stays a difference, and is counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from settlement.books.channel_matching import (
    EDGE,
    Around,
    Class,
    Finding,
    Joined,
    Key,
    Kind,
    Ours,
    Theirs,
    are_one,
)

JOINABLE = frozenset({Class.ONLY_OURS, Class.ONLY_THEIRS, Class.AMOUNT})
"""What may agree together with others."""
FAULTY = frozenset({Class.STATUS, Class.DUPLICATE, Class.CUSTODY, Class.REVERSED_HERE})
"""What may be why others do not agree; and so may a payment that waits for the next bill."""
SINGLES_MAX, PARTS_MAX = 3, 10
"""How many rows, each of several, and how many parts of them all are tried at most."""

_Place = tuple[str, str]
"""Channel and merchant."""


class Group(Struct, frozen=True, kw_only=True):
    """Payments that come to each other."""

    keys: frozenset[Key]
    how: Joined | None
    """None where they do in several ways"""


def join(findings: Iterable[Finding], around: Around) -> list[Group]:
    """Which payments agree together. The findings are of all lanes, of a period and of the two days
    before it and after it: so the same are joined, whatever period is asked for."""
    pool = [one for one in findings if may_be_joined(one)]
    doubled = {one.key for one in pool if one.nth}
    groups: list[Group] = []
    for family in _by_reference(pool):
        groups += [one for one in _decided(family, doubled, around) if one.how is not None]
    named = {key for one in groups for key in one.keys}
    for family in _neighbours([one for one in pool if one.key not in named], around):
        groups += _decided(family, doubled, around)
    return groups


def with_joined(findings: Iterable[Finding], groups: Iterable[Group]) -> list[Finding]:
    """The findings, where some of them agree together."""
    joined = {key: one.how for one in groups if one.how is not None for key in one.keys}
    return [
        replace(one, found=Class.AGREES, joined=joined[one.key]) if one.key in joined else one
        for one in findings
    ]


def may_be_joined(finding: Finding) -> bool:
    """Whether it is looked at: a payment that differs by itself."""
    found = finding.found
    waits = found is Class.DAY_EDGE and not finding.theirs
    return finding.key.kind is Kind.PAYMENT and (found in JOINABLE | FAULTY or waits)


def days_of(finding: Finding) -> tuple[date, date]:
    """The first and the last day of its rows."""
    days = [row.day for row in _rows([finding]).all]
    return min(days), max(days)


def places_of(finding: Finding) -> set[_Place]:
    """Where its rows are."""
    return {(row.channel, row.merchant) for row in _rows([finding]).all}


def numbers_of(finding: Finding) -> set[str]:
    """The channel's numbers in its rows."""
    return {row.channel_no for row in _rows([finding]).all if row.channel_no}


class _Rows(Struct, frozen=True):
    """Rows of both sides."""

    ours: tuple[Ours, ...]
    theirs: tuple[Theirs, ...]

    @property
    def all(self) -> tuple[Ours | Theirs, ...]:
        """Of either."""
        return (*self.ours, *self.theirs)


def _rows(findings: Iterable[Finding]) -> _Rows:
    some = list(findings)
    return _Rows(
        tuple(one.ours for one in some if one.ours is not None),
        tuple(row for one in some for row in one.theirs),
    )


def _by_reference(pool: Sequence[Finding]) -> list[list[Finding]]:
    """Findings of which the channel's numbers say that they belong together."""
    above: dict[tuple[_Place, str], tuple[_Place, str]] = {}

    def top(name: tuple[_Place, str]) -> tuple[_Place, str]:
        while above.setdefault(name, name) != name:
            above[name] = name = above[above[name]]
        return name

    named = [
        (one, [((row.channel, row.merchant), row.channel_no) for row in _rows([one]).all
               if row.channel_no])
        for one in pool
    ]  # fmt: skip
    for _, names in named:
        for name in names:
            above[top(name)] = top(names[0])
    families: dict[tuple[_Place, str], list[Finding]] = defaultdict(list)
    for one, names in named:
        if names:
            families[top(names[0])].append(one)
    return [family for family in families.values() if len(family) > 1]


def _neighbours(pool: Sequence[Finding], around: Around) -> Iterator[list[Finding]]:
    """What differs at one merchant on neighbouring days, where all bills are here."""
    at: dict[_Place, list[Finding]] = defaultdict(list)
    for one in pool:
        for place in places_of(one):
            at[place].append(one)
    for place, some in at.items():
        for family in _clusters(some):
            if _are_known(family, place, around):
                yield family


def _clusters(some: Iterable[Finding]) -> list[list[Finding]]:
    """Findings none of which is further than an edge from the ones before it."""
    found: list[list[Finding]] = []
    until = date.min
    for one in sorted(some, key=days_of):
        first, last = days_of(one)
        if not found or first - until > EDGE:
            found.append([])
        found[-1].append(one)
        until = max(until, last)
    return found


def _are_known(family: Iterable[Finding], place: _Place, around: Around) -> bool:
    """Whether all bills are here that may have what belongs to some findings of a merchant."""
    days = [day for one in family for day in days_of(one)]
    count = (max(days) - min(days)).days + 1
    near = (min(days) + EDGE * n for n in range(-1, count + 1))
    return not any((*place, day) in around.unbilled for day in near)


def _decided(
    family: Collection[Finding], doubled: Collection[Key], around: Around
) -> list[Group]:
    """A group for each row that several of a family are, or one of all where it is not known which;
    none where anything of the family is left, or has another fault."""
    if any(one.found not in JOINABLE or one.key in doubled for one in family):
        return []
    ways = _ways(_rows(family))
    if len(ways) > 1:
        return [Group(keys=frozenset(one.key for one in family), how=None)]
    if not ways or not all(are_one(one.ours, one.theirs, around) for one in ways[0]):
        return []
    return [
        Group(
            keys=frozenset(row.key for row in one.all),
            how=Joined.MERGED if len(one.theirs) == 1 else Joined.SPLIT,
        )
        for one in ways[0]
    ]


def _ways(rows: _Rows) -> list[list[_Rows]]:
    """In which ways all the rows of the side that has more come to those of the other, several to
    each; no more than two."""
    merged = len(rows.theirs) < len(rows.ours)
    few: Sequence[Ours | Theirs] = rows.theirs if merged else rows.ours
    many: Sequence[Ours | Theirs] = rows.ours if merged else rows.theirs
    is_even = sum(one.amount_fen for one in few) == sum(one.amount_fen for one in many)
    if not few or not is_even or len(many) < 2 * len(few):
        return []
    if len(few) == 1:
        return [[rows]]
    if len(few) > SINGLES_MAX or len(many) > PARTS_MAX:
        return [[], []]
    return [
        [_group(one, [many[n] for n, to in enumerate(way) if to == place])
         for place, one in enumerate(few)]
        for way in islice(_assigned(few, many), 2)
    ]  # fmt: skip


def _group(one: Ours | Theirs, parts: Sequence[Ours | Theirs]) -> _Rows:
    some = (one, *parts)
    return _Rows(
        tuple(row for row in some if isinstance(row, Ours)),
        tuple(row for row in some if isinstance(row, Theirs)),
    )


def _assigned(
    few: Sequence[Ours | Theirs], many: Sequence[Ours | Theirs]
) -> Iterator[tuple[int, ...]]:
    """To which of a few each of many belongs, so that every one is what its parts come to. What has
    a number of one of the few belongs to that."""
    own = {one.key: place for place, one in enumerate(few)}

    def onwards(to: tuple[int, ...], left: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        if len(to) == len(many):
            if not any(left) and all(to.count(place) > 1 for place in range(len(few))):
                yield to
            return
        row = many[len(to)]
        for place in (own[row.key],) if row.key in own else range(len(few)):
            if row.amount_fen <= left[place]:
                less = left[place] - row.amount_fen
                yield from onwards((*to, place), (*left[:place], less, *left[place + 1 :]))

    return onwards((), tuple(one.amount_fen for one in few))
