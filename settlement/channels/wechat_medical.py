"""Mixed medical-insurance orders of WeChat (医保混合支付): created, asked about, told of refunds.

Two parts, two truths: every answer is brought to a `Situation` (`wechat_medical_states`), which
says what is to be done. WeChat alone asks the bureau for the insurance part; nothing here books it.
Notifications come on full success only and soon stop, so that an order that waits has to be asked
about.
"""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from urllib.parse import quote

import msgspec
from msgspec import Struct

from protocol.wechat import medical, messages
from protocol.wechat.sealing import encrypt_field
from settlement.channels import wechat_outcomes as outcomes
from settlement.channels.wechat_config import WechatKeys, WechatMerchant
from settlement.channels.wechat_medical_states import (
    FAILURES,
    NOT_DESCRIBED,
    Situation,
    Task,
    situation_of,
)
from settlement.channels.wechat_v3 import V3, Heard
from settlement.payments.payment import Advice, Exchange, Outcome, Verdict

HIDE = ("name", "id_digest", "openid", "sub_openid", "pay_auth_no", "geo_location")


class MixedRefusedError(Exception):
    """An order that WeChat would refuse: it is not sent. Our own sums are wrong."""


class MixedOutcome(Struct, frozen=True, kw_only=True):
    """What is known of a mixed order."""

    verdict: Verdict
    task: Task
    text: str
    code: str = ""
    advice: Advice = Advice.NONE
    mix_trade_no: str = ""
    self_pay_status: str = ""
    med_ins_pay_status: str = ""
    cash_fen: int | None = None
    """what WeChat collects"""
    insurance_fen: int | None = None
    """what the bureau pays"""
    finished_at: datetime | None = None
    exchange: Exchange | None = None


class MedicalOrders:
    """One merchant's mixed orders. Every call may be repeated with the same numbers."""

    def __init__(self, merchant: WechatMerchant, keys: WechatKeys, v3: V3) -> None:
        self._merchant = merchant
        self._keys = keys
        self._v3 = v3

    async def prepare_cash(
        self, *, order_no: str, amount_fen: int, subject: str, openid: str, notify_url: str
    ) -> str | Outcome:
        """The cash part (JSAPI下单): gives its `prepay_id`, which lives two hours. It is queried
        and refunded as any payment, under `order_no`."""
        made = await self._v3.prepay(
            order_no=order_no, amount_fen=amount_fen, subject=subject, openid=openid,
            notify_url=notify_url,
        )  # fmt: skip
        return made if isinstance(made, Outcome) else made.prepay_id

    async def create(self, order: medical.MixedOrder) -> MixedOutcome:
        """POST /v3/med-ins/orders. Of the persons in `order` names and digests are plain; they
        are encrypted here. Raises MixedRefusedError where the fees do not make up the total."""
        faults = medical.sum_faults(order)
        if faults:
            raise MixedRefusedError("; ".join(f"{one.rule}: {one.text}" for one in faults))
        serial = self._serial()
        relative = order.relative
        sealed = msgspec.structs.replace(
            order, payer=self._sealed(order.payer, serial),
            relative=self._sealed(relative, serial) if relative is not None else None,
        )  # fmt: skip
        heard = await self._v3.call(
            "mixed_create", "POST", medical.ORDERS, sealed, serial=serial, hide=HIDE
        )
        return self._read(heard, order.out_trade_no, is_query=False)

    async def query(self, out_trade_no: str) -> MixedOutcome:
        """GET /v3/med-ins/orders/out-trade-no/{out_trade_no}."""
        target = f"{medical.ORDERS}/out-trade-no/{out_trade_no}{self._who('?')}"
        heard = await self._v3.call("mixed_query", "GET", target)
        return self._read(heard, out_trade_no, is_query=True)

    async def tell_refunded(self, mix_trade_no: str, part: medical.RefundedPart) -> Outcome:
        """POST /v3/med-ins/refunds/notify: third step of a refund, after 6203 and the refund of
        the cash, whose number it carries. `SUCCESS`: WeChat knows."""
        target = f"{medical.REFUND_NOTICE}?mix_trade_no={quote(mix_trade_no)}{self._who('&')}"
        heard = await self._v3.call("mixed_refunded", "POST", target, part)
        if isinstance(heard, Outcome):
            return heard
        if heard.status in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            return Outcome(
                verdict=Verdict.SUCCESS, text="已通知微信支付医保退款", exchange=heard.exchange
            )
        refused = _refusal(heard, is_query=True)
        return Outcome(
            verdict=refused.verdict, code=refused.code, text=refused.text, advice=refused.advice,
            exchange=heard.exchange,
        )  # fmt: skip

    def _who(self, mark: str) -> str:
        sub_mchid = self._merchant.sub_mchid
        return f"{mark}sub_mchid={sub_mchid}" if sub_mchid else ""

    def _serial(self) -> str:
        """Of the platform's key that names are encrypted under."""
        known = self._keys.platform
        named = self._merchant.platform_public_key_id
        if named in known:
            return named
        if not known:
            raise MixedRefusedError("no key of the platform: fetch its certificates")
        return next(reversed(known))

    def _sealed(self, person: medical.Person, serial: str) -> medical.Person:
        key = self._keys.platform[serial].rsa
        return medical.Person(
            name=encrypt_field(key, person.name), card_type=person.card_type,
            id_digest=encrypt_field(key, person.id_digest),
        )  # fmt: skip

    def _read(self, heard: Heard | Outcome, out_trade_no: str, *, is_query: bool) -> MixedOutcome:
        if isinstance(heard, Outcome):
            return MixedOutcome(
                verdict=heard.verdict, task=Task.WAIT, text=heard.text, code=heard.code,
                advice=heard.advice, exchange=heard.exchange,
            )  # fmt: skip
        if heard.status != HTTPStatus.OK:
            return _refusal(heard, is_query=is_query)
        try:
            answer = messages.read(heard.body, medical.MixedAnswer)
        except messages.UnreadableAnswerError:
            return _not_described(heard, "UNREADABLE")
        if answer.out_trade_no != out_trade_no:
            return _not_described(heard, "OTHER_ORDER")
        return msgspec.structs.replace(mixed_outcome(answer), exchange=heard.exchange)


