"""The rules of the ledger: one entry, one view of the books, one outcome.

`Outcome` is closed and ordered: the guards of `check` run cheapest first in the order of the
enumeration, the first that fails is the answer, and the table in tests/unit/ledger/test_rules.py
has the same order. `judge` applies `check` to a batch, each entry seeing those before it. Pure:
the view is given, whether it was read from memory or from PostgreSQL.
"""

# One guard a line, so that guards, enumeration and test table can be compared by eye.
# ruff: noqa: E701

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol

from ledger.chain import HASH_BYTES
from ledger.entry import Entry, EntryKind
from ledger.fold import Guarded, fold_guarded


class Outcome(IntEnum):
    """What became of an entry (记账结果), in order of precedence."""

    OK = 0
    JOURNAL_NOT_OPEN = 1
    DAY_CLOSED = 2
    LANE_UNKNOWN = 3
    LANE_OF_OTHER_JOURNAL = 4
    ENTRY_ID_NOT_POSITIVE = 5
    NO_TRANSFERS = 6
    AMOUNT_NOT_POSITIVE = 7
    ACCOUNTS_EQUAL = 8
    COMMITMENT_NOT_32_BYTES = 9
    PENDING_ID_MISSING = 10
    PENDING_ID_NOT_ALLOWED = 11
    DEBIT_ACCOUNT_NOT_FOUND = 12
    CREDIT_ACCOUNT_NOT_FOUND = 13
    OWNERS_DIFFER = 14
    EXISTS_WITH_DIFFERENT_KIND = 15
    EXISTS_WITH_DIFFERENT_CODE = 16
    EXISTS_WITH_DIFFERENT_PENDING_ID = 17
    EXISTS_WITH_DIFFERENT_TRANSFERS = 18
    EXISTS_WITH_DIFFERENT_COMMITMENT = 19
    EXISTS = 20
    PENDING_NOT_FOUND = 21
    PENDING_NOT_PENDING = 22
    PENDING_ALREADY_POSTED = 23
    PENDING_ALREADY_VOIDED = 24
    DIFFERENT_ACCOUNTS_THAN_PENDING = 25
    EXCEEDS_PENDING_AMOUNT = 26
    VOIDS_DIFFERENT_AMOUNT = 27
    EXCEEDS_BALANCE = 28


class View(Protocol):
    """The books as far as a check reads them."""

    def journal_of(self, lane: int) -> int | None:
        """The open journal of the lane."""

    def owner_of(self, lane: int, account: int) -> str | None:
        """Whose book the account is in; a guarded account exists in its own lane only."""

    def entry(self, lane: int, entry_id: int) -> Entry | None:
        """A booked entry."""

    def resolution(self, lane: int, pending_id: int) -> EntryKind | None:
        """POST or VOID where the pending entry is resolved."""

    def spendable_fen(self, lane: int, account: int) -> int:
        """What a guarded account may still pay."""

    def record(self, entry: Entry, changes: Guarded) -> None:
        """Books the entry in this view, for those that follow it in the batch."""


Refusals = tuple[tuple[int, Outcome], ...]
"""Index in the batch and outcome of every entry that is refused."""


def judge(journal: int, entries: Sequence[Entry], view: View) -> Refusals:
    """Checks a batch in order; an accepted entry is recorded in the view for the next ones."""
    refused = []
    for index, entry in enumerate(entries):
        outcome = check(journal, entry, view)
        if outcome is Outcome.OK:
            view.record(entry, _changes(entry, view))
        else:
            refused.append((index, outcome))
    return tuple(refused)


def check(journal: int, entry: Entry, view: View) -> Outcome:
    """The first rule that the entry breaks, or OK."""
    return (
        _check_form(journal, entry, view)
        or _check_accounts(entry, view)
        or _check_existing(entry, view)
        or _check_pending(entry, view)
        or _check_balance(entry, view)
    )


