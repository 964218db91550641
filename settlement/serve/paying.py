"""Payments over channels in one gateway process: orders in, the channel, answers to the till.

Always in this order: commit, then speak, then commit what came of it. What a channel says is
reported by settlement/serve/channel_reports.py. Whatever breaks in between, the resolver goes on
from what is committed (settlement/serve/resolver.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from datetime import datetime, timedelta

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from ledger.postgres.shape import Shape
from protocol import paycode
from protocol.nhsa.amounts import scaled
from protocol.nhsa.errors import WireError
from protocol.scan import CancelRequest, RefundRequest, ScanReply, ScanRequest, Ways
from settlement import refusals
from settlement.channels.port import Channel
from settlement.channels.registry import Place, Tills
from settlement.channels.waiting import waited
from settlement.clock import Clock, local_time, monotonic
from settlement.commands import Asked
from settlement.desk import DecisionDesk
from settlement.elsewhere.remote_states import State as CaseState
from settlement.gateway import Caller, PayReply
from settlement.institution import Institution
from settlement.lanes import lane_of, lane_of_key
from settlement.limits import Limits
from settlement.payments.cashier_token import token_of
from settlement.payments.pay_commands import (
    FindOrder,
    HoldPlainSale,
    HoldSale,
    Shown,
    TakeBack,
    Till,
)
from settlement.payments.payment import (
    ChannelName,
    PayOrder,
)
from settlement.payments.payment_rows import PaymentFact
from settlement.payments.payment_states import (
    Ask,
    Attempt,
    Happening,
    Learnt,
    State,
    Way,
    happened,
    next_errand,
    phone_until,
)
from settlement.refusal import Refusal
from settlement.region.decoder import Decoders
from settlement.serve.asking import Journals, Reply
from settlement.serve.channel_reports import ChannelReports
from settlement.serve.legs import Leg
from settlement.serve.one_code import one_code_till, shows_one_code
from settlement.serve.orders_elsewhere import OrdersElsewhere, until_of_counter
from settlement.serve.outcomes import LookedUpFirst
from settlement.serve.pay_pieces import (
    CHANNEL_OF,
    NOT_A_WALLET,
    asked_of,
    message_key_of,
    phone_door,
    reader,
)
from settlement.serve.person_codes import PersonCodes, instead
from settlement.serve.remote import RemoteDesk
from settlement.serve.retelling import Retelling
from settlement.serve.strangers import StrangerDesk
from settlement.storage.lookups import PersonFinder
from settlement.storage.payment_finder import Claim, OrderName, PaymentFinder
from settlement.storage.payments import PAYER_ALONE, Owner, place_of
from settlement.telemetry.metrics import METRICS
from settlement.telemetry.traces import TRACES
from settlement.translate import scans
from settlement.translate.pieces import Sender
from settlement.translate.requests import Translator
from settlement.unreadable import unread
from settlement.usecases.paying import Ordered, PayAnswer, plan_of
from settlement.usecases.remote_settle import CaseAnswer

COUNTER_SECONDS = 2.5
"""How long a counter is kept waiting for a verdict that is asked for anyway."""
PHONE_CHANNELS = (ChannelName.WECHAT, ChannelName.ALIPAY, ChannelName.UNIONPAY)
"""Which may collect on payers' own phones, as a page lists them."""
PAYABLE_ON_PHONE = frozenset(
    {State.WAITING, State.COLLECTING, State.CONFIRMING, State.CHANGING}
)
"""While a payer's page may open an order."""
LOOK_GAPS = (0.08, 0.12, 0.2, *(0.4,) * 10)
"""Meanwhile, after how many seconds we look whether the channel has told by itself."""
GAP_SECONDS, GAP_SECONDS_MAX = 0.000_1, 0.01
"""For each order under way, and at most."""
SIDE_CONNECTIONS = 4
"""For what is looked up before and after a batch; look-ups of a kind that wait together share a
round trip, so a few connections are enough."""
logger = logging.getLogger("settlement.paying")

_DECODE_SCAN = reader(ScanRequest)
_DECODE_REFUND = reader(RefundRequest)
_DECODE_CANCEL = reader(CancelRequest)
_ENCODE = msgspec.json.Encoder().encode


