"""WeChat's notifications of refunds: genuine, forged, probing, twice, late, about strangers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.simulators.channel_faults import Fault, Operation
from settlement.payments.payment import NotificationRefused, Notified, Verdict
from tests.kit.wechat import NoticeDesk, WechatStage, refund_of, wechat_stage

REFUND_FEN = 234


@pytest_asyncio.fixture(params=["v3", "v2"])
async def stage(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[WechatStage]:
    async with wechat_stage(tmp_path, request.param) as one:
        yield one


async def told(
    stage: WechatStage, fault: Fault | None, *, fails: int = 0, seconds: float = 120,
    reason: str = "",
) -> list[object]:  # fmt: skip
    """What arrives after a refund."""
    desk = NoticeDesk(stage.channel, fails=fails)
    async with desk.open() as url:
        order = stage.order()
        paid = await stage.channel.pay(order)
        if fault is not None:
            stage.fault(fault, Operation.NOTICE)
        refund = refund_of(
            order, paid.reference, amount_fen=REFUND_FEN, notify_url=url, reason=reason
        )
        await stage.channel.refund(refund)
        await stage.move(seconds)
    return desk.seen


async def test_refund_is_notified(stage: WechatStage) -> None:
    [one] = await told(stage, None)
    assert isinstance(one, Notified)
    assert (one.merchant_no, one.order_no, one.refund_no) == ("1900000001", "T000000001", "R1")
    assert (one.outcome.verdict, one.outcome.amount_fen) == (Verdict.SUCCESS, REFUND_FEN)
    assert one.notification_id and one.outcome.finished_at is not None


@pytest.mark.parametrize(
    ("reason", "verdict"),
    [("SIM:ABNORMAL", Verdict.PAYER_ACTION), ("SIM:CLOSED", Verdict.FAILED)],
)
async def test_refund_that_ended_otherwise_is_notified(
    stage: WechatStage, reason: str, verdict: Verdict
) -> None:
    [one] = await told(stage, None, reason=reason)
    assert isinstance(one, Notified) and one.outcome.verdict is verdict


async def test_notification_comes_again_until_it_is_taken(stage: WechatStage) -> None:
    seen = await told(stage, None, fails=2)
    assert len(seen) == 3
    assert len({one.notification_id for one in seen if isinstance(one, Notified)}) == 1


async def test_notification_is_given_up_after_fifteen_more_tries(stage: WechatStage) -> None:
    seen = await told(stage, None, fails=99, seconds=3 * 86_400)
    assert len(seen) == 16


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        (Fault.NOTICE_TWICE, [Notified, Notified]),
        (Fault.NOTICE_LOST, [Notified]),
        (Fault.NOTICE_LATE, [Notified]),
        (Fault.NOTICE_NEVER, []),
        (Fault.NOTICE_FORGED, [NotificationRefused, Notified]),
        (Fault.NOTICE_PROBE, [NotificationRefused, Notified]),
    ],
)
async def test_fault_of_a_notification(
    stage: WechatStage, fault: Fault, kinds: list[type]
) -> None:
    assert [type(one) for one in await told(stage, fault)] == kinds


async def test_probe_is_told_from_an_attack(tmp_path: Path) -> None:
    for fault, is_probe, reason in (
        (Fault.NOTICE_PROBE, True, "SIGNATURE_PROBE"),
        (Fault.NOTICE_FORGED, False, "SIGNATURE_WRONG"),
    ):
        async with wechat_stage(tmp_path, "v3") as stage:
            refused, _ = await told(stage, fault)
            assert refused == NotificationRefused(reason=reason, probe=is_probe)


async def test_genuine_notification_is_read_as_it_is_whatever_it_says(stage: WechatStage) -> None:
    """Whoever books compares the amount, and knows that nobody made that order."""
    off, _ = await told(stage, Fault.NOTICE_ONE_FEN_OFF)
    assert isinstance(off, Notified) and off.outcome.amount_fen == REFUND_FEN - 1


async def test_notification_about_an_order_that_was_never_made(stage: WechatStage) -> None:
    stranger, _ = await told(stage, Fault.NOTICE_STRANGER)
    assert isinstance(stranger, Notified) and stranger.order_no.startswith("STRANGER")


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"not json", b"<xml></xml>", b"<!DOCTYPE x><xml/>", b"\xff\xfe"]
)
async def test_what_is_no_notification_is_refused(stage: WechatStage, body: bytes) -> None:
    assert isinstance(stage.channel.notified({}, body), NotificationRefused)
