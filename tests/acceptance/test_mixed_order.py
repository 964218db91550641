"""A mixed order (医保混合支付): WeChat collects the own part and has the rest settled here.

The hospital's platform holds the order with 6202, makes the mixed order at the simulated WeChat,
and does nothing more: WeChat alone asks the centre.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from loadtest.simulators.wallet_bureau import NO_ANSWER, Post, WalletBureau
from protocol.wechat.medical import (
    CashAdd,
    MixedOrder,
    MixPayType,
    Person,
    RefundedPart,
    id_digest,
)
from settlement.channels.wechat_medical import MedicalOrders
from settlement.channels.wechat_medical_states import Task
from settlement.gateway import Unavailable
from settlement.payments.mobile_timers import HOLD_SECONDS
from settlement.payments.payment import OrderKey, RefundOrder, Verdict
from settlement.payments.wallets import owner_of
from tests.kit.mobile import Caller, Order, Platform, a_caller, held_fen
from tests.kit.population import CLASS_C, DEAR, HOSPITAL, some
from tests.kit.reply import Reply, assert_done
from tests.kit.town import PLATFORM, Town
from tests.kit.wechat import NOON, WechatStage, wechat_stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
FREIGHT_FEN = 2_000
ENOUGH_SECONDS = 10.0


@pytest_asyncio.fixture(loop_scope="module")
async def platform(town: Town) -> AsyncIterator[Platform]:
    """The hospital's."""
    yield Platform(town, town.hospital)
    await town.end_orders(after_seconds=HOLD_SECONDS)
    assert await held_fen(town, HOSPITAL.code) == 0


@pytest_asyncio.fixture(loop_scope="module")
async def stage(tmp_path: Path) -> AsyncIterator[WechatStage]:
    """The hospital's merchant at WeChat."""
    async with wechat_stage(tmp_path, "v3") as one:
        yield one


@pytest_asyncio.fixture(loop_scope="module")
async def wallet(town: Town) -> Caller:
    """WeChat, as the centre knows it."""
    return await a_caller(town, owner_of("WECHAT"), "wallet-wechat-mixed1")


def post_to(town: Town, *, lost: int = 0) -> Post:
    """The centre; its first answers do not arrive."""
    left = [lost]

    async def post(body: bytes) -> bytes | None:
        centre = town.service.mobile_centre
        assert centre is not None
        try:
            reply = await centre.wallet("confirm", body)
        except Unavailable:
            return None
        assert reply is not None
        left[0] -= 1
        return None if left[0] >= 0 else reply.body

    return post


def bureau_of(town: Town, wallet: Caller, post: Post) -> WalletBureau:
    """WeChat's way to the centre."""
    return WalletBureau(
        post, wallet.party, key=wallet.key, centre=PLATFORM.public, pause_seconds=0.0,
        stamp=lambda: f"{town.clock.local:%Y%m%d%H%M%S}",
    )  # fmt: skip


class Sold:
    """An order held here, and its mixed order at WeChat."""

    def __init__(self, order: Order, held: Reply, stage: WechatStage) -> None:
        self.order = order
        self.held = held
        self.fen = {
            name: int(held.money(name, "data") * 100)
            for name in ("fundPay", "psnAcctPay", "ownPayAmt")
        }
        self.cash_fen = self.fen["ownPayAmt"] + FREIGHT_FEN
        medical = stage.channel.medical
        assert medical is not None
        self.desk: MedicalOrders = medical
        self.cash_no, self.mixed_no = f"C{order.order_no}", f"M{order.order_no}"

    async def create(self, *, more_fen: int = 0) -> None:
        """The platform makes both orders at WeChat; `more_fen` too much of the funds."""
        prepay_id = await self.desk.prepare_cash(
            order_no=self.cash_no, amount_fen=self.cash_fen, subject="测试医院", openid="oSim1",
            notify_url="https://example.org/notify/wechat",
        )  # fmt: skip
        assert isinstance(prepay_id, str)
        insured = self.fen["fundPay"] + more_fen + self.fen["psnAcctPay"]
        certificate = self.order.whom.patient.person.certno
        mixed = MixedOrder(
            mix_pay_type=MixPayType.CASH_AND_INSURANCE, order_type="DIAG_PAY", appid="wx1",
            openid="oSim1", payer=Person(name="测试", id_digest=id_digest(certificate)),
            out_trade_no=self.mixed_no, serial_no="MO1", pay_order_id=self.order.number,
            prepay_id=prepay_id, city_id="441900", med_inst_name="测试医院",
            med_inst_no=HOSPITAL.code,
            med_ins_order_create_time="2026-11-23T12:00:00+08:00",
            total_fee=insured + self.cash_fen,
            med_ins_gov_fee=self.fen["fundPay"] + more_fen,
            med_ins_self_fee=self.fen["psnAcctPay"], med_ins_other_fee=0,
            med_ins_cash_fee=self.fen["ownPayAmt"], wechat_pay_cash_fee=self.cash_fen,
            cash_add_detail=(CashAdd(cash_add_fee=FREIGHT_FEN, cash_add_type="FREIGHT"),),
        )  # fmt: skip
        made = await self.desk.create(mixed)
        assert made.verdict is Verdict.PAYER_ACTION, made.text

    async def give_back(self, stage: WechatStage) -> None:
        """The merchant refunds the cash part."""
        key = OrderKey(order_no=self.cash_no, sent_at=NOON, amount_fen=self.cash_fen)
        refund = RefundOrder(
            order=key, reference="", refund_no=f"R{self.cash_no}", sent_at=NOON,
            amount_fen=self.cash_fen,
        )  # fmt: skip
        await stage.channel.refund(refund)
        await stage.move(ENOUGH_SECONDS)