class Payments(ChannelReports):
    """Everything under /pay and /notify of one process."""

    def __init__(
        self, *, desk: DecisionDesk, journals: Journals, dsn: str, tills: Tills,
        translator: Translator, shape: Shape, lanes: int, limits: Limits, read_clock: Clock,
        decoders: Decoders, remote: RemoteDesk, strangers: StrangerDesk,
    ) -> None:  # fmt: skip
        # On one machine what holds a sale lasts only together with the claim of its number before.
        self._side = LookedUpFirst(
            dsn, "settlement-payments", count=SIDE_CONNECTIONS,
            waits_for_disk=shape is Shape.CLUSTER,
        )  # fmt: skip
        self._under_way: set[asyncio.Task[PayReply]] = set()
        super().__init__(
            desk=desk, journals=journals, tills=tills, read_clock=read_clock,
            finder=PaymentFinder(self._side, shape, gap=self._gap), remote=remote,
            others=Retelling(dsn, lambda: desk.world.keyring),
        )  # fmt: skip
        self._elsewhere = OrdersElsewhere(remote, journals)
        self._codes = PersonCodes(
            decoders=decoders, desk=desk, lanes=lanes, read_clock=read_clock,
            persons=PersonFinder(self._side, shape, gap=self._gap), orders=self.finder,
            strangers=strangers,
        )  # fmt: skip
        self._shape = shape
        self._translator = translator
        self._lanes = lanes
        self._limits = limits

    def _gap(self) -> float:
        """Between two look-ups of a kind, so that more orders share each where many are under
        way."""
        return min(GAP_SECONDS * len(self._under_way), GAP_SECONDS_MAX)

    async def scan(self, body: bytes, caller: Caller) -> PayReply:
        """POST /pay/scan. It goes on when the counter hangs up. Raises Overloaded, Unavailable; as
        everything here, StorageError where the database refuses a look-up."""
        try:
            request = _DECODE_SCAN(body)
        except (msgspec.MsgspecError, UnicodeDecodeError, ArithmeticError) as exc:
            return unreadable(exc)
        return await self._to_its_end(self._scan(request, caller))

    async def _scan(self, request: ScanRequest, caller: Caller) -> PayReply:
        institution = self._desk.world.institutions.get(caller.institution_code)
        if institution is None:
            return self._refused(request.order_no, Refusal(code="INSTITUTION_NOT_YOURS"))
        until = until_of_counter()
        one_code = shows_one_code(request, institution, self.tills)
        till = None if one_code else self._way(request, institution)
        if isinstance(till, Refusal):
            return self._refused(request.order_no, till)
        shown = await self._codes.read(request, institution)
        if isinstance(shown, Refusal):
            return self._refused(request.order_no, shown)
        if till is None and shown is not None and not request.pay_on_phone:
            stopped = self._desk.world.suspensions
            till = await one_code_till(request, institution, shown, self.tills, stopped)
        try:
            command = await self._command(request, institution, till, shown)
        except WireError as exc:
            return self._refused(request.order_no, refusals.of_wire(exc))
        if isinstance(command, Refusal):
            return self._refused(request.order_no, command)
        reply = await self._as_it_stands(await self._submit(command), command.asked)
        if isinstance(reply, CaseAnswer) and isinstance(command, HoldSale):
            reply = await self._elsewhere.settle(command, reply, until)
        if isinstance(reply, Refusal):
            return self._refused(request.order_no, instead(reply, shown))
        if isinstance(reply, PayAnswer) and reply.began is not None and reply.fact is not None:
            code = request.pay_code or request.person_code
            reply = await self._collect(reply.fact, reply.began, code, command)
        return self._told(
            request.order_no, await self._with_region(reply, command.asked, until - monotonic())
        )

    async def _with_region(self, reply: Reply, asked: Asked, seconds: float) -> Reply:
        """An order that was not paid, once another region has taken back what it had settled;
        after so many seconds as it stands."""
        case = reply.case if isinstance(reply, PayAnswer) else None
        if case is None or case.standing.state is not CaseState.UNDOING:
            return reply
        if await self.taken_back_there(case.row.case_no, max(seconds, 0.0)):
            return await self._submit(FindOrder(asked=asked))
        return reply

    async def find(self, order_no: str, caller: Caller) -> PayReply:
        """GET /pay/{order_no}."""
        asked = await self._asked_of(order_no, caller, scans.SCAN)
        if isinstance(asked, Refusal):
            return self._refused(order_no, asked)
        return self._told(order_no, await self._find(asked))

    async def _find(self, asked: Asked) -> Reply:
        """What stands of an order."""
        return await self._as_it_stands(await self._submit(FindOrder(asked=asked)), asked)

    async def _as_it_stands(self, reply: Reply, asked: Asked) -> Reply:
        """Of an order that was settled at once and taken back, perhaps only in part: what was
        settled anew since."""
        if not isinstance(reply, PayAnswer) or reply.settlement is None:
            return reply
        if reply.settlement.undone_by is None:
            return reply
        key = reply.settlement.row.business_key
        return await self._submit(
            FindOrder(asked=asked, business_key=key, standing=True, again=reply.replayed)
        )

    async def cancel(self, order_no: str, body: bytes, caller: Caller) -> PayReply:
        """POST /pay/{order_no}/cancel: what is not settled yet is given up."""
        try:
            request = _DECODE_CANCEL(body or b"{}")
        except (msgspec.MsgspecError, UnicodeDecodeError) as exc:
            return unreadable(exc)
        asked = await self._asked_of(order_no, caller, scans.SCAN)
        if isinstance(asked, Refusal):
            return self._refused(order_no, asked)
        found = await self._submit(FindOrder(asked=asked))
        if not isinstance(found, PayAnswer):
            return self._told(order_no, found)
        if found.case is not None and found.fact is None:
            gone = self._elsewhere.give_up(found.case, asked, request.operator)
            return await self._to_its_end(self._whatever(order_no, gone))
        fact = found.fact
        if fact is None and found.settlement is None and found.stay is None:
            return self._told(order_no, found)  # it was given up before
        if fact is None or fact.standing.state is State.SETTLED:
            return self._refused(order_no, Refusal(code="ORDER_SETTLED", field="order_no"))
        return await self._to_its_end(self._given_up(fact, asked.institution, request.operator))

    async def _given_up(
        self, fact: PaymentFact, institution: Institution, operator: str
    ) -> PayReply:
        """Given up; the resolver makes the attempt dead when the channel lets it."""
        reply = await self.report(
            fact, institution, Happening.GIVEN_UP, learnt=Learnt(operator=operator)
        )
        now = reply.fact if isinstance(reply, PayAnswer) else None
        if now is not None and now.standing.state is State.SETTLED:  # it was paid meanwhile
            reply = Refusal(code="ORDER_SETTLED", field="order_no")
        asked = asked_of(institution, fact.row.lane, place_of(fact.row), fact.row.order_no)
        return self._told(
            fact.row.order_no, await self._with_region(reply, asked, COUNTER_SECONDS)
        )

    async def _whatever(self, order_no: str, work: Awaitable[Reply]) -> PayReply:
        return self._told(order_no, await work)

    async def refund(self, order_no: str, body: bytes, caller: Caller) -> PayReply:
        """POST /pay/{order_no}/refund: insurance first, then the money."""
        try:
            request = _DECODE_REFUND(body)
            lines = tuple((one.feedetl_sn, scaled(one.cnt, 4, "lines")) for one in request.lines)
            amount_fen = None if request.amount is None else scaled(request.amount, 2, "amount")
        except (msgspec.MsgspecError, UnicodeDecodeError, ArithmeticError, WireError) as exc:
            return unreadable(exc)
        asked = await self._asked_of(order_no, caller, scans.SCAN)
        if isinstance(asked, Refusal):
            return self._refused(order_no, asked)
        found = await self._find(asked)
        if not isinstance(found, PayAnswer):
            return self._told(order_no, found)
        if found.fact is None and found.settlement is None and found.stay is None:
            return self._refused(order_no, Refusal(code="REFUND_NOT_SETTLED", field="order_no"))
        if not await self._is_free(request.refund_no, asked):
            return self._refused(order_no, Refusal(code="REFUND_CONFLICT", field="refund_no"))
        command = TakeBack(
            asked=replace(
                asked, infno=scans.REFUND, msgid=request.refund_no, operator=request.operator,
                message_key=message_key_of(
                    asked.institution.code, scans.REFUND, request.refund_no
                ),
                fingerprint=scans.refund_fingerprint(order_no, lines, amount_fen),
            ),
            business_key=b"" if found.settlement is None else found.settlement.row.business_key,
            standing=found.settlement is not None,
            pay_nos=() if found.fact is None else (found.fact.row.pay_no,),
            visit_ids=() if found.stay is None else (found.stay,), order_no=order_no,
            pay_no=0 if found.fact is None else found.fact.row.pay_no,
            refund_no=request.refund_no, operator=request.operator, lines=lines,
            amount_fen=amount_fen,
        )  # fmt: skip
        return await self._to_its_end(self._refund(order_no, command))

    async def _is_free(self, refund_no: str, asked: Asked) -> bool:
        """Whether the refund number is new, or was used before in the lane of the same order."""
        key = message_key_of(asked.institution.code, scans.REFUND, refund_no)
        owner = Owner(asked.lane, asked.person_no)
        return owner == await self.finder.claim(Claim(self._order_name(key), owner))

    def _order_name(self, key: bytes) -> OrderName:
        return OrderName(lane_of_key(key, self._lanes), key)

    async def _refund(self, order_no: str, command: TakeBack) -> PayReply:
        reply = await self._submit(command)
        if isinstance(reply, CaseAnswer):
            reply = await self._elsewhere.take_back(command, reply, until_of_counter())
        if isinstance(reply, PayAnswer) and reply.began is not None and reply.fact is not None:
            reply = await self.run_errand(reply.fact, Ask.REFUND)
        return self._told(order_no, reply)

    async def _collect(
        self, fact: PaymentFact, attempt: Attempt, code: str, command: Ordered
    ) -> Reply:
        """The first byte leaves here; what comes of it is reported."""
        channel = self.tills.merchant(attempt.channel, attempt.merchant_no)
        if channel is None:
            raise LookupError(f"merchant {attempt.merchant_no} was there a moment ago")
        institution = command.asked.institution
        order = PayOrder(
            order_no=attempt.order_no, sent_at=attempt.sent_at, amount_fen=attempt.amount_fen,
            code=code.strip(), subject=institution.name,
            terminal_id=command.counter.terminal_id, operator=command.asked.operator,
            notify_url=self.tills.notify_url(attempt.channel, attempt.merchant_no),
        )  # fmt: skip
        with self._legs.begin(fact.row.pay_no, attempt) as leg:
            with waited() as wait:
                began = monotonic()
                outcome = await channel.pay(order)
                METRICS.channel_call.observe(monotonic() - began - wait.seconds)
                TRACES.part(
                    command.asked.msgid, "channel.pay", began, channel=attempt.channel.value
                )
                told = await leg.with_what_is_told(outcome)
                reply = await self.report(fact, institution, happened(told, attempt), outcome=told)
                if told is not outcome and happened(outcome, attempt) is Happening.MISPAID:
                    # The channel contradicts itself: people should know.
                    await self.report(fact, institution, Happening.MISPAID, outcome=outcome)
                METRICS.channel_leg.observe(monotonic() - began - wait.seconds)
            leg.answered()
            return await self._while_they_wait(command, reply, leg)

    async def _while_they_wait(self, command: Ordered, reply: Reply, leg: Leg) -> Reply:
        """Whoever stands at the counter would rather wait a moment than ask again: what is asked
        soon anyway is asked now, and the answer is the later one."""
        until = self._clock() + timedelta(seconds=COUNTER_SECONDS)
        while isinstance(reply, PayAnswer) and reply.fact is not None:
            fact = reply.fact
            errand = next_errand(fact.standing, fact.events)
            if errand is None or errand.ask is not Ask.QUERY or errand.at > until:
                break
            told = await self._told_before(errand.at, fact, command, leg)
            reply = await self.run_errand(fact, Ask.QUERY) if told is None else told
        return reply

    async def _told_before(
        self, at: datetime, fact: PaymentFact, command: Ordered, leg: Leg
    ) -> Reply | None:
        """What stands, where something becomes of a payment before a channel would be asked: it
        often tells by itself; this process hears of it at once, of what another one heard it looks
        for itself."""
        for gap in LOOK_GAPS:
            left = (at - self._clock()).total_seconds()
            news = await leg.news(fact, max(min(gap, left), 0.0))
            if news is not None:
                return news
            now = await self.finder.payment(fact.row.pay_no)
            if now is not None and len(now.events) > len(fact.events):
                return await self._stands(now, command)
            if left <= gap:
                break
        return None

    async def _stands(self, fact: PaymentFact, command: Ordered) -> Reply:
        """What is told of a payment that was just read."""
        plan = plan_of(fact, self._desk.world)
        if fact.returns or plan.elsewhere:  # what went back, or stands elsewhere, is told, too
            return await self._submit(FindOrder(asked=command.asked))
        output = scans.standing(fact, plan)
        return PayAnswer(output=output, fact=fact)

    def _till(self, pay_code: str, institution: Institution) -> Till | Refusal | None:
        """Which merchant collects with the code that was shown; None where none was."""
        if not pay_code:
            return None
        scanned = paycode.read(pay_code)
        channel = CHANNEL_OF.get(scanned.kind)
        if channel is None:
            code = NOT_A_WALLET.get(scanned.kind, "PAY_CODE_UNKNOWN")
            if code == "PAY_CODE_UNKNOWN" and self._codes.is_person(scanned):
                code = "PAY_CODE_IS_PERSON"
            return Refusal(code=code, field="pay_code")
        opened = self._merchant(channel, institution, "pay_code")
        if isinstance(opened, Refusal):
            return opened
        place, merchant = opened
        return Till(
            channel=channel, merchant_no=place.merchant_no, custody=place.custody,
            timers=merchant.timers, code_shown=scanned.masked,
        )  # fmt: skip

    def _merchant(
        self, channel: ChannelName, institution: Institution, field: str
    ) -> tuple[Place, Channel] | Refusal:
        """Who collects for an institution at a channel."""
        reason = self._desk.world.suspensions.channels.get(channel.value)
        if reason is not None:
            return Refusal(code="CHANNEL_SUSPENDED", field=field, params={"reason": reason})
        place = self.tills.place(institution.code, channel)
        merchant = None if place is None else self.tills.merchant(channel, place.merchant_no)
        if place is None or merchant is None:
            return Refusal(
                code="CHANNEL_NOT_OPENED", field=field, params={"channel": channel.value}
            )
        return place, merchant

    def _way(self, request: Ways, institution: Institution) -> Till | Refusal | None:
        """How a request's rest is paid: the till of a code, or None where none was shown. Where the
        payer is to pay on their own phone, some channel has to take that."""
        if not request.pay_on_phone:
            return self._till(request.pay_code, institution)
        opened = [self.phone_till(institution, channel) for channel in PHONE_CHANNELS]
        refused = [one for one in opened if isinstance(one, Refusal)]
        if len(refused) < len(opened):
            return None
        stopped = (one for one in refused if one.code == "CHANNEL_SUSPENDED")
        named = "/".join(channel.value for channel in PHONE_CHANNELS)
        closed = Refusal(
            code="CHANNEL_NOT_OPENED", field="pay_on_phone", params={"channel": named}
        )
        return next(stopped, closed)

    def phone_till(self, institution: Institution, channel: ChannelName) -> Till | Refusal:
        """Which merchant collects on payers' own phones at a channel."""
        field = "pay_on_phone"
        opened = self._merchant(channel, institution, field)
        if isinstance(opened, Refusal):
            return opened
        place, merchant = opened
        door = phone_door(merchant)
        if door is None:
            return Refusal(
                code="CHANNEL_NOT_OPENED", field=field, params={"channel": channel.value}
            )
        return Till(
            channel=channel, merchant_no=place.merchant_no, custody=place.custody,
            timers=door.timers, code_shown="", way=Way.PHONE,
        )  # fmt: skip

    def link(self, fact: PaymentFact) -> str:
        """The page where a payment can be paid now; empty where it cannot, or nobody reaches us."""
        if phone_until(fact.events) is None or fact.standing.state not in PAYABLE_ON_PHONE:
            return ""
        return self.tills.cashier_url(token_of(fact.row.pay_no, self._translator.digest_key))

    async def _command(
        self, request: ScanRequest, institution: Institution, till: Till | None,
        shown: Shown | None,
    ) -> HoldSale | HoldPlainSale | Refusal:  # fmt: skip
        """The command of a scan, once it is known whose the order number is."""
        if shown is None and till is None and not request.pay_on_phone:
            return Refusal(code="SCAN_WITHOUT_CODES", field="person_code")
        owner = await self._owner(request.order_no, institution, shown)
        if isinstance(owner, Refusal):
            return owner
        plain = owner.person_no.startswith(PAYER_ALONE)
        is_another = shown is not None and shown.person_no not in (None, owner.person_no)
        if is_another or plain is not (shown is None):
            return Refusal(code="ORDER_CONFLICT", field="order_no", params={"part": "person"})
        read = scans.read_scan(
            request, institution, "" if plain else owner.person_no,
            None if shown is None else shown.credential,
            profile=self._desk.world.profile.wire, local=local_time(self._clock()),
            lines_max=self._limits.lines_per_claim_max, digest_key=self._translator.digest_key,
        )  # fmt: skip
        asked = asked_of(
            institution, owner.lane, owner.person_no, request.order_no, request.operator,
            read.fingerprint, "" if shown is None else shown.region,
        )  # fmt: skip
        counter = scans.counter(request)
        if shown is None:
            if till is None and not request.pay_on_phone:
                return Refusal(code="SCAN_WITHOUT_CODES", field="pay_code")
            lines = scans.lines_of_plain(read)
            return HoldPlainSale(
                asked=asked, counter=counter, till=till, lines=lines,
                total_fen=sum(line.amount_fen for line in lines),
            )  # fmt: skip
        sale = self._translator.purchase(
            read.message, Sender(institution, read.fingerprint, read.numbers)
        )
        return scans.hold_sale(
            sale, asked, counter, till, shown, scheme=request.insutype,
            digest_key=self._translator.digest_key,
        )  # fmt: skip

    async def _owner(
        self, order_no: str, institution: Institution, shown: Shown | None
    ) -> Owner | Refusal:
        """Whose the order number is. A number that was used before needs no live credential."""
        order = self._order_name(message_key_of(institution.code, scans.SCAN, order_no))
        if shown is None:
            person_no: str | None = f"{PAYER_ALONE}{institution.code}/{order_no}"
        else:
            person_no = shown.person_no
        if person_no is None:
            unknown = Refusal(code="PERSON_UNKNOWN", field="person_code")
            if shown is not None and shown.undecoded is not None:
                unknown = shown.undecoded
            return await self.finder.owner(order) or unknown
        owner = Owner(lane_of(person_no, self._lanes), person_no)
        return await self.finder.claim(Claim(order, owner))

    async def _asked_of(self, order_no: str, caller: Caller, infno: str) -> Asked | Refusal:
        """Who asks for an order, in the lane where it is."""
        institution = self._desk.world.institutions.get(caller.institution_code)
        if institution is None:
            return Refusal(code="INSTITUTION_NOT_YOURS")
        key = message_key_of(institution.code, infno, order_no)
        owner = await self.finder.owner(self._order_name(key))
        if owner is None:
            return Refusal(code="ORDER_UNKNOWN", field="order_no")
        return asked_of(institution, owner.lane, owner.person_no, order_no)

    async def drain(self, seconds: float) -> None:
        """Finish what is under way; what is not by then is left to the resolvers."""
        await self._others.end()
        under_way = {*self._under_way, *self._undoing.values()}
        if under_way:
            await asyncio.wait(under_way, timeout=seconds)

    def close(self) -> None:
        """Drop the connection."""
        self._side.close()

    async def _to_its_end(self, work: Awaitable[PayReply]) -> PayReply:
        """Carried out even when nobody waits for it any more."""
        task = asyncio.ensure_future(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    def _told(self, order_no: str, reply: Reply) -> PayReply:
        if isinstance(reply, Refusal):
            return self._refused(order_no, reply)
        output, fact = reply.output, reply.fact if isinstance(reply, PayAnswer) else None
        if isinstance(output, ScanReply) and fact is not None:
            output = replace(output, cashier_url=self.link(fact) or UNSET)
        return PayReply(200, _ENCODE(output))

    def _refused(self, order_no: str, refusal: Refusal) -> PayReply:
        said = refusals.text(refusal, self._desk.world.profile)
        row = refusals.REFUSALS[refusal.code]
        reply = scans.refused(
            order_no, code=refusal.code, message=said.message,
            field=scans.own_path(said.field or ""),
            retry=said.retry,
        )  # fmt: skip
        return PayReply(row.http_status, _ENCODE(reply))


def unreadable(exc: Exception) -> PayReply:
    """The answer to what cannot be read."""
    row = refusals.REFUSALS["SCAN_UNREADABLE"]
    found = unread(exc)
    said = refusals.text(Refusal(code="SCAN_UNREADABLE", params={"found": found.text}))
    reply = scans.refused(
        "", code=row.code, message=said.message, field=found.field, retry=said.retry
    )
    return PayReply(row.http_status, _ENCODE(reply))
