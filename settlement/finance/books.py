"""What acts about differences need of the database, and how a correction is booked.

They run beside a server as the schema's owner, each act one short transaction under the lock of the
difference's lane. What it books is one entry under the journal's head, as every batch books.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path

import msgspec

from ledger.entry import Entry, Transfer
from settlement import chart
from settlement.books.difference_states import Name, Step
from settlement.chart import EntryCode
from settlement.clock import Clock, system_clock
from settlement.institution import Institution
from settlement.said import Said
from settlement.serve.acts import connected, run_act
from settlement.storage import reference
from settlement.storage.bookkeeping import Bookkeeping, open_bookkeeping, single
from settlement.storage.lease import PlainConnection
from settlement.storage.reference_import import open_agency_accounts


class Books(Bookkeeping, frozen=True, kw_only=True):
    """See the module."""

    institutions: Mapping[str, Institution]
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
    opened = await open_bookkeeping(connection, clock=clock)
    return opened.of(Books, institutions=await reference.institutions(connection), dsn=dsn)


async def book(
    books: Books, lane: int, entry_id: int, code: EntryCode, transfers: Sequence[Transfer],
    commitment: bytes,
) -> None:  # fmt: skip
    """Book one entry under the head of the lane's journal, in the caller's transaction."""
    await book_all(books, lane, [single(lane, entry_id, code, transfers, commitment)])


async def book_all(books: Books, lane: int, entries: Sequence[Entry]) -> None:
    """The same with entries, as few blocks as may be."""
    await open_agency_accounts(books.connection)
    await books.append(lane, entries)


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
    return run_act(_books(data_dir), act)


@asynccontextmanager
async def _books(data_dir: Path) -> AsyncIterator[Books]:
    async with connected(data_dir) as (database, connection):
        yield await open_books(connection, dsn=database.owner_dsn)
