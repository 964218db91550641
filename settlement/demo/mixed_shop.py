"""The hospital's small program at the simulated WeChat: mixed orders (医保混合支付) and their end.

It makes the order and asks about it, over the wires of a real merchant. That the insurance part is
settled is WeChat's business, which asks the server by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

from msgspec import Struct

from loadtest.institution_inputs import Patient
from loadtest.mobile_inputs import Held
from loadtest.world import WorldInstitution
from protocol.wechat.medical import MixedOrder, MixPayType, Person, RefundedPart, id_digest
from protocol.wechat.signing import SigningKey, VerifyingKey
from settlement.channels.signer import Signer
from settlement.channels.wechat import WechatChannel
from settlement.channels.wechat_config import WechatKeys, WechatMerchant
from settlement.channels.wechat_medical import MedicalOrders, MixedOutcome
from settlement.channels.wechat_medical_states import Task
from settlement.clock import CHINA, system_clock
from settlement.demo.scene import StoryError
from settlement.payments.payment import OrderKey, Outcome, RefundOrder, Verdict

PAID_SECONDS_MAX = 30
_OPENID = "oSimPayer0000001"


class MixedSale(Struct, frozen=True, kw_only=True):
    """One order of the centre as WeChat knows it; fen."""

    pay_order_id: str
    number: str
    """the merchant's, of both parts"""
    fund_fen: int
    account_fen: int
    own_fen: int
    begun_at: datetime

    @classmethod
    def of(cls, pay_order_id: str, number: str, held: Held) -> MixedSale:
        """As the centre holds it."""
        fund, account, own = (int(x.scaleb(2)) for x in (held.fund, held.account, held.own))
        return cls(
            pay_order_id=pay_order_id, number=number, fund_fen=fund, account_fen=account,
            own_fen=own, begun_at=system_clock(),
        )  # fmt: skip

    @property
    def cash_no(self) -> str:
        """The number of the part that WeChat collects."""
        return f"C{self.number}"


class MixedShop:
    """One merchant's small program."""

    def __init__(
        self, channel: WechatChannel, medical: MedicalOrders, *, appid: str, region: str,
        notify_url: str,
    ) -> None:  # fmt: skip
        self._channel = channel
        self._medical = medical
        self._appid = appid
        self._region = region
        self._notify_url = notify_url

    async def sell(
        self, sale: MixedSale, *, patient: Patient, institution: WorldInstitution
    ) -> MixedOutcome:
        """Both parts; the payer's phone shows them now."""
        prepay_id = await self._medical.prepare_cash(
            order_no=sale.cash_no, amount_fen=sale.own_fen, subject=institution.name,
            openid=_OPENID, notify_url=self._notify_url,
        )  # fmt: skip
        if isinstance(prepay_id, Outcome):
            raise StoryError(f"WeChat makes no order: {prepay_id.text}")
        person = patient.person
        insured = sale.fund_fen + sale.account_fen
        order = MixedOrder(
            mix_pay_type=MixPayType.CASH_AND_INSURANCE, order_type="DIAG_PAY", appid=self._appid,
            openid=_OPENID, payer=Person(name=person.psn_name, id_digest=id_digest(person.certno)),
            out_trade_no=sale.number, serial_no=sale.number, pay_order_id=sale.pay_order_id,
            prepay_id=prepay_id, city_id=self._region, med_inst_name=institution.name,
            med_inst_no=institution.code, med_ins_order_create_time=_spoken(sale.begun_at),
            total_fee=insured + sale.own_fen, med_ins_gov_fee=sale.fund_fen,
            med_ins_self_fee=sale.account_fen, med_ins_other_fee=0, med_ins_cash_fee=sale.own_fen,
            wechat_pay_cash_fee=sale.own_fen,
        )  # fmt: skip
        made = await self._medical.create(order)
        if made.verdict is not Verdict.PAYER_ACTION:
            raise StoryError(f"WeChat makes no mixed order: {made.text}")
        return made

    async def paid(self, sale: MixedSale) -> MixedOutcome:
        """Once the payer has paid and WeChat has heard that the insurance has, too."""
        return await self._until(sale, Task.BOOK)

    async def give_back(self, sale: MixedSale) -> MixedOutcome:
        """The cash part, after the insurance part went back; and WeChat is told of that one."""
        now = system_clock()
        back = RefundOrder(
            order=OrderKey(
                order_no=sale.cash_no, sent_at=sale.begun_at, amount_fen=sale.own_fen
            ),
            reference="", refund_no=f"R{sale.cash_no}", sent_at=now, amount_fen=sale.own_fen,
        )  # fmt: skip
        given = await self._channel.refund(back)
        if given.verdict is Verdict.FAILED:
            raise StoryError(f"WeChat gives no cash back: {given.text}")
        part = RefundedPart(
            med_refund_total_fee=sale.fund_fen + sale.account_fen,
            med_refund_gov_fee=sale.fund_fen, med_refund_self_fee=sale.account_fen,
            med_refund_other_fee=0, refund_time=_spoken(now), out_refund_no=back.refund_no,
        )  # fmt: skip
        known = await self._medical.query(sale.number)
        told = await self._medical.tell_refunded(known.mix_trade_no, part)
        if told.verdict is not Verdict.SUCCESS:
            raise StoryError(f"WeChat does not hear of the refund: {told.text}")
        return await self._until(sale, Task.NOTHING)

    async def _until(self, sale: MixedSale, task: Task) -> MixedOutcome:
        """Ask until this is what remains to be done."""
        for _ in range(PAID_SECONDS_MAX):
            known = await self._medical.query(sale.number)
            if known.task is task:
                return known
            await asyncio.sleep(1.0)
        raise StoryError(f"the mixed order {sale.number} stays as it is: {known.text}")


@asynccontextmanager
async def open_shop(
    merchant: Mapping[str, object], *, region: str, notify_url: str
) -> AsyncIterator[MixedShop]:
    """A merchant with the credentials of `/demo/world.json`."""
    given = {name: str(value) for name, value in merchant.items()}
    config = WechatMerchant(
        mchid=given["mchid"], appid=given["appid"], api="v3", base_url=given["base_url"],
        backup_url="", merchant_serial=given["merchant_serial"],
        platform_public_key_id=given["platform_public_key_id"],
    )  # fmt: skip
    platform = VerifyingKey(given["platform_public_key_pem"].encode())
    keys = WechatKeys(
        signing=SigningKey(given["merchant_private_key_pem"].encode()),
        platform={given["platform_public_key_id"]: platform},
        apiv3_key=given["apiv3_key"].encode(),
    )
    signer = Signer(1)
    channel = WechatChannel(config, keys, signer=signer, clock=system_clock)
    try:
        if channel.medical is None:
            raise StoryError("the hospital's merchant has no key of API v3")
        yield MixedShop(
            channel, channel.medical, appid=config.appid, region=region, notify_url=notify_url
        )
    finally:
        await channel.close()
        signer.close()


def _spoken(at: datetime) -> str:
    return at.astimezone(CHINA).isoformat("T", "seconds")
