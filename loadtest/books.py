"""Compares the client's own book with the ledger: nothing lost, nothing doubled. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from loadtest.generator.tally import Book


class Booked(Struct, frozen=True, kw_only=True):
    """What the ledger holds of one institution."""

    settlements: int
    fees_fen: int


class Amounts(Struct, frozen=True, gc=False):
    """Who pays what of a settlement, in fen. Those of a cancel are negative."""

    total_fen: int
    fund_fen: int
    account_fen: int
    cash_fen: int


class Row(Struct, frozen=True, gc=False):
    """A settlement, cancel or reversal as the server has it."""

    institution: str
    msgid: str
    setl_id: str
    kind: int
    """1 settled, 2 cancelled, 3 reversed"""
    undoes: str
    """setl_id; empty for a settlement"""
    amounts: Amounts

    @property
    def key(self) -> tuple[str, str]:
        """By which message it was booked."""
        return self.institution, self.msgid


class InstitutionBooks(Struct, frozen=True, kw_only=True):
    """What the ledger's accounts say of one institution, in fen."""

    payable_funds_fen: int = 0
    payable_accounts_fen: int = 0
    """in the agency's book"""
    receivable_funds_fen: int = 0
    receivable_accounts_fen: int = 0
    collected_fen: int = 0
    """in the institution's own"""


def compare_books(
    codes: Sequence[str], book: Book, before: Mapping[str, Booked], after: Mapping[str, Booked]
) -> list[str]:
    """Where the client's book and the ledger disagree, one sentence each; empty when they agree.

    What was acknowledged must be booked, count and fen. Beyond it the ledger may hold only what
    the client got no answer to.
    """
    nothing = Booked(settlements=0, fees_fen=0)
    differences: list[str] = []
    for index, code in enumerate(codes):
        first, last = before.get(code, nothing), after.get(code, nothing)
        count = last.settlements - first.settlements
        fees = last.fees_fen - first.fees_fen
        acknowledged, unknown = book.settlements[index], book.unknown[index]
        if not acknowledged <= count <= acknowledged + unknown:
            differences.append(
                f"{code}: {acknowledged} acknowledged (and {unknown} without an answer), "
                f"{count} in the ledger"
            )
        elif count == acknowledged and fees != book.fees_fen[index]:
            differences.append(
                f"{code}: {book.fees_fen[index]} fen acknowledged, {fees} fen in the ledger"
            )
    return differences


class Sums:
    """What a client's book adds up to: by institution who pays, by person what the account paid."""

    def __init__(self) -> None:
        self.funds, self.accounts = Counter[str](), Counter[str]()
        self.cash = Counter[str]()
        """in the institution's own custody"""
        self.spent = Counter[str]()

    def add(self, institution: str, psn_no: str, amounts: Amounts, *, channel: str = "") -> None:
        """A settlement, or one taken back. What a channel collected is not the institution's; an
        account that is kept in another region has no `psn_no` here."""
        self.funds[institution] += amounts.fund_fen
        self.accounts[institution] += amounts.account_fen
        self.cash[institution] += 0 if channel else amounts.cash_fen
        if psn_no:
            self.spent[psn_no] += amounts.account_fen


def compare_sums(
    sums: Sums, institutions: Mapping[str, InstitutionBooks], persons_spent_fen: Mapping[str, int]
) -> list[str]:
    """Where the client's sums and the ledger's accounts differ, one sentence each."""
    nothing = InstitutionBooks()
    differences = []
    for code in sorted({*sums.funds, *institutions}):
        books = institutions.get(code, nothing)
        sides = {
            "funds payable": (sums.funds[code], books.payable_funds_fen),
            "accounts payable": (sums.accounts[code], books.payable_accounts_fen),
            "funds receivable": (sums.funds[code], books.receivable_funds_fen),
            "accounts receivable": (sums.accounts[code], books.receivable_accounts_fen),
            "cash": (sums.cash[code], books.collected_fen),
        }
        differences += [
            f"{code}, {what}: {ours} fen by the client's book, {theirs} by the ledger"
            for what, (ours, theirs) in sides.items()
            if ours != theirs
        ]
    differences += [
        f"account of {psn_no}: {sums.spent[psn_no]} fen paid by the client's book, "
        f"{persons_spent_fen.get(psn_no, 0)} by the ledger"
        for psn_no in sorted({*sums.spent, *persons_spent_fen})
        if sums.spent[psn_no] != persons_spent_fen.get(psn_no, 0)
    ]
    return differences
