"""What everybody needs who books beside the settle path: whose books, which day, numbers, heads.

Commands of operators and finance staff run as the schema's owner, an act a short transaction under
a lock of its own; what it books are entries under the journal's head, as every batch books.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from msgspec import Struct, structs

from ledger.entry import Entry, EntryKind, Transfer
from ledger.postgres.arrays import append_arguments, for_shape
from ledger.postgres.schema import SHAPED as LEDGER
from ledger.postgres.schema import installed_shape
from ledger.postgres.shape import Shape
from settlement.chart import EntryCode
from settlement.clock import Clock, Moment, moment
from settlement.lanes import lane_of
from settlement.numbers import NumberBlock
from settlement.storage import reference
from settlement.storage.errors import StorageError
from settlement.storage.lease import PlainConnection
from settlement.storage.queries import REFERENCE
from settlement.storage.writer import lock_head

ENTRIES_OF_A_BLOCK_MAX = 100
Books = TypeVar("Books", bound="Bookkeeping")


class Bookkeeping(Struct, frozen=True, kw_only=True):
    """See the module. What an office needs beside it is added by a struct of its own."""

    connection: PlainConnection
    region: str
    """ours"""
    lanes: int
    shape: Shape
    journal_of: Mapping[int, int]
    moment: Moment
    numbers: NumberBlock

    def lane_of(self, key: str) -> int:
        """The lane of a code, a person number or a digest."""
        return lane_of(key, self.lanes)

    def number(self, lane: int) -> int:
        """The next number in a lane."""
        return self.numbers.next(lane, self.moment.business_day)

    def of(self, kind: type[Books], **more: object) -> Books:
        """The same with what an office needs beside it."""
        members = structs.asdict(self)
        members.update(more)
        return kind(**members)

    async def append(self, lane: int, entries: Sequence[Entry]) -> None:
        """Book entries under the head of the lane's journal, in the caller's transaction."""
        journal = self.journal_of[lane]
        await lock_head(self.connection, journal=journal, lane=lane, shape=self.shape)
        statement = LEDGER[self.shape]["append_block"]
        for first in range(0, len(entries), ENTRIES_OF_A_BLOCK_MAX):
            block = append_arguments(
                journal=journal, business_day=self.moment.business_day,
                booked_at=self.moment.at, resolved={},
                entries=entries[first : first + ENTRIES_OF_A_BLOCK_MAX],
            )  # fmt: skip
            await self.connection.execute(statement, *for_shape(block, self.shape, lane))


async def open_bookkeeping(connection: PlainConnection, *, clock: Clock) -> Bookkeeping:
    """Read what all acts need; a day that is closed gets no more entries. StorageError where the
    database is not prepared."""
    installed = await reference.installation(connection)
    if installed is None:
        raise StorageError("the database is not prepared: start `settlement serve` first")
    closed = await reference.closed_through(connection)
    return Bookkeeping(
        connection=connection,
        region=installed.region,
        lanes=installed.lanes,
        shape=await installed_shape(connection),
        journal_of=await reference.lanes(connection),
        moment=moment(clock, not_before=None if closed is None else closed + timedelta(days=1)),
        numbers=NumberBlock(await connection.fetchval(REFERENCE["number_block"])),
    )


def single(
    lane: int, entry_id: int, code: EntryCode, transfers: Sequence[Transfer], commitment: bytes
) -> Entry:
    """An entry that stands at once."""
    return Entry(
        lane=lane, entry_id=entry_id, kind=EntryKind.SINGLE, code=code,
        transfers=tuple(transfers), commitment=commitment,
    )  # fmt: skip
