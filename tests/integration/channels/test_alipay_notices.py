"""What Alipay tells by itself, through real HTTP: read once checked, told again until `success`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from msgspec.structs import replace

from loadtest.simulators.channel_faults import Fault, Rule
from loadtest.simulators.payer_codes import Behaviour
from protocol.alipay import notification
from protocol.alipay.notification import TradeNotice
from protocol.alipay.signing import PrivateKey, notice_text
from settlement.payments.payment import NotificationRefused, Notified, Verdict
from tests.integration.channels.alipay_world import (
    APP_ID,
    NOON,
    SELLER_ID,
    AlipayWorld,
    alipay_world,
    key_of,
    refund_of,
)
from tests.unit.protocol.alipay import keys

S, F = Verdict.SUCCESS, Verdict.FAILED
NOTICE = TradeNotice(
    notify_id="1", notify_type=notification.TRADE_NOTICE, app_id=APP_ID, seller_id=SELLER_ID,
    out_trade_no="P1", trade_status="TRADE_SUCCESS", total_amount="88.80",
)  # fmt: skip


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[AlipayWorld]:
    async with alipay_world(tmp_path) as made:
        yield made


def signed(notice: TradeNotice, of_whom: str = "alipay") -> bytes:
    """As somebody would send it."""
    form = notification.form_to_sign(notice)
    return notification.signed_body(form, PrivateKey(keys.rsa_key(of_whom)).sign(notice_text(form)))


async def test_payment_is_told_also_when_the_payer_confirmed_later(world: AlipayWorld) -> None:
    await world.channel.pay(world.order(code=world.code(Behaviour.USERPAYING, seconds=25)))
    await world.clock.advance(24)
    assert world.door.came == []
    await world.clock.advance(1)
    [told] = world.door.taken
    assert (told.order_no, told.merchant_no, told.refund_no) == ("P00000001", SELLER_ID, "")
    assert (told.outcome.verdict, told.outcome.amount_fen) == (S, 8_880)
    assert told.outcome.finished_at == NOON + timedelta(seconds=25)


async def test_refund_and_undo_are_told(world: AlipayWorld) -> None:
    order, other = world.order("P00000001"), world.order("P00000002")
    await world.channel.pay(order)
    await world.channel.pay(other)
    await world.channel.refund(refund_of(order, "R1", 3_000))
    await world.channel.undo(key_of(other))
    await world.clock.advance(1)
    refunded = next(one for one in world.door.taken if one.refund_no)
    assert (refunded.refund_no, refunded.order_no) == ("R1", "P00000001")
    assert (refunded.outcome.verdict, refunded.outcome.refunded_fen) == (S, 3_000)
    undone = next(one for one in world.door.taken if one.outcome.verdict is F)
    assert (undone.order_no, undone.outcome.refunded_fen) == ("P00000002", 8_880)


async def test_notice_is_told_eight_times_in_a_day_unless_somebody_says_success(
    world: AlipayWorld,
) -> None:
    world.door.after = 100
    await world.channel.pay(world.order())
    minutes = [0, 4, 14, 24, 84, 204, 564, 1_464]
    for number, minute in enumerate(minutes, 1):
        await world.clock.advance((NOON + timedelta(minutes=minute) - world.clock()).seconds)
        assert len(world.door.came) == number
    await world.clock.advance(7 * 86_400)
    assert len(world.door.came) == 8
    assert len({one.notification_id for one in world.door.taken}) == 1


async def test_notice_that_is_acknowledged_is_told_no_more(world: AlipayWorld) -> None:
    world.door.after = 2
    await world.channel.pay(world.order())
    await world.clock.advance(7 * 86_400)
    assert len(world.door.came) == 3


@pytest.mark.parametrize(
    ("fault", "refused", "taken"),
    [
        (Fault.NOTICE_LOST, 0, ["P00000001"]),
        (Fault.NOTICE_NEVER, 0, []),
        (Fault.NOTICE_TWICE, 0, ["P00000001", "P00000001"]),
        (Fault.NOTICE_LATE, 0, ["P00000001"]),
        (Fault.NOTICE_FORGED, 1, ["P00000001"]),
    ],
)
async def test_notice_comes_never_late_twice_or_forged(
    world: AlipayWorld, fault: Fault, refused: int, taken: list[str]
) -> None:
    world.simulator.faults.add(Rule(fault=fault))
    await world.channel.pay(world.order())
    await world.clock.advance(3_600)
    assert [one.order_no for one in world.door.taken] == taken
    assert len(world.door.came) - len(taken) == refused


async def test_genuine_notice_with_another_amount_or_order_is_for_who_knows_the_order(
    world: AlipayWorld,
) -> None:
    world.simulator.faults.add(
        Rule(fault=Fault.NOTICE_ONE_FEN_OFF, order_no="P00000001"),
        Rule(fault=Fault.NOTICE_STRANGER, order_no="P00000002"),
    )
    await world.channel.pay(world.order("P00000001"))
    await world.channel.pay(world.order("P00000002"))
    await world.clock.advance(1)
    told = [(one.order_no, one.outcome.amount_fen) for one in world.door.taken]
    assert sorted(told)[1:] == [("P00000001", 8_879), ("P00000001", 8_880), ("P00000002", 8_880)]
    assert sorted(told)[0][0].startswith("NOBODYS")


async def test_without_an_address_nothing_is_told(world: AlipayWorld) -> None:
    await world.channel.pay(world.order(notify_url=""))
    await world.clock.advance(7 * 86_400)
    assert world.door.came == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (signed(NOTICE, "stranger"), "not signed by Alipay"),
        (signed(NOTICE).replace(b"88.80", b"88.81"), "not signed by Alipay"),
        (signed(replace(NOTICE, app_id="2026000000000099")), "about another merchant"),
        (signed(replace(NOTICE, seller_id="2088000000000099")), "about another merchant"),
        (signed(replace(NOTICE, notify_type="dut_user_sign")), "of type dut_user_sign"),
        (signed(replace(NOTICE, total_amount="much")), "no amount"),
        (signed(NOTICE) + b"&app_id=1", "no form"),
        (b"", "no form"),
        (msgspec.json.encode(NOTICE), "not signed by Alipay"),
        ("通知".encode(), "no form"),
    ],
)
async def test_what_is_no_notice_of_ours_is_refused(
    world: AlipayWorld, body: bytes, reason: str
) -> None:
    told = world.channel.notified({}, body)
    assert isinstance(told, NotificationRefused)
    assert reason in told.reason and not told.probe


async def test_genuine_notice_is_read_and_acknowledged_by_the_word(world: AlipayWorld) -> None:
    told = world.channel.notified({}, signed(NOTICE))
    assert isinstance(told, Notified) and told.notification_id == "1"
    assert world.channel.acknowledged(taken=True) == (200, b"success", "text/plain")
    assert world.channel.acknowledged(taken=False)[1] != b"success"
