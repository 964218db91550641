"""Mixed medical-insurance orders at the simulated WeChat: checked, paid in two parts, half failed.

The payer pays the cash part after some seconds; then WeChat asks the bureau for the other one: that
call is `bureau`, which a test or a demonstration puts in (it answers a reason to refuse, or "").
What is in `attach` stages the rest:

    SIM:MED_FAIL       cash is paid, the bureau refuses
    SIM:MED_PENDING    cash is paid, the bureau never answers
    SIM:SELF_FAIL      the bureau settles, cash fails
    SIM:SELF_PENDING   the bureau settles, cash never comes
    SIM:NEVER          nobody does anything
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from itertools import count

import msgspec
from msgspec import Struct

from loadtest.simulators import wechat_v3_wire as wire
from loadtest.simulators.plain_http import Call
from loadtest.simulators.wechat_keys import SimMerchant
from loadtest.simulators.wechat_orders import Asked, Order, Refused
from loadtest.simulators.wechat_shop import Shop
from loadtest.simulators.wechat_v3_wire import Told
from protocol.wechat import medical, messages
from protocol.wechat.codes import RefundStatus, TradeState
from protocol.wechat.medical import (
    MedInsPayStatus,
    MixedAnswer,
    MixedOrder,
    MixPayStatus,
    MixPayType,
    SelfPayStatus,
    sum_faults,
)
from protocol.wechat.sealing import UndecipherableError, decrypt_field
from settlement.clock import CHINA, local_time

PAYER_SECONDS = 5.0
BUREAU_SECONDS = 2.0
DIGEST_LENGTH = 32
NUMBERS = {"R1": "268529477", "R2": "268529476", "R3": "268529481"}
LINKAGE, DIGEST, NAME, USED_AUTHORISATION = "268529474", "268545961", "268545962", "268547120"
NOT_FOUND, EXISTS, PARAMETER = "268529515", "268512536", "268435461"

Bureau = Callable[[MixedOrder], Awaitable[str]]
Tell = Callable[[SimMerchant, str, MixedAnswer], None]


class Mixed(Struct, kw_only=True):
    """A mixed order and what became of its parts."""

    order: MixedOrder
    merchant: SimMerchant
    mix_trade_no: str
    cash: Order | None
    self_pay: SelfPayStatus
    med_ins_pay: MedInsPayStatus
    paid_at: datetime | None = None
    fail_reason: str = ""
    refunded: medical.RefundedPart | None = None


async def _settles(_order: MixedOrder) -> str:
    return ""


class MixedApi:
    """`/v3/med-ins/…`, and the JSAPI order that is its cash part."""

    def __init__(self, shop: Shop, tell: Tell) -> None:
        self._shop = shop
        self._tell = tell
        self._serial = count(1)
        self._by_number: dict[str, Mixed] = {}
        self._by_mix_number: dict[str, Mixed] = {}
        self._authorisations: set[str] = set()
        self.bureau: Bureau = _settles
        """WeChat's own request to the bureau, once a `pay_order_id`"""

    def is_about(self, call: Call) -> bool:
        """Whether it is answered here."""
        return call.path.startswith("/v3/med-ins/") or call.path.endswith("/transactions/jsapi")

    def answer(self, call: Call, merchant: SimMerchant) -> Told:
        """Not signed yet."""
        if call.path.endswith("/jsapi"):
            return self._prepay(call, merchant)
        if call.path == medical.REFUND_NOTICE:
            return self._refunded(call)
        if call.method == "POST":
            return self._create(call, merchant)
        numbers = call.parameters
        found = (
            self._by_mix_number.get(numbers["mix_trade_no"])
            if "mix_trade_no" in numbers
            else self._by_number.get(numbers["out_trade_no"])
        )
        return self._shown(found) if found is not None else _refused(
            "ORDERNOTEXIST", "混合单不存在", NOT_FOUND
        )  # fmt: skip

    def _prepay(self, call: Call, merchant: SimMerchant) -> Told:
        try:
            asked = messages.read(call.body, messages.JsapiOrder)
        except messages.UnreadableAnswerError as exc:
            return wire.refusal(Refused("PARAM_ERROR", str(exc)))
        one = Asked(
            mchid=merchant.mchid, sub_mchid=asked.sub_mchid, appid=asked.appid or asked.sp_appid,
            out_trade_no=asked.out_trade_no, amount_fen=asked.amount.total, auth_code="",
            description=asked.description, attach=asked.attach,
            openid=asked.payer.openid or asked.payer.sp_openid, notify_url=asked.notify_url,
            expires_at=messages.rfc3339(asked.time_expire),
        )  # fmt: skip
        order = self._shop.orders.prepay(one)
        if isinstance(order, Refused):
            return wire.refusal(order)
        return wire.told(messages.Prepaid(prepay_id=order.prepay_id))

    def _create(self, call: Call, merchant: SimMerchant) -> Told:
        try:
            order = messages.read(call.body, MixedOrder)
        except messages.UnreadableAnswerError as exc:
            return _refused("PARAM_ERROR", str(exc), PARAMETER)
        known = self._by_number.get(order.out_trade_no)
        if known is not None:
            return _refused("ALREADY_EXISTS", "混合单已存在", EXISTS)
        refused = self._identity(order) or self._linkage(order)
        if refused is not None:
            return refused
        self._authorisations.add(order.pay_auth_no)
        mixed = self._made(order, merchant)
        self._shop.clock.after(PAYER_SECONDS, lambda: self._payer_pays(mixed))
        return self._shown(mixed)

    def _identity(self, order: MixedOrder) -> Told | None:
        key = self._shop.platform.signing.rsa
        for person in (order.payer, order.relative):
            if person is None:
                continue
            try:
                name, digest = decrypt_field(key, person.name), decrypt_field(key, person.id_digest)
            except UndecipherableError:
                return _refused("PARAM_ERROR", "敏感字段解密失败", PARAMETER)
            if not name:
                return _refused("PARAM_ERROR", "姓名与实名不符", NAME)
            if len(digest) != DIGEST_LENGTH or digest != digest.lower():
                return _refused("PARAM_ERROR", "证件摘要与实名不符", DIGEST)
        return None

    def _linkage(self, order: MixedOrder) -> Told | None:
        faults = sum_faults(order)
        if faults:
            first = faults[0]
            return _refused("PARAM_ERROR", first.text, NUMBERS.get(first.rule, LINKAGE))
        if order.pay_auth_no and order.pay_auth_no in self._authorisations:
            return _refused("INVALID_REQUEST", "授权单号已使用", USED_AUTHORISATION)
        prepaid = self._shop.orders.find_prepaid(order.prepay_id)
        if order.prepay_id and prepaid is None:
            return _refused("PARAM_ERROR", "prepay_id 无效", LINKAGE)
        if prepaid is not None and prepaid.asked.amount_fen != order.wechat_pay_cash_fee:
            return _refused("PARAM_ERROR", "prepay_id 金额不符", LINKAGE)
        return None

    def _made(self, order: MixedOrder, merchant: SimMerchant) -> Mixed:
        cash = self._shop.orders.find_prepaid(order.prepay_id)
        insured = order.mix_pay_type is not MixPayType.CASH_ONLY
        day = f"{local_time(self._shop.clock()):%Y%m%d}"
        mixed = Mixed(
            order=order, merchant=merchant, cash=cash,
            mix_trade_no=f"1{day}{next(self._serial):023d}",
            self_pay=SelfPayStatus.CREATED if cash is not None else SelfPayStatus.NONE,
            med_ins_pay=MedInsPayStatus.CREATED if insured else MedInsPayStatus.NONE,
        )  # fmt: skip
        self._by_number[order.out_trade_no] = mixed
        self._by_mix_number[mixed.mix_trade_no] = mixed
        return mixed

    async def _payer_pays(self, mixed: Mixed) -> None:
        staged = mixed.order.attach
        if "SIM:NEVER" in staged:
            return
        if mixed.cash is not None and "SIM:SELF_FAIL" in staged:
            mixed.self_pay = SelfPayStatus.FAIL
        elif mixed.cash is not None and "SIM:SELF_PENDING" not in staged:
            self._shop.orders.pay_prepaid(mixed.cash)
            mixed.self_pay = SelfPayStatus.SUCCESS
        self._shop.clock.after(BUREAU_SECONDS, lambda: self._bureau_settles(mixed))

    async def _bureau_settles(self, mixed: Mixed) -> None:
        staged = mixed.order.attach
        if mixed.med_ins_pay is MedInsPayStatus.CREATED and "SIM:MED_PENDING" not in staged:
            refuses = "SIM:MED_FAIL" in staged
            reason = "医保局结算校验未通过" if refuses else await self.bureau(mixed.order)
            mixed.fail_reason = reason
            mixed.med_ins_pay = MedInsPayStatus.FAIL if reason else MedInsPayStatus.SUCCESS
        if _status(mixed) is MixPayStatus.SUCCESS:
            mixed.paid_at = self._shop.clock()
            if mixed.order.callback_url:
                self._tell(mixed.merchant, mixed.order.callback_url, self._answer(mixed))

    def _refunded(self, call: Call) -> Told:
        mixed = self._by_mix_number.get(call.query.get("mix_trade_no", ""))
        if mixed is None:
            return _refused("ORDERNOTEXIST", "混合单不存在", NOT_FOUND)
        try:
            part = messages.read(call.body, medical.RefundedPart)
        except messages.UnreadableAnswerError as exc:
            return _refused("PARAM_ERROR", str(exc), PARAMETER)
        parts = part.med_refund_gov_fee + part.med_refund_self_fee + part.med_refund_other_fee
        if parts != part.med_refund_total_fee:
            return _refused("PARAM_ERROR", "医保退款金额不平", NUMBERS["R1"])
        if mixed.refunded is not None and mixed.refunded != part:
            return _refused("INVALID_REQUEST", "退款通知与之前不一致", PARAMETER)
        mixed.refunded = part
        mixed.med_ins_pay = MedInsPayStatus.REFUND
        return Told(200, b"{}")

    def _shown(self, mixed: Mixed) -> Told:
        return wire.told(self._answer(mixed))

    def _answer(self, mixed: Mixed) -> MixedAnswer:
        _see_refund(mixed)
        order = mixed.order
        paid = mixed.paid_at
        return MixedAnswer(
            mix_trade_no=mixed.mix_trade_no, out_trade_no=order.out_trade_no,
            mix_pay_status=_status(mixed), self_pay_status=mixed.self_pay,
            med_ins_pay_status=mixed.med_ins_pay, pay_order_id=order.pay_order_id,
            serial_no=order.serial_no, total_fee=order.total_fee,
            paid_time=paid.astimezone(CHINA).isoformat("T", "seconds") if paid else "",
            med_ins_gov_fee=order.med_ins_gov_fee, med_ins_self_fee=order.med_ins_self_fee,
            med_ins_other_fee=order.med_ins_other_fee, med_ins_cash_fee=order.med_ins_cash_fee,
            wechat_pay_cash_fee=order.wechat_pay_cash_fee, attach=order.attach,
            med_ins_fail_reason=mixed.fail_reason,
        )  # fmt: skip


