"""WeChat's line and WeChat itself going wrong: what is then known, and that nobody pays twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.simulators.channel_faults import Fault, Operation, Plan
from loadtest.simulators.payer_codes import Behaviour
from settlement.channels.signer import Signer
from settlement.channels.wechat import WechatChannel
from settlement.payments.payment import Advice, Verdict
from tests.kit.wechat import Api, WechatStage, door, key_of, refund_of, wechat_stage

AMOUNT_FEN = 1234

# Fault of the payment, the code that operators see over v3 and over v2, whether the money moved.
UNKNOWN_AFTER = [
    (Fault.LOST_BEFORE,     "LOST",               "LOST",              False),
    (Fault.HTML_BEFORE,     "HTTP_502",           "HTTP_502",          False),
    (Fault.BUSY,            "SYSTEM_ERROR",       "SYSTEMERROR",       False),
    (Fault.RATE_LIMITED,    "FREQUENCY_LIMITED",  "FREQUENCY_LIMITED", False),
    (Fault.MAINTENANCE,     "SYSTEM_ERROR",       "SYSTEMERROR",       False),
    (Fault.ARRIVES_LATE,    "LOST",               "LOST",              False),
    (Fault.LOST_AFTER,      "LOST",               "LOST",              True),
    (Fault.HTML_AFTER,      "HTTP_502",           "HTTP_502",          True),
    (Fault.BUSY_AFTER,      "SYSTEM_ERROR",       "SYSTEMERROR",       True),
    (Fault.ANSWERS_LATE,    "LOST",               "LOST",              True),
    (Fault.DRIP,            "LOST",               "LOST",              True),
    (Fault.RESET,           "LOST",               "LOST",              True),
    (Fault.NOT_JSON,        "UNREADABLE",         "UNREADABLE",        True),
    (Fault.WRONG_SIGNATURE, "SIGNATURE_WRONG",    "SIGNATURE_WRONG",   True),
    (Fault.NO_SIGNATURE,    "SIGNATURE_MISSING",  "SIGNATURE_WRONG",   True),
]  # fmt: skip

SLOW = (Fault.ANSWERS_LATE, Fault.DRIP)


@pytest_asyncio.fixture(params=["v3", "v2"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[WechatStage]:
    async with wechat_stage(tmp_path, request.param) as one:
        yield one


@pytest.mark.parametrize(("fault", "v3_code", "v2_code", "moved"), UNKNOWN_AFTER)
async def test_outcome_is_unknown_and_then_found_out_or_undone(
    stage: WechatStage, fault: Fault, v3_code: str, v2_code: str, moved: bool
) -> None:
    order = stage.order()
    stage.fault(fault, Operation.PAY)
    paid = await (stage.hasty if fault in SLOW else stage.channel).pay(order)
    assert paid.verdict is Verdict.UNKNOWN and paid.text and paid.exchange is not None
    assert paid.code in (v3_code, v2_code)
    assert stage.kept_fen == (AMOUNT_FEN if moved else 0)
    found = await stage.channel.query(key_of(order))
    assert found.verdict is (Verdict.SUCCESS if moved else Verdict.UNKNOWN)
    await stage.move(30)
    undone = await stage.channel.undo(key_of(order))
    if fault is Fault.ARRIVES_LATE:
        # It has just arrived, so fifteen seconds are not over yet.
        assert undone.verdict is Verdict.UNKNOWN
        await stage.move(15)
        undone = await stage.channel.undo(key_of(order))
    assert (undone.verdict, stage.kept_fen) == (Verdict.SUCCESS, 0)
    await stage.move(60)
    assert stage.kept_fen == 0


@pytest.mark.parametrize("fault", [row[0] for row in UNKNOWN_AFTER])
@pytest.mark.parametrize("operation", [Operation.QUERY, Operation.UNDO, Operation.REFUND])
async def test_any_call_may_be_repeated_after_any_fault(
    stage: WechatStage, operation: Operation, fault: Fault
) -> None:
    order = stage.order()
    paid = await stage.channel.pay(order)
    await stage.move(20)
    refund = refund_of(order, paid.reference, amount_fen=AMOUNT_FEN)

    async def call(channel: WechatChannel) -> Verdict:
        match operation:
            case Operation.QUERY:
                return (await channel.query(key_of(order))).verdict
            case Operation.UNDO:
                return (await channel.undo(key_of(order))).verdict
            case _:
                return (await channel.refund(refund)).verdict

    # Twice: aiohttp asks again by itself where a kept connection broke under a GET.
    stage.fault(fault, operation, times=2)
    assert await call(stage.hasty if fault in SLOW else stage.channel) is Verdict.UNKNOWN
    stage.simulator.faults.replace(Plan())
    await stage.move(40)
    assert await call(stage.channel) in (Verdict.SUCCESS, Verdict.PAYER_ACTION)
    await stage.move(5)
    assert stage.kept_fen == (AMOUNT_FEN if operation is Operation.QUERY else 0)


async def test_answer_signed_ten_minutes_ago_is_not_believed(tmp_path: Path) -> None:
    async with wechat_stage(tmp_path, "v3") as stage:
        stage.fault(Fault.CLOCK_SKEW, Operation.PAY)
        paid = await stage.channel.pay(stage.order())
        assert (paid.verdict, paid.code) == (Verdict.UNKNOWN, "SIGNATURE_CLOCK")
        assert paid.advice is Advice.OPERATOR


async def test_payer_code_that_loses_the_answer(stage: WechatStage) -> None:
    order = stage.order(Behaviour.LOST_ANSWER)
    assert (await stage.channel.pay(order)).verdict is Verdict.UNKNOWN
    assert (await stage.channel.query(key_of(order))).verdict is Verdict.SUCCESS
    assert stage.kept_fen == AMOUNT_FEN


async def test_payment_that_arrives_late_after_its_undo_pays_nothing(stage: WechatStage) -> None:
    order = stage.order()
    stage.fault(Fault.ARRIVES_LATE, Operation.PAY)
    await stage.channel.pay(order)
    await stage.move(29)
    assert (await stage.channel.undo(key_of(order))).verdict is Verdict.SUCCESS
    await stage.move(10)
    assert (await stage.channel.query(key_of(order))).verdict is not Verdict.SUCCESS
    assert stage.kept_fen == 0


async def test_one_fen_off_is_told_as_wechat_tells_it(stage: WechatStage) -> None:
    stage.fault(Fault.ONE_FEN_OFF, Operation.PAY)
    paid = await stage.channel.pay(stage.order())
    assert (paid.verdict, paid.amount_fen) == (Verdict.SUCCESS, AMOUNT_FEN - 1)
    assert stage.kept_fen == AMOUNT_FEN


async def test_ghost_is_denied_by_every_answer_and_stays_in_the_book(stage: WechatStage) -> None:
    order = stage.order()
    stage.fault(Fault.GHOST, Operation.PAY)
    assert (await stage.channel.pay(order)).verdict is Verdict.UNKNOWN
    assert (await stage.channel.query(key_of(order))).verdict is Verdict.UNKNOWN
    await stage.move(30)
    assert (await stage.channel.undo(key_of(order))).verdict is Verdict.SUCCESS
    assert stage.kept_fen == AMOUNT_FEN
    assert stage.simulator.book.entries[0].remark == "ghost"


async def test_phantom_is_told_as_paid_and_is_in_no_book(stage: WechatStage) -> None:
    order = stage.order()
    stage.fault(Fault.PHANTOM, Operation.PAY)
    assert (await stage.channel.pay(order)).verdict is Verdict.SUCCESS
    assert (await stage.channel.query(key_of(order))).verdict is Verdict.SUCCESS
    assert stage.simulator.book.entries == []


async def test_more_calls_than_the_limit_are_unknown_never_failed(tmp_path: Path) -> None:
    async with wechat_stage(tmp_path, "v3", calls_per_second=2) as stage:
        verdicts = [(await stage.channel.pay(stage.order())).verdict for _ in range(3)]
        assert verdicts == [Verdict.SUCCESS, Verdict.SUCCESS, Verdict.UNKNOWN]


async def test_userpaying_told_as_an_error_is_understood_too(tmp_path: Path) -> None:
    async with wechat_stage(tmp_path, "v3", userpaying_as_error=True) as stage:
        paid = await stage.channel.pay(stage.order(Behaviour.USERPAYING))
        assert (paid.verdict, paid.code) == (Verdict.PAYER_ACTION, "USERPAYING")


@pytest.mark.parametrize("api", ["v3", "v2"])
async def test_host_that_is_not_there_is_told_as_not_sent_and_the_other_one_tried(
    tmp_path: Path, api: Api
) -> None:
    async with wechat_stage(tmp_path, api) as stage:
        signer = Signer(1)
        nowhere = "http://127.0.0.1:9"
        second = stage.simulator.url
        channel = door(stage.simulator, nowhere, api, signer, backup_url=second)
        order = stage.order()
        codes = [(await channel.pay(order)).code for _ in range(3)]
        assert codes == ["NOT_SENT"] * 3
        assert (await channel.pay(order)).verdict is Verdict.SUCCESS
        await channel.close()
        signer.close()


async def test_key_of_another_merchant_is_ours_to_mend(stage: WechatStage) -> None:
    """A wrong certificate: nothing is carried out, and no payer is blamed."""
    stage.simulator.add_merchant("1900000001")
    paid = await stage.channel.pay(stage.order())
    assert (paid.verdict, paid.advice) == (Verdict.FAILED, Advice.OPERATOR)
    asked = await stage.channel.query(key_of(stage.order()))
    assert (asked.verdict, asked.advice) == (Verdict.UNKNOWN, Advice.OPERATOR)
    assert stage.kept_fen == 0
