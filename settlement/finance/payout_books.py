"""What commands about payouts need of the database, and how they book.

An act is one transaction a lane, under the lock of the institutions of that lane, so that two
people never act on the same state; what it books are entries under the journal's head, as every
batch books (ADR 0040).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from ledger.account import Account
from ledger.entry import Entry, EntryKind, Transfer
from ledger.postgres.arrays import append_arguments, for_shape
from ledger.postgres.schema import SHAPED as LEDGER
from ledger.postgres.schema import installed_shape
from ledger.postgres.shape import Shape
from settlement import chart
from settlement.chart import EntryCode
from settlement.clock import Clock, Moment, moment, system_clock
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.finance.progress import Tell, silent
from settlement.institution import Institution
from settlement.keyring import Keyring
from settlement.lanes import lane_of
from settlement.numbers import NumberBlock
from settlement.payout import Adjustment, Period, Step
from settlement.payout_rules import PayoutRules
from settlement.policy.loader import PolicySet
from settlement.said import UNUSABLE, Said
from settlement.storage import reference
from settlement.storage.connect import connect_plain
from settlement.storage.errors import StorageError
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring
from settlement.storage.lease import PlainConnection
from settlement.storage.policies import load_policy_set
from settlement.storage.queries import PAYOUTS, REFERENCE
from settlement.storage.reference_import import open_accounts
from settlement.storage.writer import lock_head

LOCK_CLASS = 0x5E7740
"""The first half of the keys of the institutions' locks."""
BLOCK_MAX = 100
"""Entries booked in one block."""


class PayoutBooks(Struct, frozen=True, kw_only=True):
    """See the module."""

    connection: PlainConnection
    shape: Shape
    journal_of: Mapping[int, int]
    lanes: int
    institutions: Mapping[str, Institution]
    policies: PolicySet
    rules: PayoutRules
    moment: Moment
    numbers: NumberBlock
    keyring: Keyring
    tell: Tell = silent

    def lane_of(self, institution: str) -> int:
        """The lane of an institution's code."""
        return lane_of(institution, self.lanes)

    def by_lane(self, institutions: Iterable[str]) -> list[tuple[int, list[str]]]:
        """Institutions by their lanes, both in order."""
        found: dict[int, list[str]] = {}
        for one in sorted(institutions):
            found.setdefault(self.lane_of(one), []).append(one)
        return sorted(found.items())

    def name_of(self, institution: str) -> str:
        """Code and name."""
        known = self.institutions.get(institution)
        return institution if known is None else f"{institution} {known.name}"

    def base_of(self, institution: str) -> int:
        """The first of its ledger accounts."""
        return self.institutions[institution].account_base


class SomebodyElseError(Exception):
    """Somebody else acted on the period meanwhile; the transaction is taken back."""


class Booking(Struct, frozen=True, kw_only=True):
    """An entry to book: its number, what it moves, and what it stands for."""

    entry_id: int
    code: EntryCode
    transfers: tuple[Transfer, ...]
    commitment: bytes


async def open_books(
    connection: PlainConnection, keyring: Keyring, *, clock: Clock = system_clock,
    tell: Tell = silent,
) -> PayoutBooks:  # fmt: skip
    """Read what all acts need. StorageError where the database is not prepared."""
    installed = await reference.installation(connection)
    if installed is None:
        raise StorageError("the database is not prepared: start `settlement serve` first")
    policies = await load_policy_set(connection)
    profile = policies.region(installed.region)
    if profile is None:
        raise StorageError(f"there is no region profile for {installed.region}")
    closed = await reference.closed_through(connection)
    return PayoutBooks(
        connection=connection,
        shape=await installed_shape(connection),
        journal_of=await reference.lanes(connection),
        lanes=installed.lanes,
        institutions=await reference.institutions(connection),
        policies=policies,
        rules=profile.payout,
        moment=moment(clock, not_before=None if closed is None else closed + timedelta(days=1)),
        numbers=NumberBlock(await connection.fetchval(REFERENCE["number_block"])),
        keyring=keyring,
        tell=tell,
    )


