"""What commands about payouts need of the database, and how they book.

An act is one transaction a lane, under the lock of the institutions of that lane, so that two
people never act on the same state; what it books are entries under the journal's head, as every
batch books (ADR 0040).
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from ledger.account import Account
from ledger.entry import Transfer
from settlement import chart
from settlement.books.payout import Adjustment, Period, Step
from settlement.books.payout_rules import PayoutRules
from settlement.chart import EntryCode
from settlement.clock import Clock, system_clock
from settlement.finance.progress import Tell, silent
from settlement.institution import Institution
from settlement.keyring import Keyring
from settlement.policy.loader import PolicySet
from settlement.said import Said
from settlement.serve.acts import connected, run_act
from settlement.storage import reference
from settlement.storage.bookkeeping import Bookkeeping, open_bookkeeping, single
from settlement.storage.errors import StorageError
from settlement.storage.keyfile import key_file, load_keyring
from settlement.storage.lease import PlainConnection
from settlement.storage.policies import load_policy_set
from settlement.storage.queries import PAYOUTS
from settlement.storage.reference_import import open_accounts

LOCK_CLASS = 0x5E7740
"""The first half of the keys of the institutions' locks."""
POOL_LOCK_CLASS = 0x5E7747
"""The first half of the key of the lock of the pool of deposits, which is all lanes'."""


class PayoutBooks(Bookkeeping, frozen=True, kw_only=True):
    """See the module."""

    institutions: Mapping[str, Institution]
    policies: PolicySet
    rules: PayoutRules
    keyring: Keyring
    tell: Tell = silent

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
    opened = await open_bookkeeping(connection, clock=clock)
    policies = await load_policy_set(connection)
    profile = policies.region(opened.region)
    if profile is None:
        raise StorageError(f"there is no region profile for {opened.region}")
    return opened.of(
        PayoutBooks, institutions=await reference.institutions(connection), policies=policies,
        rules=profile.payout, keyring=keyring, tell=tell,
    )  # fmt: skip


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


async def lock_pool(books: PayoutBooks) -> None:
    """Rewards come one after the other, whatever lane they are of; behind the lock of the lane."""
    await books.connection.execute(PAYOUTS["lock_institutions"], POOL_LOCK_CLASS, 0)


async def book(
    books: PayoutBooks, lane: int, institutions: Iterable[str], bookings: Sequence[Booking]
) -> None:
    """Book entries under the head of the lane's journal, in the caller's transaction."""
    if not bookings:
        return
    await open_accounts(books.connection, _accounts(books, institutions))
    entries = [
        single(lane, one.entry_id, one.code, one.transfers, one.commitment) for one in bookings
    ]
    await books.append(lane, entries)


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
    told: list[object] = [
        lane, one.entry_id, period.institution, f"{period.first_on}", one.number, int(one.kind),
        one.amount_fen, one.source, one.note, one.proposed_by, one.ended_by,
    ]  # fmt: skip
    if one.setl_id is not None:
        told.append(one.setl_id)
    return sha256(b"\x0f" + msgspec.json.encode(told)).digest()


def run(data_dir: Path, act: Callable[[PayoutBooks], Coroutine[None, None, Said]]) -> Said:
    """Open the books of a data directory for one act."""
    return run_act(_books(data_dir), act)


@asynccontextmanager
async def _books(data_dir: Path) -> AsyncIterator[PayoutBooks]:
    async with connected(data_dir) as (_, connection):
        keyring = load_keyring(key_file(data_dir / "secrets", os.environ))
        yield await open_books(connection, keyring)


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
