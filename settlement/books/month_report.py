"""The closing report of a month (月结报告): what its books say, as canonical JSON.

Pure, and made of nothing but what was booked on closed days: made again, at any time, it is the
same to the byte, and its sha256 is what two people sign. So it has numbers and codes and no names,
which may change. All amounts are fen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from hashlib import sha256

import msgspec
from msgspec import Struct

from ledger.account import ALL_GUARDED, Balance
from settlement.chart import (
    AGENCY,
    FUND_BASE,
    INCOME_BASE,
    INSTITUTION_BASE,
    INSTITUTION_STRIDE,
)
from settlement.chart import InstitutionAccount as Account

FORMAT = "settlement-month/1"
_FUNDS_END = FUND_BASE + 1_000_000

Sums = Mapping[int, Balance]
"""Sums by account, all personal accounts under ALL_GUARDED"""


class AccountLine(Struct, frozen=True, array_like=True):
    """An account: what it had before the month, what the month did, what is held at its end."""

    account: int
    before_debits: int
    before_credits: int
    debits: int
    credits: int
    held_debits: int
    held_credits: int


class Book(Struct, frozen=True, kw_only=True):
    """The trial balance (试算平衡表) of one owner."""

    owner: str
    balanced: bool
    debits: int
    credits: int
    accounts: tuple[AccountLine, ...]


class FundLine(Struct, frozen=True, kw_only=True):
    """Income and expenditure of a fund (基金收支)."""

    fund: str
    scheme: str
    """险种: the first three digits of the code"""
    spent: int
    income: int | None
    """None where none was ever imported: expenditure only"""


class Total(Struct, frozen=True, kw_only=True, order=True):
    """What was settled, cancelled or reversed, by scheme and clearing type."""

    scheme: str
    clearing_type: str
    kind: int
    """1 settled, 2 cancelled, 3 reversed"""
    rows: int
    total: int
    fund: int
    account: int
    cash: int
    hospital: int


class PayableLine(Struct, frozen=True, kw_only=True):
    """What is owed to an institution (应付定点机构) by funds and accounts, at the end."""

    account_base: int
    funds: int
    accounts: int


class JournalEnd(Struct, frozen=True, kw_only=True):
    """The last block of a journal with an entry of the month, or before it."""

    journal: int
    block_no: int
    block_hash: str


class MonthReport(Struct, frozen=True, kw_only=True):
    """See the module."""

    format: str
    region: str
    month: str
    first_day: date
    last_day: date
    journals: tuple[JournalEnd, ...]
    settled: tuple[Total, ...]
    funds: tuple[FundLine, ...]
    payables: tuple[PayableLine, ...]
    books: tuple[Book, ...]

    @property
    def balanced(self) -> bool:
        """Whether every owner's book is."""
        return all(book.balanced for book in self.books)


def make_report(
    *, region: str, first_day: date, last_day: date, journals: Sequence[JournalEnd],
    totals: Iterable[Total], before: Sums, after: Sums, owners: Mapping[int, str],
) -> MonthReport:  # fmt: skip
    """The report of a month of sums at its two ends and what was settled in between."""
    return MonthReport(
        format=FORMAT, region=region, month=f"{first_day:%Y-%m}", first_day=first_day,
        last_day=last_day, journals=tuple(journals), settled=added_up(totals),
        funds=_funds(before, after), payables=_payables(after),
        books=_books(before, after, owners),
    )  # fmt: skip


def report_bytes(report: MonthReport) -> bytes:
    """The report as it is kept and signed: one JSON, always the same."""
    return msgspec.json.encode(report)


def report_digest(report: MonthReport) -> str:
    """The sha256 of the report."""
    return sha256(report_bytes(report)).hexdigest()


def added_up(totals: Iterable[Total]) -> tuple[Total, ...]:
    """One total for each scheme, clearing type and kind, in order."""
    found: dict[tuple[str, str, int], Total] = {}
    for one in totals:
        key = (one.scheme, one.clearing_type, one.kind)
        known = found.get(key)
        found[key] = one if known is None else _plus(known, one)
    return tuple(sorted(found.values()))


def _plus(one: Total, other: Total) -> Total:
    return Total(
        scheme=one.scheme, clearing_type=one.clearing_type, kind=one.kind,
        rows=one.rows + other.rows, total=one.total + other.total, fund=one.fund + other.fund,
        account=one.account + other.account, cash=one.cash + other.cash,
        hospital=one.hospital + other.hospital,
    )  # fmt: skip


def _books(before: Sums, after: Sums, owners: Mapping[int, str]) -> tuple[Book, ...]:
    lines: dict[str, list[AccountLine]] = {}
    for account in sorted(after):
        owner = AGENCY if account == ALL_GUARDED else owners[account]
        lines.setdefault(owner, []).append(_line(account, before, after))
    return tuple(_book(owner, lines[owner]) for owner in sorted(lines))


def _book(owner: str, lines: list[AccountLine]) -> Book:
    debits = sum(line.before_debits + line.debits for line in lines)
    credits = sum(line.before_credits + line.credits for line in lines)
    held = sum(line.held_debits - line.held_credits for line in lines)
    return Book(
        owner=owner, balanced=debits == credits and held == 0, debits=debits, credits=credits,
        accounts=tuple(lines),
    )  # fmt: skip


def _line(account: int, before: Sums, after: Sums) -> AccountLine:
    then, now = before.get(account, Balance()), after[account]
    return AccountLine(
        account, then.debits_fen, then.credits_fen, now.debits_fen - then.debits_fen,
        now.credits_fen - then.credits_fen, now.debits_pending_fen, now.credits_pending_fen,
    )  # fmt: skip


def _funds(before: Sums, after: Sums) -> tuple[FundLine, ...]:
    codes = {account - FUND_BASE for account in after if FUND_BASE <= account < _FUNDS_END}
    codes |= {
        account - INCOME_BASE
        for account in after
        if INCOME_BASE <= account < INCOME_BASE + 1_000_000
    }
    return tuple(
        FundLine(
            fund=f"{code:06}", scheme=f"{code:06}"[:3],
            spent=_moved(FUND_BASE + code, before, after),
            income=None if INCOME_BASE + code not in after
            else -_moved(INCOME_BASE + code, before, after),
        )
        for code in sorted(codes)
    )  # fmt: skip


def _moved(account: int, before: Sums, after: Sums) -> int:
    """Debits less credits of the month."""
    then, now = before.get(account, Balance()), after.get(account, Balance())
    return now.debits_fen - then.debits_fen - (now.credits_fen - then.credits_fen)


def _payables(after: Sums) -> tuple[PayableLine, ...]:
    bases = {
        account // INSTITUTION_STRIDE * INSTITUTION_STRIDE
        for account in after
        if INSTITUTION_BASE <= account < 10 * INSTITUTION_BASE
    }
    lines = (
        PayableLine(
            account_base=base, funds=_owed(after, base + Account.PAYABLE_FUNDS),
            accounts=_owed(after, base + Account.PAYABLE_ACCOUNTS),
        )
        for base in sorted(bases)
    )  # fmt: skip
    return tuple(line for line in lines if line.funds or line.accounts)


def _owed(after: Sums, account: int) -> int:
    found = after.get(account, Balance())
    return found.credits_fen - found.debits_fen

