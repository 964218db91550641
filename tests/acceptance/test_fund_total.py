"""A region whose fund total has the personal account in it (基金支付总额含个人账户): answers,
enquiries, totals and files say so, and the books are as they are anywhere else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest
import pytest_asyncio

from settlement.certify.money import broken_identities
from tests.kit.clerk import Clerk, added, result, row_of
from tests.kit.population import CLASS_A, PLAIN, some
from tests.kit.profiles import policies_where
from tests.kit.reply import Reply, assert_done, assert_same_answer
from tests.kit.town import Town
from tests.kit.ward import admit

pytestmark = pytest.mark.asyncio(loop_scope="module")

SETTING = "fund_total_includes_account"
AGREES, DIFFERS = "0", "3"


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def counted(town: Town) -> AsyncIterator[None]:
    """The town counts so, and its own rules are back at the end."""
    await town.restart(policies_where(SETTING, True))
    yield
    await town.restart()


def assert_adds_up(reply: Reply) -> None:
    """Every identity of the interface holds in its regional form."""
    assert broken_identities(reply.output, account_in_funds=True) == []


async def test_sale_and_its_cancel_report_the_account_within_the_funds(town: Town) -> None:
    citizen = town.someone()
    quote = await town.pharmacy.send(town.pharmacy.quote(citizen, some(CLASS_A, 2)))
    sale = town.pharmacy.sale(citizen, some(CLASS_A, 2))
    sold = await town.pharmacy.send(sale)
    for reply in (quote, sold):
        told = [reply.money(name) for name in ("fund_pay_sumamt", "acct_pay", "psn_part_amt")]
        assert told == [Decimal("25.00"), Decimal("10.00"), Decimal("10.00")]
        assert_adds_up(reply)
    assert_same_answer(sold, await town.pharmacy.send(sale))
    enquired = await town.pharmacy.settlement(sold)
    assert enquired.money("fund_pay_sumamt") == Decimal("25.00")
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(sold))
    assert cancelled.money("fund_pay_sumamt") == Decimal("-25.00")
    assert_adds_up(cancelled)
    assert [row["fund_fen"] for row in await town.rows_of(citizen)] == [1500, -1500]


async def test_visit_and_stay_report_so_too(town: Town) -> None:
    basket = [some(item) for item in PLAIN[:7]]
    visit = await town.hospital.open_visit(town.someone(), *basket)
    visited = await visit.settle(*basket)
    stay = await admit(town.hospital, town.someone(), some(CLASS_A, 200))
    assert_done(await town.hospital.send(stay.discharge()))
    stayed = await stay.settle(Decimal("2500.00"))
    for reply in (visited, stayed):
        assert reply.money("acct_pay") > 0
        assert_adds_up(reply)


async def test_totals_and_lines_are_compared_as_they_were_answered(town: Town) -> None:
    town.clock.pass_by(timedelta(days=1))
    day = f"{town.clock.local:%Y-%m-%d}"
    clerk = Clerk(town.pharmacy, begin=day, end=day)
    sold = [await town.pharmacy.sell(town.someone(), some(CLASS_A, n)) for n in (1, 2)]
    sold.append(await town.pharmacy.send(town.pharmacy.cancel(sold[0])))
    held = added(sold)
    assert held.fund == Decimal("25.00") and held.account == Decimal("10.00")
    assert result(await town.pharmacy.send(clerk.totals(held))) == ("0", "对账一致")
    funds_alone = held._replace(fund=held.fund - held.account)
    verdict, said = result(await town.pharmacy.send(clerk.totals(funds_alone)))
    assert (verdict, said) == ("1", "基金支付总额：机构15.00、中心25.00，差-10.00")
    rows = await clerk.compare([row_of(one) for one in sold], held)
    assert [row[4] for row in rows] == [AGREES] * 3
    assert rows[1][7:] == ("25.00", "25.00", "10.00")
    wrong = [row_of(one) for one in sold]
    wrong[1] = (*wrong[1][:4], "15.00", *wrong[1][5:])
    rows = await clerk.compare(wrong, funds_alone)
    assert [row[4] for row in rows] == [AGREES, DIFFERS, AGREES]
    assert rows[1][6] == "基金支付总额：机构15.00、中心25.00"


async def test_explanation_keeps_them_apart(town: Town) -> None:
    sold = await town.pharmacy.sell(town.someone(), some(CLASS_A, 2))
    found = await town.service.explanation(sold.setl_id, town.pharmacy.caller)
    assert found is not None
    told = json.loads(found)
    assert (told["funds"], told["account"]) == ("15.00", "10.00")
