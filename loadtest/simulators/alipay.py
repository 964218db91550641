"""A simulated Alipay: the open gateway, its notices and bills, over real HTTP with real signatures.

The book's own rules are in `alipay_trades`; here are the wire, the signatures and what is staged.
Calls may carry their parameters in the address or in the body, as with the real one. A merchant in
certificate mode is answered with `alipay_cert_sn`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from loadtest.simulators import phone_window
from loadtest.simulators.alipay_bills import bill, has_moved
from loadtest.simulators.alipay_offers import Offers
from loadtest.simulators.alipay_replies import BUYER_ID, BUYER_LOGON_ID, Merchant, Trade
from loadtest.simulators.alipay_trades import Trades
from loadtest.simulators.channel import ChannelSimulator, Notice, Reply
from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.channel_faults import Fault, Faults, Operation
from loadtest.simulators.payer_codes import Behaviour, PayerCodes
from loadtest.simulators.plain_http import Call
from loadtest.simulators.signing_here import SignsHere
from loadtest.simulators.virtual_clock import VirtualClock
from protocol.alipay import gateway, notification, trade
from protocol.alipay.amounts import fen, yuan
from protocol.alipay.notification import TradeNotice
from protocol.alipay.signing import PrivateKey, PublicKey, notice_text
from protocol.alipay.times import CHINA, text_of
from protocol.alipay.trade import BillType

BILL_FILE_PATH = "/downloadBillFile.resource"
LINK_SECONDS = 30
BILL_READY_AT = time(9)
"""Beijing time of the day after."""
ALIPAY_CERT_SN = "0" * 32

Content = TypeVar("Content", bound=Struct)

OPERATIONS = {
    trade.PAY: Operation.PAY,
    trade.QUERY: Operation.QUERY,
    trade.CANCEL: Operation.UNDO,
    trade.CLOSE: Operation.UNDO,
    trade.PRECREATE: Operation.HAND,
    trade.WAP_PAY: Operation.PHONE,
    trade.REFUND: Operation.REFUND,
    trade.REFUND_QUERY: Operation.QUERY_REFUND,
    trade.BILL_URL: Operation.BILL,
}
_SAID_BY_GATEWAY = {
    Fault.BUSY: ("20000", "Service Currently Unavailable", "isp.unknow-error"),
    Fault.MAINTENANCE: ("20000", "Service Currently Unavailable", "aop.unknow-error"),
    Fault.RATE_LIMITED: ("40005", "Call Limited", "isv.app-call-limited"),
}


class MerchantAccount(Struct, frozen=True, kw_only=True, eq=False):
    """A merchant that may call, and the key that its calls are checked with."""

    merchant: Merchant
    public_key: PublicKey


class _Link(Struct, frozen=True):
    """Where a bill may be fetched, for half a minute."""

    made_at: datetime
    kind: BillType
    seller_id: str
    day: date
    fault: Fault | None


class AlipaySimulator(ChannelSimulator):
    """See the module."""

    name = "alipay"

    def __init__(
        self, *, clock: VirtualClock, book: ChannelBook, key: PrivateKey, stranger: PrivateKey,
        accounts: tuple[MerchantAccount, ...], faults: Faults | None = None,
        latency_seconds: Callable[[], float] | None = None, calls_per_second: int | None = None,
    ) -> None:  # fmt: skip
        """`key` is Alipay's; `stranger` signs what is forged."""
        super().__init__(
            clock=clock, book=book, faults=faults, latency_seconds=latency_seconds,
            calls_per_second=calls_per_second,
        )  # fmt: skip
        self.codes = PayerCodes("28", 18)
        self.trades = Trades(clock=clock, book=book, codes=self.codes, tell=self._tell)
        self.offers = Offers(clock, self.trades, lambda: self.url)
        self._key = key
        self._stranger = stranger
        self._accounts = {one.merchant.app_id: one for one in accounts}
        self._signer = SignsHere()
        self._links: dict[str, _Link] = {}
        self._numbers = count(1)

    async def stop(self) -> None:
        """See the base."""
        await super().stop()
        self._signer.close()

    def routes(self) -> tuple[tuple[str, str], ...]:
        """See the base."""
        return (
            ("POST", gateway.PATH), ("GET", gateway.PATH), ("GET", BILL_FILE_PATH),
            *phone_window.ROUTES,
        )  # fmt: skip

    def classify(self, call: Call) -> tuple[Operation, str]:
        """See the base."""
        if self.offers.window.is_about(call):
            return Operation.PHONE, ""
        if call.path != gateway.PATH:
            return Operation.BILL_FILE, call.query.get("fileId", "")
        asked = call.once(_parameters)
        operation = OPERATIONS.get(asked.get("method", ""), Operation.OTHER)
        try:
            named = _content(asked, _Named)
        except _UnreadableError:
            return operation, ""
        is_refund = operation in (Operation.REFUND, Operation.QUERY_REFUND)
        return operation, named.out_request_no if is_refund else named.out_trade_no

    async def refusal(self, call: Call, fault: Fault) -> Reply:
        """See the base."""
        code, msg, sub_code = _SAID_BY_GATEWAY[fault]
        return await self._signed(call, trade.Reply(code=code, msg=msg, sub_code=sub_code))

    async def answer(self, call: Call, operation: Operation, fault: Fault | None) -> Reply:
        """See the base. Alipay's answers carry no time, so a skewed clock shows nowhere."""
        if operation is Operation.BILL_FILE:
            return await self._bill_file(call, fault)
        if self.offers.window.is_about(call):
            return self.offers.window.answer(call, self._code_in)
        asked = call.once(_parameters)
        if operation is Operation.PHONE:
            return self.offers.window.page(self._code_of_page(asked))
        account = self._accounts.get(asked.get("app_id", ""))
        if account is None:
            return _unsigned("isv.invalid-app-id")
        if not gateway.is_signed_by(asked, account.public_key):
            return await self._refused(call, "40002", "isv.invalid-signature")
        if operation is Operation.OTHER:
            return await self._refused(call, "40002", "isv.invalid-method")
        try:
            reply, behaviour = self._carried_out(operation, account.merchant, asked, fault)
        except _UnreadableError:
            return await self._refused(call, "40001", "isv.missing-biz-content")
        if fault is Fault.ONE_FEN_OFF:
            reply = _one_fen_off(reply)
        made = await self._signed(call, reply, fault)
        return replace(made, lost=behaviour is Behaviour.LOST_ANSWER)

    def _carried_out(
        self, operation: Operation, merchant: Merchant, asked: Mapping[str, str],
        fault: Fault | None,
    ) -> tuple[trade.Reply, Behaviour]:  # fmt: skip
        trades = self.trades
        reply: trade.Reply
        match operation:
            case Operation.PAY:
                return self._pay(merchant, asked, fault)
            case Operation.QUERY:
                reply = trades.query(merchant, _content(asked, trade.OrderRequest).out_trade_no)
            case Operation.UNDO:
                reply = self._undo(merchant, asked, fault)
            case Operation.HAND:
                reply = self.offers.precreate(
                    merchant, _content(asked, trade.PrecreateRequest),
                    notify_url=asked.get("notify_url", ""),
                )  # fmt: skip
            case Operation.REFUND:
                reply = trades.refund(merchant, _content(asked, trade.RefundRequest))
            case Operation.QUERY_REFUND:
                reply = trades.query_refund(merchant, _content(asked, trade.RefundQueryRequest))
            case _:
                reply = self._bill_url(merchant, _content(asked, trade.BillUrlRequest), fault)
        return reply, Behaviour.OK

    def _undo(
        self, merchant: Merchant, asked: Mapping[str, str], fault: Fault | None
    ) -> trade.Reply:
        number = _content(asked, trade.OrderRequest).out_trade_no
        if asked.get("method") == trade.CLOSE:
            return _busy() if fault is Fault.UNDO_AGAIN else self.trades.close(merchant, number)
        return _again(number) if fault is Fault.UNDO_AGAIN else self.trades.cancel(merchant, number)

    def _code_in(self, url: str) -> str:
        """The code of an order in the address that a phone was given: of precreate, or of a page
        that the merchant signed."""
        target = urlsplit(url)
        if target.path != gateway.PATH:
            return phone_window.code_of(url)
        try:
            return self._code_of_page(gateway.parameters_of(target.query, ""))
        except ValueError:
            return ""

    def _code_of_page(self, asked: Mapping[str, str]) -> str:
        """alipay.trade.wap.pay: the order is made when its page is opened."""
        account = self._accounts.get(asked.get("app_id", ""))
        if account is None or not gateway.is_signed_by(dict(asked), account.public_key):
            return ""
        try:
            content = _content(asked, trade.WapPayRequest)
        except _UnreadableError:
            return ""
        made = self.offers.take(
            account.merchant, content, notify_url=asked.get("notify_url", "")
        )
        return "" if isinstance(made, str) else self.offers.code(made)

    def _pay(
        self, merchant: Merchant, asked: Mapping[str, str], fault: Fault | None
    ) -> tuple[trade.Reply, Behaviour]:
        order = _content(asked, trade.PayRequest)
        reply, behaviour = self.trades.pay(
            merchant, order, notify_url=asked.get("notify_url", ""),
            is_ghost=fault is Fault.GHOST, is_phantom=fault is Fault.PHANTOM,
        )  # fmt: skip
        if fault is Fault.GHOST and reply.code in (trade.DONE, trade.WAITING):
            return _busy(), behaviour
        return reply, behaviour

    def _bill_url(
        self, merchant: Merchant, wanted: trade.BillUrlRequest, fault: Fault | None
    ) -> trade.Reply:
        try:
            kind, day = BillType(wanted.bill_type), date.fromisoformat(wanted.bill_date)
        except ValueError:
            return trade.Reply(code="40004", msg="Business Failed", sub_code="invalid_arguments")
        now = self.clock().astimezone(CHINA)
        ready_at = datetime.combine(day + timedelta(days=1), BILL_READY_AT, CHINA)
        moved = has_moved(merchant.seller_id, day, self.book.entries)
        if now < ready_at or not moved or fault is Fault.BILL_LATE:
            return trade.Reply(
                code=trade.REFUSED, msg="Business Failed", sub_code="isp.bill_not_exist",
                sub_msg="账单不存在",
            )  # fmt: skip
        number = f"{next(self._numbers):08d}"
        self._links[number] = _Link(self.clock(), kind, merchant.seller_id, day, fault)
        link = f"{self.url}{BILL_FILE_PATH}?bizType={kind}&fileId={number}"
        return trade.BillUrlReply(code=trade.DONE, msg="Success", bill_download_url=link)

    async def _bill_file(self, call: Call, fault: Fault | None) -> Reply:
        link = self._links.get(call.query.get("fileId", ""))
        age = self.clock() - link.made_at if link is not None else timedelta.max
        if link is None or age > timedelta(seconds=LINK_SECONDS):
            return Reply(status=403, body=b"<html>expired</html>", content_type="text/html")
        file = await asyncio.to_thread(
            bill, link.kind, link.seller_id, link.day, list(self.book.entries),
            made_at=self.clock(), fault=fault or link.fault,
        )  # fmt: skip
        return Reply(body=file, content_type="application/zip")

    async def _refused(self, call: Call, code: str, sub_code: str) -> Reply:
        msg = "Invalid Arguments" if code == "40002" else "Missing Required Arguments"
        return await self._signed(call, trade.Reply(code=code, msg=msg, sub_code=sub_code))

    async def _signed(self, call: Call, said: trade.Reply, fault: Fault | None = None) -> Reply:
        asked = call.once(_parameters)
        node = msgspec.json.encode(said)
        key = self._stranger if fault is Fault.WRONG_SIGNATURE else self._key
        signature = "" if fault is Fault.NO_SIGNATURE else await self._signer.run(key.sign, node)
        body = gateway.answer(
            gateway.node_name(asked.get("method", "")), node, signature,
            alipay_cert_sn=ALIPAY_CERT_SN if "app_cert_sn" in asked else "",
        )  # fmt: skip
        return Reply(body=body[: len(body) // 2] if fault is Fault.NOT_JSON else body)

    def _tell(self, about: Trade, out_request_no: str) -> None:
        """What Alipay would notify of a trade as it is now."""
        if not about.notify_url or about.is_ghost:
            return
        notice = _notice(about, out_request_no, at=self.clock())
        number = f"{next(self._numbers):032d}"

        async def render(fault: Fault | None) -> Reply:
            told = replace(notice, notify_id=number, notify_time=text_of(self.clock()))
            if fault is Fault.NOTICE_ONE_FEN_OFF:
                told = replace(told, total_amount=yuan(about.amount_fen - 1))
            if fault is Fault.NOTICE_STRANGER:
                told = replace(told, out_trade_no=f"NOBODYS{number[-8:]}", notify_id=f"S{number}")
            key = self._stranger if fault is Fault.NOTICE_FORGED else self._key
            form = notification.form_to_sign(told)
            signature = await self._signer.run(key.sign, notice_text(form))
            body = notification.signed_body(form, signature)
            return Reply(body=body, content_type="application/x-www-form-urlencoded")

        self.tell(
            Notice(
                url=about.notify_url, order_no=about.out_trade_no, render=render,
                gaps=tuple(float(gap) for gap in notification.RESEND_AFTER_SECONDS[1:]),
                is_acknowledged=lambda status, body: status == 200 and body == notification.TAKEN,
            )
        )  # fmt: skip


class _UnreadableError(ValueError):
    """biz_content is missing, or not what the method takes."""


class _Named(Struct, frozen=True):
    """What every content names."""

    out_trade_no: str = ""
    out_request_no: str = ""


def _parameters(call: Call) -> dict[str, str]:
    """Empty where they cannot be read: then nobody has signed them."""
    try:
        return gateway.parameters_of(call.target.partition("?")[2], call.body.decode("ascii"))
    except ValueError:
        return {}


def _content(asked: Mapping[str, str], kind: type[Content]) -> Content:
    try:
        return msgspec.json.decode(asked.get("biz_content", ""), type=kind)
    except msgspec.MsgspecError as exc:
        raise _UnreadableError from exc


def _unsigned(sub_code: str) -> Reply:
    """Of a caller whom the gateway does not know."""
    said = trade.Reply(code="40002", msg="Invalid Arguments", sub_code=sub_code)
    return Reply(body=gateway.answer(gateway.ERROR_NODE, msgspec.json.encode(said), ""))


def _again(out_trade_no: str) -> trade.CancelReply:
    """Nothing done yet: the cancel is to be repeated."""
    return trade.CancelReply(
        code=trade.DONE, msg="Success", out_trade_no=out_trade_no, retry_flag="Y"
    )


def _busy() -> trade.Reply:
    code, msg, sub_code = _SAID_BY_GATEWAY[Fault.BUSY]
    return trade.Reply(code=code, msg=msg, sub_code=sub_code)


def _one_fen_off(reply: trade.Reply) -> trade.Reply:
    if isinstance(reply, trade.PayReply | trade.QueryReply) and reply.total_amount:
        less = yuan(fen(reply.total_amount) - 1)
        return replace(reply, total_amount=less, receipt_amount=less)
    return reply


def _notice(about: Trade, out_request_no: str, *, at: datetime) -> TradeNotice:
    amount = yuan(about.amount_fen)
    was_undone = about.cancelled == trade.CancelAction.REFUND
    refunded_fen = about.amount_fen if was_undone else about.refunded_fen
    return TradeNotice(
        notify_type=notification.TRADE_NOTICE, app_id=about.merchant.app_id,
        charset=gateway.CHARSET, version="1.0", trade_no=about.trade_no,
        out_trade_no=about.out_trade_no, out_biz_no=out_request_no, buyer_id=BUYER_ID,
        buyer_logon_id=BUYER_LOGON_ID, seller_id=about.merchant.seller_id,
        trade_status=about.status, total_amount=amount, receipt_amount=amount,
        invoice_amount=amount, buyer_pay_amount=amount, point_amount="0.00",
        refund_fee=yuan(refunded_fen) if refunded_fen else "", subject=about.subject,
        gmt_create=text_of(about.made_at),
        gmt_payment=text_of(about.paid_at) if about.paid_at else "",
        gmt_refund=text_of(at) if refunded_fen else "",
        gmt_close=text_of(at) if about.status is trade.TradeStatus.TRADE_CLOSED else "",
    )  # fmt: skip
