"""The next day's bills of the simulated WeChat: whole, what its book says, or damaged as asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.simulators.channel_faults import Fault, Plan
from protocol.wechat.bills import TRADE_COLUMNS, DamagedBillError, fund_bill, trade_bill
from settlement.channels.port import BillRefusedError
from settlement.payments.payment import Verdict
from tests.kit.wechat import WechatStage, key_of, refund_of, wechat_stage

DAY = date(2026, 11, 23)
TO_NEXT_MORNING = 21 * 3600


@pytest_asyncio.fixture(params=["v3", "v2"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[WechatStage]:
    async with wechat_stage(tmp_path, request.param) as one:
        yield one


async def a_day(stage: WechatStage) -> None:
    """Two payments, a refund of one, an undo of a third, one that nobody confirmed."""
    first = stage.order(amount_fen=1234)
    paid = await stage.channel.pay(first)
    await stage.channel.pay(stage.order(amount_fen=5_000))
    third = stage.order(amount_fen=777)
    await stage.channel.pay(third)
    await stage.move(20)
    await stage.channel.undo(key_of(third))
    await stage.channel.refund(refund_of(first, paid.reference, amount_fen=234))
    await stage.move(TO_NEXT_MORNING)


async def test_trade_bill_says_what_the_book_says(stage: WechatStage) -> None:
    await a_day(stage)
    content = await stage.channel.bill(DAY)
    assert content is not None
    bill = trade_bill(content)
    assert bill.columns == TRADE_COLUMNS
    states = sorted(row.text("交易状态") for row in bill.rows)
    assert states == ["REFUND", "REVOKED", "SUCCESS", "SUCCESS", "SUCCESS"]
    came_fen = sum(row.fen("订单金额") for row in bill.rows)
    went_fen = sum(row.fen("退款金额") for row in bill.rows)
    assert came_fen - went_fen == stage.kept_fen == 6_000
    refund = next(row for row in bill.rows if row.text("交易状态") == "REFUND")
    assert refund.text("商户退款单号") == "R1" and refund.text("手续费").startswith("-0.0")


async def test_fund_bill_runs_on_from_day_to_day(stage: WechatStage) -> None:
    await a_day(stage)
    await stage.channel.pay(stage.order(amount_fen=1_000))
    await stage.move(24 * 3600)
    first, second = [
        fund_bill(content)
        for day in (DAY, date(2026, 11, 24))
        if (content := await stage.channel.fund_bill(day)) is not None
    ]
    assert second.rows[0].fen("账户结余(元)") == first.rows[-1].fen("账户结余(元)") + 1_000
    assert {row.text("业务类型") for row in first.rows} == {"交易", "退款", "扣除交易手续费"}


async def test_payment_in_the_last_second_stands_on_the_next_days_bill(
    stage: WechatStage,
) -> None:
    await stage.move(12 * 3600 - 0.5)
    await stage.channel.pay(stage.order())
    await stage.move(34 * 3600)
    assert await stage.channel.bill(DAY) == b""
    assert await stage.channel.bill(date(2026, 11, 24))


async def test_bill_that_is_late_is_not_there_yet(stage: WechatStage) -> None:
    await a_day(stage)
    stage.fault(Fault.BILL_LATE)
    assert await stage.channel.bill(DAY) is None
    assert await stage.channel.bill(DAY)


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST_BEFORE, Fault.HTML_BEFORE, Fault.RESET])
async def test_bill_that_does_not_arrive_is_asked_for_again(
    stage: WechatStage, fault: Fault
) -> None:
    await a_day(stage)
    # Twice: aiohttp asks again by itself where a kept connection broke under a GET.
    stage.fault(fault, times=2)
    assert await stage.channel.bill(DAY) is None
    stage.simulator.faults.replace(Plan())
    assert await stage.channel.bill(DAY)


async def test_truncated_bill_is_refused_by_its_reader(stage: WechatStage) -> None:
    await a_day(stage)
    stage.fault(Fault.BILL_TRUNCATED)
    content = await stage.channel.bill(DAY)
    assert content is not None
    with pytest.raises(DamagedBillError):
        trade_bill(content)


@pytest.mark.parametrize("fault", [Fault.BILL_ROW_TWICE, Fault.BILL_ONE_FEN_OFF])
async def test_bill_with_a_false_row_is_whole_and_differs_from_the_book(
    stage: WechatStage, fault: Fault
) -> None:
    await a_day(stage)
    stage.fault(fault)
    content = await stage.channel.bill(DAY)
    assert content is not None
    rows = trade_bill(content).rows
    came_fen = sum(row.fen("订单金额") - row.fen("退款金额") for row in rows)
    assert came_fen != stage.kept_fen


async def test_bill_whose_digest_is_another_is_refused(tmp_path: Path) -> None:
    async with wechat_stage(tmp_path, "v3") as stage:
        await a_day(stage)
        stage.fault(Fault.BILL_WRONG_DIGEST)
        with pytest.raises(BillRefusedError, match="摘要不符"):
            await stage.channel.bill(DAY)


async def test_bill_that_is_refused_says_why(stage: WechatStage) -> None:
    stage.simulator.add_merchant("1900000001")
    with pytest.raises(BillRefusedError, match="不提供账单"):
        await stage.channel.bill(DAY)


async def test_ghost_and_phantom_are_found_by_the_bill(stage: WechatStage) -> None:
    stage.fault(Fault.GHOST)
    ghost = stage.order()
    await stage.channel.pay(ghost)
    stage.fault(Fault.PHANTOM)
    phantom = stage.order()
    assert (await stage.channel.pay(phantom)).verdict is Verdict.SUCCESS
    await stage.move(TO_NEXT_MORNING)
    content = await stage.channel.bill(DAY)
    assert content is not None
    assert [row.text("商户订单号") for row in trade_bill(content).rows] == [ghost.order_no]
