"""Connections to a database in memory, as the driver gives them, over lines that fail.

A statement is on its way for a while, is done at one moment, and its answer may be lost. A host
that is dead sends nothing more and hears nothing more; what it sent before may still arrive. A
transaction that is not committed when its connection goes leaves nothing behind.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from enum import Enum
from functools import partial
from types import TracebackType
from typing import Any, Protocol

import asyncpg
from msgspec import Struct

from ledger.postgres.shape import Shape
from settlement.storage.writer import CALLS
from tests.simulation.database import (
    bills,
    closing,
    fund_payers,
    matching,
    months,
    payouts,
    reads,
)
from tests.simulation.database.batch import write_batch
from tests.simulation.database.tables import Tables
from tests.simulation.passing import passes

WRITE_BATCH = CALLS[Shape.ONE_MACHINE].statement
WRITES = (
    closing.WRITES | months.WRITES | payouts.WRITES | reads.WRITES | bills.WRITES
    | matching.WRITES
)  # fmt: skip
READS = (
    reads.STATEMENTS | closing.READS | months.READS | payouts.READS | bills.READS | matching.READS
    | fund_payers.READS
)  # fmt: skip
LOCKS = frozenset({payouts.LOCK, matching.LOCK})
"""Locks with a number, which end with the transaction that took them."""
SESSION_LOCKS = {bills.LOCK: bills.UNLOCK, **matching.SESSION_LOCKS}
"""Those that a connection holds until it lets go, by what lets go."""
UNLOCKS = {unlock: lock for lock, unlock in SESSION_LOCKS.items()}

BEGUN, COMMITTED, ROLLED_BACK, CLOSED, COPIED = "begin", "commit", "rollback", "close", "copy"
"""Of a connection, among the statements that are kept."""


class Fate(Enum):
    """What becomes of a statement."""

    DONE = "done"
    LOST_BEFORE = "lost before it arrived"
    LOST_AFTER = "done, and the answer lost"


class Host(Protocol):
    """A machine, or a process on it, that speaks to a database."""

    alive: bool
    is_operator: bool

    def delay_seconds(self) -> float:
        """How long the next statement is on its way."""

    def fate(self, statement: str) -> Fate:
        """What becomes of it."""

    def arrives(self) -> bool:
        """Of a host that died: whether what it had sent is done all the same."""


class Sent(Struct, frozen=True):
    """A statement that the server carried out, for whoever compares (tests/contract/database)."""

    connection: int
    statement: str
    arguments: Sequence[Any]
    answer: Any
    """rows, or the exception"""
    by_owner: bool = False
    """an operator's, who comes as the schema's owner"""


class Server:
    """A database server with what is committed in it."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.sent: list[Sent] | None = None
        """kept where it is a list"""
        self.down = False
        self.carried_out = 0
        """statements"""
        self.unknown = ""
        """a statement that this database does not know: whoever simulates stops"""
        self._heads: dict[object, Connection] = {}
        """who holds a journal's head, or a lock by its numbers"""
        self._waiting: dict[object, deque[asyncio.Future[None]]] = {}
        self._leases: dict[int, Connection] = {}
        self._held: dict[object, Connection] = {}
        """who holds a lock of a session"""
        self._connections: list[Connection] = []

    def open(self, host: Host) -> Connection:
        """A connection of a host."""
        if self.down:
            raise ConnectionRefusedError("the database is down")
        connection = Connection(self, host, len(self._connections))
        self._connections.append(connection)
        return connection

    def drop(self, host: Host | None = None) -> None:
        """Connections end: those of a host that is gone, or all, where the server is."""
        for connection in self._connections:
            if host is None or connection.host is host:
                connection.terminate()

    async def take_head(self, connection: Connection, journal: object) -> None:
        """Wait for a journal's head, or for a lock."""
        while self._heads.get(journal, connection) is not connection:
            await self._turn(connection, journal)
        self._heads[journal] = connection

    def let_go(self, connection: Connection) -> None:
        """Whatever a connection holds until its transaction ends."""
        for journal in [j for j, holder in self._heads.items() if holder is connection]:
            del self._heads[journal]
            self._next(journal)

    async def take_session(self, connection: Connection, lock: object) -> None:
        """Wait for a lock that lasts as long as the session."""
        while self._held.get(lock, connection) is not connection:
            await self._turn(connection, lock)
        self._held[lock] = connection

    def give_session(self, connection: Connection, lock: object = None) -> None:
        """Give it back, or all that a connection holds."""
        for one in [n for n, holder in self._held.items() if holder is connection]:
            if lock in (None, one):
                del self._held[one]
                self._next(one)

    async def _turn(self, connection: Connection, lock: object) -> None:
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(lock, deque()).append(turn)
        await turn
        connection.still_open()

    def _next(self, lock: object) -> None:
        for turn in self._waiting.pop(lock, ()):
            if not turn.done():
                turn.set_result(None)

    def take_lease(self, connection: Connection, lease: int) -> bool:
        """A lease lasts as long as its connection."""
        return self._leases.setdefault(lease, connection) is connection

    def end_leases(self, connection: Connection) -> None:
        """The connection is gone."""
        self._leases = {n: one for n, one in self._leases.items() if one is not connection}


