"""A month with other regions, worked by two finance people of the agency."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Coroutine
from datetime import date, datetime
from pathlib import Path

import msgspec

from protocol.hub.clearing import ClearingRow, ClearingStatement
from settlement.elsewhere.regional_clearing import Mark, Side, month_after
from settlement.elsewhere.regional_statements import make_statement
from settlement.said import Said
from settlement.serve import regional_paying as paying
from settlement.serve import regional_reports as reports
from settlement.serve.regional_books import RegionalBooks
from settlement.serve.regional_desk import Named, acting_on, on_period
from settlement.serve.regional_marks import mark_cases
from settlement.serve.regional_periods import Found, the_period
from settlement.serve.regional_stating import state
from settlement.serve.regional_taking import Sent, take
from settlement.who import Who
from tests.kit.population import CLASS_A, CLASS_B, REGION, some
from tests.kit.regions import (
    CHANGSHA,
    KitLeg,
    an_operator,
    treated_here,
    treated_there,
)
from tests.kit.reply import Reply
from tests.kit.town import Town

CHEN, LIN = Who(actor="陈会计", reason="月度清算"), Who(actor="林科长", reason="复核")
Act = Callable[[RegionalBooks, Found], Coroutine[None, None, Said]]
_MONTHS = iter([date(2027 + n // 12, n % 12 + 1, 1) for n in range(80)])


class Month:
    """A month that nobody has settled in yet, and who works it."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.month = next(_MONTHS)
        self.again()

    def again(self) -> None:
        """It is the fifth of the month."""
        self.town.clock.move_to(datetime(self.month.year, self.month.month, 5, 9, 0))

    def next(self) -> None:
        """The month after it, which is nobody else's."""
        following = next(_MONTHS)
        assert following == month_after(self.month)
        self.month = following
        self.again()

    async def sold(self) -> Reply:
        """A sale."""
        return await self.town.pharmacy.sell(self.town.someone(), some(CLASS_A), some(CLASS_B))

    async def visitor(self, region: str) -> tuple[Reply, KitLeg]:
        """Somebody from elsewhere buys here."""
        sold = await self.sold()
        return sold, await treated_here(self.town, sold.setl_id, region)

    async def traveller(self, region: str) -> KitLeg:
        """Somebody of ours was treated there."""
        return await treated_there(self.town, region)

    async def books(self) -> RegionalBooks:
        """It is the eighth of the month after."""
        after = month_after(self.month)
        if self.town.clock.local < datetime(after.year, after.month, 8):
            self.town.clock.move_to(datetime(after.year, after.month, 8, 9, 0))
        return await an_operator(self.town)

    async def state(self, party: str | None = None, out: Path | None = None) -> Said:
        """Our claims are stated."""
        return await state(await self.books(), self.month, party, CHEN, out)

    async def take(self, told: msgspec.Struct | bytes, name: str = "file.json") -> Said:
        """A file of the other side comes."""
        content = told if isinstance(told, bytes) else msgspec.json.encode(told)
        return await take(await self.books(), self.month, Sent(name=name, content=content), CHEN)

    def named(self, party: str, side: Side | None = None) -> Named:
        """A period of this month."""
        return Named(month=self.month, party=party, side=side)

    async def mark(
        self, party: str, mark: Mark, *cases: str, months: int = 0, side: Side | None = None
    ) -> Said:
        """Rows are marked."""

        async def act(books: RegionalBooks, found: Found) -> Said:
            return await mark_cases(books, found, mark, cases, months=months, who=CHEN)

        return await acting_on(await self.books(), self.named(party, side), act)

    async def confirm(self, party: str, side: Side | None = None) -> Said:
        """Confirmed."""
        return await self.do(party, lambda b, f: paying.confirm(b, f, CHEN), side)

    async def notify(self, party: str, fen: int, side: Side | None = None) -> Said:
        """The notice comes."""
        return await self.do(party, lambda b, f: paying.notify(b, f, "GJ-1", fen, CHEN), side)

    async def propose(
        self, party: str, side: Side | None = None, voucher: str = "V1", who: Who = CHEN
    ) -> Said:
        """One person says that money moved."""
        return await self.do(party, lambda b, f: paying.propose(b, f, voucher, who), side)

    async def settle(
        self, party: str, side: Side | None = None, voucher: str = "V1", who: Who = LIN
    ) -> Said:
        """Another one does."""
        return await self.do(party, lambda b, f: paying.settle(b, f, voucher, who), side)

    async def to_the_end(self, party: str, fen: int, side: Side) -> None:
        """Confirmed, noticed, paid and closed."""
        for said in (
            await self.confirm(party, side), await self.notify(party, fen, side),
            await self.propose(party, side), await self.settle(party, side),
            await self.do(party, lambda b, f: paying.close(b, f, CHEN), side),
        ):  # fmt: skip
            assert said.status == 0, said.text

    async def do(self, party: str, act: Act, side: Side | None = None) -> Said:
        """An act on a period."""
        return await acting_on(await self.books(), self.named(party, side), act)

    async def found(self, party: str, side: Side) -> Found:
        """A period as it stands."""
        found = await the_period(await self.books(), party, self.month, side)
        assert isinstance(found, Found), found
        return found

    async def rows(self, party: str, side: Side) -> list[dict[str, str]]:
        """Its rows, as CSV gives them."""
        said = await on_period(
            await self.books(), self.named(party, side),
            lambda b, f: reports.legs_csv(b, f, None),
        )  # fmt: skip
        return list(csv.DictReader(io.StringIO(said.text)))


def claimed(
    month: Month, *legs: KitLeg, creditor: str = CHANGSHA, number: str = "1",
    debtor: str = f"{REGION[:2]}0000",
) -> ClearingStatement:  # fmt: skip
    """What another region says that we owe it."""
    rows = [
        ClearingRow(
            case_no=leg.case_no, reversal=leg.total_fen < 0, insured_region=REGION,
            institution="H99999900001", clearing_type="21", scheme="310",
            settled_on=leg.settled_on, total_fen=leg.total_fen, fund_fen=leg.fund_fen,
            account_fen=leg.account_fen,
        )
        for leg in legs
    ]  # fmt: skip
    return make_statement(
        rows, statement_no=f"{creditor}-{debtor}-{month.month:%Y%m}-{number}", month=month.month,
        creditor=creditor, debtor=debtor, stated_at=month.town.clock(),
    )  # fmt: skip
