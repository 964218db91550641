"""What was settled and collected since the day began: read from the blocks that came since the last
look, so that looking again costs what is new."""

from __future__ import annotations

from datetime import date

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.storage.queries import CONSOLE


class RowSum(Struct, frozen=True, kw_only=True):
    """Settlement rows of an institution, transaction, kind and hour."""

    institution: str
    infno: str
    kind: int
    hour: int
    cases: int
    total_fen: int
    fund_fen: int
    account_fen: int
    cash_fen: int
    hospital_fen: int


class MoneySum(Struct, frozen=True, kw_only=True):
    """What went from one account to another."""

    debit: int
    credit: int
    amount_fen: int


async def journals(connection: Connection[Record]) -> dict[int, int]:
    """The open journals and their newest blocks."""
    rows = await connection.fetch(CONSOLE["console_journals"])
    return {row["journal"]: row["last_block"] for row in rows}


async def last_before(connection: Connection[Record], journal: int, day: date) -> int:
    """The last block before a business day; 0 where there is none."""
    number: int = await connection.fetchval(CONSOLE["console_day_begins"], journal, day)
    return number


async def rows_of(
    connection: Connection[Record], journal: int, after: int, through: int
) -> list[RowSum]:
    """Settlement rows of some blocks, summed."""
    rows = await connection.fetch(CONSOLE["console_rows_of_blocks"], journal, after, through)
    return [RowSum(**dict(row)) for row in rows]


async def money_of(
    connection: Connection[Record], journal: int, after: int, through: int
) -> list[MoneySum]:
    """What funds paid and channels collected in some blocks, by the pair of accounts."""
    rows = await connection.fetch(CONSOLE["console_money_of_blocks"], journal, after, through)
    return [MoneySum(**dict(row)) for row in rows]


async def account_names(connection: Connection[Record]) -> dict[int, str]:
    """What the accounts of funds are called."""
    rows = await connection.fetch(CONSOLE["console_account_names"])
    return {row["account"]: row["name"] for row in rows}
