"""Dues of funds that somebody else owes, as kept: what claims say, what was booked, what came.
Nothing here decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from asyncpg import Connection, Record
from msgspec import Struct

from ledger.postgres.fold import balance
from settlement import chart
from settlement.books.fund_payers import Claims, Due
from settlement.storage.queries import FUND_PAYERS

_MONTH = 10**15


class Span(Struct, frozen=True):
    """A fund and some business days."""

    ledger_code: int
    first_on: date
    last_on: date

    @property
    def numbers(self) -> tuple[int, int]:
        """The first and the last number that rows of these days may have."""
        first, last = _month(self.first_on), _month(self.last_on)
        return first * _MONTH, (last + 1) * _MONTH - 1


class Receipt(Struct, frozen=True, kw_only=True):
    """What the payer of a fund sent, as a row of a file."""

    fund: str
    account: int
    """what the payer of the fund owes"""
    file_no: int
    month: date
    reference: str
    amount_fen: int
    """below zero where it was sent back"""
    entry_id: int
    booked_on: date


class Claim(Struct, frozen=True, kw_only=True):
    """A settlement row of a due."""

    setl_id: int
    business_day: date
    kind: int
    code: int
    amount_fen: int


async def claims_of(
    connection: Connection[Record], lanes: Sequence[int], spans: Sequence[Span]
) -> list[list[Claims]]:
    """What the settlement rows say that funds paid, for each span, lane by lane unmerged."""
    found: list[list[Claims]] = [[] for _ in spans]
    for lane in lanes if spans else ():
        rows = await connection.fetch(
            FUND_PAYERS["fund_claims"], lane, [one.ledger_code for one in spans],
            [one.first_on for one in spans], [one.last_on for one in spans],
            [one.numbers[0] for one in spans], [one.numbers[1] for one in spans],
        )  # fmt: skip
        for row in rows:
            found[row["place"] - 1].append(_claims(row))
    return found


async def dues(connection: Connection[Record]) -> list[Due]:
    """Every due, by fund and in the order of the periods."""
    return [Due(**dict(row)) for row in await connection.fetch(FUND_PAYERS["fund_dues"])]


async def lines(
    connection: Connection[Record], first_on: date | None = None
) -> dict[tuple[str, date], list[Claims]]:
    """The claims of the dues of a period, or of all, by fund and period."""
    found: dict[tuple[str, date], list[Claims]] = {}
    for row in await connection.fetch(FUND_PAYERS["fund_due_lines"], first_on):
        found.setdefault((row["fund"], row["first_on"]), []).append(_claims(row))
    return found


async def keep_due(
    connection: Connection[Record], due: Due, claims: Sequence[Claims], *, at: datetime,
    reason: str,
) -> bool:  # fmt: skip
    """Keep a due with its claims; False where the fund's period has one."""
    kept = await connection.fetchval(
        FUND_PAYERS["keep_fund_due"], due.lane, due.first_on, due.last_on, due.fund,
        due.ledger_code, due.payer, due.payer_name, due.amount_fen, due.booked_on, due.actor,
        due.entry_id, at, reason,
    )  # fmt: skip
    if kept is None:
        return False
    await connection.execute(
        FUND_PAYERS["keep_fund_due_lines"], due.lane, due.first_on, due.fund,
        [one.institution for one in claims], [one.code for one in claims],
        [one.rows for one in claims], [one.amount_fen for one in claims],
    )  # fmt: skip
    return True


async def receipts(connection: Connection[Record]) -> list[Receipt]:
    """What payers sent and was booked, by fund and in order."""
    return [
        Receipt(
            fund=row["fund"], account=row["account"], file_no=row["file_no"], month=row["month"],
            reference=row["reference"], amount_fen=row["amount_fen"], entry_id=row["entry_id"],
            booked_on=row["business_day"],
        )
        for row in await connection.fetch(FUND_PAYERS["fund_receipts"])
    ]  # fmt: skip


async def owed_fen(connection: Connection[Record], ledger_code: int) -> int:
    """What the ledger says that the payer of a fund owes; below zero: more came than was owed."""
    found = await balance(connection, chart.payer_account(ledger_code))
    return found.debits_fen - found.credits_fen


async def settlements_of(
    connection: Connection[Record], due: Due, institution: str, limit: int
) -> list[Claim]:
    """Settlement rows of a due that are of one institution, by number."""
    span = Span(due.ledger_code, due.first_on, due.last_on)
    rows = await connection.fetch(
        FUND_PAYERS["fund_due_settlements"], institution, due.first_on, due.last_on,
        *span.numbers, due.ledger_code, limit,
    )  # fmt: skip
    return [Claim(**dict(row)) for row in rows]


def _claims(row: Record) -> Claims:
    return Claims(
        institution=row["institution"], code=row["code"], rows=row["row_count"],
        amount_fen=row["amount_fen"],
    )  # fmt: skip


def _month(day: date) -> int:
    return day.year % 100 * 100 + day.month
