"""The books after the story: one trial balance an owner, laid out for people.

Accounts of one kind are added up: an agency owes hundreds of institutions, and nobody reads
hundreds of lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from msgspec import Struct

from ledger.account import ALL_GUARDED, TrialBalance
from ledger.postgres.fold import trial_balance
from ledger.postgres.queries import load
from settlement.chart import AGENCY
from settlement.demo.table import Column, money, table, yuan
from settlement.storage.lease import PlainConnection

_DEMO = load(Path(__file__).parent / "sql" / "demo.sql")
_PERSONAL = ("2203", "个人账户（全体）")
_ENGLISH = {"1002": "bank", "2202": "payable", "2203": "accounts", "5001": "spent",
            "9001": "memo"}  # fmt: skip
"""By what stands before the dot of a code."""
_CHANNELS = "channels"
_OF_CHANNELS = ("1012.01", "1122.03", "1122.04", "2241.01")
"""What payment channels and the agency have of an institution's, less what it owes payers."""
_INSTITUTION_COLUMNS = ("1122.01", "1122.02", "1001", _CHANNELS, "6602", "6001")
_AGENCY_TABLE = (
    Column(chinese="科目", english="account"),
    Column(chinese="名称", english="name"),
    Column(chinese="借方", english="debits", is_number=True),
    Column(chinese="贷方", english="credits", is_number=True),
    Column(chinese="余额", english="balance", is_number=True),
)
_INSTITUTION_TABLE = (
    Column(chinese="机构", english="institution"),
    Column(chinese="应收基金", english="from funds", is_number=True),
    Column(chinese="应收账户", english="accounts", is_number=True),
    Column(chinese="自收现金", english="cash", is_number=True),
    Column(chinese="渠道", english="channels", is_number=True),
    Column(chinese="医院负担", english="borne", is_number=True),
    Column(chinese="收入", english="revenue", is_number=True),
    Column(chinese="", english=""),
)


class Titled(Struct, frozen=True, kw_only=True):
    """Sums of one or more accounts of one kind, in fen."""

    code: str
    name: str
    debits_fen: int
    credits_fen: int


class Book(Struct, frozen=True, kw_only=True):
    """One owner's trial balance (试算平衡表) by kind of account."""

    owner: str
    lines: tuple[Titled, ...]
    is_balanced: bool


async def read_book(connection: PlainConnection, owner: str) -> Book:
    """The book of an owner: the agency, or an institution by its code."""
    balance = await trial_balance(connection, owner)
    rows = await connection.fetch(_DEMO["accounts"], [owner])
    titles = {row["account"]: (str(row["code"]), str(row["name"])) for row in rows}
    return book_of(balance, titles | {ALL_GUARDED: _PERSONAL})


def book_of(balance: TrialBalance, titles: dict[int, tuple[str, str]]) -> Book:
    """Accounts with the same code in one line, named by what they have in common: their first word.

    `titles` has code and name by account.
    """
    lines: dict[str, Titled] = {}
    for row in balance.rows:
        code, name = titles[row.account]
        earlier = lines.get(code)
        lines[code] = Titled(
            code=code,
            name=name.split(" ")[0],
            debits_fen=row.balance.debits_fen + (earlier.debits_fen if earlier else 0),
            credits_fen=row.balance.credits_fen + (earlier.credits_fen if earlier else 0),
        )
    ordered = tuple(lines[code] for code in sorted(lines))
    return Book(owner=balance.owner, lines=ordered, is_balanced=balance.is_balanced)


def agency_lines(book: Book) -> list[str]:
    """The agency's book in detail."""
    rows = [
        (
            _told(line.code),
            line.name,
            money(yuan(line.debits_fen)),
            money(yuan(line.credits_fen)),
            _side(line.debits_fen - line.credits_fen),
        )
        for line in book.lines
    ]
    debits = sum((yuan(line.debits_fen) for line in book.lines), Decimal(0))
    credits = sum((yuan(line.credits_fen) for line in book.lines), Decimal(0))
    total = ("", "合计 total", money(debits), money(credits), _verdict(book))
    return table(_AGENCY_TABLE, rows, total=total)


def institution_lines(books: Sequence[tuple[str, Book]]) -> list[str]:
    """Books of institutions, with their names, one line each."""
    rows = []
    for name, book in books:
        of = {line.code: abs(line.debits_fen - line.credits_fen) for line in book.lines}
        of[_CHANNELS] = sum(
            line.debits_fen - line.credits_fen
            for line in book.lines
            if line.code.startswith(_OF_CHANNELS)
        )
        amounts = (money(yuan(of.get(code, 0))) for code in _INSTITUTION_COLUMNS)
        rows.append((name, *amounts, _verdict(book)))
    return table(_INSTITUTION_TABLE, rows)


def _told(code: str) -> str:
    """A code with its kind; that of one region is long enough."""
    kind, *rest = code.split(".")
    return code if len(rest) > 1 else f"{code} {_ENGLISH.get(kind, '')}".rstrip()


async def agency_book(connection: PlainConnection) -> Book:
    """The agency's book."""
    return await read_book(connection, AGENCY)


def _side(fen: int) -> str:
    if fen == 0:
        return money(yuan(0))
    return f"{'借' if fen > 0 else '贷'} {money(yuan(abs(fen)))}"


def _verdict(book: Book) -> str:
    return "平 balanced" if book.is_balanced else "不平 NOT balanced"
