"""Net settlement between regions: both sides of a month are set off, and come to zero."""

from __future__ import annotations

from functools import partial

import pytest
import pytest_asyncio
from msgspec import structs

from ledger.money import yuan_text
from settlement.chart import CLEARING_BANK
from settlement.elsewhere.regional_clearing import Side, State
from settlement.elsewhere.regional_rules import Settling
from settlement.said import Said
from settlement.serve import regional_paying as paying
from settlement.serve.regional_desk import acting_on
from tests.kit.regional_month import CHEN, LIN, Act, Month, claimed
from tests.kit.regions import (
    CHENGDU,
    SICHUAN,
    credit_of,
    region_balances,
)
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def month(town: Town) -> Month:
    """A month of its own for each test."""
    return Month(town)


async def test_under_net_settlement_one_payment_settles_both_sides(
    town: Town, month: Month
) -> None:
    _, here = await month.visitor(CHENGDU)
    there = [await month.traveller(CHENGDU), await month.traveller(CHENGDU)]
    owed = sum(leg.owed_fen for leg in there)
    await month.state(SICHUAN)
    await month.take(claimed(month, *there, creditor=CHENGDU))
    rules = structs.replace((await month.books()).rules, settling=Settling.NET)

    async def do(side: Side, act: Act) -> Said:
        books = structs.replace(await month.books(), rules=rules)
        return await acting_on(books, month.named(SICHUAN, side), act)

    assert "--side" in (await month.confirm(SICHUAN)).text, "both sides are stated"
    await month.confirm(SICHUAN, Side.INSURANCE)
    early = await do(Side.INSURANCE, lambda b, f: paying.notify(b, f, "N", owed, CHEN))
    assert early.status == 1 and "也须先确认" in early.text
    await month.confirm(SICHUAN, Side.TREATMENT)
    net = owed - here.owed_fen
    assert net > 0
    for side, fen in ((Side.INSURANCE, net), (Side.TREATMENT, -net)):
        said = await do(side, partial(paying.notify, notice_no="N", amount_fen=fen, who=CHEN))
        assert said.status == 0, said.text
    wrong = await do(Side.TREATMENT, lambda b, f: paying.propose(b, f, "V", CHEN))
    assert "the other way" in wrong.text
    bank = await credit_of(town, CLEARING_BANK)
    assert (await do(Side.INSURANCE, lambda b, f: paying.propose(b, f, "V", CHEN))).status == 0
    paid = await do(Side.INSURANCE, lambda b, f: paying.settle(b, f, "V", LIN))
    assert paid.status == 0, paid.text
    assert await credit_of(town, CLEARING_BANK) == bank + net
    assert await region_balances(town, CHENGDU) == {}
    assert (await month.found(SICHUAN, Side.TREATMENT)).now.state is State.RECEIVED
    assert (await month.found(SICHUAN, Side.INSURANCE)).now.state is State.PAID


@pytest.mark.parametrize("visitors", [1, 5])
async def test_under_net_settlement_a_side_that_comes_after_the_other_was_settled_is_paid_alone(
    town: Town, month: Month, visitors: int
) -> None:
    """Whether it comes to less or to more: nothing is left to set it off with."""
    ours = sum([(await month.visitor(CHENGDU))[1].owed_fen for _ in range(visitors)])
    there = await month.traveller(CHENGDU)
    assert (there.owed_fen < ours) == (visitors > 1)
    await month.state(SICHUAN)
    rules = structs.replace((await month.books()).rules, settling=Settling.NET)

    async def do(side: Side, act: Act) -> None:
        books = structs.replace(await month.books(), rules=rules)
        said = await acting_on(books, month.named(SICHUAN, side), act)
        assert said.status == 0, said.text

    async def to_the_end(side: Side, fen: int) -> None:
        assert (await month.confirm(SICHUAN, side)).status == 0
        await do(side, lambda b, f: paying.notify(b, f, "N", fen, CHEN))
        await do(side, lambda b, f: paying.propose(b, f, "V", CHEN))
        await do(side, lambda b, f: paying.settle(b, f, "V", LIN))

    bank = await credit_of(town, CLEARING_BANK)
    await to_the_end(Side.TREATMENT, ours)
    await month.take(claimed(month, there, creditor=CHENGDU))
    await to_the_end(Side.INSURANCE, there.owed_fen)
    assert await credit_of(town, CLEARING_BANK) == bank + there.owed_fen - ours
    assert await region_balances(town, CHENGDU) == {}


async def test_under_net_settlement_nothing_is_booked_for_another_sum_than_its_notice(
    town: Town, month: Month
) -> None:
    """The other side comes after the notice: it is renewed, and what was proposed falls."""
    ours = sum([(await month.visitor(CHENGDU))[1].owed_fen for _ in range(5)])
    there = await month.traveller(CHENGDU)
    await month.state(SICHUAN)
    rules = structs.replace((await month.books()).rules, settling=Settling.NET)

    async def do(side: Side, act: Act) -> Said:
        books = structs.replace(await month.books(), rules=rules)
        return await acting_on(books, month.named(SICHUAN, side), act)

    async def notify(side: Side, number: str, fen: int) -> Said:
        return await do(side, lambda b, f: paying.notify(b, f, number, fen, CHEN))

    async def propose() -> Said:
        return await do(Side.TREATMENT, lambda b, f: paying.propose(b, f, "V", CHEN))

    async def settle() -> Said:
        return await do(Side.TREATMENT, lambda b, f: paying.settle(b, f, "V", LIN))

    await month.confirm(SICHUAN, Side.TREATMENT)
    assert (await notify(Side.TREATMENT, "N1", ours)).status == 0
    assert "无须更换" in (await notify(Side.TREATMENT, "N2", ours)).text
    assert (await propose()).status == 0
    await month.take(claimed(month, there, creditor=CHENGDU))
    await month.confirm(SICHUAN, Side.INSURANCE)
    net = ours - there.owed_fen
    assert net > 0
    assert (await notify(Side.INSURANCE, "N3", -net)).status == 0
    bank = await credit_of(town, CLEARING_BANK)
    for said in (await settle(), await propose()):
        assert said.status == 1 and "about another sum" in said.text
    assert (await notify(Side.TREATMENT, "N4", net)).status == 0
    assert "尚无人提出" in (await settle()).text
    assert (await propose()).status == 0
    done = await settle()
    assert done.status == 0 and yuan_text(net) in done.text
    assert await credit_of(town, CLEARING_BANK) == bank - net
    assert await region_balances(town, CHENGDU) == {}
