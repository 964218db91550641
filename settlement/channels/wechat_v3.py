"""WeChat Pay over API v3: signed JSON both ways.

An answer is believed when its signature is the platform's. One that is not, or cannot be read, or
is about another order, says nothing about the money: `UNKNOWN`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from protocol.wechat import messages
from protocol.wechat.certificates import read_certificates
from protocol.wechat.signing import (
    Authorization,
    SignatureFault,
    phone_text,
    request_text,
    signature_fault,
)
from settlement.channels import wechat_outcomes as outcomes
from settlement.channels.keeping import exchange, masked, masked_code, payer_hash
from settlement.channels.line import ANSWER_BYTES_MAX, Answered, Line, NoAnswer, Reply
from settlement.channels.port import BillRefusedError
from settlement.channels.signer import Signer
from settlement.channels.wechat_bill import BILL_BYTES_MAX, checked_bill, without_bill
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

T = TypeVar("T")

FETCH_GAP = timedelta(minutes=1)
"""Between two fetches of certificates."""
HIDE = ("openid", "sp_openid", "sub_openid", "user_received_account", "auth_code")

logger = logging.getLogger("settlement.channels")


class Heard(Struct, frozen=True):
    """A signed answer."""

    status: int
    body: bytes
    exchange: Exchange
    request_id: str = ""


class Prepaid(Struct, frozen=True):
    """An order that waits for its payer."""

    prepay_id: str
    exchange: Exchange


class V3:
    """One merchant's calls. Every call may be repeated with the same numbers."""

    def __init__(
        self, merchant: WechatMerchant, keys: WechatKeys, line: Line, signer: Signer,
        clock: Clock, nonce: Callable[[], str],
    ) -> None:  # fmt: skip
        if keys.signing is None:
            raise ValueError("API v3 signs every request: merchant_private_key_file is missing")
        self._merchant = merchant
        self._keys = keys
        self._signing = keys.signing
        self._line = line
        self._signer = signer
        self._clock = clock
        self._nonce = nonce
        partner = "/partner" if merchant.sub_mchid else ""
        self._orders = f"/v3/pay{partner}/transactions"
        self._fetching = asyncio.Lock()
        self._fetched_at: datetime | None = None

    async def pay(self, order: PayOrder) -> Outcome:
        """POST …/codepay."""
        content = messages.CodePay(
            **self._names(),
            description=order.subject, out_trade_no=order.order_no,
            payer=messages.AuthCode(auth_code=order.code),
            amount=messages.Amount(total=order.amount_fen, currency="CNY"),
            scene_info=messages.Scene(
                store_info=messages.Store(
                    id=self._merchant.store_id, out_id=self._merchant.store_out_id
                ),
                device_id=order.terminal_id[:32], device_ip=self._merchant.device_ip,
            ),
        )  # fmt: skip
        heard = await self._heard("pay", "POST", f"{self._orders}/codepay", content, order.code)
        return self._payment(heard, order.order_no, outcomes.PAY)

    async def prepay(
        self, *, order_no: str, amount_fen: int, subject: str, openid: str, notify_url: str,
        expires_at: datetime | None = None,
    ) -> Prepaid | Outcome:  # fmt: skip
        """POST …/jsapi: an order that the payer pays on their phone; gives its `prepay_id`."""
        is_partner = bool(self._merchant.sub_mchid)
        content = messages.JsapiOrder(
            **self._names(),
            description=subject, out_trade_no=order_no, notify_url=notify_url,
            time_expire="" if expires_at is None else china_text(expires_at),
            amount=messages.Amount(total=amount_fen, currency="CNY"),
            payer=messages.PayerOf(
                openid="" if is_partner else openid, sp_openid=openid if is_partner else ""
            ),
        )  # fmt: skip
        heard = await self._heard("prepay", "POST", f"{self._orders}/jsapi", content, hide=HIDE)
        if isinstance(heard, Outcome):
            return heard
        if heard.status != HTTPStatus.OK:
            return _refusal(heard, outcomes.PAY)
        answer = _read(heard.body, messages.Prepaid)
        if answer is None or not answer.prepay_id:
            return _outcome(outcomes.UNREADABLE, heard, code="UNREADABLE")
        return Prepaid(answer.prepay_id, heard.exchange)

    async def withdraw(self, order: OrderKey) -> Outcome:
        """POST …/out-trade-no/{out_trade_no}/close, of an order that was prepared for a phone."""
        target = f"{self._orders}/out-trade-no/{order.order_no}/close"
        who = {name: value for name, value in self._names().items() if "mchid" in name}
        heard = await self._heard("close", "POST", target, messages.Close(**who))
        if isinstance(heard, Outcome):
            return heard
        if heard.status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            return _refusal(heard, outcomes.CLOSE)
        return _outcome(outcomes.CLOSED, heard, code="CLOSED")

    async def phone_call(self, prepay_id: str) -> dict[str, str]:
        """With what the payer's phone opens the order (调起支付): signed, off the event loop."""
        appid, package = self._merchant.appid, f"prepay_id={prepay_id}"
        timestamp, nonce = str(int(self._clock().timestamp())), self._nonce()
        text = phone_text(appid, timestamp, nonce, package)
        signature = await self._signer.run(self._signing.sign, text)
        return {
            "appId": appid, "timeStamp": timestamp, "nonceStr": nonce, "package": package,
            "signType": "RSA", "paySign": signature.decode(),
        }  # fmt: skip

    async def query(self, order: OrderKey) -> Outcome:
        """GET …/out-trade-no/{out_trade_no}."""
        names = self._names()
        who = "&".join(f"{name}={value}" for name, value in names.items() if "mchid" in name)
        target = f"{self._orders}/out-trade-no/{order.order_no}?{who}"
        heard = await self._heard("query", "GET", target)
        return self._payment(heard, order.order_no, outcomes.QUERY)

    async def undo(self, order: OrderKey) -> Outcome:
        """POST …/out-trade-no/{out_trade_no}/reverse."""
        target = f"{self._orders}/out-trade-no/{order.order_no}/reverse"
        heard = await self._heard("undo", "POST", target, messages.Reverse(**self._names()))
        if isinstance(heard, Outcome):
            return heard
        if heard.status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            return _refusal(heard, outcomes.UNDO)
        answer = _read(heard.body or b"{}", messages.Reversed)
        if answer is None:
            return _outcome(outcomes.UNREADABLE, heard, code="UNREADABLE")
        if answer.out_trade_no not in ("", order.order_no):
            return _outcome(outcomes.OTHER_ORDER, heard, code="OTHER_ORDER")
        return _outcome(outcomes.UNDONE, heard, code="REVOKED")

    async def refund(self, refund: RefundOrder) -> Outcome:
        """POST /v3/refund/domestic/refunds."""
        content = messages.RefundRequest(
            transaction_id=refund.reference,
            out_trade_no="" if refund.reference else refund.order.order_no,
            sub_mchid=self._merchant.sub_mchid,
            out_refund_no=refund.refund_no, reason=refund.reason[:80],
            notify_url=refund.notify_url,
            amount=messages.RefundAmount(
                refund=refund.amount_fen, total=refund.order.amount_fen, currency="CNY"
            ),
        )  # fmt: skip
        heard = await self._heard("refund", "POST", "/v3/refund/domestic/refunds", content)
        return self._refund(heard, refund.refund_no, outcomes.REFUND)

    async def query_refund(self, refund: RefundOrder) -> Outcome:
        """GET /v3/refund/domestic/refunds/{out_refund_no}."""
        who = f"?sub_mchid={self._merchant.sub_mchid}" if self._merchant.sub_mchid else ""
        target = f"/v3/refund/domestic/refunds/{refund.refund_no}{who}"
        heard = await self._heard("query_refund", "GET", target)
        return self._refund(heard, refund.refund_no, outcomes.REFUND_QUERY)

    async def bill(self, day: date) -> bytes | None:
        """交易账单, all kinds. See `Channel.bill`."""
        who = f"&sub_mchid={self._merchant.sub_mchid}" if self._merchant.sub_mchid else ""
        return await self._bill_at(
            f"/v3/bill/tradebill?bill_date={day.isoformat()}&bill_type=ALL&tar_type=GZIP{who}"
        )

    async def fund_bill(self, day: date) -> bytes | None:
        """资金账单 of the basic account. See `Channel.bill`."""
        return await self._bill_at(
            f"/v3/bill/fundflowbill?bill_date={day.isoformat()}&account_type=BASIC&tar_type=GZIP"
        )

    async def refresh_certificates(self) -> int:
        """Takes the platform's certificates that hold now; gives how many. Called where an answer
        names one that is not known. Raises ValueError where the answer is not theirs: signed by
        one of them, or by the public key that is configured."""
        reply, _ = await self._ask("GET", "/v3/certificates", b"")
        if not isinstance(reply, Answered) or reply.status != HTTPStatus.OK:
            return 0
        now = self._clock()
        found = read_certificates(reply.body, self._keys.apiv3_key, now=now)
        named = self._merchant.platform_public_key_id
        known = {name: key for name, key in self._keys.platform.items() if name == named} | found
        fault = signature_fault(known, reply.headers, reply.body, now=int(now.timestamp()))
        if fault is not None:
            raise ValueError(f"certificates: signature {fault}")
        self._keys.platform.update(found)
        return len(found)

    async def call(
        self, operation: str, method: str, target: str, content: Struct | None = None, *,
        serial: str = "", hide: tuple[str, ...] = (),
    ) -> Heard | Outcome:  # fmt: skip
        """Any other call of API v3, signed and checked; an Outcome where there is no answer.
        `serial` names the platform's key that a field is encrypted under; `hide` are fields of
        the request that are not kept."""
        return await self._heard(operation, method, target, content, serial=serial, hide=hide)

    async def _heard(
        self, operation: str, method: str, target: str, content: Struct | None = None,
        code: str = "", *, serial: str = "", hide: tuple[str, ...] = (),
    ) -> Heard | Outcome:  # fmt: skip
        body = msgspec.json.encode(content) if content is not None else b""
        reply, began_at = await self._ask(method, target, body, serial=serial)
        shown = f"{method} {target}\n{body.decode()}"
        if code:
            shown = shown.replace(code, masked_code(code))
        if hide:
            shown = masked(shown, hide)
        kept = exchange(operation, shown, reply, began_at=began_at, hide=HIDE)
        if isinstance(reply, NoAnswer):
            return _silent(outcomes.NO_ANSWER, kept, reply.code)
        now = int(self._clock().timestamp())
        fault = signature_fault(self._keys.platform, reply.headers, reply.body, now=now)
        if fault is SignatureFault.UNKNOWN_KEY:
            await self._fetch_once(reply.headers.get("wechatpay-serial", ""))
            fault = signature_fault(self._keys.platform, reply.headers, reply.body, now=now)
        if fault is None or self._is_taken_unsigned(fault, reply.status):
            return Heard(reply.status, reply.body, kept, reply.headers.get("request-id", ""))
        if fault is SignatureFault.MISSING and reply.status >= HTTPStatus.BAD_REQUEST:
            return _silent(outcomes.NO_ANSWER, kept, f"HTTP_{reply.status}")
        return _silent(outcomes.UNSIGNED, kept, f"SIGNATURE_{fault.upper()}")

    async def _fetch_once(self, serial: str) -> None:
        """Certificates for an answer that names an unknown one, once for all that wait, and no more
        than once a minute. What goes wrong leaves the answer unknown."""
        async with self._fetching:
            now = self._clock()
            is_early = self._fetched_at is not None and now - self._fetched_at < FETCH_GAP
            if serial in self._keys.platform or is_early:
                return
            self._fetched_at = now
            try:
                found = await self.refresh_certificates()
                why = "not among them" if found else "no answer"
            except ValueError as exc:
                why = str(exc)
        if serial not in self._keys.platform:
            where = {"event": "wechat.certificates.failed", "reason": why}
            logger.warning("WeChat's certificates do not hold the one it signs with", extra=where)

    def _is_taken_unsigned(self, fault: SignatureFault, status: int) -> bool:
        is_refusal = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR
        return self._merchant.unsigned_refusals and fault is SignatureFault.MISSING and is_refusal

    async def _ask(
        self, method: str, target: str, body: bytes, *, bytes_max: int = ANSWER_BYTES_MAX,
        serial: str = "",
    ) -> tuple[Reply, datetime]:  # fmt: skip
        began_at = self._clock()
        timestamp, nonce = str(int(began_at.timestamp())), self._nonce()
        text = request_text(method, target, timestamp, nonce, body)
        signature = await self._signer.run(self._signing.sign, text)
        authorization = Authorization(
            mchid=self._merchant.mchid, serial_no=self._merchant.merchant_serial,
            nonce_str=nonce, timestamp=timestamp, signature=signature.decode(),
        )  # fmt: skip
        headers = {
            "Authorization": authorization.header(), "Accept": "application/json",
            "User-Agent": "settlement",
        }  # fmt: skip
        if body:
            headers["Content-Type"] = "application/json"
        if named := serial or self._merchant.platform_public_key_id:
            headers["Wechatpay-Serial"] = named
        reply = await self._line.ask(
            method, target, body=body, headers=headers, bytes_max=bytes_max
        )
        return reply, began_at

    def _names(self) -> dict[str, str]:
        one = self._merchant
        if not one.sub_mchid:
            return {"appid": one.appid, "mchid": one.mchid}
        names = {"sp_appid": one.appid, "sp_mchid": one.mchid, "sub_mchid": one.sub_mchid}
        return names | ({"sub_appid": one.sub_appid} if one.sub_appid else {})

    def _payment(
        self, heard: Heard | Outcome, order_no: str, table: Mapping[str, Duty]
    ) -> Outcome:
        if isinstance(heard, Outcome):
            return heard
        if heard.status != HTTPStatus.OK:
            return _refusal(heard, table)
        payment = _read(heard.body, messages.Payment)
        if payment is None:
            return _outcome(outcomes.UNREADABLE, heard, code="UNREADABLE")
        if payment.out_trade_no != order_no or not self._is_ours(payment):
            return _outcome(outcomes.OTHER_ORDER, heard, code="OTHER_ORDER")
        return msgspec.structs.replace(payment_outcome(payment), exchange=heard.exchange)

    def _refund(
        self, heard: Heard | Outcome, refund_no: str, table: Mapping[str, Duty]
    ) -> Outcome:
        if isinstance(heard, Outcome):
            return heard
        if heard.status != HTTPStatus.OK:
            return _refusal(heard, table)
        refund = _read(heard.body, messages.Refund)
        if refund is None:
            return _outcome(outcomes.UNREADABLE, heard, code="UNREADABLE")
        if refund.out_refund_no != refund_no:
            return _outcome(outcomes.OTHER_ORDER, heard, code="OTHER_ORDER")
        return msgspec.structs.replace(refund_outcome(refund), exchange=heard.exchange)

    def _is_ours(self, payment: messages.Payment) -> bool:
        return is_of_merchant(self._merchant, payment.mchid, payment.sp_mchid, payment.sub_mchid)

    async def _bill_at(self, target: str) -> bytes | None:
        heard = await self._heard("bill", "GET", target)
        if isinstance(heard, Outcome):
            return None
        if heard.status != HTTPStatus.OK:
            refusal = _read(heard.body, messages.Refusal) or messages.Refusal()
            return without_bill(refusal.code, refusal.message, status=heard.status)
        place = _read(heard.body, messages.BillPlace)
        if place is None or place.hash_type != "SHA1":
            raise BillRefusedError("账单下载地址无法识别")
        url = urlsplit(place.download_url)
        # Path and query only: a signed request goes to the configured host and nowhere else.
        file = f"{url.path}?{url.query}" if url.query else url.path
        reply, _ = await self._ask("GET", file, b"", bytes_max=BILL_BYTES_MAX)
        if not isinstance(reply, Answered) or reply.status != HTTPStatus.OK:
            return None
        return await self._signer.run(lambda data: checked_bill(data, place.hash_value), reply.body)


