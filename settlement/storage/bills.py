"""Bills of payment channels, as kept: files, their bytes, what replaced them, and who was asked.

A file counts from the moment when its row in settlement.bill_file is there, which is written last.
Rows of an import that was cut off stand under settlement.bill_begun and go with the next import.
"""

from __future__ import annotations

import hashlib
import tempfile
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import IO, BinaryIO

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.books.bill import BillKind, RowFault, Totals
from settlement.books.bill_schedule import Tried
from settlement.storage.queries import BILLS

LOCK_CLASS = 0x5E7731
"""The first half of the key of the lock that imports take turns by."""
PIECE_BYTES = 1024 * 1024
_ALREADY_PACKED = (b"PK\x03\x04", b"\x1f\x8b")


class BillKey(Struct, frozen=True, kw_only=True):
    """Which bill it is; a corrected one has the same."""

    lane: int
    channel: str
    merchant: str
    kind: BillKind
    day: date

    @property
    def parts(self) -> tuple[int, str, str, str, date]:
        """The leading columns of every key."""
        return self.lane, self.channel, self.merchant, self.kind.value, self.day


class DaySum(Struct, frozen=True, kw_only=True):
    """All bills of a day and channel."""

    day: date
    channel: str
    expected: int
    received: int
    late: int
    missing: int
    refused: int
    replaced: int
    faults: int
    paid_fen: int
    refunded_fen: int
    fee_fen: int


class Expecting(Struct, frozen=True, kw_only=True):
    """Which bills should come, and how long they may."""

    bills: Sequence[tuple[str, str, str]]
    """channel, merchant and kind"""
    first: date
    last: date
    not_there: str
    """what is said of a bill that is not made yet"""
    may_come_from: date
    """those of this day on may still come"""

    @property
    def columns(self) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
        """Channels, merchants, kinds."""
        return (
            [one[0] for one in self.bills], [one[1] for one in self.bills],
            [one[2] for one in self.bills],
        )  # fmt: skip


class BillFile(Struct, frozen=True, kw_only=True):
    """A file that counts or counted."""

    key: BillKey
    file_no: int
    received_at: datetime
    sha256: bytes
    size_bytes: int
    name: str
    fetched: bool
    actor: str
    totals: Totals
    fee_told: str
    faults: int
    replaced_by: int | None = None
    replaces: tuple[int, ...] = ()


class Asked(Struct, frozen=True, kw_only=True):
    """What the last try to fetch a bill came to."""

    key: BillKey
    at: datetime
    said: str


class Awaited(Struct, frozen=True, kw_only=True):
    """A bill that does not come."""

    channel: str
    merchant: str
    kind: BillKind
    day: date
    times: int
    last_at: datetime


@asynccontextmanager
async def importing(connection: Connection[Record], lanes: int) -> AsyncIterator[None]:
    """One's turn to import. What an import before left behind is removed first."""
    await connection.execute(BILLS["lock_bills"], LOCK_CLASS)
    try:
        for left in await connection.fetch(BILLS["bill_leftovers"]):
            await drop_rows(connection, left["lane"], left["file_no"], lanes)
        yield
    finally:
        await connection.execute(BILLS["unlock_bills"], LOCK_CLASS)


async def drop_rows(
    connection: Connection[Record], lane: int, file_no: int, lanes: int
) -> None:
    """Rows of a file that never came to count go."""
    everywhere = list(range(lanes))
    async with connection.transaction():
        await connection.execute(BILLS["drop_left_rows"], everywhere, file_no)
        await connection.execute(BILLS["drop_left_movements"], everywhere, file_no)
        await connection.execute(BILLS["drop_left_institution_rows"], everywhere, file_no)
        await connection.execute(BILLS["end_bill"], lane, file_no)


async def came_before(
    connection: Connection[Record], key: BillKey, sha256: bytes
) -> BillFile | None:
    """The file with these very bytes."""
    file_no = await connection.fetchval(BILLS["bill_came"], *key.parts, sha256)
    return None if file_no is None else await bill_file(connection, key.lane, file_no)


async def in_force(connection: Connection[Record], key: BillKey) -> list[int]:
    """The file that counts for a merchant, kind and day: none or one."""
    return [row["file_no"] for row in await connection.fetch(BILLS["bills_of_day"], *key.parts)]


async def begin(
    connection: Connection[Record], lane: int, file_no: int, at: datetime
) -> None:
    """Rows of this file are about to be written."""
    await connection.execute(BILLS["begin_bill"], lane, file_no, at)


class Content:
    """The bytes of a file on their way into the database, packed where that makes them less, beside
    it until the file is proven. Close it."""

    def __init__(self) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._lengths: list[int] = []
        self._packs = True
        self.sha256 = b""
        self.size_bytes = 0

    def read(self, source: BinaryIO) -> None:
        """All of a file. To be run beside what reads its rows: hashing and packing let go of the
        interpreter."""
        running, first = hashlib.sha256(), True
        while data := source.read(PIECE_BYTES):
            if first:
                self._packs, first = not data.startswith(_ALREADY_PACKED), False
            running.update(data)
            self.size_bytes += len(data)
            kept = zlib.compress(data, 1) if self._packs else data
            self._file.write(kept)
            self._lengths.append(len(kept))
        self.sha256 = running.digest()

    async def write(self, connection: Connection[Record], lane: int) -> None:
        """Each piece for itself; those that are there already are the same."""
        self._file.seek(0)
        for number, length in enumerate(self._lengths):
            await connection.execute(
                BILLS["keep_bill_piece"], lane, self.sha256, number, self._packs,
                self._file.read(length),
            )  # fmt: skip

    def close(self) -> None:
        """Give the disk back."""
        self._file.close()


