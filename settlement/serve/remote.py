"""People insured in another region, in one gateway process (异地就医, ADR 0033).

The only place where a journal's batch and another region meet, always in this order: commit, then
ask, then commit what came of it. Whatever breaks in between, whoever comes next goes on from what
is committed: the message sent again, or the resolver (settlement/serve/remote_resolver.py).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta

from msgspec.structs import replace

from ledger.postgres.shape import Shape
from protocol.hub.messages import (
    CancelAsked,
    CaseTold,
    Kind,
    PersonTold,
    Question,
    Refused,
    ReverseAsked,
    StatusAsked,
    Told,
)
from settlement.abroad import askable
from settlement.clock import monotonic
from settlement.commands import (
    Asked,
    Cancel,
    Command,
    Credential,
    Purchase,
    Reverse,
    SettleStay,
    SettleVisit,
)
from settlement.decision import Answer
from settlement.desk import DecisionDesk
from settlement.gateway import Unavailable
from settlement.institution import Institution
from settlement.lanes import lane_of
from settlement.numbers import NumberSource, lane_in
from settlement.refusal import Refusal
from settlement.region.hub import HubLine, NoAnswer, Why
from settlement.region.verdicts import happened, refused_there
from settlement.remote_commands import Heard, KeepStranger, ReportCase
from settlement.remote_rows import CaseFact, case_number
from settlement.remote_states import (
    ANSWER_SECONDS,
    OPEN,
    Errand,
    Happening,
    State,
    next_errand,
)
from settlement.serve.asking import Asking, Journals, Reply
from settlement.storage.connect import Several
from settlement.storage.errors import StorageError
from settlement.storage.remote import read_cases
from settlement.storage.switches import remember_token
from settlement.telemetry.metrics import METRICS
from settlement.translate import remote as words
from settlement.usecases.remote_payloads import open_plan
from settlement.usecases.remote_report import CaseReply
from settlement.usecases.remote_settle import CaseAnswer, Quoted
from settlement.view import View

SIDE_CONNECTIONS = 2
TOKEN_LIFE = timedelta(hours=24)
"""How long a token lives here that its own region found somebody by, at most."""
COUNTER_SECONDS = 8.0
"""How long a counter waits for all that is asked of another region together."""
SHORTEST_SECONDS = 0.5
"""Nothing is asked that has less time for its answer."""
_NO_KEY = bytes(16)
_SETTLING = (Purchase, SettleVisit, SettleStay)
logger = logging.getLogger("settlement.remote")


def concerns_others(command: Command) -> bool:
    """Whether another region has to be asked. One comparison for nearly everybody."""
    return bool(command.asked.insured_region) and isinstance(
        command, (*_SETTLING, Cancel, Reverse)
    )


class RemoteDesk:
    """Walks people insured elsewhere through what takes more than our own journals."""

    def __init__(
        self, *, hub: HubLine | None, journals: Journals, desk: DecisionDesk, dsn: str,
        shape: Shape, lanes: int, next_number: NumberSource, read_clock: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._hub = hub
        self._journals = journals
        self._desk = desk
        self._side = Several(dsn, "settlement-remote", count=SIDE_CONNECTIONS)
        self._shape = shape
        self._lanes = lanes
        self._next_number = next_number
        self._clock = read_clock
        self._under_way: set[asyncio.Task[Reply]] = set()

    def close(self) -> None:
        """Leave what is under way to others, and drop the connections."""
        for task in self._under_way:
            task.cancel()
        self._side.close()

    async def drain(self, seconds: float) -> None:
        """Wait until what is under way here is done; what is not by then is left to others."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=seconds)

    # -- who somebody is

    async def look_up(
        self, asked: Asked, credential: Credential, token_key: bytes
    ) -> Answer | Refusal:
        """1101 of somebody insured elsewhere. Raises Unavailable and Overloaded."""
        if self._hub is None:
            return Refusal(code="REGION_NO_HUB")
        home = askable(self._desk.world.counterparts, asked.insured_region)
        if isinstance(home, Refusal):
            return home
        question = words.person_asked(credential, self._desk.now().local.date())
        told = await self._ask(home.region, Kind.PERSON, question, self._fresh(0), ANSWER_SECONDS)
        if isinstance(told, Refused):
            return refused_there(told)
        if not isinstance(told, PersonTold) or not told.person_no:
            return Refusal(code="REGION_SILENT", params={"region": home.region})
        lane = lane_of(told.person_no, self._lanes)
        keeping = KeepStranger(
            asked=replace(asked, person_no=told.person_no, lane=lane, message_key=_NO_KEY),
            credential=credential, region=home.region,
            identity=words.identity_of(told, credential),
            enrolments=tuple(map(words.enrolment_of, told.enrolments)),
            balance_fen=told.balance_fen,
        )  # fmt: skip
        reply = await self._journals.ask(keeping)
        if token_key and not isinstance(reply, Refusal):
            await self._remember(token_key, keeping, asked.institution, told.holds_until)
        return reply

    async def _remember(
        self, key: bytes, kept: KeepStranger, institution: Institution, holds_until: datetime
    ) -> None:
        """The token that was shown stands for the person at this institution, as at home."""
        try:
            async with self._side.use() as connection:
                await remember_token(
                    connection, lane=kept.asked.lane, person_no=kept.asked.person_no, key=key,
                    institution=institution.code,
                    expires_at=min(holds_until, self._clock() + TOKEN_LIFE),
                )  # fmt: skip
        except StorageError as exc:
            raise Unavailable("later") from exc

    # -- what is settled, quoted, cancelled and reversed

    def carry_out(self, command: Command) -> Coroutine[object, object, Reply]:
        """The reply to a command of `concerns_others`, in time. Its first step is sent at once, so
        that it keeps its place among other messages; it goes on when the counter hangs up. Raises
        Unavailable and Overloaded."""
        if self._hub is None:
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
        told = await self._ask(
            region, Kind.QUOTE, quote.question, self._fresh(lane), ANSWER_SECONDS
        )
        if isinstance(told, Refused):
            return refused_there(told)
        if not isinstance(told, CaseTold):
            return Refusal(code="REGION_SILENT", params={"region": region})
        fault = words.fault_of(quote.question, told)
        if fault:
            self._alarm("an answer of another region does not add up", region, fault)
            return Refusal(code="REGION_ANSWER_WRONG", params={"region": region})
        return quote.show(told)

    async def _go_on(self, command: Command, fact: CaseFact, *, first: bool) -> Reply:
        """Ask what is to be asked of the case, say what came, and answer the message."""
        now = self._clock()
        errand = next_errand(fact.standing, fact.row.opened_at, now)
        if errand is Errand.STATUS:  # under its number it is one question, however often asked
            errand = Errand.SETTLE
        reply = None if errand is None else await self._run(
            fact, errand, first=first, until=monotonic() + COUNTER_SECONDS
        )
        return await self._answered(command, fact if reply is None else reply.fact, reply)

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
            return _refusal(reply, fact)
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

    # -- errands

    async def _run(
        self, fact: CaseFact, errand: Errand, *, first: bool, until: float
    ) -> CaseReply:
        """One question and what is booked for it; a case that is given up is reversed at once, if
        there is time until then (of the monotonic clock)."""
        if errand is Errand.GIVE_UP:
            given_up = await self._report(fact, Happening.GIVEN_UP)
            return await self._reversed(given_up, until)
        question, kind, correlation = self._question(fact, errand)
        seconds = min(ANSWER_SECONDS, until - monotonic())
        told = await self._ask(fact.row.insured_region, kind, question, correlation, seconds)
        happening, heard = happened(errand, told, settled=fact.standing.settled is not None,
                                    first=first)  # fmt: skip
        if isinstance(told, NoAnswer) and told.why is Why.WORTHLESS:
            self._alarm("an answer of another region is worthless", fact.row.insured_region,
                        told.text)  # fmt: skip
        reply = await self._report(fact, happening, heard=heard)
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
                return asking, Kind.REVERSE, self._fresh(row.lane)
            case _:
                status = StatusAsked(case_no=case_no, person_no=row.psn_no)
                return status, Kind.STATUS, self._fresh(row.lane)

    async def _report(
        self, fact: CaseFact, happening: Happening, *, heard: Heard | None = None
    ) -> CaseReply:
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
                case_no=row.case_no, happening=happening, heard=heard or Heard(),
            )
        )
        if not isinstance(reply, CaseReply):
            raise Unavailable("same_msgid")
        if reply.alarm:
            self._alarm("a case of another region needs a look", row.insured_region, reply.alarm,
                        case_no=row.case_no)  # fmt: skip
        return reply

    async def _ask(
        self, region: str, kind: Kind, question: Question, correlation: str, seconds: float
    ) -> Told | Refused | NoAnswer:
        if self._hub is None:
            return NoAnswer(why=Why.NOT_SENT, text="there is no way to other regions")
        return await self._hub.ask(
            region, kind, question, correlation=correlation, seconds=seconds
        )

    def _fresh(self, lane: int) -> str:
        """A correlation number of a question that has no effect, or whose effect is the case's."""
        number = self._next_number(lane, self._desk.now().business_day)
        return case_number(self._desk.world.region, number)

    def _alarm(self, what: str, region: str, why: str, *, case_no: int = 0) -> None:
        METRICS.region_alarms += 1
        logger.error(
            what, extra={"event": "region.alarm", "region": region, "reason": why,
                         "case_no": case_no},
        )  # fmt: skip


def _refusal(reply: CaseReply | None, fact: CaseFact) -> Refusal:
    if reply is not None and reply.refused is not None:
        return refused_there(reply.refused)
    return Refusal(code="REGION_UNREACHABLE", params={"region": fact.row.insured_region})


async def _only(reply: Reply) -> Reply:
    return reply


async def _of(task: asyncio.Task[Reply]) -> Reply:
    return await asyncio.shield(task)
