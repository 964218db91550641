"""What channels say of payments, in one gateway process: answers, notifications, errands' results.

The only place where a journal's batch and what a channel said meet. Whoever speaks to a channel
first (settlement/serve/paying.py, the resolver) had committed that before, and reports here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from msgspec.structs import replace

from settlement.channels.port import Channel
from settlement.channels.registry import Tills
from settlement.clock import Clock
from settlement.desk import DecisionDesk
from settlement.elsewhere.remote_states import State as CaseState
from settlement.gateway import Overloaded, Unavailable
from settlement.institution import Institution
from settlement.payments.pay_commands import Report
from settlement.payments.payment import (
    Advice,
    NotificationRefused,
    Notified,
    Outcome,
    RefundOrder,
    Verdict,
)
from settlement.payments.payment_rows import PaymentFact
from settlement.payments.payment_states import (
    ENDED,
    UNCERTAIN,
    Ask,
    Attempt,
    Happening,
    Ignored,
    Learnt,
    PaymentKind,
    Way,
    happened,
    learnt_of,
    opens,
    refund_happened,
    undo_happened,
    what_next,
)
from settlement.serve.asking import Journals, Reply
from settlement.serve.legs import Legs
from settlement.serve.pay_pieces import asked_of, order_key, phone_door, refund_order
from settlement.serve.remote import RemoteDesk
from settlement.serve.retelling import Retelling, Retold
from settlement.storage.errors import StorageError
from settlement.storage.payment_finder import PaymentFinder
from settlement.storage.payments import place_of
from settlement.telemetry.metrics import METRICS
from settlement.usecases.paying import PayAnswer

OVERTAKING_GAPS = (0.07, 0.1, 0.15)
"""After how many seconds we look again whether the answer to a payment is on record, of which
another process heard before it."""
OVERTAKING_SECONDS = 2.0
"""An attempt that is older has lost its answer: nobody waits for it."""
logger = logging.getLogger("settlement.paying")


async def undone(channel: Channel, attempt: Attempt, fact: PaymentFact) -> Outcome:
    """The present attempt made dead in its way. Raises LookupError where the merchant is not
    granted that way any more."""
    standing = fact.standing
    order = replace(order_key(attempt), money_came=standing.paid is not None)
    if attempt.way is Way.CODE:
        return await channel.undo(order)
    door = phone_door(channel)
    if door is None:
        raise LookupError(f"merchant {attempt.merchant_no} takes no payments on phones any more")
    was_handed = not door.gives_once or bool(opens(standing, fact.events))
    return await door.withdraw(replace(order, was_handed=was_handed))


class ChannelReports:
    """What is said about payments, and what has to be asked about them."""

    def __init__(
        self, *, desk: DecisionDesk, journals: Journals, finder: PaymentFinder, tills: Tills,
        read_clock: Clock, remote: RemoteDesk, others: Retelling,
    ) -> None:  # fmt: skip
        self._desk = desk
        self._submit = journals.ask
        self.finder = finder
        self.tills = tills
        self._clock = read_clock
        self._legs = Legs()
        self._remote = remote
        self._others = others
        self._undoing: dict[int, asyncio.Task[None]] = {}
        """cases that another region is asked to take back, because nobody paid"""

    async def notified(
        self, channel: str, merchant_no: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes, str] | None:
        """POST /notify/{channel}/{merchant}; None where there is no such merchant.

        The channel hears that it was taken only once it is committed.
        """
        merchant = self.tills.merchant(channel, merchant_no)
        if merchant is None:
            return None
        said = merchant.notified(headers, body)
        if isinstance(said, NotificationRefused):
            level = logging.INFO if said.probe else logging.WARNING
            where = {"event": "notification.refused", "channel": channel, "reason": said.reason}
            logger.log(level, "a notification was refused", extra=where)
            return merchant.acknowledged(taken=False)
        here = self._legs.of(said, channel, merchant_no) is not None
        if merchant.tells_later and not here and not said.refund_no:
            word = Retold(channel, merchant_no, dict(headers), body, said.order_no)
            self._others.tell(word)
        return merchant.acknowledged(taken=await self._taken(channel, merchant_no, said))

    def hear_others(self) -> None:
        """What channels tell other processes is heard here, too, from now on."""
        if any(one.tells_later for one in self.tills.merchants().values()):
            self._others.begin(self._retold)

    async def _retold(self, word: Retold) -> None:
        """Taken as if it had come here, where a counter waits for it; who called it out goes on by
        itself, and answers the channel."""
        if not self._legs.waits(word.order_no):
            return
        merchant = self.tills.merchant(word.channel, word.merchant_no)
        said = None if merchant is None else merchant.notified(word.headers, word.body)
        if not isinstance(said, Notified):
            return
        if self._legs.of(said, word.channel, word.merchant_no) is None:
            return
        try:
            await self._taken(word.channel, word.merchant_no, said)
        except (StorageError, Overloaded, Unavailable) as exc:
            where = {"event": "notification.retold_in_vain", "channel": word.channel}
            logger.warning("left to the process that it came to", exc_info=exc, extra=where)

    async def _taken(self, channel: str, merchant_no: str, said: Notified) -> bool:
        found = await self._found(channel, merchant_no, said)
        if found is None:
            where = {"event": "notification.unknown_order", "channel": channel}
            logger.error("a notification of an order that was never made", extra=where)
            return True
        fact, attempt = found
        if (attempt.channel, attempt.merchant_no) != (channel, merchant_no):
            where = {"event": "notification.of_another_merchant", "channel": channel}
            logger.error("a notification of an order that another merchant made", extra=where)
            return True
        happening = (
            refund_happened(said.outcome) if said.refund_no else happened(said.outcome, attempt)
        )
        standing = fact.standing
        # Of a refund it may be an alarm: people gave the money back, and now the channel did.
        is_over = standing.state in ENDED and attempt == standing.attempt and not said.refund_no
        if is_over and what_next(fact.row.kind, standing.state, happening) is Ignored.KNOWN:
            return True
        institution = self._desk.world.institutions[fact.row.institution]
        reply = await self.report(
            fact, institution, happening, attempt=attempt.number, outcome=said.outcome,
            asked_after=0,
        )  # fmt: skip
        return isinstance(reply, PayAnswer) and not reply.ask_again

    async def _found(
        self, channel: str, merchant_no: str, said: Notified
    ) -> tuple[PaymentFact, Attempt] | None:
        """Which attempt it is about, with the answer on record that it has overtaken."""
        leg = self._legs.of(said, channel, merchant_no)
        fact = None if leg is None else await leg.hear(said)
        if leg is not None and fact is not None:
            return fact, leg.attempt
        number = said.refund_no or said.order_no
        found = await self.finder.attempt(number)
        for gap in OVERTAKING_GAPS:
            if found is None or leg is not None or not self._is_being_answered(*found):
                break
            await asyncio.sleep(gap)
            found = await self.finder.attempt(number)
        return found

    def _is_being_answered(self, fact: PaymentFact, attempt: Attempt) -> bool:
        """Whether another process may have the channel's answer to it in hand."""
        age = (self._clock() - attempt.sent_at).total_seconds()
        is_last = fact.events[-1].began is attempt
        return is_last and attempt.refunds is None and age < OVERTAKING_SECONDS

    async def run_errand(self, fact: PaymentFact, ask: Ask) -> Reply:
        """Speak to the channel, and report what it said. Raises LookupError where there is nobody
        to speak to."""
        institution = self._desk.world.institutions[fact.row.institution]
        standing = fact.standing
        if ask is Ask.GIVE_UP:
            return await self.report(fact, institution, Happening.GIVEN_UP)
        if ask is Ask.LEAVE:
            return await self.report(fact, institution, Happening.CHANGED)
        attempt = standing.attempt
        if attempt is None:
            raise LookupError(f"payment {fact.row.pay_no} has no attempt to ask about")
        channel = self.tills.merchant(attempt.channel, attempt.merchant_no)
        if channel is None:
            raise LookupError(f"no merchant {attempt.merchant_no} of {attempt.channel} any more")
        match ask:
            case Ask.QUERY:
                outcome = await channel.query(order_key(attempt))
                happening = happened(outcome, attempt)
            case Ask.UNDO:
                outcome = await undone(channel, attempt, fact)
                happening = undo_happened(outcome, standing)
            case Ask.REFUND:
                outcome = await channel.refund(self._refund_of(attempt))
                happening = refund_happened(outcome)
            case Ask.QUERY_REFUND:
                outcome = await channel.query_refund(self._refund_of(attempt))
                happening = refund_happened(outcome)
        return await self.report(fact, institution, happening, outcome=outcome)

    def _refund_of(self, attempt: Attempt) -> RefundOrder:
        url = self.tills.notify_url(attempt.channel, attempt.merchant_no)
        return refund_order(attempt, url)

    async def report(
        self, fact: PaymentFact, institution: Institution, happening: Happening, *,
        attempt: int | None = None, outcome: Outcome | None = None, learnt: Learnt | None = None,
        asked_after: int | None = None, opens: str = "",
    ) -> Reply:  # fmt: skip
        """Commit what happened. A channel that answers was asked when `fact` stood; what it says
        by itself may be older (`asked_after` 0). Where that matters the channel is asked again."""
        row, present = fact.row, fact.standing.attempt
        if attempt is None:
            attempt = 0 if present is None else present.number
        if outcome is not None:
            learnt = learnt_of(outcome)
        reply = await self._submit(
            Report(
                asked=asked_of(institution, row.lane, place_of(row), row.order_no),
                pay_nos=(row.pay_no,),
                pay_no=row.pay_no,
                happening=happening,
                attempt=attempt,
                learnt=learnt or Learnt(),
                exchange=None if outcome is None else outcome.exchange,
                asked_after=len(fact.events) if asked_after is None else asked_after,
                opens=opens,
            )
        )
        if isinstance(reply, PayAnswer):
            self._count(fact, reply)
            self._legs.tell(row.pay_no, reply)
            if reply.case is not None and reply.case.standing.state is CaseState.UNDOING:
                self._take_back_there(reply.case.row.case_no)
        if isinstance(reply, PayAnswer) and reply.ask_again and reply.fact is not None:
            return await self._ask_again(reply, reply.fact, institution, attempt)
        return reply

    def _take_back_there(self, case_no: int) -> None:
        """Ask another region now, and let whoever reported go on; what does not come of it is the
        resolver's (settlement/serve/remote_resolver.py)."""
        if case_no in self._undoing:
            return
        task = asyncio.ensure_future(self._taken_back_there(case_no))
        self._undoing[case_no] = task
        task.add_done_callback(lambda _: self._undoing.pop(case_no, None))

    async def _taken_back_there(self, case_no: int) -> None:
        try:
            await self._remote.look(case_no)
        except (StorageError, Overloaded, Unavailable) as exc:
            where = {"event": "region.case.failed", "case_no": case_no}
            logger.warning("a case is left to the resolver", exc_info=exc, extra=where)

    async def taken_back_there(self, case_no: int, seconds: float) -> bool:
        """Wait until this process has heard of a case that it asks another region to take back;
        False where it asks about none, or hears nothing for so long."""
        task = self._undoing.get(case_no)
        if task is None:
            return False
        done, _ = await asyncio.wait({task}, timeout=seconds)
        return bool(done)

    async def _ask_again(
        self, reply: PayAnswer, fact: PaymentFact, institution: Institution, number: int
    ) -> Reply:
        """Money is said to have come for what is closed: what the channel answers now counts. Where
        it cannot say whether that was undone as well, people find out."""
        attempt = next(one for one in fact.standing.attempts if one.number == number)
        channel = self.tills.merchant(attempt.channel, attempt.merchant_no)
        order = replace(order_key(attempt), undone_code=_undone_code(fact, number))
        outcome = None if channel is None else await channel.query(order)
        if outcome is not None and outcome.advice is Advice.OPERATOR:
            _alarm(fact, f"money is told of that may be undone: {outcome.code}")
        if outcome is None or outcome.verdict is Verdict.UNKNOWN:
            where = {"event": "payment.late_money_unclear", "pay_no": fact.row.pay_no}
            logger.error("money may have come for a payment that is closed", extra=where)
            return reply
        return await self.report(
            fact, institution, happened(outcome, attempt), attempt=number, outcome=outcome
        )

    def _count(self, before: PaymentFact, reply: PayAnswer) -> None:
        """How long it took to be certain, and what must not be."""
        if reply.alarm:
            _alarm(before, reply.alarm)
        attempt = before.standing.attempt
        if reply.fact is None or attempt is None or before.row.kind is not PaymentKind.COLLECT:
            return
        if before.standing.state in UNCERTAIN and reply.fact.standing.state not in UNCERTAIN:
            confirmed = any(e.happening is Happening.CONFIRM for e in reply.fact.events)
            tally = METRICS.payment_confirmed if confirmed else METRICS.payment_certainty
            tally.observe((self._clock() - attempt.sent_at).total_seconds())


def _undone_code(fact: PaymentFact, number: int) -> str:
    """What the channel said when an attempt was undone; empty where it was not."""
    mine = (one for one in fact.events if one.attempt == number)
    return next((one.learnt.code for one in mine if one.happening is Happening.UNDONE), "")


def _alarm(fact: PaymentFact, what: str) -> None:
    METRICS.payment_alarms += 1
    where = {"event": "payment.impossible", "pay_no": fact.row.pay_no, "what": what}
    logger.error("a channel contradicts what is booked", extra=where)
