"""A year's interest on personal accounts (个人账户计息), computed from the ledger.

Each account's balance at the end of each business day of the year, times the rate, half up to the
fen, once an account. What is computed is a file like any other: somebody proposes it, somebody else
confirms it. Rate and days are the region's (uncertain: each region publishes its own).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from ledger.money import BASIS_POINTS, half_up, yuan_text
from ledger.postgres.fold import balance
from settlement.chart import MoneyAccount
from settlement.finance.money_books import MoneyBooks
from settlement.said import Said
from settlement.storage import money as store


async def compute(books: MoneyBooks, year: int, rate_bp: int | None, out: Path) -> Said:
    """Write the interest of a year into a new file; nothing is booked."""
    rate = books.accounts.interest_bp if rate_bp is None else rate_bp
    if rate is None:
        return Said(
            1, "参数未定年利率，请用 --rate-bp | the region profile has no rate: say --rate-bp"
        )
    first, last = date(year, 1, 1), date(year, 12, 31)
    if books.moment.business_day <= last:
        return Said(1, f"{year} 年尚未结束 | the year is not over")
    lines = ["psn_no,amount,source,reference\n"]
    total_fen = 0
    for lane in sorted(books.journal_of):
        for person, fen_days in await store.account_days(books.connection, lane, first, last):
            fen = interest_fen(fen_days, rate, books.accounts.interest_days)
            if fen > 0:
                total_fen += fen
                lines.append(f"{person},{yuan_text(fen)},interest,{year}年计息\n")
    await asyncio.to_thread(_write, out, lines)
    return Said(0, await _told(books, out, len(lines) - 1, total_fen, rate))


def interest_fen(fen_days: int, rate_bp: int, days_of_year: int) -> int:
    """Interest of an account, whose daily balances come to so much: rounded once, half up."""
    return half_up(fen_days * rate_bp, BASIS_POINTS * days_of_year)


async def _told(books: MoneyBooks, out: Path, count: int, total_fen: int, rate: int) -> str:
    there = await balance(books.connection, MoneyAccount.INTEREST_TO_ALLOT)
    there_fen = there.credits_fen - there.debits_fen
    text = (
        f"{out}：{count} 人 persons，利息 interest {yuan_text(total_fen)} 元，"
        f"年利率 rate {rate} bp"
    )
    if there_fen == total_fen:
        return f"{text}\n与待分配个人账户利息相符 | as much as the bank paid"
    return (
        f"{text}\n待分配个人账户利息 {yuan_text(there_fen)} 元，相差 "
        f"{yuan_text(total_fen - there_fen)} 元 | the bank paid another sum"
    )


def _write(path: Path, lines: Sequence[str]) -> None:
    """A new file that nobody else can read: it names persons."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.writelines(lines)
