"""WeChat Pay over API v2: signed XML, an answer in three layers.

Transport (`return_code`), business (`result_code`, `err_code`), data. Only an answer whose first
layer is SUCCESS is signed; what the first layer refuses is believed where nothing can have been
carried out (`outcomes.DEFINITE_RETURN_MESSAGES`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from http import HTTPStatus

from msgspec import Struct

from protocol.wechat import v2
from protocol.wechat.codes import normal
from settlement.channels import wechat_outcomes as outcomes
from settlement.channels.keeping import exchange, masked_code, payer_hash
from settlement.channels.line import Answered, Line, NoAnswer
from settlement.channels.port import BillRefusedError
from settlement.channels.signer import Signer
from settlement.channels.wechat_bill import BILL_BYTES_MAX, unpacked
from settlement.channels.wechat_config import WechatKeys, WechatMerchant
from settlement.channels.wechat_outcomes import Duty
from settlement.clock import CHINA, Clock
from settlement.payments.payment import (
    Advice,
    Exchange,
    OrderKey,
    Outcome,
    PayOrder,
    RefundOrder,
    Verdict,
)

SUCCESS = "SUCCESS"
HIDE = ("openid", "sub_openid", "sign", "auth_code", "refund_recv_accout")
NO_BILL = ("No Bill Exist", "no bill exist", "账单不存在")
BILL_CREATING = ("Bill Creating", "账单未生成")


class Heard(Struct, frozen=True):
    """A signed answer whose first layer is SUCCESS."""

    fields: Mapping[str, str]
    exchange: Exchange

    @property
    def is_success(self) -> bool:
        """Of the second layer."""
        return self.fields.get("result_code") == SUCCESS


class V2:
    """One merchant's calls. Every call may be repeated with the same numbers."""

    def __init__(
        self, merchant: WechatMerchant, keys: WechatKeys, line: Line, signer: Signer,
        clock: Clock, nonce: Callable[[], str],
    ) -> None:  # fmt: skip
        if not keys.apiv2_key:
            raise ValueError("API v2 signs with a shared key: apiv2_key_file is missing")
        self._merchant = merchant
        self._key = keys.apiv2_key
        self._line = line
        self._signer = signer
        self._clock = clock
        self._nonce = nonce

    async def pay(self, order: PayOrder) -> Outcome:
        """POST /pay/micropay."""
        heard = await self._heard(
            "pay", "/pay/micropay",
            body=order.subject, out_trade_no=order.order_no, total_fee=str(order.amount_fen),
            spbill_create_ip=self._merchant.device_ip, auth_code=order.code,
            device_info=order.terminal_id[:32], fee_type="CNY",
        )  # fmt: skip
        if isinstance(heard, Outcome):
            return heard
        if not heard.is_success:
            return _refusal(heard, outcomes.PAY)
        return self._payment(heard, order.order_no, state=SUCCESS)

    async def query(self, order: OrderKey) -> Outcome:
        """POST /pay/orderquery."""
        heard = await self._heard("query", "/pay/orderquery", out_trade_no=order.order_no)
        if isinstance(heard, Outcome):
            return heard
        if not heard.is_success:
            return _refusal(heard, outcomes.QUERY)
        return self._payment(heard, order.order_no, state=heard.fields.get("trade_state", ""))

    async def undo(self, order: OrderKey) -> Outcome:
        """POST /secapi/pay/reverse. `recall` Y asks for another call, whatever else is said."""
        heard = await self._heard("undo", "/secapi/pay/reverse", out_trade_no=order.order_no)
        if isinstance(heard, Outcome):
            return heard
        code = heard.fields.get("err_code", "")
        if heard.fields.get("recall") == "Y":
            return _outcome(outcomes.RECALL, heard, code=code or "RECALL")
        if not heard.is_success:
            return _refusal(heard, outcomes.UNDO)
        return _outcome(outcomes.UNDONE, heard, code="REVOKED")

    async def refund(self, refund: RefundOrder) -> Outcome:
        """POST /secapi/pay/refund. A success means taken on, not given back."""
        heard = await self._heard(
            "refund", "/secapi/pay/refund",
            transaction_id=refund.reference,
            out_trade_no="" if refund.reference else refund.order.order_no,
            out_refund_no=refund.refund_no, total_fee=str(refund.order.amount_fen),
            refund_fee=str(refund.amount_fen), refund_desc=refund.reason[:80],
            notify_url=refund.notify_url,
        )  # fmt: skip
        if isinstance(heard, Outcome):
            return heard
        if not heard.is_success:
            return _refusal(heard, outcomes.REFUND)
        if heard.fields.get("out_refund_no") != refund.refund_no:
            return _outcome(outcomes.OTHER_ORDER, heard, code="OTHER_ORDER")
        return refund_outcome(heard.fields, status="PROCESSING", kept=heard.exchange)

    async def query_refund(self, refund: RefundOrder) -> Outcome:
        """POST /pay/refundquery by our refund number: the answer counts refunds from 0."""
        heard = await self._heard(
            "query_refund", "/pay/refundquery", out_refund_no=refund.refund_no
        )
        if isinstance(heard, Outcome):
            return heard
        if not heard.is_success:
            return _refusal(heard, outcomes.REFUND_QUERY)
        if heard.fields.get("out_refund_no_0") != refund.refund_no:
            return _outcome(outcomes.OTHER_ORDER, heard, code="OTHER_ORDER")
        first = {
            name.removesuffix("_0"): value
            for name, value in heard.fields.items()
            if name.endswith("_0")
        }
        return refund_outcome(first, status=first.get("refund_status", ""), kept=heard.exchange)

    async def bill(self, day: date) -> bytes | None:
        """POST /pay/downloadbill; has no digest. See `Channel.bill`."""
        return await self._bill("/pay/downloadbill", bill_date=f"{day:%Y%m%d}", bill_type="ALL")

    async def fund_bill(self, day: date) -> bytes | None:
        """POST /pay/downloadfundflow, with the merchant's certificate. See `Channel.bill`."""
        return await self._bill(
            "/pay/downloadfundflow", bill_date=f"{day:%Y%m%d}", account_type="Basic"
        )

    async def _bill(self, target: str, **asked: str) -> bytes | None:
        body = v2.encode(self._signed({**asked, "tar_type": "GZIP"}))
        reply = await self._line.ask(
            "POST", target, body=body, headers=_HEADERS, bytes_max=BILL_BYTES_MAX
        )
        if not isinstance(reply, Answered) or reply.status != HTTPStatus.OK:
            return None
        if not reply.body.lstrip().startswith(b"<xml>"):
            return await self._signer.run(unpacked, reply.body)
        try:
            fields = v2.decode(reply.body)
        except v2.NotV2Error as exc:
            raise BillRefusedError("账单应答无法识别") from exc
        told = fields.get("return_msg") or fields.get("err_code_des", "")
        if told.startswith(NO_BILL):
            return b""
        code = normal(fields.get("err_code", ""))
        if told.startswith(BILL_CREATING) or code == normal("SYSTEM_ERROR"):
            return None
        raise BillRefusedError(f"微信支付不提供账单：{told}")

    async def _heard(self, operation: str, target: str, **asked: str) -> Heard | Outcome:
        fields = self._signed(asked)
        began_at = self._clock()
        reply = await self._line.ask("POST", target, body=v2.encode(fields), headers=_HEADERS)
        shown = f"POST {target}\n{v2.encode(_shown(fields)).decode()}"
        kept = exchange(operation, shown, reply, began_at=began_at, hide=HIDE)
        if isinstance(reply, NoAnswer):
            return _silent(outcomes.NO_ANSWER, kept, reply.code)
        if reply.status != HTTPStatus.OK:
            return _silent(outcomes.NO_ANSWER, kept, f"HTTP_{reply.status}")
        try:
            told = v2.decode(reply.body)
        except v2.NotV2Error:
            return _silent(outcomes.UNREADABLE, kept, "UNREADABLE")
        if told.get("return_code") != SUCCESS:
            duty = outcomes.of_return_message(told.get("return_msg", ""))
            if operation != "pay" and duty.verdict is Verdict.FAILED:
                duty = Duty(Verdict.UNKNOWN, duty.advice, duty.text)
            return _silent(duty, kept, "RETURN_FAIL")
        if not v2.is_signed(told, self._key, self._merchant.apiv2_sign_type):
            return _silent(outcomes.UNSIGNED, kept, "SIGNATURE_WRONG")
        return Heard(told, kept)

    def _signed(self, asked: Mapping[str, str]) -> dict[str, str]:
        one = self._merchant
        named = {
            "appid": one.appid, "mch_id": one.mchid, "sub_appid": one.sub_appid,
            "sub_mch_id": one.sub_mchid, "nonce_str": self._nonce(),
            "sign_type": one.apiv2_sign_type,
        }  # fmt: skip
        return v2.signed({**named, **asked}, self._key, one.apiv2_sign_type)

    def _payment(self, heard: Heard, order_no: str, *, state: str) -> Outcome:
        fields = heard.fields
        ours = fields.get("mch_id") == self._merchant.mchid
        if fields.get("out_trade_no") != order_no or not ours:
            return _outcome(outcomes.OTHER_ORDER, heard, code="OTHER_ORDER")
        duty = outcomes.TRADE_STATES.get(state, outcomes.NOT_LISTED)
        reference = fields.get("transaction_id", "")
        if duty.verdict is Verdict.SUCCESS and not reference:
            duty = outcomes.UNREADABLE
        total_fen = _fen(fields.get("total_fee", ""))
        settled_fen = _fen(fields.get("settlement_total_fee", ""))
        return Outcome(
            verdict=duty.verdict, code=state, text=duty.text, advice=duty.advice,
            reference=reference, amount_fen=total_fen,
            settled_fen=settled_fen if settled_fen is not None else total_fen,
            finished_at=_instant(fields.get("time_end", ""), "%Y%m%d%H%M%S"),
            payer=payer_hash(fields.get("openid", "")), exchange=heard.exchange,
        )  # fmt: skip


