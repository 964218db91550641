"""People insured in another region, in one gateway process (异地就医, ADR 0033).

The only place where a journal's batch and another region meet, always in this order: commit, then
ask, then commit what came of it. Whatever breaks in between, whoever comes next goes on from what
is committed: the message sent again, or the resolver (settlement/serve/remote_resolver.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime

from ledger.postgres.shape import Shape
from protocol.hub.messages import (
    CancelAsked,
    CaseTold,
    Kind,
    Question,
    Refused,
    ReverseAsked,
    StatusAsked,
)
from settlement.clock import monotonic
from settlement.commands import (
    Asked,
    Cancel,
    Command,
    Purchase,
    Reverse,
    SettleStay,
    SettleVisit,
)
from settlement.decision import Answer
from settlement.desk import DecisionDesk
from settlement.elsewhere.remote_commands import Heard, ReportCase
from settlement.elsewhere.remote_rows import CaseFact, case_number
from settlement.elsewhere.remote_states import (
    ANSWER_SECONDS,
    OPEN,
    Errand,
    Happening,
    State,
    next_errand,
)
from settlement.gateway import Unavailable
from settlement.numbers import lane_in
from settlement.payments.pay_commands import Till
from settlement.refusal import Refusal
from settlement.region.hub import NoAnswer, Why
from settlement.region.verdicts import happened, refused_there
from settlement.serve.asking import Asking, Journals, Reply
from settlement.serve.region_line import RegionLine
from settlement.storage.connect import Several
from settlement.storage.errors import StorageError
from settlement.storage.remote import read_cases
from settlement.translate import remote as words
from settlement.translate.scans import SCAN
from settlement.usecases.remote_payloads import open_plan
from settlement.usecases.remote_report import CaseReply
from settlement.usecases.remote_settle import CaseAnswer, Quoted
from settlement.view import View

COUNTER_SECONDS = 8.0
"""How long a counter waits for all that is asked of another region together."""
SHORTEST_SECONDS = 0.5
"""Nothing is asked that has less time for its answer."""
_NO_KEY = bytes(16)
_SETTLING = (Purchase, SettleVisit, SettleStay)


def concerns_others(command: Command) -> bool:
    """Whether another region has to be asked. One comparison for nearly everybody."""
    return bool(command.asked.insured_region) and isinstance(
        command, (*_SETTLING, Cancel, Reverse)
    )


class RemoteDesk:
    """Walks people insured elsewhere through what takes more than our own journals."""

    def __init__(
        self, *, line: RegionLine, journals: Journals, desk: DecisionDesk, side: Several,
        shape: Shape, read_clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._line = line
        self._journals = journals
        self._desk = desk
        self._side = side
        self._shape = shape
        self._clock = read_clock
        self._under_way: set[asyncio.Task[Reply]] = set()

    def close(self) -> None:
        """Leave what is under way to others."""
        for task in self._under_way:
            task.cancel()

    async def drain(self, seconds: float) -> None:
        """Wait until what is under way here is done; what is not by then is left to others."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)

    def carry_out(self, command: Command) -> Coroutine[object, object, Reply]:
        """The reply to a command of `concerns_others`, in time. Its first step is sent at once, so
        that it keeps its place among other messages; it goes on when the counter hangs up. Raises
        Unavailable and Overloaded."""
        if not self._line.there:
            return _only(Refusal(code="REGION_NO_HUB"))
        task = asyncio.ensure_future(self._walk(command, self._journals.send(command)))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return _of(task)

    async def _walk(self, command: Command, first: Asking) -> Reply:
        reply = await first.heard()
        if not isinstance(reply, CaseAnswer):
            return reply
        if reply.quote is not None:
            return await self._quote(reply.region, reply.quote, command.asked.lane)
        if reply.fact is None:
            return Refusal(code="INTERNAL")
        return await self._go_on(command, reply.fact, first=reply.first)

    async def _quote(self, region: str, quote: Quoted, lane: int) -> Reply:
        told = await self.quoted(region, quote, lane, ANSWER_SECONDS)
        return told if isinstance(told, Refusal) else quote.show(told)

    async def quoted(
        self, region: str, quote: Quoted, lane: int, seconds: float
    ) -> CaseTold | Refusal:
        """What a region would share, asked once."""
        if not self._line.there:
            return Refusal(code="REGION_NO_HUB")
        told = await self._line.ask(
            region, Kind.QUOTE, quote.question, self._line.fresh(lane), seconds
        )
        if isinstance(told, Refused):
            return refused_there(told)
        if not isinstance(told, CaseTold):
            return Refusal(code="REGION_SILENT", params={"region": region})
        fault = words.fault_of(quote.question, told)
        if fault:
            self._line.alarm("an answer of another region does not add up", region, fault)
            return Refusal(code="REGION_ANSWER_WRONG", params={"region": region})
        return told

    async def _go_on(self, command: Command, fact: CaseFact, *, first: bool) -> Reply:
        """Ask what is to be asked of the case, say what came, and answer the message."""
        reply = await self.put(fact, first=first, until=monotonic() + COUNTER_SECONDS)
        return await self._answered(command, fact if reply is None else reply.fact, reply)

    async def put(
        self, fact: CaseFact, *, first: bool, until: float, till: Till | None = None
    ) -> CaseReply | None:
        """Ask what is to be asked of a case whose counter waits; None where it is at its end. The
        till is that of an order whose rest is collected with the code that was shown."""
        errand = next_errand(fact.standing, fact.row.opened_at, self._clock())
        if errand is Errand.STATUS:  # under its number it is one question, however often asked
            errand = Errand.SETTLE
        if errand is None:
            return None
        return await self._run(fact, errand, first=first, until=until, till=till)

    async def give_up(self, fact: CaseFact, operator: str, until: float) -> CaseReply:
        """The counter gives up a case of an order: it must not stand, and its region hears that."""
        given_up = await self._report(fact, Happening.GIVEN_UP, operator=operator)
        return await self._reversed(given_up, until)

    async def _answered(
        self, command: Command, fact: CaseFact, reply: CaseReply | None
    ) -> Reply:
        """What a message hears of its case."""
        state = fact.standing.state
        if reply is not None and reply.output is not None and not isinstance(command, Reverse):
            return Answer(output=reply.output)
        if state in OPEN:
            return Refusal(code="REGION_UNCLEAR", params={"region": fact.row.insured_region})
        if state is State.UNDONE and isinstance(command, Reverse) and reply is not None:
            return Answer()
        if state is State.UNDONE and not isinstance(command, Reverse):
            return Refusal(code="REGION_UNDONE", params={"region": fact.row.insured_region})
        not_taken_back = state is State.SETTLED and isinstance(command, Cancel | Reverse)
        if state is State.REFUSED or (not_taken_back and reply is not None):
            return refusal_of(reply, fact)
        again = await self._journals.ask(command)  # somebody else booked it: the first answer
        if isinstance(again, CaseAnswer):
            return Refusal(code="REGION_UNCLEAR", params={"region": again.region})
        return again

    async def look(self, case_no: int) -> None:
        """Do what is next for a case that nobody waits for. Raises StorageError, Unavailable and
        Overloaded."""
        fact = await self._case(case_no)
        errand = next_errand(fact.standing, fact.row.opened_at, self._clock())
        if errand is not None:
            await self._run(fact, errand, first=False, until=monotonic() + 2 * ANSWER_SECONDS)

    async def _case(self, case_no: int) -> CaseFact:
        view = View()
        try:
            async with self._side.use() as connection:
                await read_cases(connection, (case_no,), view, self._shape)
        except StorageError as exc:
            raise Unavailable("same_msgid") from exc
        return view.cases[case_no]

    async def _run(
        self, fact: CaseFact, errand: Errand, *, first: bool, until: float,
        till: Till | None = None,
    ) -> CaseReply:  # fmt: skip
        """One question and what is booked for it; a case that is given up is reversed at once, if
        there is time until then (of the monotonic clock)."""
        if errand is Errand.GIVE_UP:
            given_up = await self._report(fact, Happening.GIVEN_UP)
            return await self._reversed(given_up, until)
        question, kind, correlation = self._question(fact, errand)
        seconds = min(ANSWER_SECONDS, until - monotonic())
        told = await self._line.ask(fact.row.insured_region, kind, question, correlation, seconds)
        happening, heard = happened(errand, told, settled=fact.standing.settled is not None,
                                    first=first)  # fmt: skip
        if isinstance(told, NoAnswer) and told.why is Why.WORTHLESS:
            self._line.alarm("an answer of another region is worthless", fact.row.insured_region,
                        told.text)  # fmt: skip
        reply = await self._report(fact, happening, heard=heard, till=till)
        reply.refused = heard.refused
        return await self._reversed(reply, until) if errand is not Errand.REVERSE else reply

    async def _reversed(self, reply: CaseReply, until: float) -> CaseReply:
        late = until - monotonic() < SHORTEST_SECONDS
        if late or reply.fact.standing.state is not State.UNDOING:
            return reply
        return await self._run(reply.fact, Errand.REVERSE, first=False, until=until)

    def _question(self, fact: CaseFact, errand: Errand) -> tuple[Question, Kind, str]:
        row, standing = fact.row, fact.standing
        case_no = case_number(self._desk.world.region, row.case_no)
        match errand:
            case Errand.SETTLE:
                keyring = self._desk.world.keyring
                plan = open_plan(row.payload, keyring, row.lane, row.case_no)
                return plan.question, Kind.SETTLE, case_no
            case Errand.CANCEL:
                number = "" if standing.wish is None else standing.wish.reference
                there = "" if standing.settled is None else standing.settled.reference
                asked = CancelAsked(
                    cancel_no=number, case_no=case_no, settlement_no=there, person_no=row.psn_no
                )
                return asked, Kind.CANCEL, number
            case Errand.REVERSE:
                asking = ReverseAsked(case_no=case_no, person_no=row.psn_no)
                return asking, Kind.REVERSE, self._line.fresh(row.lane)
            case _:
                status = StatusAsked(case_no=case_no, person_no=row.psn_no)
                return status, Kind.STATUS, self._line.fresh(row.lane)

    async def _report(
        self, fact: CaseFact, happening: Happening, *, heard: Heard | None = None,
        till: Till | None = None, operator: str = "",
    ) -> CaseReply:  # fmt: skip
        row = fact.row
        asked = Asked(
            infno=row.infno, institution=self._desk.world.institutions[row.institution],
            msgid=row.msgid, operator="", lane=lane_in(row.case_no), person_no=row.psn_no,
            message_key=_NO_KEY, fingerprint=b"", insured_region=row.insured_region,
        )  # fmt: skip
        reply = await self._journals.ask(
            ReportCase(
                asked=asked, case_nos=(row.case_no,),
                visit_ids=() if row.mdtrt_id == row.case_no else (row.mdtrt_id,),
                pay_nos=self._payments_of(fact),
                case_no=row.case_no, happening=happening, heard=heard or Heard(), till=till,
                operator=operator,
            )
        )
        if not isinstance(reply, CaseReply):
            raise Unavailable("same_msgid")
        if reply.alarm:
            self._line.alarm(
                "a case of another region needs a look", row.insured_region, reply.alarm,
                case_no=row.case_no,
            )  # fmt: skip
        return reply


    def _payments_of(self, fact: CaseFact) -> tuple[int, ...]:
        """The payment of an order of scan-to-pay."""
        row = fact.row
        if row.infno != SCAN:
            return ()
        order = open_plan(row.payload, self._desk.world.keyring, row.lane, row.case_no).order
        return () if order is None else (order.pay_no,)


def refusal_of(reply: CaseReply | None, fact: CaseFact) -> Refusal:
    """Why a case was not settled, or not taken back."""
    if reply is not None and reply.refused is not None:
        return refused_there(reply.refused)
    return Refusal(code="REGION_UNREACHABLE", params={"region": fact.row.insured_region})


async def _only(reply: Reply) -> Reply:
    return reply


async def _of(task: asyncio.Task[Reply]) -> Reply:
    return await asyncio.shield(task)