def china_text(at: datetime) -> str:
    """An instant as WeChat writes it, with +08:00."""
    return at.astimezone(CHINA).isoformat("T", "seconds")


def is_of_merchant(merchant: WechatMerchant, mchid: str, sp_mchid: str, sub_mchid: str) -> bool:
    """Whether an answer or a notification names this merchant."""
    if merchant.sub_mchid:
        return (sp_mchid, sub_mchid) == (merchant.mchid, merchant.sub_mchid)
    return mchid == merchant.mchid


def payment_outcome(payment: messages.Payment) -> Outcome:
    """What a payment object says. A success without WeChat's number is none."""
    duty = outcomes.TRADE_STATES.get(payment.trade_state, outcomes.NOT_LISTED)
    if duty.verdict is Verdict.SUCCESS and not payment.transaction_id:
        duty = outcomes.UNREADABLE
    total_fen = payment.amount.total
    borne_fen = sum(one.amount for one in payment.promotion_detail if one.type == "NOCASH")
    payer = payment.payer
    return Outcome(
        verdict=duty.verdict, code=payment.trade_state, text=duty.text, advice=duty.advice,
        reference=payment.transaction_id, amount_fen=total_fen,
        settled_fen=total_fen - borne_fen if total_fen is not None else None,
        finished_at=messages.rfc3339(payment.success_time),
        payer=payer_hash(payer.openid or payer.sub_openid or payer.sp_openid),
    )  # fmt: skip


