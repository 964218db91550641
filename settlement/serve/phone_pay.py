"""Orders that their payers pay on their own phones (手机支付), in one gateway process (ADR 0063).

From the institution's own program, or from our page behind a link; where the channel wants to know
who pays, the program says it, or the channel itself. An attempt is committed before the channel
hears of it, as any; an order that waits at the channel already is handed out again under its own
number. Where the payer chooses another channel, the order that waits is closed before there is
another: first that is committed, so that nobody hands it out any more (ADR 0076).
"""

from __future__ import annotations

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from protocol.cashier import (
    CashierCall,
    CashierPayReply,
    CashierPayRequest,
    CashierState,
    CashierWay,
)
from protocol.scan import PhoneCall, PhoneRequest, ScanReply
from settlement import refusals
from settlement.channels.port import PhoneDoor
from settlement.gateway import Caller, PayReply
from settlement.institution import Institution
from settlement.payments.cashier_token import number_in, token_of
from settlement.payments.pay_commands import FindOrder, PayOnPhone, Till
from settlement.payments.payment import ChannelName, Handed, Outcome, PhoneOrder, Verdict
from settlement.payments.payment_rows import PaymentFact
from settlement.payments.payment_states import (
    PHONE_ATTEMPTS_MAX,
    Ask,
    Attempt,
    Happening,
    State,
    Way,
    happened,
    opens,
    undo_happened,
)
from settlement.refusal import Refusal
from settlement.serve.asking import Reply
from settlement.serve.channel_reports import undone
from settlement.serve.pay_pieces import asked_of, phone_door, phone_order_ends, reader
from settlement.serve.paying import PHONE_CHANNELS, Payments, unreadable
from settlement.storage.payments import place_of
from settlement.translate import cashier, scans
from settlement.usecases.paying import PayAnswer, plan_of

ANSWERED_AFTER_SECONDS = 15.0
"""An order that was given to a phone has its address by then, or the answer was lost."""
STILL_CLOSING = "上一笔订单尚未关闭，请稍后再点支付；如已付款，结果会自动显示。"
STANDS_THERE = "未能关闭上一笔订单，请继续用它付款；如已付款，结果会自动显示。"
"""After the name of the channel that did not."""
TOO_OFTEN = "本单打开付款的次数过多，请到窗口出示付款码，或重新办理。"
BEING_OPENED = "正在打开付款窗口，请稍候；未打开时请稍后再点支付。"
SIGNED_IN = "pay"
"""What the page is told when a payer comes back to it."""
_OUT = (State.COLLECTING, State.CONFIRMING)
_DECODE_PHONE = reader(PhoneRequest)
_DECODE_PAY = reader(CashierPayRequest)
_ENCODE = msgspec.json.Encoder().encode


