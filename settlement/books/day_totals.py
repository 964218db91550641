"""What a business day came to, institution by institution (日汇总), and how days add up.

Pure. A closed day is summed once, into one total for what its rows have in common; a month is the
sum of its days, and so is whatever a person reads of it. A reversal (冲正) has a total of its own,
on the day of what it takes back: with it neither counts. Persons are hashes of eight bytes, one a
row, so that whoever came twice in a month is one person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

from msgspec import Struct

from settlement.books.monthly_statement import AMOUNTS, Group, Level
from settlement.rows import RowKind


class DayTotal(Struct, frozen=True, kw_only=True, gc=False):
    """Rows of one institution, booked on one business day, that have all of this in common."""

    institution: str
    setl_on: date
    kind: int
    scheme: str
    clearing_type: str
    category: str
    care_type: str
    row_count: int
    amounts: tuple[int, ...]
    """in the order of AMOUNTS"""
    persons: tuple[int, ...]
    """of each row, in order of the numbers"""

    @property
    def key(self) -> tuple[str, date, int, str, str, str, str]:
        """What its rows have in common."""
        return (
            self.institution, self.setl_on, self.kind, self.scheme, self.clearing_type,
            self.category, self.care_type,
        )  # fmt: skip


_Finest = tuple[str, str, str, str]
_Place = tuple[Level, str | None, str | None, str | None, str | None]
_EVERYTHING: _Place = (Level.ALL, None, None, None, None)


class _Sums:
    """Rows that have the same clearing type, scheme, person type and care type."""

    def __init__(self) -> None:
        self.rows = 0
        self.cancels = 0
        self.amounts = [0] * len(AMOUNTS)
        self._came: list[int] = []
        self._gone: list[int] = []
        self._persons: frozenset[int] | None = None

    def add(self, one: DayTotal) -> None:
        """One more total."""
        if one.kind == RowKind.REVERSE:
            self.rows -= one.row_count
            self._gone += one.persons
        else:
            self.rows += one.row_count
            self.cancels += one.row_count if one.kind == RowKind.CANCEL else 0
            self._came += one.persons
        self.amounts = [a + b for a, b in zip(self.amounts, one.amounts, strict=True)]

    def persons(self) -> frozenset[int]:
        """Who has a row here that was not reversed. Asked once all were added: a group of each
        level has them, so they are made once."""
        if self._persons is None:
            self._persons = frozenset(self._came) - self._without_rows()
        return self._persons

    def _without_rows(self) -> set[int]:
        """Whose rows were all reversed; few rows are, so only their persons are counted."""
        gone = Counter(self._gone)
        left = Counter([person for person in self._came if person in gone]) if gone else gone
        return {person for person, rows in gone.items() if left[person] <= rows}


def groups_of(totals: Iterable[DayTotal]) -> list[Group]:
    """What some days of an institution come to, as a statement shows it (结算对账单)."""
    finest: dict[_Finest, _Sums] = {}
    for one in totals:
        key = (one.clearing_type, one.scheme, one.category, one.care_type)
        finest.setdefault(key, _Sums()).add(one)
    places: dict[_Place, list[_Sums]] = {_EVERYTHING: []}
    for (clearing, scheme, category, care), sums in finest.items():
        for place in (
            (Level.SUMMARY, clearing, scheme, category, None),
            (Level.OCCURRENCE, None, scheme, category, care),
            _EVERYTHING,
        ):
            places.setdefault(place, []).append(sums)
    groups = [_group(place, parts) for place, parts in places.items()]
    return sorted(
        (one for one in groups if one.row_count or one.level is Level.ALL), key=_order
    )


def _group(place: _Place, parts: Sequence[_Sums]) -> Group:
    level, clearing, scheme, category, care = place
    return Group(
        level=level, clearing_type=clearing, scheme=scheme, category=category, care_type=care,
        row_count=sum([one.rows for one in parts]),
        cancel_count=sum([one.cancels for one in parts]),
        person_count=len(set().union(*[one.persons() for one in parts])),
        amounts=tuple(sum(column) for column in zip(*[one.amounts for one in parts], strict=True))
        or (0,) * len(AMOUNTS),
    )  # fmt: skip


def _order(one: Group) -> tuple[str, ...]:
    """What is not there comes last."""
    return tuple(
        "\U0010ffff" if part is None else part
        for part in (one.clearing_type, one.scheme, one.care_type, one.category)
    )