def mixed_outcome(answer: medical.MixedAnswer) -> MixedOutcome:
    """What an answer or a notification says."""
    situation = situation_of(answer.self_pay_status, answer.med_ins_pay_status)
    text = situation.text
    if answer.med_ins_fail_reason and situation.task is not Task.BOOK:
        text = f"{text}：{answer.med_ins_fail_reason[:100]}"
    parts = (answer.med_ins_gov_fee, answer.med_ins_self_fee, answer.med_ins_other_fee)
    known = [fen for fen in parts if fen is not None]
    return MixedOutcome(
        verdict=situation.verdict, task=situation.task, text=text, code=answer.mix_pay_status,
        advice=Advice.OPERATOR if situation is NOT_DESCRIBED else Advice.NONE,
        mix_trade_no=answer.mix_trade_no, self_pay_status=answer.self_pay_status,
        med_ins_pay_status=answer.med_ins_pay_status, cash_fen=answer.wechat_pay_cash_fee,
        insurance_fen=sum(known) if known else None,
        finished_at=messages.rfc3339(answer.paid_time),
    )  # fmt: skip


def outcome_of_mixed(mixed: MixedOutcome) -> Outcome:
    """As an outcome of the cash leg's vocabulary, for notifications."""
    return Outcome(
        verdict=mixed.verdict, code=mixed.code, text=mixed.text, advice=mixed.advice,
        reference=mixed.mix_trade_no, amount_fen=mixed.cash_fen, finished_at=mixed.finished_at,
    )  # fmt: skip


def _refusal(heard: Heard, *, is_query: bool) -> MixedOutcome:
    try:
        refusal = messages.read(heard.body, messages.Refusal)
    except messages.UnreadableAnswerError:
        refusal = messages.Refusal()
    duty = outcomes.of_refusal(outcomes.MIXED, refusal.code, status=heard.status)
    number = heard.request_id[-9:]
    reason = FAILURES.get(number) or refusal.message
    is_refused = duty.verdict is Verdict.FAILED and not is_query
    return MixedOutcome(
        verdict=Verdict.FAILED if is_refused else Verdict.UNKNOWN,
        task=Task.NOTHING if is_refused else Task.WAIT,
        text=f"{duty.text}：{reason}" if reason else duty.text, advice=duty.advice,
        code=f"{refusal.code or heard.status}{f' {number}' if number in FAILURES else ''}",
        exchange=heard.exchange,
    )  # fmt: skip


def _not_described(heard: Heard, code: str) -> MixedOutcome:
    situation: Situation = NOT_DESCRIBED
    return MixedOutcome(
        verdict=situation.verdict, task=situation.task, text=situation.text, code=code,
        advice=Advice.OPERATOR, exchange=heard.exchange,
    )  # fmt: skip
