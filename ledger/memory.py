"""The reference implementation of the ledger: plain dictionaries, the rules and the chain.

For tests and for reading: what PostgreSQL does with locks and constraints is here in the order in
which it is meant. It is not durable, not bounded and not concurrent. The port is asynchronous; its
methods have plain twins (`open`, `close`, `sums`, `booked`, …) for simulations that may not wait.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from ledger.account import ALL_GUARDED, Account, Balance, TrialBalance, TrialRow, is_guarded
from ledger.audit import AuditedBlock, BadEntry, audit_block
from ledger.chain import block_hash, leaf, microseconds, opening_hash
from ledger.entry import Entry, EntryKind
from ledger.fold import Key, fold_all, fold_guarded
from ledger.ports import Appended, Refused
from ledger.rules import Outcome, judge
from ledger.view import Snapshot


class MemoryLedger:
    """A ledger in memory. Lanes are dealt round-robin to journals 1 … `journals`."""

    def __init__(
        self, *, lanes: int, journals: int, opened_at: datetime, guarded_owner: str = "agency"
    ) -> None:
        self._guarded_owner = guarded_owner
        self._journal_of = {lane: lane % journals + 1 for lane in range(lanes)}
        self._opening = {
            journal: opening_hash(journal=journal, lanes=lanes, opened_at=opened_at)
            for journal in range(1, journals + 1)
        }
        self._blocks: dict[int, list[AuditedBlock]] = {journal: [] for journal in self._opening}
        self._accounts: dict[int, Account] = {}
        self._owners: dict[int, str] = {}
        self._guarded: dict[Key, Balance] = {}
        self._sums: dict[int, Balance] = {}
        self._entries: dict[Key, Entry] = {}
        self._resolutions: dict[Key, EntryKind] = {}
        self._closed_days: set[date] = set()

    async def append(
        self, *, journal: int, business_day: date, booked_at: datetime, entries: Sequence[Entry]
    ) -> Appended | Refused:
        """Books all entries as one block, or none."""
        if not entries:
            raise ValueError("a batch has at least one entry")
        refusals = self.refusals(journal, business_day, entries)
        if refusals:
            return Refused(refusals=refusals)
        return self.book(
            journal=journal, business_day=business_day, booked_at=booked_at, entries=entries
        )

    def copy(self) -> MemoryLedger:
        """The same books, which go their own way from here."""
        twin = copy.copy(self)
        twin._blocks = {journal: list(blocks) for journal, blocks in self._blocks.items()}
        twin._accounts, twin._owners = dict(self._accounts), dict(self._owners)
        twin._guarded, twin._sums = dict(self._guarded), dict(self._sums)
        twin._entries, twin._resolutions = dict(self._entries), dict(self._resolutions)
        twin._closed_days = set(self._closed_days)
        return twin

    async def open_account(self, account: Account) -> bool:
        """Opens a striped account; False where the number is taken."""
        return self.open(account)

    def open(self, account: Account) -> bool:
        """What `open_account` does, at once."""
        if is_guarded(account.number):
            raise ValueError(f"account {account.number} is guarded; open it in its lane")
        if account.number in self._accounts:
            return False
        self._accounts[account.number] = account
        self._owners[account.number] = account.owner
        return True

    async def open_guarded(self, *, lane: int, account: int) -> bool:
        """Opens a guarded account with nothing in it; False where it is open already."""
        return self.open_guarded_at_once(lane=lane, account=account)

    def open_guarded_at_once(self, *, lane: int, account: int) -> bool:
        """What `open_guarded` does, at once."""
        if not is_guarded(account):
            raise ValueError(f"account {account} is not guarded")
        if (lane, account) in self._guarded:
            return False
        self._guarded[lane, account] = Balance()
        return True

    async def balance(self, account: int) -> Balance:
        """Sums of a striped account, or of all guarded ones."""
        return self._sums.get(account, Balance())

    async def guarded_balance(self, *, lane: int, account: int) -> Balance | None:
        """Sums of a guarded account, None where it was never opened."""
        return self._guarded.get((lane, account))

    async def entry(self, *, lane: int, entry_id: int) -> Entry | None:
        """A booked entry."""
        return self._entries.get((lane, entry_id))

    async def trial_balance(self, owner: str) -> TrialBalance:
        """All accounts of an owner that were ever booked to."""
        owners: Mapping[int, str] = {**self._owners, ALL_GUARDED: self._guarded_owner}
        rows = (
            TrialRow(account=number, balance=balance)
            for number, balance in sorted(self._sums.items())
            if owners[number] == owner
        )
        return TrialBalance(owner=owner, rows=tuple(rows))

    async def close_day(self, *, business_day: date, closed_at: datetime) -> Outcome:
        """Closes a business day with a boundary block in every journal."""
        return self.close(business_day=business_day, closed_at=closed_at)

    def close(self, *, business_day: date, closed_at: datetime) -> Outcome:
        """What `close_day` does, at once."""
        if business_day in self._closed_days:
            return Outcome.DAY_CLOSED
        for journal in sorted(self._blocks):
            self.bound(journal=journal, business_day=business_day, closed_at=closed_at)
        self.close_for_good(business_day)
        return Outcome.OK

    def bound(self, *, journal: int, business_day: date, closed_at: datetime) -> Appended:
        """A boundary block of one journal, the first part of closing a day."""
        return self._add_block(journal, business_day, closed_at, ())

    def close_for_good(self, business_day: date) -> None:
        """The day takes no more blocks, the last part."""
        self._closed_days.add(business_day)

    def refusals(
        self, journal: int, business_day: date, entries: Sequence[Entry]
    ) -> tuple[tuple[int, Outcome], ...]:
        """Why a batch would be refused, for each entry at fault, by index; nothing is booked."""
        if journal not in self._blocks:
            return tuple((i, Outcome.JOURNAL_NOT_OPEN) for i in range(len(entries)))
        if business_day in self._closed_days:
            return tuple((i, Outcome.DAY_CLOSED) for i in range(len(entries)))
        return judge(journal, entries, self._touched(entries))

    def book(
        self, *, journal: int, business_day: date, booked_at: datetime, entries: Sequence[Entry]
    ) -> Appended:
        """Books what was found to be in order (`refusals`) as one block."""
        self._book(entries)
        return self._add_block(journal, business_day, booked_at, tuple(entries))

    def pendings_of(self, entries: Sequence[Entry]) -> dict[Key, Entry]:
        """The pending entries that these resolve, among them or booked before."""
        own = {(e.lane, e.entry_id): e for e in entries}
        keys = [(e.lane, e.pending_id) for e in entries if e.pending_id is not None]
        return {key: own.get(key) or self._entries[key] for key in keys}

    def blocks(self, journal: int) -> Sequence[AuditedBlock]:
        """A journal's blocks, from its first."""
        return self._blocks[journal]

    def opening(self, journal: int) -> bytes:
        """What a journal's first block cites."""
        return self._opening[journal]

    def guarded(self, lane: int, account: int) -> Balance | None:
        """What `guarded_balance` answers, at once."""
        return self._guarded.get((lane, account))

    def guarded_all(self) -> Mapping[Key, Balance]:
        """Every guarded account, by lane and number."""
        return self._guarded

    def booked(self, lane: int, entry_id: int) -> Entry | None:
        """What `entry` answers, at once."""
        return self._entries.get((lane, entry_id))

    def sums(self, account: int) -> Balance:
        """What `balance` answers, at once."""
        return self._sums.get(account, Balance())

    def balances(self) -> Iterator[tuple[str, int, Balance]]:
        """Owner, number and sums of every striped account, and of all guarded ones together."""
        for account, balance in self._sums.items():
            guarded = account == ALL_GUARDED
            owner = self._guarded_owner if guarded else self._owners[account]
            yield owner, account, balance

    def accounts(self) -> Iterator[Account]:
        """Every striped account."""
        yield from self._accounts.values()

    def first_bad(self) -> BadEntry | None:
        """The first block or entry that does not fit its chain."""
        for journal, blocks in sorted(self._blocks.items()):
            previous = self._opening[journal]
            for number, block in enumerate(blocks, start=1):
                bad = audit_block(block, expected_no=number, previous=previous)
                if bad is not None:
                    return bad
                previous = block.block_hash
        return None

    def _touched(self, entries: Sequence[Entry]) -> Snapshot:
        """The books as far as these entries can touch them."""
        numbers = {(e.lane, e.entry_id) for e in entries}
        numbers |= {(e.lane, e.pending_id) for e in entries if e.pending_id is not None}
        booked = {key: self._entries[key] for key in numbers & self._entries.keys()}
        accounts = {
            (e.lane, account)
            for e in (*entries, *booked.values())
            for transfer in e.transfers
            for account in (transfer.debit, transfer.credit)
            if (e.lane, account) in self._guarded
        }
        return Snapshot(
            guarded_owner=self._guarded_owner,
            journals=self._journal_of,
            owners=self._owners,
            entries=booked,
            resolutions={key: self._resolutions[key] for key in numbers & self._resolutions.keys()},
            spendable={key: self._guarded[key].spendable_fen for key in accounts},
        )

    def _book(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._entries[entry.lane, entry.entry_id] = entry
            if entry.pending_id is not None:
                self._resolutions[entry.lane, entry.pending_id] = entry.kind
        for key, change in fold_guarded(entries, self._entries).items():
            self._guarded[key] = change.add_to(self._guarded[key])
        for account, change in fold_all(entries, self._entries).items():
            self._sums[account] = change.add_to(self._sums.get(account, Balance()))

    def _add_block(
        self, journal: int, business_day: date, booked_at: datetime, entries: tuple[Entry, ...]
    ) -> Appended:
        blocks = self._blocks[journal]
        previous = blocks[-1].block_hash if blocks else self._opening[journal]
        leaves = tuple(leaf(entry) for entry in entries)
        number = len(blocks) + 1
        digest = block_hash(
            journal=journal, block_no=number, business_day=business_day,
            booked_at_us=microseconds(booked_at), previous=previous, leaves=b"".join(leaves),
        )  # fmt: skip
        blocks.append(
            AuditedBlock(
                journal=journal, block_no=number, business_day=business_day, booked_at=booked_at,
                format=1, entry_count=len(entries), block_hash=digest,
                ordinals=tuple(range(len(entries))), entries=entries, leaves=leaves,
            )
        )  # fmt: skip
        return Appended(block_no=number, block_hash=digest)