def refund_outcome(
    fields: Mapping[str, str], *, status: str, kept: Exchange | None = None
) -> Outcome:
    """What an answer or a notification says of a refund."""
    duty = outcomes.REFUND_STATUSES.get(status, outcomes.NOT_LISTED)
    finished = fields.get("refund_success_time") or fields.get("success_time", "")
    return Outcome(
        verdict=duty.verdict, code=status, text=duty.text, advice=duty.advice,
        reference=fields.get("refund_id", ""), amount_fen=_fen(fields.get("refund_fee", "")),
        settled_fen=_fen(fields.get("settlement_refund_fee", "")),
        finished_at=_instant(finished, "%Y-%m-%d %H:%M:%S"), exchange=kept,
    )  # fmt: skip


_HEADERS = {"Content-Type": "text/xml; charset=utf-8", "User-Agent": "settlement"}


def _shown(fields: Mapping[str, str]) -> dict[str, str]:
    shown = {name: value for name, value in fields.items() if name != "sign"}
    if "auth_code" in shown:
        shown["auth_code"] = masked_code(shown["auth_code"])
    return shown


def _fen(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _instant(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=CHINA)
    except ValueError:
        return None


def _refusal(heard: Heard, table: Mapping[str, Duty]) -> Outcome:
    code = heard.fields.get("err_code", "")
    duty = outcomes.of_refusal(table, code, status=HTTPStatus.OK)
    told = heard.fields.get("err_code_des", "")
    text = f"{duty.text}：{told}" if duty.advice is Advice.SHOW_TEXT and told else duty.text
    return _outcome(Duty(duty.verdict, duty.advice, text), heard, code=code or "RESULT_FAIL")


def _outcome(duty: Duty, heard: Heard, *, code: str) -> Outcome:
    return _silent(duty, heard.exchange, code)


def _silent(duty: Duty, kept: Exchange, code: str) -> Outcome:
    return Outcome(
        verdict=duty.verdict, code=code, text=duty.text, advice=duty.advice, exchange=kept
    )
