"""Folding: what a batch of entries does to each account it touches, as one `Change` per account.

A post or void first releases all that its pending entry held; a post then books its own transfers,
so a post of less than was held gives the rest back. `resolved` maps (lane, entry_id) to the
pending entries that the batch resolves. Pure; knows no rules and no database.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ledger.account import ALL_GUARDED, Balance
from ledger.entry import GUARDED_FROM, Entry, EntryKind, Transfer

Key = tuple[int, int]
"""A lane and a number that is unique in it: an account or an entry."""

Resolved = Mapping[Key, Entry]
"""The pending entries that a batch resolves, by (lane, entry_id)."""


class Change:
    """What happens to one account, in fen. `low_fen` is the deepest point between two entries."""

    __slots__ = ("credits", "credits_pending", "debits", "debits_pending", "low_fen")

    def __init__(self) -> None:
        self.debits = 0
        self.credits = 0
        self.debits_pending = 0
        self.credits_pending = 0
        self.low_fen = 0

    @property
    def spendable_fen(self) -> int:
        """The change of what a guarded account may still pay."""
        return self.credits - self.debits - self.debits_pending

    def add_to(self, balance: Balance) -> Balance:
        """The balance after this change."""
        return Balance(
            debits_fen=balance.debits_fen + self.debits,
            credits_fen=balance.credits_fen + self.credits,
            debits_pending_fen=balance.debits_pending_fen + self.debits_pending,
            credits_pending_fen=balance.credits_pending_fen + self.credits_pending,
        )


Guarded = dict[Key, Change]
"""Changes of guarded accounts by (lane, account)."""


def fold_guarded(entries: Iterable[Entry], resolved: Resolved) -> Guarded:
    """Changes of the guarded accounts only, in order of first touch, with their low points."""
    changes: Guarded = {}
    for entry in entries:
        lane = entry.lane
        if entry.kind is EntryKind.SINGLE:
            touched = _book_guarded(changes, lane, entry.transfers)
        else:
            touched = _book_phase(changes, entry, resolved)
        for change in touched:
            spendable = change.credits - change.debits - change.debits_pending
            if spendable < change.low_fen:
                change.low_fen = spendable
    return changes


def order_matters(changes: Guarded) -> bool:
    """Whether an account dips lower inside the batch than both its ends.

    Only then can a batch be wrong although every balance is in order before and after it, so only
    then must its entries be checked one by one under the journal's lock.
    """
    return any(change.low_fen < min(0, change.spendable_fen) for change in changes.values())


def fold_all(entries: Iterable[Entry], resolved: Resolved) -> dict[int, Change]:
    """Changes of every account; all guarded accounts together count as `ALL_GUARDED`."""
    changes: dict[int, Change] = {}

    def change_of(number: int) -> Change:
        return changes.setdefault(ALL_GUARDED if number >= GUARDED_FROM else number, Change())

    for entry in entries:
        posted, held, released = movements(entry, resolved)
        for transfer in posted:
            change_of(transfer.debit).debits += transfer.amount_fen
            change_of(transfer.credit).credits += transfer.amount_fen
        for sign, transfers in ((1, held), (-1, released)):
            for transfer in transfers:
                change_of(transfer.debit).debits_pending += sign * transfer.amount_fen
                change_of(transfer.credit).credits_pending += sign * transfer.amount_fen
    return changes


Transfers = tuple[Transfer, ...]


def movements(entry: Entry, resolved: Resolved) -> tuple[Transfers, Transfers, Transfers]:
    """What an entry posts, holds and releases."""
    match entry.kind:
        case EntryKind.SINGLE:
            return entry.transfers, (), ()
        case EntryKind.PENDING:
            return (), entry.transfers, ()
        case EntryKind.POST:
            return entry.transfers, (), _released(entry, resolved)
        case EntryKind.VOID:
            return (), (), _released(entry, resolved)


def _released(entry: Entry, resolved: Resolved) -> Transfers:
    return resolved[entry.lane, entry.pending_id or 0].transfers


def _book_guarded(changes: Guarded, lane: int, transfers: Transfers) -> list[Change]:
    touched = []
    for transfer in transfers:
        if transfer.debit >= GUARDED_FROM:
            change = changes.get((lane, transfer.debit))
            if change is None:
                change = changes[lane, transfer.debit] = Change()
            change.debits += transfer.amount_fen
            touched.append(change)
        if transfer.credit >= GUARDED_FROM:
            change = changes.get((lane, transfer.credit))
            if change is None:
                change = changes[lane, transfer.credit] = Change()
            change.credits += transfer.amount_fen
            touched.append(change)
    return touched


def _book_phase(changes: Guarded, entry: Entry, resolved: Resolved) -> list[Change]:
    posted, held, released = movements(entry, resolved)
    touched = _book_guarded(changes, entry.lane, posted)
    for sign, transfers in ((1, held), (-1, released)):
        for transfer in transfers:
            if transfer.debit >= GUARDED_FROM:
                change = changes.setdefault((entry.lane, transfer.debit), Change())
                change.debits_pending += sign * transfer.amount_fen
                touched.append(change)
            if transfer.credit >= GUARDED_FROM:
                change = changes.setdefault((entry.lane, transfer.credit), Change())
                change.credits_pending += sign * transfer.amount_fen
                touched.append(change)
    return touched
