"""Folding: what a batch changes, and when the order inside it matters."""

from __future__ import annotations

import pytest

from ledger.account import ALL_GUARDED
from ledger.entry import NOTHING, Entry, EntryKind, Transfer
from ledger.fold import fold_all, fold_guarded, order_matters

FUND, PHARMACY, PERSON = 1, 2, 10**12


def entry(
    entry_id: int, debit: int, credit: int, fen: int, kind: EntryKind = EntryKind.SINGLE,
    pending_id: int | None = None,
) -> Entry:  # fmt: skip
    return Entry(
        lane=0, entry_id=entry_id, kind=kind, code=1, pending_id=pending_id, commitment=NOTHING,
        transfers=(Transfer(debit, credit, fen),),
    )  # fmt: skip


HOLD = entry(1, PERSON, PHARMACY, 80, EntryKind.PENDING)
POST = entry(2, PERSON, PHARMACY, 30, EntryKind.POST, 1)
VOID = entry(2, PERSON, PHARMACY, 80, EntryKind.VOID, 1)


def test_a_post_releases_the_whole_hold_and_books_its_own_amount() -> None:
    change = fold_guarded([POST], {(0, 1): HOLD})[0, PERSON]
    assert (change.debits, change.debits_pending, change.spendable_fen) == (30, -80, 50)


def test_a_hold_and_its_void_leave_nothing() -> None:
    sums = fold_all([HOLD, VOID], {(0, 1): HOLD})
    assert set(sums) == {ALL_GUARDED, PHARMACY}
    for change in sums.values():
        assert (change.debits, change.credits) == (0, 0)
        assert (change.debits_pending, change.credits_pending) == (0, 0)


@pytest.mark.parametrize(
    ("entries", "matters"),
    [
        ([entry(1, PERSON, PHARMACY, 5), entry(2, FUND, PERSON, 9)], True),
        ([entry(1, PERSON, PHARMACY, 9), entry(2, FUND, PERSON, 5)], True),
        ([entry(1, FUND, PERSON, 9), entry(2, PERSON, PHARMACY, 5)], False),
        ([entry(1, PERSON, PHARMACY, 9), entry(2, PERSON, PHARMACY, 5)], False),
        ([HOLD, POST], True),
        ([entry(1, FUND, PHARMACY, 9)], False),
    ],
)
def test_order_matters_where_an_account_dips_inside_the_batch(
    entries: list[Entry], matters: bool
) -> None:
    assert order_matters(fold_guarded(entries, {(0, 1): HOLD})) is matters
