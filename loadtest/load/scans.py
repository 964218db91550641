"""Sales that are paid by scanning a wallet's code, and what the book says of them.

`POST /pay/scan`, and `GET` until the payer has confirmed or the channel has answered. Some come
back the same day and return everything.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import UNSET, Struct

from loadtest.drills.orders import CHANNELS
from loadtest.generator.unit import Answer, Pause, Send, Unit
from loadtest.load.book import Line, LoadBook, What
from loadtest.load.city import City, Customer, Place
from loadtest.load.presets import CANCELS_BP, DUPLICATES_BP, TIMEOUTS_BP
from loadtest.load.units import CANCEL_AFTER_SECONDS, Step, fen, happens, until_answered
from protocol.scan import Leg, ScanReply

POLLS_MAX = 60
_SETTLED, _STATUS = b'"status":"settled"', b'"status":"'
_OPEN = ("unknown", "payer_action")
_BACK = ("returned", "refund_due")
_DECODE = msgspec.json.Decoder(ScanReply).decode


class Order(Struct, frozen=True, kw_only=True):
    """An order before it is paid."""

    order_no: str
    place: Place
    customer: Customer
    body: bytes

    def write(self) -> bytes:
        """Its request, with a nonce of its own."""
        return self.place.pen.request("POST", "/pay/scan", self.body)


class Tills:
    """Makes the units of one load that are paid by a scan."""

    def __init__(self, city: City, book: LoadBook) -> None:
        self._city = city
        self._book = book

    def scan(self) -> Unit:
        """One order, until it is settled or refused."""
        city, chance = self._city, self._city.chance
        order = self._order()
        send = Send(name="scan", payload=order.write(), done=_SETTLED, settles=True)
        vanishes = happens(chance, TIMEOUTS_BP)
        try:
            reply = yield from self._verdict(order, send, hangs_up=vanishes)
        except GeneratorExit:
            self._write(order, What.UNKNOWN, "the run ended before a verdict came")
            raise
        settled = self._learn(order, reply)
        if settled is None:
            return
        if happens(chance, DUPLICATES_BP):
            again = yield Send(name="scan", payload=order.write(), done=_SETTLED)
            told = self._read(again)
            if told is not None and told.settlement_id != settled.setl_id:
                self._write(order, What.WRONG, f"answered {settled.setl_id}, then {told}")
        if happens(chance, CANCELS_BP):
            yield Pause(CANCEL_AFTER_SECONDS)
            yield from self._refund(order, settled, city.order_no())

    def _order(self) -> Order:
        city = self._city
        customer, order_no = city.customer(), city.order_no()
        body = {
            "order_no": order_no, "operator": "0001", "terminal_id": "POS00001",
            "person_code": customer.person.certno, "insutype": customer.person.insutype,
            "pay_code": city.pay_code(), "lines": city.cart(),
        }  # fmt: skip
        return Order(
            order_no=order_no, place=city.pharmacy(), customer=customer,
            body=msgspec.json.encode(body),
        )  # fmt: skip

    def _verdict(self, order: Order, send: Send, *, hangs_up: bool) -> Step:
        """Until the order is no longer open."""
        answer = yield from until_answered(send, hangs_up=hangs_up, anew=order.write)
        for _ in range(POLLS_MAX):
            reply = self._read(answer)
            if reply is None or reply.status not in _OPEN:
                return answer
            yield Pause(reply.poll_after_seconds or 1.0)
            answer = yield from self._look(order, done=_SETTLED, settles=True)
        return answer

    def _look(self, order: Order, *, done: bytes, settles: bool = False) -> Step:
        def write() -> bytes:
            return order.place.pen.request("GET", f"/pay/{order.order_no}")

        send = Send(name="scan-look", payload=write(), done=done, settles=settles)
        return (yield from until_answered(send, anew=write))

    def _refund(self, order: Order, settled: Line, refund_no: str) -> Unit:
        """All of it comes back; the book is told when the money is back."""
        body = msgspec.json.encode({"refund_no": refund_no, "operator": "0001"})

        def write() -> bytes:
            return order.place.pen.request("POST", f"/pay/{order.order_no}/refund", body)

        send = Send(name="scan-refund", payload=write(), done=_STATUS)
        try:
            answer = yield from until_answered(send, anew=write)
            for _ in range(POLLS_MAX):
                reply = self._read(answer)
                if reply is None or reply.err_code:
                    break
                back = [leg for leg in reply.legs if leg.kind in CHANNELS]
                if reply.status == "refunded" or all(leg.status in _BACK for leg in back):
                    self._came_back(order, settled)
                    return
                yield Pause(reply.poll_after_seconds or 1.0)
                answer = yield from self._look(order, done=_STATUS)
        except GeneratorExit:
            self._write(order, What.UNKNOWN, "the run ended before a refund was known")
            raise
        said = "" if answer is None else answer.body[:300].decode("utf-8", "replace")
        self._write(order, What.WRONG, f"a refund that does not come back: {said}")

    def _came_back(self, order: Order, settled: Line) -> None:
        self._book.write(
            Line(
                what=What.UNDONE, institution=settled.institution, msgid=order.order_no,
                psn_no=settled.psn_no, undoes=settled.setl_id, total_fen=-settled.total_fen,
                fund_fen=-settled.fund_fen, account_fen=-settled.account_fen,
                cash_fen=-settled.cash_fen, channel=settled.channel, reference=settled.reference,
            )
        )  # fmt: skip

    def _learn(self, order: Order, answer: Answer | None) -> Line | None:
        reply = self._read(answer)
        if reply is None or reply.status in _OPEN:
            self._write(order, What.UNKNOWN, str(answer))
            return None
        if reply.status != "settled":
            self._write(order, What.REFUSED, f"{reply.err_code or reply.status} {reply.message}")
            return None
        if reply.split is UNSET or reply.settlement_id is UNSET:
            self._write(order, What.WRONG, f"settled without amounts: {reply}")
            return None
        split, collected = reply.split, _collected(reply)
        line = Line(
            what=What.SETTLED, institution=order.place.code, msgid=order.order_no,
            psn_no=order.customer.person.psn_no, setl_id=reply.settlement_id,
            total_fen=_fen(split.medfee_sumamt), fund_fen=_fen(split.fund_pay_sumamt),
            account_fen=_fen(split.acct_pay), cash_fen=_fen(split.psn_cash_pay),
            channel="" if collected is None else collected.kind,
            reference="" if collected is None else collected.reference,
        )  # fmt: skip
        self._book.write(line)
        return line

    def _read(self, answer: Answer | None) -> ScanReply | None:
        """None where there is none, or not one of the contract."""
        if answer is None:
            return None
        try:
            return _DECODE(answer.body)
        except msgspec.DecodeError:
            return None

    def _write(self, order: Order, what: What, said: str) -> None:
        self._book.write(
            Line(
                what=what, institution=order.place.code, msgid=order.order_no,
                psn_no=order.customer.person.psn_no, said=said,
            )
        )  # fmt: skip


def _collected(reply: ScanReply) -> Leg | None:
    return next((leg for leg in reply.legs if leg.kind in CHANNELS), None)


def _fen(text: str) -> int:
    return fen(Decimal(text))
