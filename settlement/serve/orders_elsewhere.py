"""Orders of people insured elsewhere, in one gateway process (ADR 0075): their region is asked
before a channel is, and before money goes back.

Commit, ask, commit, as for all that is asked of another region (settlement/serve/remote.py). What
is answered here is for a till: where nobody knows yet, it hears that, and asks again.
"""

from __future__ import annotations

from msgspec.structs import replace

from settlement.clock import monotonic
from settlement.commands import Asked, Command
from settlement.elsewhere.remote_rows import CaseFact
from settlement.elsewhere.remote_states import ANSWER_SECONDS, OPEN, State
from settlement.payments.pay_commands import FindOrder, HoldSale
from settlement.refusal import Refusal
from settlement.serve.asking import Journals, Reply
from settlement.serve.remote import COUNTER_SECONDS, SHORTEST_SECONDS, RemoteDesk, refusal_of
from settlement.translate import scans
from settlement.usecases.paying import PayAnswer
from settlement.usecases.remote_report import CaseReply
from settlement.usecases.remote_settle import CaseAnswer

SETTLE_SECONDS_MIN = 2.0
"""What a region has for its answer, however long it took to learn who the person is."""


def until_of_counter() -> float:
    """So long a till waits for all that is asked of another region, of the monotonic clock."""
    return monotonic() + COUNTER_SECONDS


class OrdersElsewhere:
    """Walks an order through what takes more than our own journals."""

    def __init__(self, remote: RemoteDesk, journals: Journals) -> None:
        self._remote = remote
        self._journals = journals

    async def settle(self, command: HoldSale, began: CaseAnswer, until: float) -> Reply:
        """What becomes of an order, up to the attempt that a channel is asked for next. Raises
        Unavailable and Overloaded."""
        if began.quote is None:
            return await self._put(command, began, until)
        seconds = min(ANSWER_SECONDS, max(until - monotonic(), SHORTEST_SECONDS))
        told = await self._remote.quoted(began.region, began.quote, command.asked.lane, seconds)
        if isinstance(told, Refusal):
            return told
        row = began.quote.row(told)
        if row.cash_fen:
            return PayAnswer(output=scans.code_wanted(command.counter.order_no, row))
        reply = await self._journals.ask(replace(command, nothing_left=True))
        if not isinstance(reply, CaseAnswer):
            return reply
        return await self._put(command, reply, until)

    async def _put(self, command: HoldSale, began: CaseAnswer, until: float) -> Reply:
        fact = began.fact
        if fact is None:
            return Refusal(code="INTERNAL")
        until = max(until, monotonic() + SETTLE_SECONDS_MIN)
        reply = await self._remote.put(fact, first=began.first, until=until, till=command.till)
        return await self._stands(command.asked, fact, reply)

    async def take_back(
        self, command: Command, began: CaseAnswer, until: float
    ) -> Reply:
        """What becomes of a refund, up to the return that a channel is asked for next."""
        fact = began.fact
        if fact is None:
            return Refusal(code="INTERNAL")
        reply = await self._remote.put(fact, first=began.first, until=until)
        now = fact if reply is None else reply.fact
        if reply is not None and reply.order is not None:
            return reply.order
        if now.standing.state is State.CANCELLING:
            output = scans.region_unclear("", State.CANCELLING, refund_no=command.asked.msgid)
            return PayAnswer(output=output)
        if now.standing.state is State.SETTLED:
            return _not_taken_back(refusal_of(reply, fact))
        again = await self._journals.ask(command)  # somebody else booked it: the first answer
        return Refusal(code="UNDERTAKING_OPEN") if isinstance(again, CaseAnswer) else again

    async def give_up(self, fact: CaseFact, asked: Asked, operator: str) -> Reply:
        """The counter gives up an order that its region has not answered."""
        if fact.standing.state in (State.ASKED, State.UNCLEAR):
            reply = await self._remote.give_up(fact, operator, until_of_counter())
            return await self._stands(asked, fact, reply)
        return await self._stands(asked, fact, None)

    async def _stands(self, asked: Asked, fact: CaseFact, reply: CaseReply | None) -> Reply:
        if reply is not None and reply.order is not None:
            return reply.order
        state = (fact if reply is None else reply.fact).standing.state
        if state in OPEN:
            return PayAnswer(output=scans.region_unclear(asked.msgid, state))
        if state is State.REFUSED:
            return refusal_of(reply, fact)
        return await self._journals.ask(FindOrder(asked=asked))


def _not_taken_back(refusal: Refusal) -> Refusal:
    """A refusal of what is settled says that it stands."""
    if refusal.code != "REGION_REFUSED":
        return refusal
    return replace(refusal, code="REGION_KEEPS_IT")
