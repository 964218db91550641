"""What each kind of customer has done for them, message by message, and what the book says of it.

Each is a generator of what to send (`loadtest.generator.unit`). What moves money is asked for
again, unchanged, until its outcome is known; only then does the book say what became of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping
from decimal import Decimal

import msgspec
from msgspec import Struct

from loadtest import institution_inputs, messages, stay_inputs
from loadtest.generator.unit import Answer, Pause, Send, Unit
from loadtest.institution_client import Input
from loadtest.institution_inputs import Bought
from loadtest.load.book import Line, LoadBook, What
from loadtest.load.city import City, Customer, Place
from loadtest.load.presets import CANCELS_BP, DUPLICATES_BP, TIMEOUTS_BP

AGAIN_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0)
"""Before a message is sent again that was not answered, or told to come again."""
CANCEL_AFTER_SECONDS = 2.0
STAY_DAYS = (3, 6)
_BP = 10_000
_AGAIN = (b'"retry":"later"', b'"retry":"same_msgid"')
_ERROR = 429
"""From this status on an answer says to come again."""
_ENCODE = msgspec.json.Encoder(decimal_format="number").encode

Step = Generator[Send | Pause, Answer | None, Answer | None]


class Paid(Struct, frozen=True, kw_only=True, gc=False):
    """Who pays what, as answered: yuan."""

    setl_id: str
    mdtrt_id: str
    medfee_sumamt: Decimal
    fund_pay_sumamt: Decimal
    acct_pay: Decimal
    psn_cash_pay: Decimal


class _Output(Struct, frozen=True, gc=False):
    setlinfo: Paid


class _Settled(Struct, frozen=True, gc=False):
    output: _Output


_DECODE = msgspec.json.Decoder(_Settled).decode
_DECODE_QUOTE = msgspec.json.Decoder(dict[str, object], float_hook=Decimal).decode


class Settling(Struct, frozen=True, kw_only=True):
    """A message that settles, and whose."""

    place: Place
    customer: Customer
    infno: str
    payload: bytes
    msgid: str


class Counters:
    """Makes the units of one load."""

    def __init__(self, city: City, book: LoadBook) -> None:
        self._city = city
        self._book = book
        self._chance = city.chance

    def pharmacy(self) -> Unit:
        """2102; some come back and return it (2103)."""
        place, customer, basket = self._city.pharmacy(), self._city.customer(), self._city.sale()
        content = messages.pharmacy_sale(
            customer.parts, basket, serial=place.desk.serial(), at=customer.at
        )
        yield from self._settle(place, customer, "2102", content, cancel="2103")

    def outpatient(self) -> Unit:
        """A visit of somebody who is insured here."""
        yield from self._visit(self._city.hospital(), self._city.customer())

    def away(self) -> Unit:
        """A visit of somebody whose region is asked for every step that needs it."""
        yield from self._visit(self._city.hospital_for_strangers(), self._city.stranger())

    def _visit(self, place: Place, customer: Customer) -> Unit:
        """Six messages; given up where one does not bring what the next one needs."""
        basket = self._city.visit()
        parts, number, at = customer.parts, place.desk.serial(), customer.at
        if not _done((yield from _step(place, "1101", messages.person_lookup(parts)))):
            return
        opened = yield from _step(
            place, "2201", messages.registration(parts, visit_no=number, at=at)
        )
        named = messages.value_in(opened.body if opened else b"", b"mdtrt_id")
        if named is None:
            return
        visit_id = named.strip(b'"')
        data = messages.visit_data(parts, visit_id=visit_id, at=at)
        lines = messages.fee_lines(parts, basket, visit_id=visit_id, charge_no=number, at=at)
        for infno, content in (("2203", data), ("2204", lines)):
            if not _done((yield from _step(place, infno, content))):
                return
        asked = messages.quote(parts, basket, visit_id=visit_id, charge_no=number)
        quoted = yield from _step(place, "2206", asked)
        splits = messages.splits_in(quoted.body if quoted else b"")
        if splits is None:
            return
        content = messages.settlement(
            parts, basket, visit_id=visit_id, charge_no=number, splits=splits
        )
        yield from self._settle(place, customer, "2207", content, cancel="2208")

    def inpatient(self) -> Unit:
        """Admitted, a few days with their lines, discharged, quoted, settled: days in a row."""
        place, customer = self._city.hospital(), self._city.customer()
        patient, at, serial = customer.patient, customer.at.decode(), place.desk.serial().decode()
        opened = yield from _step_of(
            place, "2401", stay_inputs.admission(patient, stay_no=serial, at=at)
        )
        mdtrt_id = _text_in(opened, b"mdtrt_id")
        if not mdtrt_id:
            return
        charged: list[Bought] = []
        for _ in range(self._chance.randint(*STAY_DAYS)):
            today = self._city.day_of_a_stay()
            content = stay_inputs.fee_lines(
                patient, today, mdtrt_id=mdtrt_id, at=at, first=len(charged) + 1
            )
            if not _done((yield from _step_of(place, "2301", content))):
                return
            charged += today
        leaving = stay_inputs.discharge(patient, mdtrt_id=mdtrt_id, at=at)
        if not _done((yield from _step_of(place, "2402", leaving))):
            return
        asked = stay_inputs.quote(patient, institution_inputs.total(charged), mdtrt_id=mdtrt_id)
        quoted = _quote_in((yield from _step_of(place, "2303", asked)))
        if quoted is None:
            return
        content_of_all = _ENCODE(stay_inputs.settlement(asked, quoted))
        yield from self._settle(place, customer, "2304", content_of_all, cancel="2305")

    def _settle(
        self, place: Place, customer: Customer, infno: str, content: bytes, *, cancel: str
    ) -> Unit:
        """What settles, once and for all; and what some do about it later."""
        settling = _settling(place, customer, infno, content)
        answer = yield from self._known(settling, hangs_up=self._happens(TIMEOUTS_BP))
        paid = self._learn(settling, answer)
        if paid is None:
            return
        if self._happens(DUPLICATES_BP):
            again = yield from self._known(settling)
            self._compare(settling, paid, again)
        if self._happens(CANCELS_BP):
            yield Pause(CANCEL_AFTER_SECONDS)
            yield from self._cancel(settling, paid, cancel)

    def _cancel(self, settled: Settling, paid: Paid, infno: str) -> Unit:
        content = institution_inputs.cancel(
            setl_id=paid.setl_id, mdtrt_id=paid.mdtrt_id, psn_no=settled.customer.person.psn_no
        )
        cancelling = _settling(settled.place, settled.customer, infno, _ENCODE(content))
        answer = yield from self._known(cancelling, settles=False)
        self._learn(cancelling, answer, undoes=paid.setl_id)

    def _known(
        self, settling: Settling, *, hangs_up: bool = False, settles: bool = True
    ) -> Step:
        """The verdict of a message that moves money, however often it takes. The book is told where
        none comes, also where the run ends while it is asked for."""
        send = Send(name=settling.infno, payload=settling.payload, settles=settles)
        try:
            answer = yield from until_answered(send, hangs_up=hangs_up)
        except GeneratorExit:
            self._write(settling, What.UNKNOWN, "the run ended before an answer came")
            raise
        if answer is None:
            self._write(settling, What.UNKNOWN, "asked for again and again")
        return answer

    def _learn(
        self, settling: Settling, answer: Answer | None, *, undoes: str = ""
    ) -> Paid | None:
        """Write down what became of it."""
        if answer is None:
            return None
        if not answer.is_done:
            self._write(settling, What.REFUSED, answer.body[:300].decode("utf-8", "replace"))
            return None
        paid = _paid_in(answer)
        if paid is None:
            said = answer.body[:300].decode("utf-8", "replace")
            self._write(settling, What.WRONG, f"an answer without amounts: {said}")
            return None
        self._book.write(
            Line(
                what=What.UNDONE if undoes else What.SETTLED, institution=settling.place.code,
                msgid=settling.msgid, psn_no=settling.customer.person.psn_no,
                setl_id=paid.setl_id, undoes=undoes, total_fen=fen(paid.medfee_sumamt),
                fund_fen=fen(paid.fund_pay_sumamt), account_fen=fen(paid.acct_pay),
                cash_fen=fen(paid.psn_cash_pay), insured_in=settling.customer.insured_in,
            )
        )  # fmt: skip
        return paid

    def _compare(self, settling: Settling, paid: Paid, again: Answer | None) -> None:
        """Sent once more, it must say the same."""
        if again is not None and _paid_in(again) != paid:
            said = again.body[:300].decode("utf-8", "replace")
            self._write(settling, What.WRONG, f"answered {paid}, then {said}")

    def _write(self, settling: Settling, what: What, said: str) -> None:
        self._book.write(
            Line(
                what=what, institution=settling.place.code, msgid=settling.msgid,
                psn_no=settling.customer.person.psn_no, said=said,
            )
        )  # fmt: skip

    def _happens(self, basis_points: int) -> bool:
        return happens(self._chance, basis_points)


def until_answered(
    send: Send, *, hangs_up: bool = False, anew: Callable[[], bytes] | None = None
) -> Step:
    """A definite answer, or None where none came; `anew` writes the request again, where the same
    bytes may not be sent twice."""
    first = send
    if hangs_up:
        first = msgspec.structs.replace(send, hangs_up=True)
    answer = yield first
    for pause in AGAIN_SECONDS:
        if answer is not None and not _says_again(answer):
            return answer
        yield Pause(pause)
        payload = send.payload if anew is None else anew()
        answer = yield msgspec.structs.replace(send, payload=payload)
    return None


def happens(chance: random.Random, basis_points: int) -> bool:
    """So often in ten thousand."""
    return chance.randrange(_BP) < basis_points


def fen(amount: Decimal) -> int:
    """Of yuan."""
    return int(amount.scaleb(2))


def _says_again(answer: Answer) -> bool:
    if answer.is_done:
        return False
    return answer.status >= _ERROR or any(one in answer.body for one in _AGAIN)


def _settling(place: Place, customer: Customer, infno: str, content: bytes) -> Settling:
    payload = place.desk.request(infno, content)
    return Settling(
        place=place, customer=customer, infno=infno, payload=payload,
        msgid=place.desk.msgid.decode(),
    )  # fmt: skip


def _step(place: Place, infno: str, content: bytes) -> Step:
    """A message that moves no money."""
    send = Send(name=infno, payload=place.desk.request(infno, content))
    return (yield from until_answered(send))


def _step_of(place: Place, infno: str, content: Input) -> Step:
    return (yield from _step(place, infno, _ENCODE(content)))


def _done(answer: Answer | None) -> bool:
    return answer is not None and answer.is_done


def _text_in(answer: Answer | None, name: bytes) -> str:
    found = messages.value_in(answer.body if answer else b"", name)
    return "" if found is None else found.strip(b'"').decode()


def _quote_in(answer: Answer | None) -> Mapping[str, object] | None:
    if answer is None or not answer.is_done:
        return None
    output = _DECODE_QUOTE(answer.body).get("output")
    found = output.get("setlinfo") if isinstance(output, dict) else None
    return found if isinstance(found, dict) else None


def _paid_in(answer: Answer) -> Paid | None:
    """None where the answer is a refusal, or not one of the interface."""
    try:
        return _DECODE(answer.body).output.setlinfo
    except msgspec.DecodeError:
        return None
