"""A file of insured persons: checked and compared as a whole, then written.

First pass: pieces of the file go to a pool of processes that read, check, compare and encrypt; what
is to be written waits in a temporary file. Nothing is written while anything may still be wrong.
Second pass: new persons by COPY, known ones batch by batch under their journal's head.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from array import array
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager, closing
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from ledger.postgres.pace import Pace
from ledger.postgres.shape import Shape
from settlement.intake.faults import Fault, Told
from settlement.intake.order import Order, Progress
from settlement.intake.persons import COLUMNS, ended
from settlement.intake.report import Counts, Sample
from settlement.intake.source import Lines, Row, lines_of, rows_of
from settlement.lanes import lane_of
from settlement.serve.person_chunks import (
    DECODE_ENROLMENTS,
    PARTS,
    Chunk,
    Terms,
    Worked,
    Worker,
    first_account_after,
    mark_of,
    number_in,
    part_of,
    prepare,
    work,
)
from settlement.storage import person_import as store
from settlement.storage.keyfile import load_keyring
from settlement.storage.lease import PlainConnection, connection_for
from settlement.telemetry.logs import mask_number

CHUNK_ROWS = 16_000
"""Rows of a piece; the persons of one stand together, and its new ones are one transaction."""
SMALL_FILE_BYTES = 2_000_000
"""A smaller file is done in this process: others would take longer to start."""
LOADERS = 2
"""Connections that take new persons at once."""
RESTS = 3
"""After a batch, where others settle: so many times as long as it took."""
ANALYZE_FROM = 10_000
"""So many new persons change what the planner should know."""
_KINDS = {0: "psn_no", 1: "certno", 2: "card_no"}

_ENCODE = msgspec.msgpack.Encoder().encode

Work = Callable[[Chunk], Awaitable[Worked]]


class Site(Struct, frozen=True, kw_only=True):
    """Where the import goes."""

    owner_dsn: str
    key_file: Path
    room: Path
    """where a temporary file may lie"""
    region: str
    lanes: int
    shape: Shape
    journal_of_lane: Mapping[int, int]


class Piece(Struct, frozen=True):
    """What is to be written of a piece of the file."""

    new: store.NewRows | None
    changes: list[store.Change]


_DECODE = msgspec.msgpack.Decoder(Piece).decode
_LENGTH_BYTES = 8


class PersonImport:
    """One file. `check` first; then `write`, where nothing is at fault."""

    def __init__(
        self, site: Site, order: Order, connection: PlainConnection, progress: Progress,
        *, at: datetime,
    ) -> None:
        self._at = at
        self._site = site
        self._order = order
        self._progress = progress
        self._connection = connection
        self._terms = Terms(region=site.region, lanes=site.lanes, whole=order.whole)
        self._marks = [array("Q") for _ in range(PARTS)]
        self._rows = [array("L") for _ in range(PARTS)]
        self._turn = asyncio.Lock()
        self._changing = asyncio.Lock()
        self.counts = Counts()
        self.faults: list[Fault] = []
        """rows that cannot be read"""
        self.conflicts: list[Fault] = []
        """persons, certificates and cards that are somebody else's; these cannot be skipped"""

    async def check(self, spool: IO[bytes]) -> None:
        """Read the whole file; what is to be written goes to the spool, faults to `faults`."""
        order = self._order
        last = await store.account_last(self._connection)
        anybody = last is not None
        pending: deque[Awaitable[Worked]] = deque()
        account = first_account_after(last)
        async with self._workers() as (send, at_once):
            for piece in self._pieces(as_lines=not anybody and order.format == "ndjson"):
                known, count = [], 0
                if isinstance(piece, Lines):
                    count = piece.count
                else:
                    known, count = await self._known(piece) if anybody else [], len(piece)
                chunk = Chunk(
                    rows=piece, known=known, compare_keys=anybody, first_account=account
                )
                account += count
                self._progress.rows_done += count
                pending.append(asyncio.ensure_future(send(chunk)))
                if len(pending) > at_once:
                    await self._take(await pending.popleft(), spool, anybody=anybody)
            while pending:
                await self._take(await pending.popleft(), spool, anybody=anybody)
        self._find_doubles()
        if order.whole and anybody:
            await self._find_missing(spool)
        self.counts.skipped = len({fault.row for fault in self.faults})

    async def write(self, spool: IO[bytes]) -> None:
        """Write what the spool holds. Repeating the import goes on where one was cut short."""
        spool.seek(0)
        self._progress.rows_done = 0
        async with asyncio.TaskGroup() as group:
            for _ in range(LOADERS):
                group.create_task(self._load(spool))
        if self.counts.new >= ANALYZE_FROM:
            await store.after_import(self._connection)

    def _pieces(self, *, as_lines: bool) -> Iterator[list[Row]] | Iterator[Lines]:
        """The file in pieces. Where nobody is known, nothing has to be asked about a piece before
        it is read, and whoever works on it reads it."""
        order = self._order
        if as_lines:
            return lines_of(order.path, CHUNK_ROWS, COLUMNS[0].name)
        return _pieces(rows_of(order.path, order.format, COLUMNS, self.faults))

    @asynccontextmanager
    async def _workers(self) -> AsyncIterator[tuple[Work, int]]:
        """Who does pieces, and how many of them at once."""
        if self._order.path.stat().st_size < SMALL_FILE_BYTES:
            worker = Worker(load_keyring(self._site.key_file), self._terms)

            async def here(chunk: Chunk) -> Worked:
                return await asyncio.to_thread(worker.work, chunk)

            yield here, 1
            return
        count = min(os.cpu_count() or 1, 8)
        loop = asyncio.get_running_loop()
        pool = ProcessPoolExecutor(
            count, mp_context=get_context("spawn"), initializer=prepare,
            initargs=(self._site.key_file, self._terms),
        )  # fmt: skip

        async def there(chunk: Chunk) -> Worked:
            return await loop.run_in_executor(pool, work, chunk)

        try:
            yield there, count + 1
        except BrokenProcessPool:
            _stop_feeding(pool)
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    async def _known(self, piece: list[Row]) -> list[store.KnownRow]:
        numbers = list({number_in(row) for row in piece})
        lanes = [lane_of(number, self._site.lanes) for number in numbers]
        return await store.known_rows(self._connection, self._site.shape, lanes, numbers)

    async def _take(self, done: Worked, spool: IO[bytes], *, anybody: bool) -> None:
        """Keep what became of a piece."""
        self.faults += done.faults
        for kept, more in ((self._marks, done.marks), (self._rows, done.rows)):
            for part, own in zip(kept, more, strict=True):
                part.extend(own)
        if anybody and done.keys:
            await self._refuse_taken_keys(done)
        if done.new is not None:
            self.counts.new += done.new.count
        self.counts.changed += len(done.changes)
        self.counts.unchanged += done.unchanged
        self.counts.sample(done.samples)
        if done.new is not None or done.changes:
            _put(spool, Piece(done.new, done.changes))

    async def _refuse_taken_keys(self, done: Worked) -> None:
        """Certificates and cards that are somebody else's already."""
        keys = [key for _, key, _ in done.keys]
        holders = await store.holders(self._connection, self._site.shape, keys)
        for row, (_, kind, key), person_no in done.keys:
            holder = holders.get((kind, key), person_no)
            if holder != person_no:
                whose = mask_number(holder)
                problem = Told(f"属于另一人 {whose}", f"belongs to somebody else, {whose}")
                self.conflicts.append(Fault(row=row, column=_KINDS[kind], problem=problem))

    def _find_doubles(self) -> None:
        """Persons whose rows do not stand together; certificates and cards of two persons."""
        for marks, rows in zip(self._marks, self._rows, strict=True):
            if len(set(marks)) == len(marks):
                continue
            first: dict[int, int] = {}
            for mark, row in zip(marks, rows, strict=True):
                earlier = first.setdefault(mark, row)
                if earlier != row:
                    problem = Told(f"第 {earlier} 行已有", f"is in row {earlier} already")
                    column = _KINDS[mark & 3]
                    self.conflicts.append(Fault(row=row, column=column, problem=problem))

    async def _find_missing(self, spool: IO[bytes]) -> None:
        """Whom a whole file leaves out: what still runs for them ends."""
        told = [set(part) for part in self._marks]
        worker = Worker(load_keyring(self._site.key_file), self._terms)
        for lane in sorted(self._site.journal_of_lane):
            changes = []
            for row in await store.persons_of_lane(self._connection, lane):
                number, *_, text, _ = row
                mark = mark_of(number)
                if mark in told[part_of(mark)]:
                    continue
                differs = ended(DECODE_ENROLMENTS(text), self._order.ends_on)
                if differs is not None:
                    changes.append(worker.ended(lane, row, differs))
                    self.counts.sample([Sample(0, mask_number(number), differs.fields)])
            self.counts.missing += len(changes)
            if changes:
                _put(spool, Piece(None, changes))

    async def _load(self, spool: IO[bytes]) -> None:
        """One of the connections that write: the next piece, until there is none."""
        async with connection_for(self._site.owner_dsn, "settlement-import") as connection:
            await store.commit_without_waiting(connection)
            pace = Pace(rests=RESTS)
            while (piece := await self._next_piece(spool)) is not None:
                if piece.new is not None:
                    await store.add_new(connection, piece.new)
                    self._progress.rows_done += piece.new.count
                    await pace.rest(connection)
                if piece.changes:
                    async with self._changing:
                        await self._change(connection, piece.changes, pace)

    async def _next_piece(self, spool: IO[bytes]) -> Piece | None:
        async with self._turn:
            return await asyncio.to_thread(_get, spool)

    async def _change(
        self, connection: PlainConnection, changes: Iterable[store.Change], pace: Pace
    ) -> None:
        """Batch by batch, resting where others are busy: settlements come first."""
        for journal, batch in store.by_journal(changes, self._site.journal_of_lane):
            await store.change_known(
                connection, self._site.shape, journal, batch, at=self._at
            )
            self._progress.rows_done += len(batch)
            await pace.rest(connection)


