"""The next morning of one-code payment (一码付): its bill is fetched, and agrees with our books."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from ledger.postgres.shape import Shape
from loadtest.simulators.channel_faults import Fault, Operation, Plan, Rule
from loadtest.simulators.payer_codes import Behaviour
from settlement.books.channel_matching import Class
from settlement.finance import bill_books, books
from settlement.finance.bill_fetch import Fetched, Wanted, fetch
from settlement.finance.bill_import import Order
from settlement.finance.matching import Matched, match
from settlement.payments.payment import ChannelName
from tests.kit import population
from tests.kit.population import DEAR
from tests.kit.scanner import Scanner
from tests.kit.town import Town, a_town
from tests.kit.vouchers import MERCHANT_NO, Centre, a_centre
from tests.services import FreshDatabase

pytestmark = pytest.mark.asyncio(loop_scope="module")
ORDER = Order(actor="zhang", reason="每日对账", fetched=True)
A_DAY = 86_400


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(database: FreshDatabase) -> AsyncIterator[Town]:
    """A town whose books are checked at the end."""
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def centre(
    town: Town, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Centre]:
    """Decodes for the town, and pays."""
    folder: Path = tmp_path_factory.mktemp("centre")
    async with a_centre(town, folder) as centre:
        yield centre


class Till(Scanner):
    """One whose customers show one code."""

    centre: Centre

    async def sold(self, town: Town, paying: Behaviour) -> str:
        """An order of somebody else each time."""
        whom = town.someone()
        order = self.order(whom, DEAR, 3) | {"person_code": self.centre.code(whom, paying=paying)}
        await self.scan(order)
        return str(order["order_no"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def till(centre: Centre) -> Till:
    till = Till(population.PHARMACY, await centre.process())
    till.centre = centre
    return till


async def fetched(town: Town, till: Till, *, again: bool = False) -> Fetched:
    """What the platform gives of the day before today."""
    opened = await bill_books.open_books(
        town.owner, till.service.payments.tills, clock=town.clock
    )
    day = town.clock.local.date().replace(day=town.clock.local.day - 1)
    wanted = Wanted(day=day, channel=ChannelName.ONECODE.value, again=again)
    [one] = await fetch(opened, wanted, ORDER)
    return one


async def matched(town: Town, database: FreshDatabase) -> Matched:
    opened = await books.open_books(
        town.owner, dsn=database.owner_dsn, clock=town.clock
    )
    day = town.clock.local.date().replace(day=town.clock.local.day - 1)
    found = await match(opened, day, day)
    assert found.is_explained
    return found


async def test_what_was_paid_refunded_and_undone_agrees_with_the_bill(
    town: Town, till: Till, database: FreshDatabase
) -> None:
    centre = till.centre
    paid = await till.sold(town, Behaviour.OK)
    back = await till.sold(town, Behaviour.OK)
    await till.refund(back, f"R{back}")
    undone = await till.sold(town, Behaviour.USERPAYING_NEVER)
    await till.cancel(undone)
    lost = Rule(fault=Fault.LOST_AFTER, operation=Operation.PAY)
    centre.onecode.faults.replace(Plan(rules=(lost,)))
    found = await till.sold(town, Behaviour.OK)
    await centre.pass_by(120, by=till.service)
    assert [(await till.find(one)).status for one in (paid, back, found)] == [
        "settled", "refunded", "settled",
    ]  # fmt: skip
    await centre.pass_by(A_DAY, by=till.service)

    late = Rule(fault=Fault.BILL_LATE, operation=Operation.BILL)
    centre.onecode.faults.replace(Plan(rules=(late,)))
    assert "尚未出账" in (await fetched(town, till)).said
    cut = Rule(fault=Fault.BILL_TRUNCATED, operation=Operation.BILL)
    centre.onecode.faults.replace(Plan(rules=(cut,)))
    assert "账单不完整" in (await fetched(town, till)).said
    one = await fetched(town, till)
    assert one.said == ""
    [taken] = one.taken
    book = centre.onecode.book.totals()
    assert (one.key.merchant, taken.file.faults) == (MERCHANT_NO, 0)
    assert taken.file.totals.paid_fen == book["paid_fen"]
    assert taken.file.totals.refunded_fen == book["refunded_fen"] + book.get("undone_fen", 0)
    found_now = await matched(town, database)
    assert set(found_now.classes) <= {Class.AGREES}


async def test_a_fen_more_on_the_bill_is_found(
    town: Town, till: Till, database: FreshDatabase
) -> None:
    off = Rule(fault=Fault.BILL_ONE_FEN_OFF, operation=Operation.BILL)
    till.centre.onecode.faults.replace(Plan(rules=(off,)))
    assert (await fetched(town, till, again=True)).said == ""
    found = await matched(town, database)
    assert set(found.classes) - {Class.AGREES} == {Class.AMOUNT}
    rows, ours_fen, theirs_fen = found.classes[Class.AMOUNT]
    assert (rows, theirs_fen - ours_fen) == (1, 1)
