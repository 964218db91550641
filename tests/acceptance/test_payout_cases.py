"""Adjusting what an institution is paid for single cases (个案调整), in the words of the agency's
finance staff."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio

from settlement.books.payout import Kind
from settlement.finance import payout_reports as reports
from tests.kit.payouts import LIN, Payouts, asked, assert_good
from tests.kit.population import CLASS_A, some
from tests.kit.reply import assert_done
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def payouts(town: Town) -> Payouts:
    """The finance staff of the town."""
    found = Payouts(town)
    await found.account(town.pharmacy.code)
    return found


async def a_sale(town: Town) -> int:
    """The number of a sale of the pharmacy."""
    return int((await town.pharmacy.sell(town.someone(), some(CLASS_A))).setl_id)


async def test_a_case_that_is_cancelled_between_the_two_people_is_not_booked(
    town: Town, payouts: Payouts, tmp_path: Path
) -> None:
    code = town.pharmacy.code
    sale = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    kept = await a_sale(town)
    assert_good(await payouts.state())
    row = asked(code, Kind.OVERRUN, 5, "DIP1", int(sale.setl_id))
    batch = row, asked(code, Kind.OVERRUN, 7, "DIP1", kept)
    assert_good(await payouts.adjust(*batch))
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(sale)))
    late = await payouts.adjust(*batch, who=LIN, confirm=True)
    assert late.status == 1 and "已撤销" in late.text
    assert_good(await payouts.withdraw(code, 1))
    rest = assert_good(await payouts.adjust(*batch, who=LIN, confirm=True))
    assert "已入账 1 笔" in rest.text and "0.07" in rest.text
    assert await payouts.pay(code, tmp_path) > 0
    payouts.next()


async def test_cases_that_are_the_institutions_are_adjusted_each_once(
    town: Town, payouts: Payouts, tmp_path: Path
) -> None:
    code = town.pharmacy.code
    cases = [await a_sale(town), await a_sale(town)]
    away = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(away)))
    foreign = await town.other_pharmacy.sell(town.someone(), some(CLASS_A))
    assert_good(await payouts.state())
    for number, said in (
        (int(foreign.setl_id), "没有结算"), (cases[0] + 999, "没有结算"),
        (int(away.setl_id), "已撤销"),
    ):  # fmt: skip
        refused = await payouts.adjust(asked(code, Kind.DEDUCTION, 100, "审1", number))
        assert refused.status == 1 and said in refused.text
    before = sum(await payouts.owed(code))
    await payouts.adjusted(*(asked(code, Kind.DEDUCTION, 100, "审1", one) for one in cases))
    assert sum(await payouts.owed(code)) == before - 200
    again = await payouts.adjust(asked(code, Kind.DEDUCTION, 7, "审1", cases[1]))
    assert again.status == 1 and "已有" in again.text
    shown = await reports.show(await payouts.books(), payouts.chosen(code))
    assert all(f"结算 {one}" in shown.text for one in cases)
    assert await payouts.pay(code, tmp_path) == before - 200
    assert (await town.verified()).ok
