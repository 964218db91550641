"""UnionPay QR payments (银联二维码被扫) over ACP 5.1.0, one object a merchant. See `port.Channel`.

UnionPay takes a payment first and decides it afterwards: 00 means accepted, and a notification or a
query says what became of it, unless the contract says that 00 is final. An undo is a reversal (99),
which works inside the clearing day only. A refund of everything is a void (31) where payment and
refund fall into one clearing day for sure, else a refund (04): decided by the two times alone, so
that the same refund sent again is the same message.

After a reversal that succeeded the payment is not asked about any more: what a query then says is
not documented.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

from msgspec.structs import replace

from protocol.unionpay import codes
from protocol.unionpay.archive import ArchiveError, statements, zip_of
from protocol.unionpay.clearing_day import bounds, surely_open, surely_over
from protocol.unionpay.form import FormError, form_fields
from protocol.unionpay.messages import (
    ORDER_ID,
    QR_NO,
    STATEMENT_ORDER_ID_MAX,
    TERM_ID,
    Answer,
    ApplyQr,
    FileDownload,
    Pay,
    Query,
    Refund,
    Request,
    Reverse,
    Void,
    amount_fen,
    answer_of,
)
from protocol.unionpay.times import parse_short_time, settle_date, txn_time
from settlement.channels import unionpay_outcomes as outcomes
from settlement.channels.line import Line
from settlement.channels.port import BillRefusedError, PhoneDoor
from settlement.channels.signer import Signer
from settlement.channels.unionpay_config import UnionPayKeys, UnionPayMerchant
from settlement.channels.unionpay_exchange import NOT_READABLE, Correspondence, Heard
from settlement.channels.unionpay_outcomes import Meaning
from settlement.channels.unionpay_phone import UnionPayPhone
from settlement.clock import Clock
from settlement.payments.payment import (
    ChannelName,
    Exchange,
    Handed,
    NotificationRefused,
    Notified,
    OrderKey,
    Outcome,
    PayOrder,
    PhoneOrder,
    RefundOrder,
    Verdict,
)

TRANSACTION_PATH = "/gateway/api/backTransReq.do"
QUERY_PATH = "/gateway/api/queryTrans.do"
FILE_PATH = "/"
FILE_BYTES_MAX = 64 * 1024 * 1024
AMOUNT_FEN_MAX = 10**12 - 1
ADDRESSES = ("https://", "http://")
"""What a phone may be sent to."""


class UnionPayChannel:
    """See `settlement.channels.port.Channel`."""

    name = ChannelName.UNIONPAY

    def __init__(
        self, merchant: UnionPayMerchant, keys: UnionPayKeys, *, signer: Signer, clock: Clock
    ) -> None:
        self.merchant_no = merchant.mer_id
        self.timers = merchant.timers
        self.tells_later = not merchant.pay_accepted_is_final
        self._merchant = merchant
        self._common = {
            "certId": keys.signing.cert_id,
            "merId": merchant.mer_id,
            "accessType": merchant.access_type,
        }
        self._clock = clock
        self._margin = timedelta(seconds=merchant.clearing_margin_seconds)
        self._unionpay = Correspondence(keys, signer=signer, clock=clock)
        self._transactions = self._line(merchant.base_url, merchant.answer_seconds)
        self._queries = self._line(merchant.base_url, merchant.query_seconds)
        self._files = self._line(merchant.file_url, merchant.file_seconds)
        self.phone: PhoneDoor | None = None
        """申请二维码 (主扫), where the merchant is granted it"""
        if merchant.phone:
            self.phone = UnionPayPhone(self, clock=clock, margin=self._margin)

    async def pay(self, order: PayOrder) -> Outcome:
        """See `Channel`. Nothing is sent of an order that the interface cannot carry."""
        unfit = _unfit(order.order_no, order.amount_fen) or _unfit_code(order.code)
        if unfit is not None:
            return unfit
        request = Pay(
            **self._common, orderId=order.order_no, txnTime=txn_time(order.sent_at),
            txnAmt=str(order.amount_fen), qrNo=order.code,
            termId=self._terminal(order.terminal_id),
            backUrl=order.notify_url or self._merchant.no_notify_url,
        )  # fmt: skip
        heard = await self._transact("pay", request)
        if isinstance(heard, Outcome):
            return heard
        meaning = outcomes.of_payment(
            heard.answer.respCode, heard.answer.respMsg,
            is_final=self._merchant.pay_accepted_is_final, rescan_codes=self._merchant.rescan_codes,
        )  # fmt: skip
        return _outcome(heard, meaning, near=order.sent_at)

    async def apply(self, order: PhoneOrder) -> Handed | Outcome:
        """An order that its payer pays on their phone. See `PhoneDoor.hand`."""
        unfit = _unfit(order.order_no, order.amount_fen)
        if unfit is not None:
            return unfit
        left = int((order.expires_at - order.sent_at).total_seconds())
        request = ApplyQr(
            **self._common, orderId=order.order_no, txnTime=txn_time(order.sent_at),
            txnAmt=str(order.amount_fen), qrValidTime=str(left),
            backUrl=order.notify_url or self._merchant.no_notify_url,
        )  # fmt: skip
        heard = await self._transact("apply", request)
        if isinstance(heard, Outcome):
            return heard
        answer = heard.answer
        has_address = answer.qrCode.startswith(ADDRESSES)
        meaning = outcomes.of_application(
            answer.respCode, answer.respMsg, has_address=has_address
        )
        outcome = _outcome(heard, meaning, near=order.sent_at)
        if outcome.verdict is Verdict.PAYER_ACTION and has_address:
            return Handed(outcome=outcome, url=answer.qrCode)
        return outcome

    async def query(self, order: OrderKey) -> Outcome:
        """See `Channel`. One that was reversed is not asked about."""
        if order.undone_code in outcomes.ACCEPTANCES:
            return _unsent("REVERSED", outcomes.REVERSED)
        return await self._query(
            "query", order.order_no, order.sent_at,
            lambda code, message: outcomes.of_transaction(
                code, message, rescan_codes=self._merchant.rescan_codes
            ),
        )  # fmt: skip

    async def undo(self, order: OrderKey) -> Outcome:
        """See `Channel`. 冲正; after the payment's clearing day none is sent any more. Where there
        is no reversal, a query tells what never arrived from what was paid."""
        refused = await self._reversed(order)
        if refused.verdict is not Verdict.FAILED or order.money_came:
            return refused
        if self._clock() < self._absent_at(order):
            return refused
        found = await self.query(order)
        if found.verdict is Verdict.SUCCESS:
            return replace(refused, exchange=refused.exchange or found.exchange)
        if found.verdict is Verdict.FAILED or found.code == codes.NO_SUCH_TRANSACTION:
            absent = outcomes.UNDONE_ABSENT
            return replace(
                found, verdict=absent.verdict, advice=absent.advice, text=absent.text
            )
        return found

    async def refund(self, refund: RefundOrder) -> Outcome:
        """See `Channel`. A void or a refund. The same message may have been accepted before, and a
        refusal at the door says nothing of that: it is believed once a query knows of no refund.
        """
        refused = await self._refunded(refund)
        if refused.verdict is not Verdict.FAILED or refused.exchange is None:
            return refused
        found = await self.query_refund(refund)
        is_none = found.verdict is Verdict.FAILED or found.code == codes.NO_SUCH_TRANSACTION
        return refused if is_none else found

    async def _reversed(self, order: OrderKey) -> Outcome:
        if surely_over(order.sent_at, self._clock(), margin=self._margin):
            return _unsent("CLEARING_DAY_OVER", outcomes.CLEARING_DAY_OVER)
        request = Reverse(**self._common, orderId=order.order_no, txnTime=txn_time(order.sent_at))
        heard = await self._transact("undo", request)
        if isinstance(heard, Outcome):
            return heard
        is_absent = not order.money_came and self._clock() >= self._absent_at(order)
        meaning = outcomes.of_reversal(heard.answer.respCode, is_absent=is_absent)
        return _outcome(heard, meaning, near=order.sent_at)

    def _absent_at(self, order: OrderKey) -> datetime:
        """From when on an order that UnionPay does not know cannot be paid any more: it cannot
        arrive, and the address that a phone has of it is over."""
        arrived = order.sent_at + timedelta(seconds=self._merchant.absent_after_seconds)
        if order.expires_at is None or not order.was_handed:
            return arrived
        return max(arrived, order.expires_at + self._margin)

    async def _refunded(self, refund: RefundOrder) -> Outcome:
        unfit = _unfit(refund.refund_no, refund.amount_fen)
        if unfit is not None:
            return unfit
        named = {"origQryId": refund.reference}
        if not refund.reference:
            named = {
                "origOrderId": refund.order.order_no,
                "origTxnTime": txn_time(refund.order.sent_at),
            }
        request = (Void if self._is_voided(refund) else Refund)(
            **self._common, **named, orderId=refund.refund_no, txnTime=txn_time(refund.sent_at),
            txnAmt=str(refund.amount_fen),
            backUrl=refund.notify_url or self._merchant.no_notify_url,
        )  # fmt: skip
        heard = await self._transact("refund", request)
        if isinstance(heard, Outcome):
            return heard
        meaning = outcomes.of_refund(
            heard.answer.respCode, heard.answer.respMsg,
            is_final=self._merchant.refund_accepted_is_final,
        )  # fmt: skip
        return _outcome(heard, meaning, near=refund.sent_at)

    async def query_refund(self, refund: RefundOrder) -> Outcome:
        """See `Channel`. The same for a void and a refund: by its own number and time."""
        return await self._query(
            "query_refund", refund.refund_no, refund.sent_at,
            lambda code, message: outcomes.of_refund(code, message, is_final=True),
        )  # fmt: skip

    def notified(self, headers: Mapping[str, str], body: bytes) -> Notified | NotificationRefused:
        """See `Channel`. The form carries its signature; the headers say nothing."""
        try:
            fields = form_fields(body)
        except FormError as fault:
            return NotificationRefused(reason=f"not a form: {fault}")
        own = self._merchant.notify_parameters
        fields = {name: value for name, value in fields.items() if name not in own}
        answer = answer_of(fields)
        if not self._unionpay.is_signed(fields, answer):
            return NotificationRefused(reason="the signature is not UnionPay's")
        if answer.merId != self.merchant_no:
            return NotificationRefused(reason="for another merchant")
        if not answer.orderId:
            return NotificationRefused(reason="names no order")
        return self._read(answer)

    def acknowledged(self, *, taken: bool) -> tuple[int, bytes, str]:
        """See `Channel`. Any status but 200 and 302 makes UnionPay tell it again."""
        return (200, b"ok", "text/plain") if taken else (503, b"later", "text/plain")

    async def bill(self, day: date) -> bytes | None:
        """See `Channel`. The ZIP of a clearing day: `protocol.unionpay.archive.statements` and
        `statement` read it. A day that is not over has none, and nobody is asked."""
        now = self._clock()
        if now < bounds(day)[1]:
            return None
        request = FileDownload(**self._common, txnTime=txn_time(now), settleDate=settle_date(day))
        heard = await self._unionpay.ask(
            "bill", request, self._files, FILE_PATH, bytes_max=FILE_BYTES_MAX
        )
        if isinstance(heard, Outcome):
            raise BillRefusedError(f"银联对账文件 {day} 未取到（{heard.code}），请稍后重试。")
        code = heard.answer.respCode
        if code in self._merchant.file_absent_codes:
            return None
        if code != codes.ACCEPTED:
            said = outcomes.shown(heard.answer.respMsg)
            raise BillRefusedError(f"银联未提供 {day} 的对账文件：{code} {said}")
        try:
            archive = zip_of(heard.answer.fileContent)
            statements(archive, self.merchant_no)
        except ArchiveError as fault:
            raise BillRefusedError(f"银联对账文件 {day} 已损坏（{fault}），请重新下载。") from fault
        return archive

    async def close(self) -> None:
        """Give back connections."""
        for line in (self._transactions, self._queries, self._files):
            await line.close()

    def _terminal(self, terminal_id: str) -> str:
        """The counter's own number where the interface can carry it, else the merchant's."""
        return terminal_id if TERM_ID.fullmatch(terminal_id) else self._merchant.terminal_id

    def _is_voided(self, refund: RefundOrder) -> bool:
        """Everything, and on one clearing day whatever the clocks say. The present time has no
        say: a resend would become another message under the same number."""
        return (
            self._merchant.void_within_day
            and refund.amount_fen == refund.order.amount_fen
            and surely_open(refund.order.sent_at, refund.sent_at, margin=self._margin)
        )

    def _read(self, answer: Answer) -> Notified | NotificationRefused:
        code, message = answer.respCode, answer.respMsg
        if answer.txnType == codes.PAY:
            order_no, refund_no = answer.orderId, ""
            meaning = outcomes.of_transaction(
                code, message, rescan_codes=self._merchant.rescan_codes
            )
        elif answer.txnType in (codes.VOID, codes.REFUND):
            order_no, refund_no = answer.origOrderId, answer.orderId
            meaning = outcomes.of_refund(code, message, is_final=True)
        else:
            return NotificationRefused(reason="neither about a payment nor about a refund")
        outcome = _told(answer, meaning, code, near=self._clock())
        if outcome.code == NOT_READABLE:
            return NotificationRefused(reason="signed, and its amounts or times are none")
        return Notified(
            notification_id=f"{answer.txnType}-{answer.orderId}-{answer.txnTime}-{code}",
            merchant_no=answer.merId, order_no=order_no, refund_no=refund_no, outcome=outcome,
        )  # fmt: skip

    async def _query(
        self, operation: str, order_no: str, sent_at: datetime,
        of_original: Callable[[str, str], Meaning],
    ) -> Outcome:  # fmt: skip
        """Two layers: respCode says whether the query worked, origRespCode what became of what
        was asked about."""
        request = Query(**self._common, orderId=order_no, txnTime=txn_time(sent_at))
        heard = await self._unionpay.ask(operation, request, self._queries, QUERY_PATH)
        if isinstance(heard, Outcome):
            return heard
        answer = heard.answer
        if answer.respCode != codes.ACCEPTED:
            meaning = outcomes.of_query(answer.respCode, answer.respMsg)
            return _outcome(heard, meaning, near=sent_at)
        meaning = of_original(answer.origRespCode, answer.origRespMsg)
        return _outcome(heard, meaning, near=sent_at, code=answer.origRespCode)

    async def _transact(self, operation: str, request: Request) -> Heard | Outcome:
        return await self._unionpay.ask(operation, request, self._transactions, TRANSACTION_PATH)

    def _line(self, url: str, answer_seconds: float) -> Line:
        return Line(
            url, connect_seconds=self._merchant.connect_seconds, answer_seconds=answer_seconds
        )


def _outcome(heard: Heard, meaning: Meaning, *, near: datetime, code: str = "") -> Outcome:
    answer = heard.answer
    return _told(answer, meaning, code or answer.respCode, near=near, exchange=heard.exchange)


def _told(
    answer: Answer, meaning: Meaning, code: str, *, near: datetime,
    exchange: Exchange | None = None,
) -> Outcome:  # fmt: skip
    """What an answer says, with its amounts and times. One that cannot be read says nothing."""
    try:
        amount, settled = amount_fen(answer.txnAmt), amount_fen(answer.settleAmt)
        finished_at = parse_short_time(answer.traceTime, near=near) if answer.traceTime else None
    except ValueError:
        return Outcome(
            verdict=Verdict.UNKNOWN, code=NOT_READABLE, exchange=exchange,
            text="银联应答的金额或时间无法识别，正在确认结果。",
        )  # fmt: skip
    return Outcome(
        verdict=meaning.verdict, code=code, text=meaning.text, advice=meaning.advice,
        reference=answer.queryId, amount_fen=amount, settled_fen=settled,
        finished_at=finished_at, payer=answer.accNo[-4:], exchange=exchange,
    )  # fmt: skip


def _unfit(order_no: str, amount: int) -> Outcome | None:
    """What the interface cannot carry is refused here."""
    if not ORDER_ID.fullmatch(order_no) or len(order_no) > STATEMENT_ORDER_ID_MAX:
        return _unsent("ORDER_NO", outcomes.UNFIT_ORDER_NO)
    if not 0 < amount <= AMOUNT_FEN_MAX:
        return _unsent("AMOUNT", outcomes.UNFIT_AMOUNT)
    return None


def _unfit_code(code: str) -> Outcome | None:
    return None if QR_NO.fullmatch(code) else _unsent("NOT_A_QR_CODE", outcomes.NOT_A_QR_CODE)


def _unsent(code: str, meaning: Meaning) -> Outcome:
    return Outcome(verdict=meaning.verdict, code=code, advice=meaning.advice, text=meaning.text)