@asynccontextmanager
async def a_spool(directory: Path) -> AsyncIterator[IO[bytes]]:
    """A temporary file without a name, readable by nobody else."""
    with closing(tempfile.TemporaryFile(dir=directory)) as file:
        yield file


def _stop_feeding(pool: ProcessPoolExecutor) -> None:
    """Before Python 3.11.5 a pool whose processes died is never let go: the thread that feeds them
    goes on writing into a pipe that nobody reads. Nothing public reaches that pipe. Later Pythons
    close it from a thread of their own, and a pipe that two close is an error, or a stranger's."""
    if sys.version_info >= (3, 11, 5):
        return
    queue = getattr(pool, "_call_queue", None)
    if queue is not None:
        queue._reader.close()


def _put(spool: IO[bytes], piece: Piece) -> None:
    encoded = _ENCODE(piece)
    spool.write(len(encoded).to_bytes(_LENGTH_BYTES, "big") + encoded)


def _get(spool: IO[bytes]) -> Piece | None:
    length = spool.read(_LENGTH_BYTES)
    return _DECODE(spool.read(int.from_bytes(length, "big"))) if length else None


def _pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows in pieces; the rows of a person that stand together stay together."""
    piece: list[Row] = []
    for row in rows:
        if len(piece) >= CHUNK_ROWS and number_in(row) != number_in(piece[-1]):
            yield piece
            piece = []
        piece.append(row)
    if piece:
        yield piece
