"""A simulated UnionPay: ACP 5.1.0 over HTTP, with real certificates both ways.

Requests must be signed by a merchant that it knows; every answer and notification is signed and
carries its certificate. What it decides is in `unionpay_state`, its statements in `unionpay_bill`;
here are the wire and the faults of content. Nothing that UnionPay signs has a time that anybody
checks, so the fault of a skewed clock has no effect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from loadtest.simulators import phone_window
from loadtest.simulators.channel import ChannelSimulator, Notice, Reply
from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.channel_faults import Fault, Faults, Operation
from loadtest.simulators.plain_http import Call
from loadtest.simulators.signing_here import SignsHere
from loadtest.simulators.unionpay_bill import bill
from loadtest.simulators.unionpay_checks import (
    FILE_PATH,
    QUERY_PATH,
    SUB_TYPES,
    TRANSACTION_PATH,
    SimulatedMerchant,
    is_applied,
    merchant_of,
    refusal_of,
)
from loadtest.simulators.unionpay_codes import QrCodes
from loadtest.simulators.unionpay_keys import (
    Keys,
    certificate_pem,
    make_keys,
    make_signing_key,
    merchant_name,
    public_key_pem,
    signing_key_pem,
)
from loadtest.simulators.unionpay_offers import Offers
from loadtest.simulators.unionpay_state import (
    ABSENT,
    TOO_LATE,
    Decision,
    Key,
    State,
    Transaction,
)
from loadtest.simulators.virtual_clock import VirtualClock
from protocol.unionpay import codes
from protocol.unionpay.certificates import SigningKey
from protocol.unionpay.clearing_day import bounds, clearing_day
from protocol.unionpay.form import FormError, answer_body, form_body, form_fields
from protocol.unionpay.messages import CURRENCY_CNY, SIGN_METHOD_RSA, VERSION
from protocol.unionpay.signing import SIGNATURE, digest, sign_digest
from protocol.unionpay.statement import SEPARATOR
from protocol.unionpay.times import parse_settle_date, parse_txn_time, settle_date, txn_time

NOTICE_GAPS_SECONDS = (60.0, 120.0, 240.0, 300.0)
NO_NOTICE_URL = "http://www.specialUrl.com"

_BUSY_CODES = {Fault.BUSY: "06", Fault.RATE_LIMITED: "37", Fault.MAINTENANCE: "02"}
_OPERATIONS = {
    codes.PAY: Operation.PAY, codes.REVERSE: Operation.UNDO, codes.VOID: Operation.REFUND,
    codes.REFUND: Operation.REFUND, codes.QUERY: Operation.QUERY, codes.FILE: Operation.BILL,
}  # fmt: skip
_ECHOED = (
    "version", "encoding", "bizType", "txnType", "txnSubType", "accessType", "merId", "orderId",
    "txnTime", "txnAmt", "currencyCode", "settleDate", "fileType", "origQryId", "origOrderId",
    "reqReserved",
)  # fmt: skip


class UnionPaySimulator(ChannelSimulator):
    """UnionPay with all its merchants."""

    name = "unionpay"

    def __init__(
        self, *, clock: VirtualClock, book: ChannelBook, faults: Faults | None = None,
        latency_seconds: Callable[[], float] | None = None, calls_per_second: int | None = None,
        refund_seconds: float = 0.0, clock_off_seconds_max: float | None = None,
        separator: str = SEPARATOR, keys: Keys | None = None,
    ) -> None:  # fmt: skip
        """`refund_seconds` until a refund is decided; a txnTime further off than
        `clock_off_seconds_max` is refused; `separator` is that of statements; `keys` where they
        are not to be made anew."""
        super().__init__(
            clock=clock, book=book, faults=faults, latency_seconds=latency_seconds,
            calls_per_second=calls_per_second,
        )  # fmt: skip
        self.codes = QrCodes()
        keys = keys or make_keys(clock())
        self.signer = keys.unionpay
        self._own = (keys.unionpay, certificate_pem(keys.unionpay))
        self._forger = (keys.stranger, certificate_pem(keys.stranger))
        self._merchants: dict[str, SimulatedMerchant] = {}
        self._state = State(book, self.codes)
        self.offers = Offers(clock, self._state, lambda: self.url, self._paid_on_phone)
        self._refund_seconds = refund_seconds
        self._clock_off_seconds_max = clock_off_seconds_max
        self._separator = separator
        self._signatures = SignsHere()

    def open_merchant(self, mer_id: str, signer: SigningKey | None = None) -> SigningKey:
        """A merchant that may collect here; with a new key and certificate where it has none."""
        signer = signer or make_signing_key(merchant_name(mer_id), at=self.clock())
        self._merchants[mer_id] = merchant_of(mer_id, signer)
        return signer

    def credentials(self, mer_id: str, signer: SigningKey) -> dict[str, object]:
        """What a program needs to be this merchant, as in /demo/world.json."""
        return {
            "base_url": self.url, "file_url": self.url + FILE_PATH, "mer_id": mer_id,
            "cert_id": signer.cert_id, "key_pem": signing_key_pem(signer),
            "public_key_pem": public_key_pem(self.signer),
            "certificate_pem": certificate_pem(self.signer),
            "test_codes": self.codes.test_codes(),
        }  # fmt: skip

    async def stop(self) -> None:
        """See `ChannelSimulator`."""
        await super().stop()
        self._signatures.close()

    def routes(self) -> tuple[tuple[str, str], ...]:
        """See `ChannelSimulator`."""
        return (
            ("POST", TRANSACTION_PATH), ("POST", QUERY_PATH), ("POST", FILE_PATH),
            *phone_window.ROUTES,
        )  # fmt: skip

    def classify(self, call: Call) -> tuple[Operation, str]:
        """See `ChannelSimulator`."""
        if self.offers.window.is_about(call):
            return Operation.PHONE, ""
        fields = call.once(_fields)
        if is_applied(fields):
            return Operation.HAND, fields.get("orderId", "")
        operation = _OPERATIONS.get(fields.get("txnType", ""), Operation.OTHER)
        number = fields.get("orderId", fields.get("settleDate", ""))
        if operation is Operation.QUERY and self._state.is_refund(number):
            return Operation.QUERY_REFUND, number
        return operation, number

    async def answer(self, call: Call, operation: Operation, fault: Fault | None) -> Reply:
        """See `ChannelSimulator`."""
        if operation is Operation.PHONE:
            return self.offers.window.answer(call)
        fields = call.once(_fields)
        if not fields:
            return Reply(status=400, body=b"Bad Request", content_type="text/plain")
        merchant = self._merchants.get(fields.get("merId", ""))
        refused = refusal_of(call.path, fields, merchant) or self._too_far_off(fields)
        if refused:
            return await self._reply(fields, {"respCode": refused}, fault)
        key = (fields["merId"], fields.get("orderId", ""), fields["txnTime"])
        match fields["txnType"]:
            case codes.QUERY:
                return await self._reply(fields, self._queried(key), fault)
            case codes.FILE:
                return await self._reply(fields, self._file(fields, fault), fault)
            case codes.PAY if is_applied(fields):
                return await self._reply(fields, self.offers.apply(key, fields), fault)
        decision = self._decide(key, fields, fault)
        self._follow_up(decision)
        said = {"respCode": decision.code, **_shown(decision.transaction)}
        reply = await self._reply(fields, said, fault)
        return Reply(body=reply.body, content_type=reply.content_type, lost=decision.is_lost)

    async def refusal(self, call: Call, fault: Fault) -> Reply:
        """See `ChannelSimulator`."""
        fields = call.once(_fields)
        return await self._reply(fields, {"respCode": _BUSY_CODES[fault]}, None)

    def _too_far_off(self, fields: Mapping[str, str]) -> str:
        """By its txnTime, of what carries its own: queries and reversals name an earlier one."""
        limit = self._clock_off_seconds_max
        if limit is None or fields["txnType"] in (codes.QUERY, codes.REVERSE):
            return ""
        off = abs(self.clock() - parse_txn_time(fields["txnTime"]))
        return TOO_LATE if off > timedelta(seconds=limit) else ""

    def _decide(self, key: Key, fields: Mapping[str, str], fault: Fault | None) -> Decision:
        now = self.clock()
        match fields["txnType"]:
            case codes.PAY:
                return self._state.pay(
                    key, fields, now, is_ghost=fault is Fault.GHOST,
                    is_phantom=fault is Fault.PHANTOM,
                )  # fmt: skip
            case codes.REVERSE:
                return self._state.reverse(key, now)
            case kind:
                return self._state.give_back(kind, key, fields, now, seconds=self._refund_seconds)

    def _follow_up(self, decision: Decision) -> None:
        transaction = decision.transaction
        if transaction is None or decision.settles_after is None:
            return
        if decision.settles_after <= 0:
            self._settle(transaction, decision.becomes)
            return

        async def later() -> None:
            self._settle(transaction, decision.becomes)

        self.clock.after(decision.settles_after, later)

    def _paid_on_phone(self, transaction: Transaction) -> None:
        self._settle(transaction, codes.ACCEPTED)

    def _settle(self, transaction: Transaction, code: str) -> None:
        """The bank has decided; of what was done the merchant is told."""
        if not self._state.settle(transaction, code, self.clock()):
            return
        if transaction.code == codes.ACCEPTED and not transaction.is_ghost:
            self._tell(transaction)

    def _tell(self, transaction: Transaction) -> None:
        if not transaction.back_url or transaction.back_url == NO_NOTICE_URL:
            return

        async def render(fault: Fault | None) -> Reply:
            return await self._notice(transaction, fault)

        self.tell(
            Notice(
                url=transaction.back_url, order_no=transaction.key[1], gaps=NOTICE_GAPS_SECONDS,
                render=render, is_acknowledged=lambda status, _body: status in (200, 302),
            )
        )  # fmt: skip

    async def _notice(self, transaction: Transaction, fault: Fault | None) -> Reply:
        merchant, order_id, sent_at = transaction.key
        if fault is Fault.NOTICE_STRANGER:
            order_id = f"STRANGER{order_id}"[:32]
        fields = {
            "version": VERSION, "encoding": "UTF-8", "bizType": "000000", "accessType": "0",
            "txnType": transaction.kind, "txnSubType": SUB_TYPES[transaction.kind],
            "merId": merchant, "orderId": order_id, "txnTime": sent_at,
            "txnAmt": str(transaction.amount_fen), "currencyCode": CURRENCY_CNY,
            "respCode": codes.ACCEPTED, "respMsg": _said(codes.ACCEPTED), **_shown(transaction),
        }  # fmt: skip
        if transaction.original is not None:
            fields["origQryId"] = transaction.original.query_id
            fields["origOrderId"] = transaction.original.key[1]
        if fault is Fault.NOTICE_ONE_FEN_OFF:
            fields = _one_fen_off(fields)
        signed = await self._signed(fields, forged=fault is Fault.NOTICE_FORGED)
        return Reply(body=form_body(signed), content_type="application/x-www-form-urlencoded")

    def _queried(self, key: Key) -> dict[str, str]:
        found = self._state.find(key)
        if found is None:
            return {
                "respCode": codes.ACCEPTED,
                "origRespCode": ABSENT,
                "origRespMsg": _said(ABSENT),
            }
        told = found.told_code
        said = {"respCode": codes.ACCEPTED, "origRespCode": told, "origRespMsg": _said(told)}
        if told == codes.ACCEPTED:
            said |= {"txnAmt": str(found.amount_fen), "currencyCode": CURRENCY_CNY, **_shown(found)}
        return said

    def _file(self, fields: Mapping[str, str], fault: Fault | None) -> dict[str, str]:
        day = self._day(fields["settleDate"])
        if day is None or fault is Fault.BILL_LATE or self.clock() < bounds(day)[1]:
            return {"respCode": codes.NO_FILE}
        name, content = bill(
            self.book.entries, day, fields["merId"], separator=self._separator, fault=fault
        )
        return {"respCode": codes.ACCEPTED, "fileName": name, "fileContent": content}

    def _day(self, text: str) -> date | None:
        try:
            return parse_settle_date(text, near=self.clock().date())
        except ValueError:
            return None

    async def _reply(
        self, asked: Mapping[str, str], said: Mapping[str, str], fault: Fault | None
    ) -> Reply:
        fields = {name: asked[name] for name in _ECHOED if name in asked}
        fields |= {"respMsg": _said(said["respCode"]), **said}
        if fault is Fault.ONE_FEN_OFF:
            fields = _one_fen_off(fields)
        if fault is Fault.NO_SIGNATURE:
            return Reply(body=answer_body(fields), content_type="text/html")
        signed = await self._signed(fields, forged=fault is Fault.WRONG_SIGNATURE)
        body = answer_body(signed)
        if fault is Fault.NOT_JSON:
            body = body[: len(body) // 2]
        return Reply(body=body, content_type="text/html")

    async def _signed(self, fields: Mapping[str, str], *, forged: bool) -> dict[str, str]:
        signer, certificate = self._forger if forged else self._own
        made = {**fields, "signMethod": SIGN_METHOD_RSA, "signPubKeyCert": certificate}

        def sign(digested: bytes) -> str:
            return sign_digest(digested, signer.key)

        made[SIGNATURE] = await self._signatures.run(sign, digest(made))
        return made


def _fields(call: Call) -> dict[str, str]:
    """None where it is no message of the interface."""
    try:
        return form_fields(call.body)
    except FormError:
        return {}


def _said(code: str) -> str:
    """respMsg, with seven digits in brackets as UnionPay writes them."""
    return f"{codes.MEANINGS.get(code, '未知')}[{code if code.isdigit() else '00'}00000]"


def _shown(transaction: Transaction | None) -> dict[str, str]:
    """What answers and notifications say of a transaction."""
    if transaction is None:
        return {}
    shown = {
        "queryId": transaction.query_id, "traceNo": transaction.trace_no,
        "traceTime": txn_time(transaction.at)[4:],
    }  # fmt: skip
    if transaction.code == codes.ACCEPTED:
        shown |= {
            "settleAmt": str(transaction.amount_fen), "settleCurrencyCode": CURRENCY_CNY,
            "settleDate": settle_date(clearing_day(transaction.at)), "payType": "0501",
            "payCardType": "01", "accNo": "6299************0001",
        }  # fmt: skip
    return shown


def _one_fen_off(fields: Mapping[str, str]) -> dict[str, str]:
    """One fen less than it was."""
    less = {
        name: str(int(fields[name]) - 1)
        for name in ("txnAmt", "settleAmt")
        if fields.get(name, "0") != "0"
    }
    return {**fields, **less}
