"""Orders that their payers pay on their own phones (手机支付), in one gateway process (ADR 0063).

From the institution's own program, which says who pays, or from our page behind a link, where the
channel says it. An attempt is committed before the channel hears of it, as any; an order that waits
at the channel already is handed out again under its own number.
"""

from __future__ import annotations

from datetime import timedelta

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from protocol.cashier import CashierPayReply, CashierPayRequest, CashierState, CashierWay
from protocol.scan import PhoneCall, PhoneRequest, ScanReply
from settlement import refusals
from settlement.cashier_token import number_in
from settlement.gateway import Caller, PayReply
from settlement.institution import Institution
from settlement.pay_commands import FindOrder, PayOnPhone
from settlement.payment import Handed, Outcome, PhoneOrder
from settlement.payment_rows import PaymentFact
from settlement.payment_states import Attempt, Happening, State, Way, happened
from settlement.refusal import Refusal
from settlement.serve.asking import Reply
from settlement.serve.pay_pieces import asked_of, phone_door, reader
from settlement.serve.paying import Payments, unreadable
from settlement.storage.payments import place_of
from settlement.translate import cashier, scans
from settlement.usecases.paying import PayAnswer, plan_of

CHANNEL_ZH = {"wechat": "微信支付"}
"""How a channel is called on the page."""
SIGNED_IN = "pay"
"""What the page is told when a payer comes back to it."""
_OUT = (State.COLLECTING, State.CONFIRMING)
_DECODE_PHONE = reader(PhoneRequest)
_DECODE_PAY = reader(CashierPayRequest)
_ENCODE = msgspec.json.Encoder().encode


class Given(Struct, frozen=True, kw_only=True):
    """What an order was handed to a phone with; without a call what is said instead."""

    reply: Reply
    call: PhoneCall | None = None
    said: str = ""