class Given(Struct, frozen=True, kw_only=True):
    """What an order was handed to a phone with; without it what is said instead."""

    reply: Reply
    handed: Handed | None = None
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
        channel = ChannelName(request.channel)
        return await self._to_its_end(self._on_phone(found.fact, channel, request.openid))

    async def _on_phone(
        self, fact: PaymentFact, channel: ChannelName, openid: str
    ) -> PayReply:
        given = await self._given(fact, channel, openid)
        reply, handed = given.reply, given.handed
        if isinstance(reply, PayAnswer) and isinstance(reply.output, ScanReply):
            output = replace(reply.output, message=given.said or reply.output.message)
            if handed is not None and handed.url:
                output = replace(output, phone_url=handed.url)
            elif handed is not None:
                output = replace(output, phone=PhoneCall(**handed.call))
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
        channel = ChannelName(request.channel)
        return await self._to_its_end(self._from_page(fact, token, channel, request.code))

    async def _from_page(
        self, fact: PaymentFact, token: str, channel: ChannelName, code: str
    ) -> PayReply:
        till = self.phone_till(self._desk.world.institutions[fact.row.institution], channel)
        if isinstance(till, Refusal):
            return self._page_says(fact, token, self._text(till))
        door = phone_door(self.tills.merchant(till.channel, till.merchant_no))
        payer = "" if door is None or not door.asks_who else await door.payer(code)
        given = await self._given(fact, channel, payer)
        if not isinstance(given.reply, PayAnswer):
            refused = given.reply if isinstance(given.reply, Refusal) else Refusal(code="INTERNAL")
            return self._page_says(fact, token, self._text(refused))
        now, handed = given.reply.fact or fact, given.handed
        call = None if handed is None else cashier.opened_with(channel, handed)
        return self._page_says(now, token, given.said, call)

    def _page_says(
        self, fact: PaymentFact, token: str, message: str, call: CashierCall | None = None
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
        ways = (self._way_of(institution, channel, token) for channel in PHONE_CHANNELS)
        return cashier.shown(
            fact, plan_of(fact, world), institution=institution.name,
            ways=tuple(way for way in ways if way is not None), now=self._clock(),
        )  # fmt: skip

    def _way_of(
        self, institution: Institution, channel: ChannelName, token: str
    ) -> CashierWay | None:
        """How a page can open an order at a channel; None where it cannot."""
        till = self.phone_till(institution, channel)
        if isinstance(till, Refusal):
            return None
        door = phone_door(self.tills.merchant(till.channel, till.merchant_no))
        place = door.sign_in(self.tills.cashier_url(token), SIGNED_IN) if door else ""
        if door is None or (door.asks_who and not place):
            return None
        return CashierWay(channel=channel.value, name=cashier.CHANNEL_ZH[channel], sign_in=place)

    async def _given(self, fact: PaymentFact, channel: ChannelName, payer: str) -> Given:
        """Commit an attempt where none is out, hand the order to the phone, commit what came. What
        waits at another channel is closed first."""
        row = fact.row
        institution = self._desk.world.institutions[row.institution]
        till = self.phone_till(institution, channel)
        if isinstance(till, Refusal):
            return Given(reply=till)
        door = phone_door(self.tills.merchant(till.channel, till.merchant_no))
        if door is None or (door.asks_who and not payer):
            return Given(reply=Refusal(code="PAYER_UNKNOWN"))
        reply = await self._begun(fact, institution, till)
        if isinstance(reply, PayAnswer) and self._is_to_be_left(reply, till, door):
            reply = await self._left(reply, institution)
            if isinstance(reply, PayAnswer) and _state_of(reply) is State.WAITING:
                reply = await self._begun(fact, institution, till)
        if not isinstance(reply, PayAnswer) or reply.fact is None:
            return Given(reply=reply)
        return await self._opened_on(reply, reply.fact, institution, till, payer)

    async def _begun(self, fact: PaymentFact, institution: Institution, till: Till) -> Reply:
        """An attempt, where none is out and there is time left; else what stands."""
        row = fact.row
        asked = asked_of(institution, row.lane, place_of(row), row.order_no)
        return await self._submit(
            PayOnPhone(asked=asked, pay_nos=(row.pay_no,), pay_no=row.pay_no, till=till)
        )

    def _is_to_be_left(self, reply: PayAnswer, till: Till, door: PhoneDoor) -> bool:
        """Whether an order waits on a phone that cannot be opened through this till: it waits at
        another channel, or its address was in an answer that was lost."""
        fact = reply.fact
        attempt = None if fact is None else fact.standing.attempt
        if fact is None or attempt is None or reply.began is not None:
            return False
        if attempt.way is not Way.PHONE or fact.standing.state not in _OUT:
            return False
        if (attempt.channel, attempt.merchant_no) != (till.channel, till.merchant_no):
            return True
        age = (self._clock() - attempt.sent_at).total_seconds()
        is_lost = door.gives_once and not opens(fact.standing, fact.events)
        return is_lost and age > ANSWERED_AFTER_SECONDS

    async def _left(self, reply: PayAnswer, institution: Institution) -> Reply:
        """The order is closed at the channel where it waits, unless it is paid. Committed before
        the channel hears of it: from then on money that comes there goes back."""
        attempt = None if reply.fact is None else reply.fact.standing.attempt
        if reply.fact is None or attempt is None:
            return reply
        channel = self.tills.merchant(attempt.channel, attempt.merchant_no)
        if channel is None or phone_door(channel) is None:  # not configured any more
            return reply
        asked = await self.run_errand(reply.fact, Ask.QUERY)
        if not isinstance(asked, PayAnswer) or asked.fact is None or _state_of(asked) not in _OUT:
            return asked
        changed = await self.report(asked.fact, institution, Happening.CHANGED)
        fact = changed.fact if isinstance(changed, PayAnswer) else None
        if fact is None or _is_not_ours_to_close(changed):
            return changed
        if fact.standing.attempt != attempt:  # of another one that came between: the resolver's
            return changed
        outcome = await undone(channel, attempt, fact)
        refused = outcome.verdict is Verdict.FAILED
        happening = Happening.NOT_UNDONE if refused else undo_happened(outcome, fact.standing)
        closed = await self.report(fact, institution, happening, outcome=outcome)
        if refused and isinstance(closed, PayAnswer) and _state_of(closed) in _OUT and closed.fact:
            return await self.run_errand(closed.fact, Ask.QUERY)
        return closed

    async def _opened_on(
        self, reply: PayAnswer, now: PaymentFact, institution: Institution, till: Till, payer: str
    ) -> Given:
        """The present attempt handed to the phone, if it is one of this till that can be paid."""
        attempt, state = reply.began or now.standing.attempt, now.standing.state
        if state is State.CHANGING:
            return Given(reply=reply, said=STILL_CLOSING)
        if state is State.WAITING and len(now.standing.attempts) >= PHONE_ATTEMPTS_MAX:
            return Given(reply=reply, said=TOO_OFTEN)
        if attempt is None or attempt.way is not Way.PHONE or state not in _OUT:
            return Given(reply=reply)
        if (attempt.channel, attempt.merchant_no) != (till.channel, till.merchant_no):
            return Given(reply=reply, said=f"{cashier.CHANNEL_ZH[attempt.channel]}{STANDS_THERE}")
        door = phone_door(self.tills.merchant(attempt.channel, attempt.merchant_no))
        if door is None:
            raise LookupError(f"merchant {attempt.merchant_no} was there a moment ago")
        known = opens(now.standing, now.events)
        if known:
            waits = Outcome(verdict=Verdict.PAYER_ACTION)
            return Given(reply=reply, handed=Handed(outcome=waits, url=known))
        if door.gives_once and reply.began is None:  # somebody is being given it at this moment
            return Given(reply=reply, said=BEING_OPENED)
        handed = await door.hand(self._phone_order(attempt, payer, institution, now))
        if reply.began is None and isinstance(handed, Outcome):
            # It waits there for somebody, perhaps for another payer: this says nothing of that.
            return Given(reply=reply, said=handed.text)
        if reply.began is None and state is not State.COLLECTING:
            return _out(reply, attempt, handed)
        told = await self._reported(now, institution, attempt, handed, door)
        return _out(told, attempt, handed)

    async def _reported(
        self, now: PaymentFact, institution: Institution, attempt: Attempt,
        handed: Handed | Outcome, door: PhoneDoor,
    ) -> Reply:  # fmt: skip
        """What came of handing it, committed."""
        if isinstance(handed, Outcome):
            happening = happened(handed, attempt)
            return await self.report(
                now, institution, happening, attempt=attempt.number, outcome=handed
            )
        return await self.report(
            now, institution, Happening.CONFIRM, attempt=attempt.number, outcome=handed.outcome,
            opens=handed.url if door.gives_once else "",
        )  # fmt: skip

    def _phone_order(
        self, attempt: Attempt, payer: str, institution: Institution, fact: PaymentFact
    ) -> PhoneOrder:
        token = token_of(fact.row.pay_no, self._translator.digest_key)
        return PhoneOrder(
            order_no=attempt.order_no, sent_at=attempt.sent_at,
            expires_at=phone_order_ends(attempt), amount_fen=attempt.amount_fen, payer=payer,
            subject=institution.name,
            notify_url=self.tills.notify_url(attempt.channel, attempt.merchant_no),
            back_url=self.tills.cashier_url(token),
        )  # fmt: skip


def _state_of(reply: PayAnswer) -> State | None:
    return None if reply.fact is None else reply.fact.standing.state


def _is_not_ours_to_close(changed: Reply) -> bool:
    """Somebody else was told first that it is left, or it came to its end."""
    if not isinstance(changed, PayAnswer) or changed.replayed:
        return True
    return _state_of(changed) is not State.CHANGING


def _out(reply: Reply, attempt: Attempt, handed: Handed | Outcome) -> Given:
    """It goes to the phone only while its attempt can be paid."""
    if isinstance(handed, Outcome):
        return Given(reply=reply, said=handed.text)
    standing = reply.fact.standing if isinstance(reply, PayAnswer) and reply.fact else None
    if standing is None or standing.state is not State.CONFIRMING:
        return Given(reply=reply)
    if standing.attempt is None or standing.attempt.number != attempt.number:
        return Given(reply=reply)
    return Given(reply=reply, handed=handed)
