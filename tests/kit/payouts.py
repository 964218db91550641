"""Paying the institutions of a town: its months one after the other, and the people who do it."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from pathlib import Path

from ledger.postgres.fold import balance
from settlement import chart
from settlement.bank_account import BankAccount
from settlement.books.payout import Kind
from settlement.books.payout_intake import Asked, BankRow
from settlement.chart import InstitutionAccount
from settlement.elsewhere.regional_clearing import month_after
from settlement.finance import payout_accounts as accounts
from settlement.finance import payout_paying as paying
from settlement.finance import payout_reports as reports
from settlement.finance.payout_adjusting import Batch, adjust, withdraw
from settlement.finance.payout_bank import Statement, take
from settlement.finance.payout_books import PayoutBooks, open_books
from settlement.finance.payout_desk import digest_of
from settlement.finance.payout_paying import Chosen
from settlement.finance.payout_periods import Found
from settlement.finance.payout_stating import state
from settlement.said import Said
from settlement.who import Who
from tests.kit.town import Town

ZHANG, LIN = Who(actor="张会计", reason="月度拨付"), Who(actor="林科长", reason="复核")
ACCOUNT = BankAccount(name="测试医药机构", account="9999000011112222", bank="测试银行")
"""Synthetic, and looks it."""


class Payouts:
    """See the module. A month begins when the one before was stated."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.month = town.clock.local.date().replace(day=1)

    async def books(self) -> PayoutBooks:
        """As a command opens them."""
        return await open_books(self.town.owner, self.town.keyring, clock=self.town.clock)

    def over(self) -> None:
        """It is the eighth of the month after."""
        after = month_after(self.month)
        if self.town.clock.local < datetime(after.year, after.month, 8):
            self.town.clock.move_to(datetime(after.year, after.month, 8, 9, 0))

    def next(self) -> None:
        """The month after, of which it is at least the eighth."""
        self.over()
        self.month = month_after(self.month)

    async def state(self) -> Said:
        """The month is stated."""
        self.over()
        return await state(await self.books(), self.month, ZHANG)

    async def adjust(self, *rows: Asked, who: Who = ZHANG, confirm: bool = False) -> Said:
        """Adjustments are proposed, or booked."""
        batch = Batch(digest=digest_of(rows), rows=rows)
        return await adjust(await self.books(), self.month, batch, who, confirm=confirm)

    async def adjusted(self, *rows: Asked) -> Said:
        """Both, by two people."""
        assert_good(await self.adjust(*rows))
        return assert_good(await self.adjust(*rows, who=LIN, confirm=True))

    async def withdraw(self, institution: str, number: int) -> Said:
        """A proposal is taken back."""
        return await withdraw(await self.books(), self.month, institution, number, ZHANG)

    def chosen(self, institution: str | None) -> Chosen:
        """This month of an institution, or of all."""
        return Chosen(first_on=self.month, institution=institution)

    async def confirm(self, institution: str | None = None) -> Said:
        """What is to be paid is fixed."""
        return await paying.confirm(await self.books(), self.chosen(institution), ZHANG)

    async def propose(self, institution: str | None = None) -> Said:
        """One person proposes to pay."""
        return await paying.propose(await self.books(), self.chosen(institution), ZHANG)

    async def order(self, out: Path, institution: str | None = None, who: Who = LIN) -> Said:
        """Another one orders."""
        return await paying.order(await self.books(), self.chosen(institution), who, out)

    async def close(self, institution: str | None = None) -> Said:
        """Closed."""
        return await paying.close(await self.books(), self.chosen(institution), ZHANG)

    async def pay(self, institution: str, out: Path) -> int:
        """What was stated is confirmed, ordered, paid and closed: how much."""
        assert_good(await self.confirm(institution))
        assert_good(await self.propose(institution))
        assert_good(await self.order(out, institution))
        order = (await self.found(institution)).now.order
        assert order is not None
        fen = order.amounts.total_fen
        await self.banked(bank_row(order.reference, fen, f"B-{order.reference}"))
        assert_good(await self.close(institution))
        return fen

    async def account(self, institution: str, account: BankAccount = ACCOUNT) -> None:
        """Where an institution is paid to, by two people."""
        books = await self.books()
        assert_good(await accounts.propose(books, institution, account, ZHANG))
        assert_good(await accounts.confirm(books, institution, account, LIN))

    async def bank(self, *rows: BankRow, who: Who = ZHANG, confirm: bool = False) -> Said:
        """A bank statement comes."""
        statement = Statement(
            digest=sha256(repr(rows).encode()).digest(), name="bank.csv", rows=rows
        )
        return await take(await self.books(), statement, who, confirm=confirm)

    async def banked(self, *rows: BankRow) -> Said:
        """It is read by one and booked by another."""
        assert_good(await self.bank(*rows))
        return assert_good(await self.bank(*rows, who=LIN, confirm=True))

    async def found(self, institution: str) -> Found:
        """A period as it stands."""
        found = await reports.all_of(await self.books(), self.chosen(institution))
        assert not isinstance(found, Said), found
        return found[0]

    async def owed(self, institution: str) -> tuple[int, int]:
        """What the ledger owes an institution: funds, accounts."""
        base = (await self.books()).base_of(institution)
        return (
            await self.credit(base + InstitutionAccount.PAYABLE_FUNDS),
            await self.credit(base + InstitutionAccount.PAYABLE_ACCOUNTS),
        )

    async def under_way(self) -> int:
        """What the bank was told to pay."""
        return await self.credit(chart.PAYOUT_UNDER_WAY)

    async def credit(self, account: int) -> int:
        """Credits less debits."""
        found = await balance(self.town.owner, account)
        return found.credits_fen - found.debits_fen


def asked(
    institution: str, kind: Kind, fen: int, source: str = "文1", setl_id: int | None = None
) -> Asked:
    """An adjustment that somebody asks for."""
    return Asked(
        row=2, institution=institution, kind=kind, amount_fen=fen, source=source, note="测试",
        setl_id=setl_id,
    )  # fmt: skip


def bank_row(order_no: str, fen: int, bank_no: str, *, paid: bool = True) -> BankRow:
    """What a bank says."""
    return BankRow(row=2, order_no=order_no, amount_fen=fen, paid=paid, bank_no=bank_no)


def assert_good(said: Said) -> Said:
    """A command did what it was asked."""
    assert said.status == 0, said.text
    return said


