"""What acts about differences need of the database, and how a correction is booked.

They run beside a server as the schema's owner, each act one short transaction under the lock of the
difference's lane. What it books is one entry under the journal's head, as every batch books.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from ledger.entry import Entry, EntryKind, Transfer
from ledger.postgres.arrays import append_arguments, for_shape
from ledger.postgres.schema import SHAPED as LEDGER
from ledger.postgres.schema import installed_shape
from ledger.postgres.shape import Shape
from settlement import chart
from settlement.chart import EntryCode
from settlement.clock import Clock, Moment, moment, system_clock
from settlement.difference_states import Name, Step
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.institution import Institution
from settlement.numbers import NumberBlock
from settlement.said import UNUSABLE, Said
from settlement.storage import reference
from settlement.storage.connect import connect_plain
from settlement.storage.errors import StorageError
from settlement.storage.lease import PlainConnection
from settlement.storage.queries import REFERENCE
from settlement.storage.reference_import import open_agency_accounts
from settlement.storage.writer import lock_head


class Books(Struct, frozen=True, kw_only=True):
    """See the module."""

    connection: PlainConnection
    shape: Shape
    journal_of: Mapping[int, int]
    institutions: Mapping[str, Institution]
    moment: Moment
    numbers: NumberBlock
    dsn: str = ""
    """for more connections, where an act has much to read"""

    def base_of(self, institution: str) -> int | None:
        """The first account of an institution; None where there is none."""
        known = self.institutions.get(institution)
        return None if known is None else known.account_base

    def name_of(self, institution: str) -> str:
        """An institution as people read it."""
        known = self.institutions.get(institution)
        return institution or "机构不明" if known is None else f"{institution} {known.name}"


async def open_books(
    connection: PlainConnection, *, dsn: str = "", clock: Clock = system_clock
) -> Books:
    """Read what all acts need. StorageError where the database is not prepared."""
    if await reference.installation(connection) is None:
        raise StorageError("the database is not prepared: start `settlement serve` first")
    closed = await reference.closed_through(connection)
    return Books(
        connection=connection,
        shape=await installed_shape(connection),
        journal_of=await reference.lanes(connection),
        institutions=await reference.institutions(connection),
        moment=moment(clock, not_before=None if closed is None else closed + timedelta(days=1)),
        numbers=NumberBlock(await connection.fetchval(REFERENCE["number_block"])),
        dsn=dsn,
    )


def next_number(books: Books, lane: int) -> int:
    """The number of the next difference or entry in a lane."""
    return books.numbers.next(lane, books.moment.business_day)


async def book(
    books: Books, lane: int, entry_id: int, code: EntryCode, transfers: Sequence[Transfer],
    commitment: bytes,
) -> None:  # fmt: skip
    """Book one entry under the head of the lane's journal, in the caller's transaction."""
    entry = Entry(
        lane=lane, entry_id=entry_id, kind=EntryKind.SINGLE, code=code,
        transfers=tuple(transfers), commitment=commitment,
    )  # fmt: skip
    await book_all(books, lane, [entry])


async def book_all(books: Books, lane: int, entries: Sequence[Entry]) -> None:
    """Book entries as one block, in the caller's transaction."""
    await open_agency_accounts(books.connection)
    journal = books.journal_of[lane]
    await lock_head(books.connection, journal=journal, lane=lane, shape=books.shape)
    arguments = append_arguments(
        journal=journal, business_day=books.moment.business_day, booked_at=books.moment.at,
        entries=entries, resolved={},
    )  # fmt: skip
    await books.connection.execute(
        LEDGER[books.shape]["append_block"], *for_shape(arguments, books.shape, lane)
    )


def correction_commitment(number: int, name: Name, step: Step) -> bytes:
    """What the entry of a correction commits to; settlement.correction_commitment computes the
    same."""
    facts = step.facts
    told = [
        name.lane, step.entry_id, number, step.step_no, int(step.correction), step.amount_fen,
        facts.ours_fen, facts.theirs_fen, facts.found.value, facts.institution, step.proposer,
        step.actor,
    ]  # fmt: skip
    return sha256(b"\x0e" + msgspec.json.encode(told)).digest()


def account_names(institution: Institution | None) -> dict[int, str]:
    """What people call the accounts that a correction may move."""
    accounts = chart.agency_accounts()
    if institution is not None:
        accounts += chart.channel_accounts(
            institution.code, institution.name, institution.account_base
        )
    return {one.number: one.name for one in accounts}


def run(data_dir: Path, act: Callable[[Books], Coroutine[None, None, Said]]) -> Said:
    """Open the books of a data directory for one act."""
    try:
        return asyncio.run(_with_books(data_dir, act))
    except (ServiceError, StorageError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")


async def _with_books(
    data_dir: Path, act: Callable[[Books], Coroutine[None, None, Said]]
) -> Said:
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.owner_dsn, name="settlement-operator")
        try:
            return await act(await open_books(connection, dsn=database.owner_dsn))
        finally:
            await connection.close()