def refund_outcome(refund: messages.Refund) -> Outcome:
    """What a refund object says, of an answer or of a notification."""
    status = refund.status or refund.refund_status
    duty = outcomes.REFUND_STATUSES.get(status, outcomes.NOT_LISTED)
    return Outcome(
        verdict=duty.verdict, code=status, text=duty.text, advice=duty.advice,
        reference=refund.refund_id, amount_fen=refund.amount.refund,
        settled_fen=refund.amount.settlement_refund,
        finished_at=messages.rfc3339(refund.success_time),
    )  # fmt: skip


def _read(body: bytes, kind: type[T]) -> T | None:
    try:
        return messages.read(body, kind)
    except messages.UnreadableAnswerError:
        return None


def _refusal(heard: Heard, table: Mapping[str, Duty]) -> Outcome:
    refusal = _read(heard.body, messages.Refusal)
    if refusal is None or not refusal.code:
        return _outcome(outcomes.NOT_LISTED, heard, code=f"HTTP_{heard.status}")
    duty = outcomes.of_refusal(table, refusal.code, status=heard.status)
    text = f"{duty.text}：{refusal.message}" if duty.advice is Advice.SHOW_TEXT else duty.text
    return _outcome(Duty(duty.verdict, duty.advice, text), heard, code=refusal.code)


def _outcome(duty: Duty, heard: Heard, *, code: str) -> Outcome:
    return _silent(duty, heard.exchange, code)


def _silent(duty: Duty, kept: Exchange, code: str) -> Outcome:
    return Outcome(
        verdict=duty.verdict, code=code, text=duty.text, advice=duty.advice, exchange=kept
    )
