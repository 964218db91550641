"""Booking what institutions were owed at the cut-over: both books of it in one entry.

The agency carries it forward as payable, the institution as receivable; what it is paid later is
booked against it as against any other (DOMAIN 3, 30). What an institution owes stands on the same
accounts on the other side, and is offset by what it is owed next. The entry commits to the file
that says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asyncpg import Connection, Record

from ledger.entry import Entry, EntryKind, Transfer
from ledger.postgres.arrays import append_arguments, for_shape
from ledger.postgres.laned import fetch_keys
from ledger.postgres.schema import SHAPED as LEDGER
from ledger.postgres.shape import Shape
from settlement import chart
from settlement.chart import EntryCode
from settlement.chart import InstitutionAccount as Account
from settlement.institution import Institution
from settlement.intake.payables import Payable
from settlement.postings import undone
from settlement.storage.opening_import import Book
from settlement.storage.queries import IMPORTS, REFERENCE, SHAPED

Placed = tuple[int, Payable]
"""The lane of an institution, and what it was owed."""


async def booked_before(
    connection: Connection[Record], shape: Shape, placed: Sequence[Placed]
) -> dict[str, tuple[int, int]]:
    """What was booked already, by institution: funds and accounts."""
    rows = await fetch_keys(
        connection, IMPORTS[shape], "read_payables", [lane for lane, _ in placed],
        [each.institution for _, each in placed],
    )  # fmt: skip
    return {institution: (funds, accounts) for institution, funds, accounts in rows}


async def open_accounts(
    connection: Connection[Record], institutions: Sequence[Institution]
) -> None:
    """The accounts that are carried forward into, unless they are there."""
    accounts = [chart.carried_forward()]
    for one in institutions:
        accounts += chart.institution_accounts(one.code, one.name, one.account_base)
    for account in accounts:
        await connection.execute(
            REFERENCE["open_account"], account.number, account.owner, account.code, account.name,
            account.debit_normal,
        )  # fmt: skip


async def book(
    connection: Connection[Record], book: Book, journal: int, placed: Sequence[Placed],
    institutions: Mapping[str, Institution],
) -> None:  # fmt: skip
    """Book a batch of one journal, and on a cluster of one lane."""
    shape = book.shape
    async with connection.transaction():
        own = (placed[0][0],) if shape is Shape.CLUSTER else ()
        await connection.fetchval(SHAPED[shape]["lock_head"], journal, *own)
        entries = {
            each.institution: _entry(book, lane, each, institutions[each.institution].account_base)
            for lane, each in placed
            if each.funds_fen or each.accounts_fen
        }
        await fetch_keys(
            connection, IMPORTS[shape], "keep_payables", [lane for lane, _ in placed],
            [each.institution for _, each in placed],
            [each.funds_fen for _, each in placed],
            [each.accounts_fen for _, each in placed],
            [
                entries[each.institution].entry_id if each.institution in entries else None
                for _, each in placed
            ],
            [each.source for _, each in placed],
        )  # fmt: skip
        if entries:
            arguments = append_arguments(
                journal=journal, business_day=book.moment.business_day, booked_at=book.moment.at,
                entries=list(entries.values()), resolved={},
            )  # fmt: skip
            parameters = for_shape(arguments, shape, placed[0][0])
            await connection.execute(LEDGER[shape]["append_block"], *parameters)


def _entry(book: Book, lane: int, payable: Payable, base: int) -> Entry:
    carried = base + Account.CARRIED_FORWARD
    legs: list[Transfer] = []
    for owed_fen, payable_to, receivable in (
        (payable.funds_fen, Account.PAYABLE_FUNDS, Account.RECEIVABLE_FUNDS),
        (payable.accounts_fen, Account.PAYABLE_ACCOUNTS, Account.RECEIVABLE_ACCOUNTS),
    ):
        owed = (
            Transfer(chart.CARRIED_FORWARD, base + payable_to, abs(owed_fen)),
            Transfer(base + receivable, carried, abs(owed_fen)),
        )
        if owed_fen:
            legs += owed if owed_fen > 0 else undone(owed)
    return Entry(
        lane=lane, entry_id=book.numbers.next(lane, book.moment.business_day),
        kind=EntryKind.SINGLE, code=EntryCode.PAYABLE_CARRIED, transfers=tuple(legs),
        commitment=book.commitment,
    )  # fmt: skip
