"""A simulated one-code platform (一码付), on the wire of protocol/onecode.py, which is ours: nobody
published one. Its book's rules are in `onecode_trades`; here are signatures and what is staged.
"""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from loadtest.simulators import onecode_bills
from loadtest.simulators.channel import Reply
from loadtest.simulators.channel_book import ChannelBook
from loadtest.simulators.channel_faults import Fault, Faults, Operation
from loadtest.simulators.onecode_trades import Trades
from loadtest.simulators.payer_codes import Behaviour
from loadtest.simulators.plain_http import Call
from loadtest.simulators.virtual_clock import VirtualClock
from loadtest.simulators.voucher_pages import People, VoucherSimulator
from protocol import onecode
from protocol.onecode import (
    BillRequest,
    OrderRequest,
    PayReply,
    PayRequest,
    RefundRequest,
    SignRequest,
)

OPERATIONS = {
    onecode.SIGN: Operation.OTHER,
    onecode.PAY: Operation.PAY,
    onecode.QUERY: Operation.QUERY,
    onecode.UNDO: Operation.UNDO,
    onecode.REFUND: Operation.REFUND,
    onecode.REFUND_QUERY: Operation.QUERY_REFUND,
    onecode.BILL: Operation.BILL,
}
_BUSY = {
    Fault.BUSY: "SYSTEM_BUSY", Fault.MAINTENANCE: "SYSTEM_BUSY", Fault.RATE_LIMITED: "TOO_FAST",
}  # fmt: skip
SKEW = timedelta(minutes=10)


class OneCodeSimulator(VoucherSimulator):
    """See the module."""

    name = "onecode"

    def __init__(
        self, *, clock: VirtualClock, book: ChannelBook, people: People, region: str,
        faults: Faults | None = None,
    ) -> None:  # fmt: skip
        """See the base."""
        super().__init__(clock=clock, book=book, people=people, region=region, faults=faults)
        self.trades = Trades(clock=clock, book=book, people=people)
        self._keys: dict[str, bytes] = {}

    def open_merchant(self, merchant_no: str, key: bytes) -> None:
        """A merchant that may collect here, and the key that both sign with."""
        self._keys[merchant_no] = key

    def routes(self) -> tuple[tuple[str, str], ...]:
        """See the base."""
        return tuple(("POST", path) for path in OPERATIONS)

    def classify(self, call: Call) -> tuple[Operation, str]:
        """See the base."""
        operation = OPERATIONS.get(call.path, Operation.OTHER)
        try:
            named = onecode.content_of(call.body, _Named)
        except ValueError:
            return operation, ""
        is_refund = operation in (Operation.REFUND, Operation.QUERY_REFUND)
        return operation, named.outRefundNo if is_refund else named.outTradeNo

    async def answer(self, call: Call, operation: Operation, fault: Fault | None) -> Reply:
        """See the base."""
        merchant_no = call.headers.get(onecode.MERCHANT, "")
        key = self._keys.get(merchant_no)
        if key is None:
            return Reply(body=onecode.body_of(onecode.Reply(code="MERCHANT_UNKNOWN")))
        expected = onecode.request_signature(
            key, call.path, call.headers.get(onecode.TIMESTAMP, ""), call.body
        )
        if not onecode.is_same(call.headers.get(onecode.SIGNATURE, ""), expected):
            return self._signed(call, key, onecode.Reply(code="SIGN_ERROR"), None)
        try:
            said, behaviour = self._carried_out(merchant_no, call, operation, fault)
        except ValueError:
            return self._signed(call, key, onecode.Reply(code="PARAM_ERROR"), None)
        made = self._signed(call, key, said, fault)
        return replace(made, lost=behaviour is Behaviour.LOST_ANSWER)

    async def refusal(self, call: Call, fault: Fault) -> Reply:
        """See the base."""
        key = self._keys.get(call.headers.get(onecode.MERCHANT, ""), b"")
        return self._signed(call, key, onecode.Reply(code=_BUSY[fault]), None)

    def _carried_out(
        self, merchant_no: str, call: Call, operation: Operation, fault: Fault | None
    ) -> tuple[onecode.Reply, Behaviour]:
        trades, body = self.trades, call.body
        match operation:
            case Operation.PAY:
                return self._pay(merchant_no, onecode.content_of(body, PayRequest), fault)
            case Operation.QUERY:
                asked = onecode.content_of(body, OrderRequest)
                said: onecode.Reply = trades.query(merchant_no, asked.outTradeNo)
            case Operation.BILL:
                asked_day = onecode.content_of(body, BillRequest).billDate
                said = onecode_bills.bill_of(
                    self.book, merchant_no, asked_day, now=self.clock(), fault=fault
                )
            case Operation.UNDO if fault is Fault.UNDO_AGAIN:
                said = onecode.Reply(code="SYSTEM_BUSY")
            case Operation.UNDO:
                asked = onecode.content_of(body, OrderRequest)
                said = trades.undo(merchant_no, asked.outTradeNo)
            case Operation.REFUND:
                said = trades.refund(merchant_no, onecode.content_of(body, RefundRequest))
            case Operation.QUERY_REFUND:
                said = trades.query_refund(merchant_no, onecode.content_of(body, RefundRequest))
            case _:
                said = trades.sign(onecode.content_of(body, SignRequest).ecQrCode)
        return (_one_fen_off(said) if fault is Fault.ONE_FEN_OFF else said), Behaviour.OK

    def _pay(
        self, merchant_no: str, asked: PayRequest, fault: Fault | None
    ) -> tuple[onecode.Reply, Behaviour]:
        said, behaviour = self.trades.pay(
            merchant_no, asked, is_ghost=fault is Fault.GHOST, is_phantom=fault is Fault.PHANTOM
        )
        if fault is Fault.GHOST and said.code == onecode.DONE:
            return onecode.Reply(code="SYSTEM_BUSY"), behaviour
        return (_one_fen_off(said) if fault is Fault.ONE_FEN_OFF else said), behaviour

    def _signed(
        self, call: Call, key: bytes, said: onecode.Reply, fault: Fault | None
    ) -> Reply:
        body = onecode.body_of(said)
        if fault is Fault.NOT_JSON:
            body = body[: len(body) // 2]
        at = self.clock() - (SKEW if fault is Fault.CLOCK_SKEW else timedelta(0))
        timestamp = str(int(at.timestamp()))
        asked = call.headers.get(onecode.SIGNATURE, "")
        key = b"a stranger's key" if fault is Fault.WRONG_SIGNATURE else key
        headers = {onecode.TIMESTAMP: timestamp}
        if fault is not Fault.NO_SIGNATURE:
            headers[onecode.SIGNATURE] = onecode.answer_signature(key, asked, timestamp, body)
        return Reply(body=body, headers=headers)


class _Named(Struct, frozen=True):
    """What every content about a payment names."""

    outTradeNo: str = ""  # noqa: N815
    outRefundNo: str = ""  # noqa: N815


def _one_fen_off(said: onecode.Reply) -> onecode.Reply:
    if isinstance(said, PayReply) and said.totalFen:
        return replace(said, totalFen=said.totalFen - 1)
    return said
