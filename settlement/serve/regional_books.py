"""What commands about other regions need of the database, and how they book.

They run beside a server as the schema's owner. An act is one transaction under the lock of the
party's lane, so that two people never act on the same state; what it books is one entry under the
journal's head, as every batch books (ADR 0035).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
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
from settlement.chart import EntryCode
from settlement.clock import Clock, Moment, moment, system_clock
from settlement.counterpart import Counterpart
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.lanes import lane_of
from settlement.numbers import NumberBlock
from settlement.regional_clearing import Period, Step
from settlement.regional_prepayment import PrepaidStep
from settlement.regional_rules import RegionalRules
from settlement.said import UNUSABLE, Said
from settlement.storage import reference
from settlement.storage.connect import connect_plain
from settlement.storage.errors import StorageError
from settlement.storage.lease import PlainConnection
from settlement.storage.policies import load_policy_set
from settlement.storage.queries import REFERENCE, REGIONAL
from settlement.storage.reference_import import open_agency_accounts
from settlement.storage.regional_clearing import Place
from settlement.storage.writer import lock_head

LOCK_CLASS = 0x5E7725
"""The first half of the keys of the parties' locks."""


class RegionalBooks(Struct, frozen=True, kw_only=True):
    """See the module."""

    connection: PlainConnection
    shape: Shape
    journal_of: Mapping[int, int]
    lanes: int
    region: str
    """ours"""
    counterparts: Mapping[str, Counterpart]
    rules: RegionalRules
    moment: Moment
    numbers: NumberBlock

    @property
    def province(self) -> str:
        """The code under which other provinces clear with us."""
        return f"{self.region[:2]}0000"

    def lane_of(self, party: str) -> int:
        """The lane of a party's code."""
        return lane_of(party, self.lanes)

    def place(self, period: Period) -> Place:
        """Where a period lies."""
        return Place(lane=self.lane_of(period.party), period=period)

    def name_of(self, party: str) -> str:
        """A party's name, where it is registered."""
        known = self.counterparts.get(party)
        return party if known is None else f"{party} {known.name}"

    def regions_of(self, party: str) -> list[Counterpart]:
        """The regions that a party's clearing is drilled down to."""
        if party[2:] == "0000":
            return [one for one in self.counterparts.values() if one.province == party[:2]]
        own = self.counterparts.get(party)
        return [] if own is None else [own]


async def open_books(
    connection: PlainConnection, *, clock: Clock = system_clock
) -> RegionalBooks:
    """Read what all acts need. StorageError where the database is not prepared."""
    installed = await reference.installation(connection)
    if installed is None:
        raise StorageError("the database is not prepared: start `settlement serve` first")
    profile = (await load_policy_set(connection)).region(installed.region)
    if profile is None:
        raise StorageError(f"there is no region profile for {installed.region}")
    closed = await reference.closed_through(connection)
    return RegionalBooks(
        connection=connection,
        shape=await installed_shape(connection),
        journal_of=await reference.lanes(connection),
        lanes=installed.lanes,
        region=installed.region,
        counterparts=await reference.counterparts(connection),
        rules=profile.regional,
        moment=moment(clock, not_before=None if closed is None else closed + timedelta(days=1)),
        numbers=NumberBlock(await connection.fetchval(REFERENCE["number_block"])),
    )


async def lock_party(books: RegionalBooks, lane: int) -> None:
    """Nobody else acts on parties of this lane until the transaction ends."""
    await books.connection.execute(REGIONAL["lock_party"], LOCK_CLASS, lane)


def next_entry(books: RegionalBooks, lane: int) -> int:
    """The number of the next entry in a lane."""
    return books.numbers.next(lane, books.moment.business_day)


async def book(
    books: RegionalBooks, lane: int, entry_id: int, code: EntryCode,
    transfers: Sequence[Transfer], commitment: bytes,
) -> None:  # fmt: skip
    """Book one entry under the head of the lane's journal, in the caller's transaction."""
    await open_agency_accounts(books.connection)
    journal = books.journal_of[lane]
    await lock_head(books.connection, journal=journal, lane=lane, shape=books.shape)
    entry = Entry(
        lane=lane, entry_id=entry_id, kind=EntryKind.SINGLE, code=code,
        transfers=tuple(transfers), commitment=commitment,
    )  # fmt: skip
    arguments = append_arguments(
        journal=journal, business_day=books.moment.business_day, booked_at=books.moment.at,
        entries=[entry], resolved={},
    )  # fmt: skip
    await books.connection.execute(
        LEDGER[books.shape]["append_block"], *for_shape(arguments, books.shape, lane)
    )


def clearing_commitment(lane: int, booked: Sequence[tuple[Period, Step]]) -> bytes:
    """What the entry of a payment commits to: its steps, that of the side of treatment first.
    settlement.clearing_commitment computes the same."""
    told = [
        [
            lane, step.entry_id, period.party, int(period.side), f"{period.month}", step.step_no,
            int(step.act), step.amount_fen, step.legs, step.reference, step.actor,
        ]
        for period, step in sorted(booked, key=lambda one: one[0].side)
    ]  # fmt: skip
    return sha256(b"\x0c" + msgspec.json.encode(told)).digest()


def prepayment_commitment(lane: int, party: str, side: int, step: PrepaidStep) -> bytes:
    """What the entry of a prepayment commits to; settlement.prepayment_commitment computes the
    same."""
    told = [
        lane, step.entry_id, party, side, step.step_no, int(step.act), step.year,
        step.amount_fen, step.reference, step.actor,
    ]  # fmt: skip
    return sha256(b"\x0d" + msgspec.json.encode(told)).digest()


def run(
    data_dir: Path, act: Callable[[RegionalBooks], Coroutine[None, None, Said]]
) -> Said:
    """Open the books of a data directory for one act."""

    async def on_books() -> Said:
        async with opened(data_dir) as room:
            return await act(room.books)

    try:
        return asyncio.run(on_books())
    except (ServiceError, StorageError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")


class Room(Struct, frozen=True, kw_only=True):
    """Books that are open, and the database that they lie in."""

    books: RegionalBooks
    owner_dsn: str


@asynccontextmanager
async def opened(data_dir: Path) -> AsyncIterator[Room]:
    """The books of a data directory. Raises ServiceError, StorageError."""
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.owner_dsn, name="settlement-operator")
        try:
            yield Room(books=await open_books(connection), owner_dsn=database.owner_dsn)
        finally:
            await connection.close()