async def content_of(
    connection: Connection[Record], lane: int, sha256: bytes
) -> AsyncIterator[bytes]:
    """The bytes as they came, a piece at a time."""
    async with connection.transaction(readonly=True):
        async for row in connection.cursor(BILLS["bill_pieces"], lane, sha256):
            yield zlib.decompress(row["content"]) if row["packed"] else row["content"]


async def keep_file(
    connection: Connection[Record], file: BillFile, faults: Sequence[RowFault],
    replaced: Sequence[int],
) -> None:  # fmt: skip
    """The file counts, and others no longer do, in one transaction."""
    sums, lane = file.totals, file.key.lane
    async with connection.transaction():
        await connection.execute(
            BILLS["keep_bill_file"], lane, file.file_no, file.received_at, *file.key.parts[1:],
            file.sha256, file.size_bytes, file.name, file.fetched, file.actor, sums.paid_rows,
            sums.paid_fen, sums.refund_rows, sums.refunded_fen, sums.fee_fen, file.fee_told,
            sums.moved_rows, sums.in_fen, sums.out_fen, file.faults,
        )  # fmt: skip
        await connection.execute(
            BILLS["keep_bill_faults"], lane, file.file_no, [one.row_no for one in faults],
            [one.column for one in faults], [one.reason for one in faults],
        )  # fmt: skip
        for former in replaced:
            await connection.execute(BILLS["replace_bill"], lane, former, file.file_no)
        await connection.execute(BILLS["end_bill"], lane, file.file_no)


async def bill_file(
    connection: Connection[Record], lane: int, file_no: int
) -> BillFile | None:
    """One file."""
    row = await connection.fetchrow(BILLS["bill_file"], lane, file_no)
    return None if row is None else _file(row)


async def bills_between(
    connection: Connection[Record], first: date, last: date
) -> list[BillFile]:
    """Every file of these days, replaced ones as well."""
    return [_file(row) for row in await connection.fetch(BILLS["bills_between"], first, last)]


async def days_between(
    connection: Connection[Record], first: date, last: date, channel: str | None,
    expecting: Expecting,
) -> list[DaySum]:  # fmt: skip
    """Bills of some days counted by day and channel, of one channel or all; the newest day
    first."""
    rows = await connection.fetch(
        BILLS["bill_days"], first, last, channel, *map(list, expecting.columns),
        expecting.first, expecting.last, expecting.not_there, expecting.may_come_from,
    )  # fmt: skip
    return [DaySum(**dict(row)) for row in rows]


async def faults_of(
    connection: Connection[Record], lane: int, file_no: int
) -> list[RowFault]:
    """Rows that could not be read."""
    rows = await connection.fetch(BILLS["bill_faults"], lane, file_no)
    return [RowFault(row["row_no"], row["place"], row["reason"]) for row in rows]


async def keep_asked(connection: Connection[Record], asked: Asked) -> None:
    """A channel gave no bill."""
    await connection.execute(BILLS["keep_bill_asked"], *asked.key.parts, asked.at, asked.said)


async def asked_between(
    connection: Connection[Record], first: date, last: date
) -> list[Asked]:
    """What the last try came to, where one came to nothing."""
    rows = await connection.fetch(BILLS["bills_asked_between"], first, last)
    return [Asked(key=_key(row), at=row["asked_at"], said=row["said"]) for row in rows]


async def there_between(
    connection: Connection[Record], first: date, last: date
) -> set[BillKey]:
    """Which bills of these days are in force."""
    return {_key(row) for row in await connection.fetch(BILLS["bills_there"], first, last)}


async def tries_between(
    connection: Connection[Record], first: date, last: date
) -> dict[BillKey, Tried]:
    """How often each was asked for in vain."""
    rows = await connection.fetch(BILLS["bill_tries"], first, last)
    return {_key(row): Tried(row["times"], row["last_at"]) for row in rows}


async def awaited_between(
    connection: Connection[Record], first: date, last: date
) -> list[Awaited]:
    """Bills that were asked for and are not there."""
    rows = await connection.fetch(BILLS["bills_awaited"], first, last)
    return [
        Awaited(
            channel=row["channel"], merchant=row["merchant"], kind=BillKind(row["kind"]),
            day=row["bill_day"], times=row["times"], last_at=row["last_at"],
        )
        for row in rows
    ]  # fmt: skip


def _key(row: Record) -> BillKey:
    return BillKey(
        lane=row["lane"], channel=row["channel"], merchant=row["merchant"],
        kind=BillKind(row["kind"]), day=row["bill_day"],
    )  # fmt: skip


def _file(row: Record) -> BillFile:
    totals = Totals(
        paid_rows=row["paid_rows"], paid_fen=row["paid_fen"], refund_rows=row["refund_rows"],
        refunded_fen=row["refunded_fen"], fee_fen=row["fee_fen"], moved_rows=row["moved_rows"],
        in_fen=row["in_fen"], out_fen=row["out_fen"],
    )  # fmt: skip
    return BillFile(
        key=_key(row), file_no=row["file_no"], received_at=row["received_at"],
        sha256=row["sha256"], size_bytes=row["size_bytes"], name=row["name"],
        fetched=row["fetched"], actor=row["actor"], totals=totals, fee_told=row["fee_told"],
        faults=row["faults"], replaced_by=row["replaced_by"], replaces=tuple(row["replaces"]),
    )  # fmt: skip
