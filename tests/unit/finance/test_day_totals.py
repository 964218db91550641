"""Days of an institution add up to its month, and a person whose rows were all reversed is not in
it."""

from __future__ import annotations

from collections import Counter
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from settlement.books.day_totals import DayTotal, groups_of
from settlement.books.monthly_statement import AMOUNTS, Level
from settlement.rows import RowKind

DAY = date(2026, 11, 23)
NOTHING = (0,) * len(AMOUNTS)


def total(kind: RowKind, persons: tuple[int, ...], scheme: str = "310") -> DayTotal:
    """Rows of some persons."""
    return DayTotal(
        institution="P44190099001", setl_on=DAY, kind=kind, scheme=scheme, clearing_type="11",
        category="11", care_type="11", row_count=len(persons), amounts=NOTHING, persons=persons,
    )  # fmt: skip


def counted(*totals: DayTotal) -> tuple[int, int]:
    """Rows and persons of the whole."""
    (everything,) = [one for one in groups_of(totals) if one.level is Level.ALL]
    return everything.row_count, everything.person_count


def test_person_is_counted_once_however_many_groups_have_rows_of_theirs() -> None:
    assert counted(total(RowKind.SETTLE, (1, 2, 2)), total(RowKind.SETTLE, (2, 3), "390")) == (5, 3)


def test_reversed_rows_take_their_person_along_unless_another_row_stands() -> None:
    settled = total(RowKind.SETTLE, (1, 2, 2, 3))
    assert counted(settled, total(RowKind.REVERSE, (1, 2))) == (2, 2)
    assert counted(settled, total(RowKind.REVERSE, (2, 2))) == (2, 2)
    assert counted(settled, total(RowKind.CANCEL, (1,))) == (5, 3), "a cancel leaves its visit"


@given(
    st.lists(st.integers(1, 6), max_size=20), st.lists(st.integers(1, 6), max_size=20),
    st.integers(0, 20),
)  # fmt: skip
def test_persons_are_those_with_more_rows_than_were_reversed(
    came: list[int], gone: list[int], cut: int
) -> None:
    totals = [
        total(RowKind.SETTLE, tuple(came[:cut])), total(RowKind.REVERSE, tuple(gone)),
        total(RowKind.SETTLE, tuple(came[cut:])),
    ]  # fmt: skip
    left = Counter(came)
    left.subtract(gone)
    assert counted(*totals) == (len(came) - len(gone), sum(n > 0 for n in left.values()))
