"""Mixed medical-insurance orders against the simulated WeChat: whole, half, refunded, refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from loadtest.simulators.channel_faults import Fault, Operation
from protocol.wechat.medical import CashAdd, MixedOrder, MixPayType, Person, RefundedPart, id_digest
from settlement.channels.wechat_medical import MedicalOrders, MixedRefusedError
from settlement.channels.wechat_medical_states import Task
from settlement.payments.payment import (
    NotificationRefused,
    Notified,
    OrderKey,
    RefundOrder,
    Verdict,
)
from tests.kit.wechat import NOON, NoticeDesk, WechatStage, wechat_stage

CASH_FEN = 42_000
CASH_NO, MIXED_NO = "C000000001", "M000000001"
IDENTITY = "999999198001010028"


@pytest_asyncio.fixture
async def stage(tmp_path: Path) -> AsyncIterator[WechatStage]:
    async with wechat_stage(tmp_path, "v3") as one:
        yield one


def desk(stage: WechatStage) -> MedicalOrders:
    assert stage.channel.medical is not None
    return stage.channel.medical


async def mixed(stage: WechatStage, *, attach: str = "", callback_url: str = "") -> MixedOrder:
    """An order whose cash part is prepared."""
    prepay_id = await desk(stage).prepare_cash(
        order_no=CASH_NO, amount_fen=CASH_FEN, subject="测试医院", openid="oSim1",
        notify_url="https://example.org/notify/wechat",
    )  # fmt: skip
    assert isinstance(prepay_id, str)
    return MixedOrder(
        mix_pay_type=MixPayType.CASH_AND_INSURANCE, order_type="DIAG_PAY", appid="wx1",
        openid="oSim1", payer=Person(name="测试甲", id_digest=id_digest(IDENTITY)),
        out_trade_no=MIXED_NO, serial_no="MO1", pay_order_id="ORD44190000001",
        pay_auth_no="AUTH44190000001", prepay_id=prepay_id, city_id="441900",
        med_inst_name="测试医院", med_inst_no="H44190000001", attach=attach,
        med_ins_order_create_time="2026-11-23T12:00:00+08:00", callback_url=callback_url,
        total_fee=192_000, med_ins_gov_fee=100_000, med_ins_self_fee=45_000,
        med_ins_other_fee=5_000, med_ins_cash_fee=40_000, wechat_pay_cash_fee=CASH_FEN,
        cash_add_detail=(CashAdd(cash_add_fee=2_000, cash_add_type="FREIGHT"),),
    )  # fmt: skip


def cash_refund(number: str = "R1") -> RefundOrder:
    key = OrderKey(order_no=CASH_NO, sent_at=NOON, amount_fen=CASH_FEN)
    return RefundOrder(
        order=key, reference="", refund_no=number, sent_at=NOON, amount_fen=CASH_FEN
    )


INSURANCE_BACK = RefundedPart(
    med_refund_total_fee=150_000, med_refund_gov_fee=100_000, med_refund_self_fee=45_000,
    med_refund_other_fee=5_000, refund_time="2026-11-23T13:00:00+08:00", out_refund_no="R1",
)  # fmt: skip


async def test_both_parts_succeed_and_wechat_alone_asks_the_bureau(stage: WechatStage) -> None:
    asked: list[str] = []

    async def bureau(order: MixedOrder) -> str:
        asked.append(order.pay_order_id)
        return ""

    stage.simulator.mixed.bureau = bureau
    created = await desk(stage).create(await mixed(stage))
    assert (created.verdict, created.task) == (Verdict.PAYER_ACTION, Task.WAIT)
    await stage.move(5)
    half = await desk(stage).query(MIXED_NO)
    assert (half.verdict, half.task) == (Verdict.UNKNOWN, Task.WAIT_THEN_REFUND_CASH)
    await stage.move(2)
    done = await desk(stage).query(MIXED_NO)
    assert (done.verdict, done.task) == (Verdict.SUCCESS, Task.BOOK)
    assert (done.cash_fen, done.insurance_fen) == (CASH_FEN, 150_000)
    assert done.mix_trade_no == created.mix_trade_no and done.finished_at is not None
    assert asked == ["ORD44190000001"] and stage.kept_fen == CASH_FEN


async def test_what_is_kept_names_nobody(stage: WechatStage) -> None:
    created = await desk(stage).create(await mixed(stage))
    kept = created.exchange
    assert kept is not None
    text = kept.request + kept.reply
    for secret in ("测试甲", IDENTITY, id_digest(IDENTITY), "AUTH44190000001", "oSim1"):
        assert secret not in text
    assert MIXED_NO in text


@pytest.mark.parametrize(
    ("staged", "task"),
    [
        ("SIM:MED_FAIL", Task.REFUND_CASH),
        ("SIM:MED_PENDING", Task.WAIT_THEN_REFUND_CASH),
        ("SIM:SELF_FAIL", Task.WAIT_THEN_UNDO_INSURANCE),
        ("SIM:SELF_PENDING", Task.WAIT_THEN_UNDO_INSURANCE),
        ("SIM:NEVER", Task.WAIT),
    ],
)
async def test_half_success_says_what_is_to_be_done(
    stage: WechatStage, staged: str, task: Task
) -> None:
    await desk(stage).create(await mixed(stage, attach=staged))
    await stage.move(30)
    half = await desk(stage).query(MIXED_NO)
    assert half.task is task and half.verdict is not Verdict.SUCCESS


async def test_bureau_that_refuses_is_told_with_its_reason_and_the_cash_goes_back(
    stage: WechatStage,
) -> None:
    async def bureau(_order: MixedOrder) -> str:
        return "预结算金额不一致"

    stage.simulator.mixed.bureau = bureau
    await desk(stage).create(await mixed(stage))
    await stage.move(10)
    half = await desk(stage).query(MIXED_NO)
    assert half.task is Task.REFUND_CASH and "预结算金额不一致" in half.text
    await stage.channel.refund(cash_refund())
    await stage.move(5)
    ended = await desk(stage).query(MIXED_NO)
    assert (ended.verdict, ended.task) == (Verdict.FAILED, Task.NOTHING)
    assert stage.kept_fen == 0


@pytest.mark.parametrize("bureau_first", [True, False])
async def test_refund_converges_in_either_order(stage: WechatStage, bureau_first: bool) -> None:
    created = await desk(stage).create(await mixed(stage))
    await stage.move(10)

    async def tell() -> None:
        for _ in range(2):
            told = await desk(stage).tell_refunded(created.mix_trade_no, INSURANCE_BACK)
            assert told.verdict is Verdict.SUCCESS

    async def give_back() -> None:
        await stage.channel.refund(cash_refund())
        await stage.move(5)

    steps = (tell, give_back) if bureau_first else (give_back, tell)
    await steps[0]()
    half = await desk(stage).query(MIXED_NO)
    assert half.task is (Task.REFUND_CASH if bureau_first else Task.UNDO_INSURANCE)
    await steps[1]()
    ended = await desk(stage).query(MIXED_NO)
    assert (ended.code, ended.task) == ("MIX_PAY_REFUND", Task.NOTHING)
    assert stage.kept_fen == 0


async def test_only_full_success_is_notified_and_not_for_long(stage: WechatStage) -> None:
    notices = NoticeDesk(stage.channel, fails=99)
    async with notices.open() as url:
        await desk(stage).create(await mixed(stage, callback_url=url))
        await stage.move(3_600)
    assert len(notices.seen) == 4
    first = notices.seen[0]
    assert isinstance(first, Notified) and first.order_no == MIXED_NO
    assert (first.outcome.verdict, first.outcome.amount_fen) == (Verdict.SUCCESS, CASH_FEN)


async def test_half_success_is_not_notified(stage: WechatStage) -> None:
    notices = NoticeDesk(stage.channel)
    async with notices.open() as url:
        await desk(stage).create(await mixed(stage, attach="SIM:MED_FAIL", callback_url=url))
        await stage.move(3_600)
    assert notices.seen == []


async def test_forged_notification_of_a_mixed_order_is_refused(stage: WechatStage) -> None:
    notices = NoticeDesk(stage.channel)
    stage.fault(Fault.NOTICE_FORGED, Operation.NOTICE)
    async with notices.open() as url:
        await desk(stage).create(await mixed(stage, callback_url=url))
        await stage.move(60)
    assert [type(one) for one in notices.seen] == [NotificationRefused, Notified]


async def test_order_whose_fees_do_not_add_up_is_not_sent(stage: WechatStage) -> None:
    order = msgspec.structs.replace(await mixed(stage), total_fee=191_999)
    with pytest.raises(MixedRefusedError, match="R1: 191999 != 192000"):
        await desk(stage).create(order)
    assert (await desk(stage).query(MIXED_NO)).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("changed", "number", "said"),
    [
        ({"payer": Person(name="", id_digest="0" * 32)}, "268545962", "姓名"),
        ({"payer": Person(name="测试甲", id_digest=IDENTITY)}, "268545961", "身份证号"),
        ({"prepay_id": "wx0"}, "268529474", "字段组合"),
    ],
)
async def test_refusal_is_told_by_its_number(
    stage: WechatStage, changed: dict[str, object], number: str, said: str
) -> None:
    order = msgspec.structs.replace(await mixed(stage), **changed)  # type: ignore[arg-type]
    refused = await desk(stage).create(order)
    assert (refused.verdict, refused.task) == (Verdict.FAILED, Task.NOTHING)
    assert refused.code.endswith(number) and said in refused.text


async def test_authorisation_is_used_once(stage: WechatStage) -> None:
    order = await mixed(stage)
    await desk(stage).create(order)
    again = msgspec.structs.replace(order, out_trade_no="M000000002")
    refused = await desk(stage).create(again)
    assert refused.verdict is Verdict.FAILED and "重新授权" in refused.text


async def test_same_order_again_is_no_second_one(stage: WechatStage) -> None:
    order = await mixed(stage)
    await desk(stage).create(order)
    again = await desk(stage).create(order)
    assert again.verdict is Verdict.UNKNOWN and again.code.startswith("ALREADY_EXISTS")
    assert (await desk(stage).query(MIXED_NO)).verdict is Verdict.PAYER_ACTION


@pytest.mark.parametrize("fault", [Fault.LOST_AFTER, Fault.BUSY_AFTER, Fault.WRONG_SIGNATURE])
async def test_order_whose_answer_is_lost_is_found_again(stage: WechatStage, fault: Fault) -> None:
    order = await mixed(stage)
    stage.fault(fault, Operation.PAY)
    lost = await desk(stage).create(order)
    assert (lost.verdict, lost.task) == (Verdict.UNKNOWN, Task.WAIT)
    assert (await desk(stage).query(MIXED_NO)).verdict is Verdict.PAYER_ACTION
