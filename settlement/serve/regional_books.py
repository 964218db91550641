"""What commands about other regions need of the database, and how they book.

They run beside a server as the schema's owner. An act is one transaction under the lock of the
party's lane, so that two people never act on the same state; what it books is one entry under the
journal's head, as every batch books (ADR 0035).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from ledger.entry import Transfer
from ledger.postgres.schema import installed_shape
from settlement.chart import EntryCode
from settlement.clock import Clock, moment, system_clock
from settlement.elsewhere.counterpart import Counterpart
from settlement.elsewhere.regional_clearing import Period, Step
from settlement.elsewhere.regional_prepayment import PrepaidStep
from settlement.elsewhere.regional_rules import RegionalRules
from settlement.finance.progress import Tell, silent
from settlement.numbers import NumberBlock
from settlement.said import Said
from settlement.serve.acts import connected, run_act
from settlement.storage import reference
from settlement.storage.bookkeeping import Bookkeeping, open_bookkeeping, single
from settlement.storage.errors import StorageError
from settlement.storage.lease import PlainConnection
from settlement.storage.policies import load_policy_set
from settlement.storage.queries import REGIONAL
from settlement.storage.reference_import import open_agency_accounts
from settlement.storage.regional_clearing import Place

LOCK_CLASS = 0x5E7725
"""The first half of the keys of the parties' locks."""


class RegionalBooks(Bookkeeping, frozen=True, kw_only=True):
    """See the module."""

    counterparts: Mapping[str, Counterpart]
    rules: RegionalRules
    tell: Tell = silent
    keeps: bool = True
    """False for a trial: acts do and say all, and nothing is kept"""

    @property
    def province(self) -> str:
        """The code under which other provinces clear with us."""
        return f"{self.region[:2]}0000"

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
    connection: PlainConnection, *, clock: Clock = system_clock, tell: Tell = silent,
    keeps: bool = True,
) -> RegionalBooks:  # fmt: skip
    """Read what all acts need. StorageError where the database is not prepared."""
    opened = await open_bookkeeping(connection, clock=clock)
    profile = (await load_policy_set(connection)).region(opened.region)
    if profile is None:
        raise StorageError(f"there is no region profile for {opened.region}")
    return opened.of(
        RegionalBooks, counterparts=await reference.counterparts(connection),
        rules=profile.regional, tell=tell, keeps=keeps,
    )  # fmt: skip


async def books_to_read(
    connection: PlainConnection, *, clock: Clock, rules: RegionalRules
) -> RegionalBooks:
    """The same for who only looks: nothing can be booked in them or numbered. StorageError where
    the database is not prepared."""
    installed = await reference.installation(connection)
    if installed is None:
        raise StorageError("the database is not prepared: start `settlement serve` first")
    return RegionalBooks(
        connection=connection, region=installed.region, lanes=installed.lanes,
        shape=await installed_shape(connection), journal_of={}, moment=moment(clock),
        numbers=NumberBlock(0), counterparts=await reference.counterparts(connection), rules=rules,
    )  # fmt: skip


async def lock_party(books: RegionalBooks, lane: int) -> None:
    """Nobody else acts on parties of this lane until the transaction ends."""
    await books.connection.execute(REGIONAL["lock_party"], LOCK_CLASS, lane)


async def book(
    books: RegionalBooks, lane: int, entry_id: int, code: EntryCode,
    transfers: Sequence[Transfer], commitment: bytes,
) -> None:  # fmt: skip
    """Book one entry under the head of the lane's journal, in the caller's transaction."""
    await open_agency_accounts(books.connection)
    await books.append(lane, [single(lane, entry_id, code, transfers, commitment)])


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

    async def on_books(room: Room) -> Said:
        return await act(room.books)

    return run_act(opened(data_dir), on_books)


class Room(Struct, frozen=True, kw_only=True):
    """Books that are open, and the database that they lie in."""

    books: RegionalBooks
    owner_dsn: str


@asynccontextmanager
async def opened(data_dir: Path) -> AsyncIterator[Room]:
    """The books of a data directory. Raises ServiceError, StorageError."""
    async with connected(data_dir) as (database, connection):
        yield Room(books=await open_books(connection), owner_dsn=database.owner_dsn)