def _see_refund(mixed: Mixed) -> None:
    """The cash part has gone back when all of it has."""
    cash = mixed.cash
    if cash is None or cash.state != TradeState.REFUND:
        return
    done = [one for one in cash.refunds.values() if one.status == RefundStatus.SUCCESS]
    if sum(one.amount_fen for one in done) == cash.asked.amount_fen:
        mixed.self_pay = SelfPayStatus.REFUND


def _status(mixed: Mixed) -> MixPayStatus:
    cash, insured = mixed.self_pay, mixed.med_ins_pay
    if cash in (SelfPayStatus.SUCCESS, SelfPayStatus.NONE) and insured in (
        MedInsPayStatus.SUCCESS, MedInsPayStatus.NONE,
    ):  # fmt: skip
        return MixPayStatus.SUCCESS
    if cash in (SelfPayStatus.REFUND, SelfPayStatus.NONE) and insured in (
        MedInsPayStatus.REFUND, MedInsPayStatus.NONE,
    ):  # fmt: skip
        return MixPayStatus.REFUND
    if SelfPayStatus.FAIL is cash or MedInsPayStatus.FAIL is insured:
        return MixPayStatus.FAIL
    return MixPayStatus.CREATED


def _refused(code: str, text: str, number: str) -> Told:
    return msgspec.structs.replace(wire.refusal(Refused(code, text)), number=number)
