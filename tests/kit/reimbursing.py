"""The counter of the agency where persons bring what they paid themselves (手工报销)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path

from asyncpg import Connection, Record
from msgspec import structs

from ledger.postgres.fold import balance
from settlement.bank_account import BankAccount
from settlement.books.payout_intake import BankRow
from settlement.books.reimbursement import Papers
from settlement.books.reimbursement_intake import Entered
from settlement.chart import ReimbursementAccount
from settlement.claim import AccountUse, CareKind, Claim, ClaimLine
from settlement.finance import reimbursement_deciding as deciding
from settlement.finance import reimbursement_papers as papers
from settlement.finance import reimbursement_paying as paying
from settlement.finance import reimbursement_reports as reports
from settlement.finance.payout_bank import Statement
from settlement.finance.payout_books import PayoutBooks, open_books
from settlement.finance.reimbursement_books import Found, load
from settlement.numbers import lane_in
from settlement.said import Said
from settlement.who import Who
from tests.kit.payouts import assert_good
from tests.kit.population import CLASS_A, Citizen, DemoItem
from tests.kit.town import Town

ZHOU = Who(actor="周受理", reason="窗口受理")
WU = Who(actor="吴复核", reason="复核")
ZHENG = Who(actor="郑出纳", reason="报销款")
LI = Who(actor="李科长", reason="报销款")
ACCOUNT = BankAccount(name="测试甲", account="9999000055556666", bank="测试银行")
"""Synthetic, and looks it."""
_INVOICES = count(1)


class Counter:
    """See the module. Zhou enters and calculates, Wu confirms."""

    def __init__(self, town: Town, connection: Connection[Record] | None = None) -> None:
        self.town = town
        self._connection = connection

    async def books(self) -> PayoutBooks:
        """As a command opens them."""
        return await open_books(
            self._connection or self.town.owner, self.town.keyring, clock=self.town.clock
        )

    def papers(
        self, whom: Citizen, *items: DemoItem, days_ago: int = 3, nights: int = 0,
        care_type: str = "", institution: str = "", invoice_no: str = "",
        account: AccountUse = AccountUse.NONE, quantity: int = 4,
    ) -> Papers:  # fmt: skip
        """What somebody brings: a visit, or a stay of some nights."""
        ends_on = self.town.clock.local.date() - timedelta(days=days_ago)
        begins_on = ends_on - timedelta(days=nights)
        lines = tuple(
            line_of(place, item, quantity, ends_on)
            for place, item in enumerate(items or (CLASS_A,), 1)
        )
        code = institution or self.town.hospital.code
        claim = Claim(
            kind=CareKind.OUTPATIENT, care_type=care_type or ("21" if nights else "11"),
            scheme=whom.insured.enrolments[0].scheme, institution_code=code,
            person_no=whom.number, account_use=account,
            total_fen=sum(line.amount_fen for line in lines),
            service_at=datetime.combine(ends_on, time(0 if nights else 9)), lines=lines,
        )  # fmt: skip
        return Papers(
            name=whom.insured.identity.name, claim=claim, begins_on=begins_on, ends_on=ends_on,
            invoice_no=invoice_no or f"99{next(_INVOICES):08d}", settlement_no="",
            pay_to=ACCOUNT,
        )  # fmt: skip

    async def accept(self, *brought: Papers, who: Who = ZHOU, matter_no: int = 0) -> Said:
        """Papers are handed in."""
        return await papers.accept(
            await self.books(), entered(brought), who, matter_no=matter_no
        )

    async def accepted(self, brought: Papers) -> int:
        """They are accepted; the number."""
        return int(assert_good(await self.accept(brought)).text[:19])

    async def amend(self, number: int, brought: Papers, who: Who = ZHOU) -> Said:
        """Entered anew."""
        return await papers.amend(await self.books(), number, entered([brought]), who)

    async def refuse(self, number: int) -> Said:
        """Sent back."""
        return await papers.refuse(await self.books(), number, ZHOU)

    async def account(self, number: int, account: BankAccount, who: Who = ZHOU) -> Said:
        """Another bank account."""
        return await papers.change_account(await self.books(), number, account, who)

    async def calculate(self, number: int, who: Who = ZHOU) -> Said:
        """What is paid."""
        return await deciding.calculate(await self.books(), number, who)

    async def confirm(self, number: int, who: Who = WU) -> Said:
        """Confirmed and booked."""
        return await deciding.confirm(await self.books(), number, who)

    async def settled(self, brought: Papers) -> Found:
        """From acceptance to the books, by two people."""
        number = await self.accepted(brought)
        assert_good(await self.calculate(number))
        assert_good(await self.confirm(number))
        return await self.found(number)

    async def cancel(self, number: int, who: Who = ZHOU, *, confirm: bool = False) -> Said:
        """Taken back."""
        one_of_two = deciding.cancel if confirm else deciding.ask_cancel
        return await one_of_two(await self.books(), number, who)

    async def propose(self, number: int | None = None, who: Who = ZHENG) -> Said:
        """One person proposes to pay."""
        return await paying.propose(await self.books(), number, who)

    async def order(self, out: Path, number: int | None = None, who: Who = WU) -> Said:
        """Another one orders."""
        return await paying.order(await self.books(), number, who, out)

    async def ordered(self, out: Path, number: int) -> str:
        """Proposed and ordered; the number of the order."""
        assert_good(await self.propose(number))
        assert_good(await self.order(out, number))
        order = (await self.found(number)).now.order
        assert order is not None
        return order.reference

    async def bank(self, *rows: BankRow, who: Who = ZHENG, confirm: bool = False) -> Said:
        """A bank statement comes."""
        statement = Statement(
            digest=sha256(repr(rows).encode()).digest(), name="bank.csv", rows=rows
        )
        return await paying.take(await self.books(), statement, who, confirm=confirm)

    async def banked(self, *rows: BankRow) -> Said:
        """It is read by one and booked by another."""
        assert_good(await self.bank(*rows))
        return assert_good(await self.bank(*rows, who=WU, confirm=True))

    async def show(self, number: int) -> str:
        """What people read of one."""
        return assert_good(await reports.show(await self.books(), number)).text

    async def found(self, number: int) -> Found:
        """One of them as it stands."""
        (found,) = await load(await self.books(), lane_in(number), [number])
        return found

    async def owed(self) -> tuple[int, int]:
        """What the ledger owes persons: funds, accounts."""
        return (
            await self.credit(ReimbursementAccount.PAYABLE_FUNDS),
            await self.credit(ReimbursementAccount.PAYABLE_ACCOUNTS),
        )

    async def credit(self, account: int) -> int:
        """Credits less debits."""
        found = await balance(self.town.owner, account)
        return found.credits_fen - found.debits_fen


def line_of(place: int, item: DemoItem, quantity: int, on: date) -> ClaimLine:
    """A line at the item's price."""
    return ClaimLine(
        line_no=str(place), item_code=item.item.code, institution_item_code="",
        quantity_e4=quantity * 10_000, price_e6=item.price_e6,
        amount_fen=quantity * item.price_e6 // 10_000, occurred_on=on,
    )  # fmt: skip


def entered(brought: Sequence[Papers]) -> list[Entered]:
    """As a file has them."""
    return [
        Entered(row=row, person_no=one.claim.person_no, papers=one)
        for row, one in enumerate(brought, 2)
    ]


def of_claim(one: Papers, **changes: object) -> Papers:
    """The same papers with another claim."""
    return structs.replace(one, claim=structs.replace(one.claim, **changes))
