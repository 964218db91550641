"""The ledger in PostgreSQL: each block is one call of `ledger.append_block`.

The common case is one round trip: the rules that need no reading are checked first against the
chart and the lanes known here, then the function writes everything or nothing. Where it refuses,
or where only reading can tell (an account dips inside the batch), the same rules are judged again
under the journal's lock with what is really there, so that every entry at fault is named. The
settlement path does not come through here: it calls the same function inside its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import asyncpg
from asyncpg import Connection, Pool, Record

from ledger.account import Account, Balance, TrialBalance, is_guarded
from ledger.entry import Entry, EntryKind
from ledger.fold import Key, fold_guarded, order_matters
from ledger.ports import Appended, Refused
from ledger.postgres import fold, schema
from ledger.postgres.arrays import arguments_of, entry_of, for_shape
from ledger.postgres.errors import InvariantViolated, OutcomeUnknown, outcome_of
from ledger.postgres.laned import fetch_keys
from ledger.postgres.queries import Queries, load
from ledger.postgres.shape import Shape
from ledger.rules import Outcome, Refusals, judge
from ledger.view import Snapshot

_SQL = Path(__file__).parent / "sql"
_QUERIES = load(_SQL / "queries.sql")
_ADMIN = load(_SQL / "admin.sql")
_LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, ConnectionError, TimeoutError)


class PostgresLedger:
    """The port `Ledger` over a pool. Keeps the chart and the map of lanes; both only ever grow.

    Which shape the database has (ledger/postgres/shape.py) it asks once.
    """

    def __init__(self, pool: Pool[Record], *, guarded_owner: str = "agency") -> None:
        self._pool = pool
        self._guarded_owner = guarded_owner
        self._journals: dict[int, int] = {}
        self._owners: dict[int, str] = {}
        self._queries: Queries | None = None

    async def append(
        self, *, journal: int, business_day: date, booked_at: datetime, entries: Sequence[Entry]
    ) -> Appended | Refused:
        """Books all entries as one block, or none.

        Raises OutcomeUnknown where the connection died while the block was written.
        """
        if not entries:
            raise ValueError("a batch has at least one entry")
        async with self._pool.acquire() as connection:
            appended = await self._append_at_once(
                connection, journal, business_day, booked_at, entries
            )
            if appended is not None:
                return appended
            return await self._append_under_lock(
                connection, journal, business_day, booked_at, entries
            )

    async def open_account(self, account: Account) -> bool:
        """Opens a striped account; False where the number is taken."""
        if is_guarded(account.number):
            raise ValueError(f"account {account.number} is guarded; open it in its lane")
        opened = await self._pool.fetchval(
            _ADMIN["open_account"], account.number, account.owner, account.code, account.name,
            account.debit_normal,
        )  # fmt: skip
        return opened is not None

    async def open_guarded(self, *, lane: int, account: int) -> bool:
        """Opens a guarded account with nothing in it; False where it is open already."""
        if not is_guarded(account):
            raise ValueError(f"account {account} is not guarded")
        return await self._pool.fetchval(_QUERIES["open_guarded"], lane, account) is not None

    async def balance(self, account: int) -> Balance:
        """Sums of a striped account, or of all guarded ones: the last folds and what came since."""
        async with self._pool.acquire() as connection:
            return await fold.balance(connection, account, guarded_owner=self._guarded_owner)

    async def guarded_balance(self, *, lane: int, account: int) -> Balance | None:
        """Sums of a guarded account, None where it was never opened."""
        row = await self._pool.fetchrow(_QUERIES["guarded_balance"], lane, account)
        return None if row is None else fold.balance_of(row)

    async def entry(self, *, lane: int, entry_id: int) -> Entry | None:
        """A booked entry."""
        async with self._pool.acquire() as connection:
            booked = await _booked(
                connection, await self._shaped(connection), [(lane, entry_id)]
            )
        return booked.get((lane, entry_id))

    async def trial_balance(self, owner: str) -> TrialBalance:
        """All accounts of an owner that were ever booked to."""
        async with self._pool.acquire() as connection:
            return await fold.trial_balance(connection, owner, guarded_owner=self._guarded_owner)

    async def close_day(self, *, business_day: date, closed_at: datetime) -> Outcome:
        """Closes a business day with a boundary block in every open journal."""
        async with self._pool.acquire() as connection:
            return await schema.close_day(
                connection, business_day=business_day, closed_at=closed_at
            )

    async def _append_at_once(
        self, connection: Connection[Record], journal: int, business_day: date,
        booked_at: datetime, entries: Sequence[Entry],
    ) -> Appended | None:  # fmt: skip
        # None: only reading under the lock can tell.
        if not self._journals:
            await self._learn(connection)
        queries = await self._shaped(connection)
        resolved = [(e.lane, e.pending_id) for e in entries if e.pending_id is not None]
        pendings = await _booked(connection, queries, resolved)
        snapshot = self._snapshot(pendings, {}, None)
        if judge(journal, entries, snapshot):
            return None
        changes = fold_guarded(entries, snapshot.pendings_of(entries))
        if order_matters(changes):
            return None
        block = arguments_of(
            journal=journal, business_day=business_day, booked_at=booked_at, entries=entries,
            changes=changes,
        )  # fmt: skip
        arguments = for_shape(block, queries.shape, entries[0].lane)
        try:
            row = await connection.fetchrow(queries["append_block"], *arguments)
        except asyncpg.PostgresError as exc:
            if outcome_of(exc) is None:
                raise _surprise(exc) from exc
            return None
        except _LOST as exc:
            raise OutcomeUnknown(str(exc)) from exc
        return Appended(**row)

    async def _append_under_lock(
        self, connection: Connection[Record], journal: int, business_day: date,
        booked_at: datetime, entries: Sequence[Entry],
    ) -> Appended | Refused:  # fmt: skip
        try:
            async with connection.transaction():
                queries = await self._shaped(connection)
                head = await self._head(connection, journal, queries.shape)
                closed = await _closed(connection, queries, head, business_day)
                if closed is not None:
                    return Refused(refusals=tuple((i, closed) for i in range(len(entries))))
                await self._learn(connection)
                snapshot, refusals = await self._judged(connection, journal, entries)
                if refusals:
                    return Refused(refusals=refusals)
                block = arguments_of(
                    journal=journal, business_day=business_day, booked_at=booked_at,
                    entries=entries,
                    changes=fold_guarded(entries, snapshot.pendings_of(entries)),
                )  # fmt: skip
                arguments = for_shape(block, queries.shape, entries[0].lane)
                row = await connection.fetchrow(queries["append_block"], *arguments)
        except asyncpg.PostgresError as exc:
            raise _surprise(exc) from exc
        except _LOST as exc:
            raise OutcomeUnknown(str(exc)) from exc
        return Appended(**row)

    async def _judged(
        self, connection: Connection[Record], journal: int, entries: Sequence[Entry]
    ) -> tuple[Snapshot, Refusals]:
        resolved = [(e.lane, e.pending_id) for e in entries if e.pending_id is not None]
        queries = await self._shaped(connection)
        keys = [(e.lane, e.entry_id) for e in entries] + resolved
        booked = await _booked(connection, queries, keys)
        guarded = _guarded_keys([*entries, *booked.values()])
        snapshot = self._snapshot(
            booked,
            await _resolutions(connection, queries, resolved),
            await _spendable(connection, queries, guarded),
        )
        return snapshot, judge(journal, entries, snapshot)

    def _snapshot(
        self, entries: dict[Key, Entry], resolutions: dict[Key, EntryKind],
        spendable: dict[Key, int] | None,
    ) -> Snapshot:  # fmt: skip
        return Snapshot(
            guarded_owner=self._guarded_owner, journals=self._journals, owners=self._owners,
            entries=entries, resolutions=resolutions, spendable=spendable,
        )  # fmt: skip

    async def _learn(self, connection: Connection[Record]) -> None:
        journals = await connection.fetch(_ADMIN["lanes"])
        owners = await connection.fetch(_ADMIN["owners"])
        self._journals = {row["lane"]: row["journal"] for row in journals}
        self._owners = {row["account"]: row["owner"] for row in owners}

    async def _shaped(self, connection: Connection[Record]) -> Queries:
        if self._queries is None:
            self._queries = schema.SHAPED[await schema.installed_shape(connection)]
        return self._queries

    async def _head(
        self, connection: Connection[Record], journal: int, shape: Shape
    ) -> tuple[int, ...]:
        # What `lock_head` is asked with. Where a journal has one lane, no lane is its own unless we
        # know it: -1 is no lane, and the journal is refused as one that is not open.
        if shape is Shape.ONE_MACHINE:
            return (journal,)
        if journal not in self._journals.values():
            await self._learn(connection)
        return journal, next((n for n, own in self._journals.items() if own == journal), -1)


async def _closed(
    connection: Connection[Record], queries: Queries, head: tuple[int, ...], business_day: date
) -> Outcome | None:
    # Locks the journal first: what is read after it stays true until the end.
    try:
        async with connection.transaction():
            await connection.fetchrow(queries["lock_head"], *head)
    except asyncpg.PostgresError as exc:
        if outcome_of(exc) is Outcome.JOURNAL_NOT_OPEN:
            return Outcome.JOURNAL_NOT_OPEN
        raise
    if await connection.fetchval(_ADMIN["day_is_closed"], business_day):
        return Outcome.DAY_CLOSED
    return None


async def _booked(
    connection: Connection[Record], queries: Queries, keys: Sequence[Key]
) -> dict[Key, Entry]:
    if not keys:
        return {}
    rows = await fetch_keys(connection, queries, "entries", *_columns(keys))
    return {(row["lane"], row["entry_id"]): entry_of(row) for row in rows}


async def _resolutions(
    connection: Connection[Record], queries: Queries, keys: Sequence[Key]
) -> dict[Key, EntryKind]:
    if not keys:
        return {}
    rows = await fetch_keys(connection, queries, "resolutions", *_columns(keys))
    return {(row["lane"], row["pending_id"]): EntryKind(row["kind"]) for row in rows}


async def _spendable(
    connection: Connection[Record], queries: Queries, keys: Sequence[Key]
) -> dict[Key, int]:
    if not keys:
        return {}
    rows = await fetch_keys(connection, queries, "spendable", *_columns(keys))
    return {(row["lane"], row["account"]): row["spendable_fen"] for row in rows}


def _columns(keys: Sequence[Key]) -> tuple[list[int], list[int]]:
    return [lane for lane, _ in keys], [number for _, number in keys]


def _guarded_keys(entries: Sequence[Entry]) -> list[Key]:
    keys = {
        (entry.lane, account): None
        for entry in entries
        for transfer in entry.transfers
        for account in (transfer.debit, transfer.credit)
        if is_guarded(account)
    }
    return list(keys)


def _surprise(exc: asyncpg.PostgresError) -> Exception:
    if isinstance(exc, asyncpg.PostgresConnectionError | asyncpg.OperatorInterventionError):
        return OutcomeUnknown(str(exc))
    return InvariantViolated(f"{exc.sqlstate}: {exc}")