async def in_lane(
    books: PayoutBooks, lane: int, act: Callable[[], Coroutine[None, None, Said]], *,
    lock_class: int = LOCK_CLASS,
) -> Said:  # fmt: skip
    """One act on institutions of a lane, or on what another lock is for: all of it or nothing, and
    nobody else meanwhile. Nothing is kept where it was refused."""
    kept = books.connection.transaction()
    await kept.start()
    try:
        await books.connection.execute(PAYOUTS["lock_institutions"], lock_class, lane)
        said = await act()
    except SomebodyElseError:
        await kept.rollback()
        return Said(1, "别人刚处理过，请重新查看 | somebody else has just acted: look again")
    except BaseException:
        await kept.rollback()
        raise
    if said.status:
        await kept.rollback()
    else:
        await kept.commit()
    return said


async def book(
    books: PayoutBooks, lane: int, institutions: Iterable[str], bookings: Sequence[Booking]
) -> None:
    """Book entries under the head of the lane's journal, in the caller's transaction."""
    if not bookings:
        return
    await open_accounts(books.connection, _accounts(books, institutions))
    journal = books.journal_of[lane]
    await lock_head(books.connection, journal=journal, lane=lane, shape=books.shape)
    for first in range(0, len(bookings), BLOCK_MAX):
        entries = [
            Entry(
                lane=lane, entry_id=one.entry_id, kind=EntryKind.SINGLE, code=one.code,
                transfers=one.transfers, commitment=one.commitment,
            )
            for one in bookings[first : first + BLOCK_MAX]
        ]  # fmt: skip
        arguments = append_arguments(
            journal=journal, business_day=books.moment.business_day, booked_at=books.moment.at,
            entries=entries, resolved={},
        )  # fmt: skip
        await books.connection.execute(
            LEDGER[books.shape]["append_block"], *for_shape(arguments, books.shape, lane)
        )


def next_entry(books: PayoutBooks, lane: int) -> int:
    """The number of the next entry in a lane."""
    return books.numbers.next(lane, books.moment.business_day)


def step_commitment(lane: int, period: Period, step: Step) -> bytes:
    """What the entry of an order, of its payment or of its return commits to.
    settlement.payout_commitment computes the same."""
    told = [
        lane, step.entry_id, period.institution, f"{period.first_on}", f"{period.last_on}",
        step.step_no, int(step.act), step.amounts.fund_fen, step.amounts.account_fen,
        step.bank_account, step.reference, step.actor,
    ]  # fmt: skip
    return sha256(b"\x0f" + msgspec.json.encode(told)).digest()


def adjustment_commitment(lane: int, period: Period, one: Adjustment) -> bytes:
    """What the entry of an adjustment commits to; settlement.payout_commitment computes the
    same."""
    told = [
        lane, one.entry_id, period.institution, f"{period.first_on}", one.number, int(one.kind),
        one.amount_fen, one.source, one.note, one.proposed_by, one.ended_by,
    ]  # fmt: skip
    return sha256(b"\x0f" + msgspec.json.encode(told)).digest()


def run(data_dir: Path, act: Callable[[PayoutBooks], Coroutine[None, None, Said]]) -> Said:
    """Open the books of a data directory for one act."""
    try:
        return asyncio.run(_with_books(data_dir, act))
    except (ServiceError, StorageError, KeyFileError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")


async def _with_books(
    data_dir: Path, act: Callable[[PayoutBooks], Coroutine[None, None, Said]]
) -> Said:
    async with open_database(data_dir, os.environ) as database:
        keyring = load_keyring(key_file(data_dir / "secrets", os.environ))
        connection = await connect_plain(database.owner_dsn, name="settlement-operator")
        try:
            return await act(await open_books(connection, keyring))
        finally:
            await connection.close()


def _accounts(books: PayoutBooks, institutions: Iterable[str]) -> list[Account]:
    """Accounts that are booked to; a database that was made before them has them from here on."""
    own = [
        account
        for code in institutions
        for account in chart.payout_accounts(
            books.institutions[code].name, books.base_of(code)
        )
    ]
    return [*chart.agency_accounts(), *own]