class Connection:
    """What asyncpg's connection is to our code."""

    def __init__(self, server: Server, host: Host, number: int) -> None:
        self.host = host
        self._server = server
        self._number = number
        self._closed = False
        self._in_transaction = False
        self._written: list[Callable[[], object]] = []
        self._savepoints: list[int] = []
        """how much was written when each inner transaction began"""

    async def fetch(self, statement: str, *arguments: Any) -> Any:
        """All rows."""
        return await self._send(statement, arguments)

    async def fetchrow(self, statement: str, *arguments: Any) -> Any:
        """The first row."""
        rows = await self._send(statement, arguments)
        return rows[0] if rows else None

    async def fetchval(self, statement: str, *arguments: Any) -> Any:
        """The first column of the first row."""
        rows = await self._send(statement, arguments)
        return rows[0][0] if rows else None

    async def execute(self, statement: str, *arguments: Any) -> str:
        """No rows."""
        await self._send(statement, arguments)
        return ""

    async def executemany(self, statement: str, many: Sequence[Sequence[Any]]) -> None:
        """One exchange, however many."""

        async def do() -> None:
            for arguments in many:
                await self._carry_out(statement, arguments)

        await self._arrive(name_of(statement), do)

    async def cursor(self, statement: str, *arguments: Any) -> Cursor:
        """The rows in pieces."""
        return Cursor(list(await self._send(statement, arguments)))

    async def copy_records_to_table(
        self, table: str, *, schema_name: str, columns: Sequence[str], records: Sequence[Any]
    ) -> str:
        """COPY, in a transaction."""
        do = closing.copied(self._server.tables, table, records)

        async def copy() -> str:
            self._written.append(do)
            self._keep(COPIED, (table, schema_name, columns, records), None)
            return ""

        done: str = await self._arrive(f"copy {table}", copy)
        return done

    async def copy_to_table(
        self, table: str, *, schema_name: str, columns: Sequence[str],
        source: AsyncIterator[bytes],
    ) -> str:  # fmt: skip
        """COPY of text, which is read as it is kept."""
        if (table, tuple(columns)) != ("bill_row", bills.ROW_COLUMNS):
            raise NotImplementedError(f"no rows of {table} come as text")
        text = b"".join([piece async for piece in source])

        async def copy() -> str:
            records, do = bills.copied(self._server.tables, text)
            self._write(do)
            self._keep(COPIED, (table, schema_name, columns, records), None)
            return ""

        done: str = await self._arrive(f"copy {table}", copy)
        return done

    def transaction(self, **_: object) -> Transaction:
        """Until it ends, what is written is seen by nobody."""
        return Transaction(self)

    def add_log_listener(self, listener: object) -> None:
        """Nobody is ever told anything: there is no second server that a commit could leave
        behind."""

    def is_closed(self) -> bool:
        """Whether it is gone, as far as this end knows."""
        return self._closed

    def terminate(self) -> None:
        """It is gone, and what it had begun with it."""
        if not self._closed:
            self._closed = True
            self._end()
            self._server.end_leases(self)
            self._server.give_session(self)
            self._keep(CLOSED, (), None)

    async def close(self, *, timeout: float = 0.0) -> None:  # noqa: ASYNC109 - asyncpg's name
        """The same, politely."""
        self.terminate()

    def still_open(self) -> None:
        """Raises where it is gone."""
        if self._closed:
            raise asyncpg.ConnectionDoesNotExistError("the connection is gone")

    def begin(self) -> None:
        """A transaction begins, or one within it."""
        if self._in_transaction:
            self._savepoints.append(len(self._written))
            return
        self._in_transaction = True
        self._keep(BEGUN, (), None)

    async def commit(self) -> None:
        """It is committed, or nobody knows; one within another is as that one becomes."""
        if self._savepoints:
            self._savepoints.pop()
            return
        await self._arrive("commit", self._commit)

    def rollback(self) -> None:
        """Nothing of it was."""
        if self._savepoints:
            del self._written[self._savepoints.pop() :]
            return
        if self._in_transaction:
            self._keep(ROLLED_BACK, (), None)
        self._end()

    async def _send(self, statement: str, arguments: Sequence[Any]) -> Any:
        async def do() -> Any:
            return await self._carry_out(statement, arguments)

        return await self._arrive(name_of(statement), do)

    async def _arrive(self, name: str, do: Any) -> Any:
        """One exchange with the server."""
        self.still_open()
        host = self.host
        await passes(host.delay_seconds())
        if not host.alive:
            if not self._in_transaction and host.arrives():
                self._closed = False
                try:
                    await do()
                finally:
                    self.terminate()
            await never()
        self.still_open()
        fate = host.fate(name)
        if fate is Fate.LOST_BEFORE:
            self.terminate()
            raise ConnectionResetError("the line broke")
        answer = await do()
        if not host.alive:
            await never()
        if fate is Fate.LOST_AFTER:
            self.terminate()
            raise asyncpg.ConnectionDoesNotExistError("the line broke")
        return answer

    async def _commit(self) -> None:
        for do in self._written:
            do()
        self._keep(COMMITTED, (), None)
        self._end()

    def _end(self) -> None:
        self._written, self._savepoints = [], []
        self._in_transaction = False
        self._server.let_go(self)

    async def _carry_out(self, statement: str, arguments: Sequence[Any]) -> Any:
        try:
            answer = await self._answer(statement, arguments)
        except asyncpg.PostgresError as exc:
            self._keep(statement, arguments, exc)
            raise
        if not (statement == WRITE_BATCH and not self._in_transaction):
            self._keep(statement, arguments, answer)
        return answer

    async def _answer(self, statement: str, arguments: Sequence[Any]) -> Any:
        server, tables = self._server, self._server.tables
        server.carried_out += 1
        if statement == WRITE_BATCH:
            await server.take_head(self, arguments[0])
            try:
                write_batch(tables, arguments, only_try=self._in_transaction)
                if not self._in_transaction:
                    self._keep(statement, arguments, [])
            finally:
                if not self._in_transaction:
                    server.let_go(self)
            if self._in_transaction:
                self._written.append(partial(write_batch, tables, arguments))
            return []
        if statement == closing.LOCK_HEAD:
            await server.take_head(self, arguments[0])
            return closing.head(tables, arguments[0])
        if statement in WRITES:
            rows, do = WRITES[statement](tables, *arguments)
            self._write(do)
            return rows
        if statement in LOCKS:
            await server.take_head(self, tuple(arguments))
            return [(None,)]
        if statement in SESSION_LOCKS:
            await server.take_session(self, statement)
            return [(None,)]
        if statement in UNLOCKS:
            server.give_session(self, UNLOCKS[statement])
            return [(True,)]
        if statement == reads.LOCK_HEAD:
            await server.take_head(self, arguments[0])
            return [(len(tables.ledger.blocks(arguments[0])),)]
        if statement == reads.TAKE_LEASE:
            return [(server.take_lease(self, arguments[1]),)]
        read = READS.get(statement)
        if read is None:
            server.unknown = statement
            raise NotImplementedError(f"no statement in memory: {statement}")
        return read(tables, *arguments)

    def _write(self, do: Callable[[], object]) -> None:
        """At the commit; at once where there is no transaction."""
        if self._in_transaction:
            self._written.append(do)
        else:
            do()

    def _keep(self, statement: str, arguments: Sequence[Any], answer: Any) -> None:
        if self._server.sent is not None:
            self._server.sent.append(
                Sent(self._number, statement, arguments, answer, self.host.is_operator)
            )


class Transaction:
    """`async with connection.transaction()`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def start(self) -> None:
        """It begins."""
        self._connection.begin()

    async def commit(self) -> None:
        """It is committed, or nobody knows."""
        await self._connection.commit()

    async def rollback(self) -> None:
        """Nothing of it was."""
        self._connection.rollback()

    async def __aenter__(self) -> None:
        self._connection.begin()

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        if kind is None:
            await self._connection.commit()
        else:
            self._connection.rollback()


class Cursor:
    """Rows in pieces."""

    def __init__(self, rows: list[Any]) -> None:
        self._rows = rows

    async def fetch(self, count: int) -> list[Any]:
        """The next rows."""
        piece, self._rows = self._rows[:count], self._rows[count:]
        return piece


def name_of(statement: str) -> str:
    """How a statement is called where a story is told."""
    names = (
        reads.NAMES, closing.NAMES, payouts.NAMES, bills.NAMES, matching.NAMES, fund_payers.NAMES,
    )  # fmt: skip
    return next((one[statement] for one in names if statement in one), "write_batch")


async def never() -> None:
    """Whoever waits here is dead."""
    await asyncio.get_running_loop().create_future()