def _check_form(journal: int, entry: Entry, view: View) -> Outcome:
    lane_journal = view.journal_of(entry.lane)
    resolves = entry.kind is EntryKind.POST or entry.kind is EntryKind.VOID
    if lane_journal is None: return Outcome.LANE_UNKNOWN
    if lane_journal != journal: return Outcome.LANE_OF_OTHER_JOURNAL
    if entry.entry_id <= 0: return Outcome.ENTRY_ID_NOT_POSITIVE
    if not entry.transfers: return Outcome.NO_TRANSFERS
    for transfer in entry.transfers:
        if transfer.amount_fen <= 0: return Outcome.AMOUNT_NOT_POSITIVE
    for transfer in entry.transfers:
        if transfer.debit == transfer.credit: return Outcome.ACCOUNTS_EQUAL
    if len(entry.commitment) != HASH_BYTES: return Outcome.COMMITMENT_NOT_32_BYTES
    if resolves and entry.pending_id is None: return Outcome.PENDING_ID_MISSING
    if not resolves and entry.pending_id is not None: return Outcome.PENDING_ID_NOT_ALLOWED
    return Outcome.OK


def _check_accounts(entry: Entry, view: View) -> Outcome:
    lane = entry.lane
    owners = [(view.owner_of(lane, t.debit), view.owner_of(lane, t.credit))
              for t in entry.transfers]
    if any(debit is None for debit, _ in owners): return Outcome.DEBIT_ACCOUNT_NOT_FOUND
    if any(credit is None for _, credit in owners): return Outcome.CREDIT_ACCOUNT_NOT_FOUND
    if any(debit != credit for debit, credit in owners): return Outcome.OWNERS_DIFFER
    return Outcome.OK


def _check_existing(entry: Entry, view: View) -> Outcome:
    booked = view.entry(entry.lane, entry.entry_id)
    if booked is None: return Outcome.OK
    if booked.kind != entry.kind: return Outcome.EXISTS_WITH_DIFFERENT_KIND
    if booked.code != entry.code: return Outcome.EXISTS_WITH_DIFFERENT_CODE
    if booked.pending_id != entry.pending_id: return Outcome.EXISTS_WITH_DIFFERENT_PENDING_ID
    if booked.transfers != entry.transfers: return Outcome.EXISTS_WITH_DIFFERENT_TRANSFERS
    if booked.commitment != entry.commitment: return Outcome.EXISTS_WITH_DIFFERENT_COMMITMENT
    return Outcome.EXISTS


def _check_pending(entry: Entry, view: View) -> Outcome:
    if entry.pending_id is None: return Outcome.OK
    pending = view.entry(entry.lane, entry.pending_id)
    resolution = view.resolution(entry.lane, entry.pending_id)
    if pending is None: return Outcome.PENDING_NOT_FOUND
    if pending.kind is not EntryKind.PENDING: return Outcome.PENDING_NOT_PENDING
    if resolution is EntryKind.POST: return Outcome.PENDING_ALREADY_POSTED
    if resolution is EntryKind.VOID: return Outcome.PENDING_ALREADY_VOIDED
    return check_resolves(entry, pending)


def check_resolves(entry: Entry, pending: Entry) -> Outcome:
    """Whether a post or void fits its pending entry: the same legs, and no more money."""
    legs = list(zip(entry.transfers, pending.transfers, strict=False))
    voids = entry.kind is EntryKind.VOID
    same = len(entry.transfers) == len(pending.transfers) and all(
        new.debit == held.debit and new.credit == held.credit for new, held in legs
    )
    if not same: return Outcome.DIFFERENT_ACCOUNTS_THAN_PENDING
    if any(new.amount_fen > held.amount_fen for new, held in legs):
        return Outcome.EXCEEDS_PENDING_AMOUNT
    if voids and entry.transfers != pending.transfers: return Outcome.VOIDS_DIFFERENT_AMOUNT
    return Outcome.OK


def _check_balance(entry: Entry, view: View) -> Outcome:
    for (lane, account), change in _changes(entry, view).items():
        spends = change.spendable_fen < 0
        if spends and view.spendable_fen(lane, account) + change.spendable_fen < 0:
            return Outcome.EXCEEDS_BALANCE
    return Outcome.OK


def _changes(entry: Entry, view: View) -> Guarded:
    if entry.pending_id is None:
        return fold_guarded((entry,), {})
    pending = view.entry(entry.lane, entry.pending_id)
    return fold_guarded((entry,), {(entry.lane, entry.pending_id): pending} if pending else {})