class PhonePayments(Payments):
    """Payments of one process, with those on payers' phones."""

    async def phone(self, order_no: str, body: bytes, caller: Caller) -> PayReply:
        """POST /pay/{order_no}/phone. Raises StorageError, Overloaded, Unavailable."""
        try:
            request = _DECODE_PHONE(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            return unreadable(exc)
        asked = await self._asked_of(order_no, caller, scans.SCAN)
        if isinstance(asked, Refusal):
            return self._refused(order_no, asked)
        found = await self._submit(FindOrder(asked=asked))
        if not isinstance(found, PayAnswer) or found.fact is None:
            return self._told(order_no, found)
        return await self._to_its_end(self._on_phone(found.fact, request.openid))

    async def _on_phone(self, fact: PaymentFact, openid: str) -> PayReply:
        given = await self._given(fact, openid)
        reply = given.reply
        if isinstance(reply, PayAnswer) and isinstance(reply.output, ScanReply):
            message = given.said or reply.output.message
            output = replace(reply.output, message=message, phone=given.call or msgspec.UNSET)
            reply = PayAnswer(output=output, fact=reply.fact)
        return self._told(fact.row.order_no, reply)

    async def cashier(self, token: str) -> PayReply | None:
        """GET /cashier/{token}/state; None for a token that is not ours."""
        fact = await self._of_token(token)
        return None if fact is None else PayReply(200, _ENCODE(self._page(fact, token)))

    async def cashier_pay(self, token: str, body: bytes) -> PayReply | None:
        """POST /cashier/{token}/pay; None for a token that is not ours."""
        fact = await self._of_token(token)
        if fact is None:
            return None
        try:
            request = _DECODE_PAY(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            return unreadable(exc)
        return await self._to_its_end(self._from_page(fact, token, request.code))

    async def _from_page(self, fact: PaymentFact, token: str, code: str) -> PayReply:
        till = self.phone_till(self._desk.world.institutions[fact.row.institution])
        if isinstance(till, Refusal):
            return self._page_says(fact, token, self._text(till))
        door = phone_door(self.tills.merchant(till.channel, till.merchant_no))
        payer = "" if door is None else await door.payer(code)
        if not payer:
            return self._page_says(fact, token, self._text(Refusal(code="PAYER_UNKNOWN")))
        given = await self._given(fact, payer)
        if not isinstance(given.reply, PayAnswer):
            refused = given.reply if isinstance(given.reply, Refusal) else Refusal(code="INTERNAL")
            return self._page_says(fact, token, self._text(refused))
        now = given.reply.fact or fact
        return self._page_says(now, token, given.said, given.call)

    def _page_says(
        self, fact: PaymentFact, token: str, message: str, call: PhoneCall | None = None
    ) -> PayReply:
        said = CashierPayReply(page=self._page(fact, token), call=call, message=message)
        return PayReply(200, _ENCODE(said))

    def _text(self, refusal: Refusal) -> str:
        return refusals.text(refusal, self._desk.world.profile).message

    async def _of_token(self, token: str) -> PaymentFact | None:
        pay_no = number_in(token, self._translator.digest_key)
        return None if pay_no is None else await self.finder.payment(pay_no)

    def _page(self, fact: PaymentFact, token: str) -> CashierState:
        world = self._desk.world
        institution = world.institutions[fact.row.institution]
        return cashier.shown(
            fact, plan_of(fact, world), institution=institution.name,
            ways=self._ways(institution, token), now=self._clock(),
        )  # fmt: skip

    def _ways(self, institution: Institution, token: str) -> tuple[CashierWay, ...]:
        """Where a page can learn who pays."""
        till = self.phone_till(institution)
        if isinstance(till, Refusal):
            return ()
        door = phone_door(self.tills.merchant(till.channel, till.merchant_no))
        place = door.sign_in(self.tills.cashier_url(token), SIGNED_IN) if door else ""
        if not place:
            return ()
        name = CHANNEL_ZH[till.channel]
        return (CashierWay(channel=till.channel.value, name=name, sign_in=place),)

    async def _given(self, fact: PaymentFact, payer: str) -> Given:
        """Commit an attempt where none is out, hand the order to the phone, commit what came."""
        row = fact.row
        institution = self._desk.world.institutions[row.institution]
        till = self.phone_till(institution)
        if isinstance(till, Refusal):
            return Given(reply=till)
        asked = asked_of(institution, row.lane, place_of(row), row.order_no)
        reply = await self._submit(
            PayOnPhone(asked=asked, pay_nos=(row.pay_no,), pay_no=row.pay_no, till=till)
        )
        if not isinstance(reply, PayAnswer) or reply.fact is None:
            return Given(reply=reply)
        now, attempt = reply.fact, reply.began or reply.fact.standing.attempt
        if attempt is None or attempt.way is not Way.PHONE or now.standing.state not in _OUT:
            return Given(reply=reply)
        handed = await self._handed(attempt, payer, institution)
        if reply.began is None and isinstance(handed, Outcome):
            # It waits there for somebody, perhaps for another payer: this says nothing of that.
            return Given(reply=reply, said=handed.text)
        if reply.began is not None or now.standing.state is State.COLLECTING:
            outcome = handed.outcome if isinstance(handed, Handed) else handed
            happening = (
                Happening.CONFIRM if isinstance(handed, Handed) else happened(outcome, attempt)
            )
            reply = await self.report(now, institution, happening, outcome=outcome)
        return self._out(reply, attempt, handed)

    def _out(self, reply: Reply, attempt: Attempt, handed: Handed | Outcome) -> Given:
        """The call goes to the phone only while its attempt can be paid."""
        if isinstance(handed, Outcome):
            return Given(reply=reply, said=handed.text)
        standing = reply.fact.standing if isinstance(reply, PayAnswer) and reply.fact else None
        if standing is None or standing.state is not State.CONFIRMING:
            return Given(reply=reply)
        if standing.attempt is None or standing.attempt.number != attempt.number:
            return Given(reply=reply)
        return Given(reply=reply, call=PhoneCall(**handed.call))

    async def _handed(
        self, attempt: Attempt, payer: str, institution: Institution
    ) -> Handed | Outcome:
        door = phone_door(self.tills.merchant(attempt.channel, attempt.merchant_no))
        if door is None:
            raise LookupError(f"merchant {attempt.merchant_no} was there a moment ago")
        life = timedelta(seconds=attempt.timers.payer_undo_after)
        order = PhoneOrder(
            order_no=attempt.order_no, sent_at=attempt.sent_at, expires_at=attempt.sent_at + life,
            amount_fen=attempt.amount_fen, payer=payer, subject=institution.name,
            notify_url=self.tills.notify_url(attempt.channel, attempt.merchant_no),
        )  # fmt: skip
        return await door.hand(order)