async def sold(town: Town, platform: Platform, stage: WechatStage) -> Sold:
    """Held here, nothing at WeChat yet."""
    order = await platform.upload(town.someone(), some(DEAR, 2), some(CLASS_C))
    held = await order.pay(wallet="WECHAT")
    assert_done(held)
    return Sold(order, held, stage)


@pytest.mark.parametrize("lost", [0, 1, 3])
async def test_mixed_order_is_settled_once_by_wechat_alone(
    town: Town, platform: Platform, wallet: Caller, stage: WechatStage, lost: int
) -> None:
    one = await sold(town, platform, stage)
    bureau = bureau_of(town, wallet, post_to(town, lost=lost))
    stage.simulator.mixed.bureau = bureau
    await one.create()
    assert await town.rows_of(one.order.whom) == []
    await stage.move(ENOUGH_SECONDS)
    done = await one.desk.query(one.mixed_no)
    assert (done.verdict, done.task) == (Verdict.SUCCESS, Task.BOOK)
    assert done.insurance_fen == one.fen["fundPay"] + one.fen["psnAcctPay"]
    [row] = await town.rows_of(one.order.whom)
    assert row["cash_fen"] == one.fen["ownPayAmt"] == done.cash_fen - FREIGHT_FEN
    assert bureau.sent == lost + 1
    assert await one.order.state() == "6"


async def test_amounts_that_are_not_those_held_fail_at_wechat_and_nothing_is_booked(
    town: Town, platform: Platform, wallet: Caller, stage: WechatStage
) -> None:
    one = await sold(town, platform, stage)
    stage.simulator.mixed.bureau = bureau_of(town, wallet, post_to(town))
    await one.create(more_fen=1)
    await stage.move(ENOUGH_SECONDS)
    half = await one.desk.query(one.mixed_no)
    assert half.task is Task.REFUND_CASH
    assert "金额" in half.text
    assert await town.rows_of(one.order.whom) == []
    await one.give_back(stage)
    assert (await one.desk.query(one.mixed_no)).task is Task.NOTHING
    assert_done(await one.order.withdraw())


async def test_centre_that_never_answers_may_have_paid_and_is_asked(
    town: Town, platform: Platform, wallet: Caller, stage: WechatStage
) -> None:
    one = await sold(town, platform, stage)
    stage.simulator.mixed.bureau = bureau_of(town, wallet, post_to(town, lost=99))
    await one.create()
    await stage.move(ENOUGH_SECONDS)
    half = await one.desk.query(one.mixed_no)
    assert half.task is Task.REFUND_CASH and NO_ANSWER in half.text
    found = await one.order.ask()
    assert found.text("ordStas", "data") == "6"
    assert_done(await platform.counter.send(one.order.refund(one.held)))
    await one.give_back(stage)
    assert await town.balance_fen(one.order.whom) == 100_000


async def test_payer_who_came_too_late_pays_nothing(
    town: Town, platform: Platform, wallet: Caller, stage: WechatStage
) -> None:
    one = await sold(town, platform, stage)
    stage.simulator.mixed.bureau = bureau_of(town, wallet, post_to(town))
    await one.create()
    await town.end_orders(after_seconds=HOLD_SECONDS)
    await stage.move(ENOUGH_SECONDS)
    assert (await one.desk.query(one.mixed_no)).task is Task.REFUND_CASH
    assert await town.rows_of(one.order.whom) == []
    await one.give_back(stage)
    assert (await one.desk.query(one.mixed_no)).verdict is Verdict.FAILED


async def test_refund_goes_back_in_both_parts(
    town: Town, platform: Platform, wallet: Caller, stage: WechatStage
) -> None:
    one = await sold(town, platform, stage)
    stage.simulator.mixed.bureau = bureau_of(town, wallet, post_to(town))
    await one.create()
    await stage.move(ENOUGH_SECONDS)
    before = stage.kept_fen
    done = await one.desk.query(one.mixed_no)
    assert_done(await platform.counter.send(one.order.refund(one.held)))
    await one.give_back(stage)
    insured = one.fen["fundPay"] + one.fen["psnAcctPay"]
    part = RefundedPart(
        med_refund_total_fee=insured, med_refund_gov_fee=one.fen["fundPay"],
        med_refund_self_fee=one.fen["psnAcctPay"], med_refund_other_fee=0,
        refund_time="2026-11-23T13:00:00+08:00", out_refund_no=f"R{one.cash_no}",
    )  # fmt: skip
    await one.desk.tell_refunded(done.mix_trade_no, part)
    ended = await one.desk.query(one.mixed_no)
    assert (ended.code, ended.task) == ("MIX_PAY_REFUND", Task.NOTHING)
    assert stage.kept_fen == before - one.cash_fen
    assert await town.balance_fen(one.order.whom) == 100_000
    assert await one.order.state() == "7"
