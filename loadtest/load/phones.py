"""Visits that are paid on the phone (移动支付), and what the book says of them.

The payer's e-credential gives a token, the hospital uploads its order (6201), the payer agrees and
the insurance pays (6202), the rest is the hospital's to collect. Some take everything back (6203).
"""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal
from typing import TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from loadtest import mobile_inputs
from loadtest.generator.unit import Answer, Pause, Send, Unit
from loadtest.institution_client import Input
from loadtest.load.book import Line, LoadBook, What
from loadtest.load.city import City, Customer, Place
from loadtest.load.presets import CANCELS_BP, TIMEOUTS_BP
from loadtest.load.units import CANCEL_AFTER_SECONDS, Paid, Step, fen, happens, until_answered
from loadtest.mobile_inputs import Held, Uploaded

_ENCODE = msgspec.json.Encoder(decimal_format="number").encode
_TOKEN = b'"mdtrt_cert_no"'
T = TypeVar("T")
_Asking: TypeAlias = Generator[Send | Pause, Answer | None, T]
"""Messages that bring something in the end."""


class _Credential(Struct, frozen=True, gc=False):
    mdtrt_cert_no: str


class _Extra(Struct, frozen=True, rename="camel", gc=False):
    mdtrt_id: str
    chrg_bchno: str


class _Made(Struct, frozen=True, rename="camel", gc=False):
    """`data` of 6201."""

    pay_ord_id: str
    pay_token: str
    ext_data: _Extra


class _Settlement(Struct, frozen=True, gc=False):
    setlinfo: Paid


class _Agreed(Struct, frozen=True, rename="camel", gc=False):
    """`data` of 6202, once the insurance has paid."""

    ext_data: _Settlement


class _OutputOf6201(Struct, frozen=True, gc=False):
    data: _Made


class _OutputOf6202(Struct, frozen=True, gc=False):
    data: _Agreed


class _AnswerOf6201(Struct, frozen=True, gc=False):
    output: _OutputOf6201


class _AnswerOf6202(Struct, frozen=True, gc=False):
    output: _OutputOf6202


class Order(Struct, frozen=True, kw_only=True):
    """An order of a hospital, once it is uploaded."""

    number: str
    token: str
    place: Place
    customer: Customer
    uploaded: Uploaded


class Phones:
    """Makes the units of one load that are paid on the phone."""

    def __init__(self, city: City, book: LoadBook) -> None:
        self._city = city
        self._book = book

    def visit(self) -> Unit:
        """Uploaded and paid; given up where one step does not bring what the next one needs."""
        place, customer = self._city.hospital(), self._city.customer()
        token = yield from _token(place, customer)
        if not token:
            return
        order = yield from self._upload(place, customer, token)
        if order is None:
            return
        settled = yield from self._pay(order)
        if settled is not None and happens(self._city.chance, CANCELS_BP):
            yield Pause(CANCEL_AFTER_SECONDS)
            yield from self._take_back(order, settled)

    def _upload(self, place: Place, customer: Customer, token: str) -> _Asking[Order | None]:
        number = place.desk.serial().decode()
        content = mobile_inputs.upload(
            customer.patient, self._city.day_of_a_stay(), institution=place.code, order_no=number,
            token=token, at=customer.at.decode(),
        )  # fmt: skip
        answer = yield from until_answered(_send(place, "6201", content))
        if answer is None or not answer.is_done:
            return None
        made = msgspec.json.decode(answer.body, type=_AnswerOf6201).output.data
        uploaded = Uploaded(
            order_id=made.pay_ord_id, pay_token=made.pay_token,
            mdtrt_id=made.ext_data.mdtrt_id, batch_no=made.ext_data.chrg_bchno,
        )  # fmt: skip
        return Order(
            number=number, token=token, place=place, customer=customer, uploaded=uploaded
        )

    def _pay(self, order: Order) -> _Asking[Line | None]:
        """What the book is told is named by the order: 5203 knows the settlement by it."""
        content = mobile_inputs.payment(
            order.uploaded, institution=order.place.code, serial=order.number,
            authorisation=order.token,
        )  # fmt: skip
        send = _send(order.place, "6202", content, settles=True)
        vanishes = happens(self._city.chance, TIMEOUTS_BP)
        answer = yield from self._known(order, send, hangs_up=vanishes)
        if answer is None:
            return None
        if not answer.is_done:
            self._write(order, What.REFUSED, _said(answer))
            return None
        paid = msgspec.json.decode(answer.body, type=_AnswerOf6202).output.data.ext_data.setlinfo
        line = Line(
            what=What.SETTLED, institution=order.place.code, msgid=order.uploaded.order_id,
            psn_no=order.customer.person.psn_no, setl_id=paid.setl_id,
            total_fen=fen(paid.medfee_sumamt), fund_fen=fen(paid.fund_pay_sumamt),
            account_fen=fen(paid.acct_pay), cash_fen=fen(paid.psn_cash_pay),
        )  # fmt: skip
        self._book.write(line)
        return line

    def _take_back(self, order: Order, settled: Line) -> Unit:
        held = Held(
            fund=_yuan(settled.fund_fen), account=_yuan(settled.account_fen),
            own=_yuan(settled.cash_fen),
        )  # fmt: skip
        content = mobile_inputs.refund(
            order.uploaded, held, refund_no=self._city.order_no(), token=order.token,
            at=order.customer.at.decode(),
        )  # fmt: skip
        answer = yield from self._known(order, _send(order.place, "6203", content))
        if answer is None:
            return
        if not answer.is_done:
            self._write(order, What.REFUSED, _said(answer))
            return
        self._book.write(
            Line(
                what=What.UNDONE, institution=settled.institution, msgid=settled.msgid,
                psn_no=settled.psn_no, undoes=settled.setl_id, total_fen=-settled.total_fen,
                fund_fen=-settled.fund_fen, account_fen=-settled.account_fen,
                cash_fen=-settled.cash_fen,
            )
        )  # fmt: skip

    def _known(self, order: Order, send: Send, *, hangs_up: bool = False) -> Step:
        """The verdict; where none comes the book is told, also where the run ends before it."""
        try:
            answer = yield from until_answered(send, hangs_up=hangs_up)
        except GeneratorExit:
            self._write(order, What.UNKNOWN, f"the run ended before {send.name} was answered")
            raise
        if answer is None:
            self._write(order, What.UNKNOWN, f"{send.name}: asked for again and again")
        return answer

    def _write(self, order: Order, what: What, said: str) -> None:
        self._book.write(
            Line(
                what=what, institution=order.place.code, msgid=order.uploaded.order_id,
                psn_no=order.customer.person.psn_no, said=said,
            )
        )  # fmt: skip


def _token(place: Place, customer: Customer) -> _Asking[str]:
    """The payer opens the e-credential; the demonstration gives its token to whoever asks."""
    path = f"/demo/token?psn_no={customer.person.psn_no}&fixmedins_code={place.code}"
    payload = place.pen.request("POST", path)
    send = Send(name="token", payload=payload, done=_TOKEN, is_aside=True)
    answer = yield from until_answered(send)
    if answer is None or not answer.is_done:
        return ""
    return msgspec.json.decode(answer.body, type=_Credential).mdtrt_cert_no


def _send(place: Place, infno: str, content: Input, *, settles: bool = False) -> Send:
    payload = place.desk.request(infno, _ENCODE(content))
    return Send(name=infno, payload=payload, settles=settles)


def _said(answer: Answer) -> str:
    return answer.body[:300].decode("utf-8", "replace")


def _yuan(amount_fen: int) -> Decimal:
    return Decimal(amount_fen).scaleb(-2)
