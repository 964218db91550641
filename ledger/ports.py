"""The ledger as its callers see it: one port, two implementations, one contract suite.

`ledger/memory.py` is the reference; `ledger/postgres/store.py` is the real one. A refusal is a
value. Anything that could not be decided (a lost connection while committing) is an exception of
the implementation's folder, never an outcome.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from msgspec import Struct

from ledger.account import Account, Balance, TrialBalance
from ledger.entry import Entry
from ledger.rules import Outcome, Refusals


class Appended(Struct, frozen=True, kw_only=True, gc=False):
    """A block that is committed (已入账); what it contains is durable."""

    block_no: int
    block_hash: bytes


class Refused(Struct, frozen=True, kw_only=True):
    """Nothing of the batch was booked; why, for each entry at fault, by index."""

    refusals: Refusals


class Ledger(Protocol):
    """Double entry in lanes and journals (复式记账), append-only and chained."""

    async def append(
        self, *, journal: int, business_day: date, booked_at: datetime, entries: Sequence[Entry]
    ) -> Appended | Refused:
        """Books all entries as one block, or none. `entries` must not be empty."""

    async def open_account(self, account: Account) -> bool:
        """Opens a striped account; False where the number is taken."""

    async def open_guarded(self, *, lane: int, account: int) -> bool:
        """Opens a guarded account with nothing in it; False where it is open already."""

    async def balance(self, account: int) -> Balance:
        """Sums of a striped account (`ALL_GUARDED`: of all guarded ones)."""

    async def guarded_balance(self, *, lane: int, account: int) -> Balance | None:
        """Sums of a guarded account, None where it was never opened."""

    async def entry(self, *, lane: int, entry_id: int) -> Entry | None:
        """A booked entry."""

    async def trial_balance(self, owner: str) -> TrialBalance:
        """All accounts of an owner that were ever booked to."""

    async def close_day(self, *, business_day: date, closed_at: datetime) -> Outcome:
        """Closes a business day with a boundary block in every open journal.

        OK, or DAY_CLOSED where it was closed before.
        """
