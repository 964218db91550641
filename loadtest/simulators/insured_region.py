"""The region where people are insured, as the region that treats them meets it over the hub.

It answers like `settlement.region.hub.HubLine` would, with a book of its own in memory, and its
shares are by a rule that a reader can do in their head. Faults are placed on the next questions of
a kind: lost before it arrived, answered and the answer lost, late, refused, or answered with sums
that do not add up. A correlation number is one question for ever.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import TypeAlias

from msgspec import Raw, Struct
from msgspec.structs import replace

from protocol.hub.messages import (
    KIND_UNKNOWN,
    BookAsked,
    CancelAsked,
    CancelTold,
    Case,
    CaseState,
    CaseTold,
    EnrolmentTold,
    Kind,
    PaperAsked,
    PaperState,
    PaperTold,
    PersonAsked,
    PersonTold,
    Question,
    ReconcileAsked,
    ReconcileTold,
    Refused,
    ReverseAsked,
    ReverseTold,
    RowTold,
    ShareTold,
    StatusAsked,
    StatusTold,
    Told,
)
from settlement.region.hub import NoAnswer, Why

Clock = Callable[[], datetime]
Heard: TypeAlias = Told | Refused | NoAnswer
FUND, FUND_ZH = "390100", "测试居民统筹基金"
RATIO_BP = 6000
"""What the fund pays of what is in scope."""


class Fault(StrEnum):
    """What happens to a question."""

    NEVER_LEFT = "never left"
    LOST = "lost"
    """it did not arrive"""
    ANSWER_LOST = "answer lost"
    """it had its effect"""
    LATE = "late"
    """it is lost, and arrives when `deliver_late` says so"""
    REFUSED = "refused"
    REFUSED_LATER = "refused, try later"
    WRONG_SUMS = "wrong sums"
    FORGED = "forged"
    HANGS = "hangs"
    """nothing comes back while anybody waits; it did not arrive"""
    HANGS_AFTER = "hangs after"
    """the same, and it had its effect"""


class Someone(Struct, kw_only=True):
    """A person insured there."""

    person_no: str
    name: str
    certificate_no: str
    balance_fen: int = 50_000
    filed: bool = True
    token: str = ""
    card: str = ""


class Entry(Struct, kw_only=True):
    """A case in its book."""

    told: CaseTold
    person_no: str
    state: CaseState = CaseState.SETTLED
    cancel: CancelTold | None = None


class InsuredRegion:
    """See the module. `ask` is the port; everything else is for whoever plays."""

    def __init__(self, code: str, clock: Clock = lambda: datetime.now(UTC)) -> None:
        self.code = code
        self.clock = clock
        self.people: dict[str, Someone] = {}
        self.book: dict[str, Entry] = {}
        self.tombstones: set[str] = set()
        self.asked: list[tuple[Kind, str, Question]] = []
        """every question that left, in order, with its correlation number"""
        self.papers: dict[tuple[str, str], dict[int, bytes]] = {}
        """by number and digest, its parts"""
        self.down = False
        self.hanging = asyncio.Event()
        """set once a question hangs"""
        self._faults: dict[Kind, deque[Fault]] = {}
        self._answers: dict[str, tuple[Question, Told | Refused]] = {}
        self._late: list[tuple[Kind, Question, str]] = []
        self._count = 0

    def move_in(self, someone: Someone) -> Someone:
        """Somebody is insured here."""
        self.people[someone.person_no] = someone
        return someone

    def fail(self, kind: Kind, *faults: Fault) -> None:
        """The next questions of a kind fare like that, in this order."""
        self._faults.setdefault(kind, deque()).extend(faults)

    def mend(self) -> None:
        """Nothing fails any more."""
        self.down = False
        self._faults.clear()

    def deliver_late(self) -> None:
        """What was late arrives now; its answers go nowhere."""
        late, self._late = self._late, []
        for kind, question, correlation in late:
            self._once(kind, question, correlation)

    async def ask(
        self, to: str, kind: Kind, question: Question, *, correlation: str, seconds: float
    ) -> Heard:
        """As `HubLine.ask`."""
        if to != self.code:
            return NoAnswer(why=Why.NOT_SENT, text=f"there is no route to {to}")
        fault = self._next_fault(kind)
        if fault is Fault.NEVER_LEFT:
            return NoAnswer(why=Why.NOT_SENT, text="the hub cannot be reached")
        self.asked.append((kind, correlation, question))
        if self.down or fault is Fault.LOST:
            return NoAnswer(why=Why.NO_ANSWER, text="no answer in time")
        if fault is Fault.LATE:
            self._late.append((kind, question, correlation))
            return NoAnswer(why=Why.NO_ANSWER, text="no answer in time")
        if fault is Fault.REFUSED:
            return Refused(code="NO_FILING", text="该参保人未办理异地就医备案。")
        if fault is Fault.REFUSED_LATER:
            return Refused(code="BUSY", text="参保地系统维护中。", retry="later")
        if fault is Fault.HANGS:
            await self._for_ever()
        told = self._once(kind, question, correlation)
        if fault is Fault.HANGS_AFTER:
            await self._for_ever()
        if fault is Fault.ANSWER_LOST:
            return NoAnswer(why=Why.NO_ANSWER, text="no answer in time")
        if fault is Fault.FORGED:
            return NoAnswer(why=Why.WORTHLESS, text="its signature is wrong")
        if fault is Fault.WRONG_SUMS and isinstance(told, CaseTold):
            return replace(told, cash_fen=told.cash_fen + 1)
        return told

    async def _for_ever(self) -> None:
        self.hanging.set()
        await asyncio.Event().wait()

    @property
    def standing(self) -> list[Entry]:
        """Cases that are settled and stand."""
        return [entry for entry in self.book.values() if entry.state is CaseState.SETTLED]

    @property
    def owes_fen(self) -> int:
        """What its funds and accounts pay of what stands, by its own book."""
        return sum(entry.told.fund_fen + entry.told.account_fen for entry in self.standing)

    def _next_fault(self, kind: Kind) -> Fault | None:
        waiting = self._faults.get(kind)
        return waiting.popleft() if waiting else None

    def _once(self, kind: Kind, question: Question, correlation: str) -> Told | Refused:
        known = self._answers.get(correlation)
        if known is not None:
            if known[0] != question:
                return Refused(code="CORRELATION_USED", text="该编号已用于另一请求。")
            return known[1]
        told = self._carried_out(kind, question)
        self._answers[correlation] = question, told
        return told

    def _carried_out(self, kind: Kind, question: Question) -> Told | Refused:
        match question:
            case PersonAsked():
                return self._person(question)
            case Case():
                return self._case(question, quote=kind is Kind.QUOTE)
            case CancelAsked():
                return self._cancel(question)
            case ReverseAsked():
                return self._reverse(question)
            case StatusAsked():
                return self._status(question)
            case ReconcileAsked():
                return self._rows(question)
            case PaperAsked():
                return self._paper(question)
            case BookAsked():
                return Refused(code=KIND_UNKNOWN, text="本统筹区不受理此类报文。")

    def _person(self, asked: PersonAsked) -> Told | Refused:
        found = [one for one in self.people.values() if _shows(one, asked)]
        if not found:
            return Refused(code="PERSON_UNKNOWN", text="参保地查无此人。")
        one = found[0]
        return PersonTold(
            person_no=one.person_no, name=one.name, certificate_type="01",
            certificate_no=one.certificate_no, sex="1", ethnic_group="01",
            born_on=date(1980, 1, 1),
            enrolments=(
                EnrolmentTold(
                    scheme="390", category="15", status="1", enrolled_on=date(2015, 1, 1),
                    benefit_from=date(2015, 1, 1), suspended_on=None, region=self.code,
                    civil_servant=False,
                ),
            ),
            filings=(), balance_fen=one.balance_fen,
            holds_until=self.clock() + timedelta(hours=2),
        )  # fmt: skip

    def _case(self, case: Case, *, quote: bool) -> Told | Refused:
        one = self.people.get(case.person_no)
        if one is None:
            return Refused(code="PERSON_UNKNOWN", text="参保地查无此人。")
        if not (one.filed or case.emergency):
            return Refused(code="NO_FILING", text="该参保人未办理异地就医备案。")
        if case.case_no in self.tombstones:
            return Refused(code="CASE_REVERSED", text="该笔已冲正。")
        told = self._shared(case, one, "" if quote else self._number())
        if not quote:
            self.book[case.case_no] = Entry(told=told, person_no=one.person_no)
            one.balance_fen = told.balance_fen
        return told

    def _shared(self, case: Case, one: Someone, settlement_no: str) -> CaseTold:
        fund_fen = (case.in_scope_fen * RATIO_BP + 5_000) // 10_000
        left_fen = case.in_scope_fen - fund_fen
        account_fen = min(one.balance_fen, left_fen) if case.account_use != "0" else 0
        now = self.clock()
        return CaseTold(
            case_no=case.case_no, settlement_no=settlement_no, told_at=now,
            business_day=now.date(), clearing_type="9903", category="15", civil_servant=False,
            deductible_fen=0, pool_ratio_bp=RATIO_BP, total_fen=case.total_fen, fund_fen=fund_fen,
            account_fen=account_fen, family_account_fen=0, hospital_fen=0,
            cash_fen=case.total_fen - fund_fen - account_fen,
            balance_fen=one.balance_fen - account_fen,
            shares=(ShareTold(fund_code=FUND, name=FUND_ZH, amount_field="hifp_pay",
                              amount_fen=fund_fen),),
            policy="测试参保地政策@2026", explanation=Raw(b"[]"), filing="temporary",
        )  # fmt: skip

    def _cancel(self, asked: CancelAsked) -> Told | Refused:
        entry = self.book.get(asked.case_no)
        if entry is None:
            return Refused(code="CASE_UNKNOWN", text="参保地查无此结算。")
        if entry.cancel is None:
            entry.cancel = CancelTold(
                cancel_no=asked.cancel_no, case_no=asked.case_no, settlement_no=self._number(),
                told_at=self.clock(), business_day=self.clock().date(),
            )  # fmt: skip
            self._give_back(entry, CaseState.CANCELLED)
        return entry.cancel

    def _reverse(self, asked: ReverseAsked) -> Told | Refused:
        self.tombstones.add(asked.case_no)
        entry = self.book.get(asked.case_no)
        undone = entry is not None and entry.state is CaseState.SETTLED
        if entry is not None and undone:
            self._give_back(entry, CaseState.REVERSED)
        return ReverseTold(case_no=asked.case_no, undone=undone, told_at=self.clock())

    def _give_back(self, entry: Entry, state: CaseState) -> None:
        entry.state = state
        self.people[entry.person_no].balance_fen += entry.told.account_fen

    def _status(self, asked: StatusAsked) -> Told | Refused:
        entry = self.book.get(asked.case_no)
        if entry is None:
            gone = asked.case_no in self.tombstones
            state = CaseState.REVERSED if gone else CaseState.UNKNOWN
            return StatusTold(case_no=asked.case_no, state=state, case=None, cancel=None)
        return StatusTold(
            case_no=asked.case_no, state=entry.state, case=entry.told, cancel=entry.cancel
        )

    def _rows(self, asked: ReconcileAsked) -> ReconcileTold:
        rows: list[RowTold] = []
        for entry in self.book.values():
            told = entry.told
            rows.append(
                RowTold(
                    case_no=told.case_no, settlement_no=told.settlement_no, reversal=False,
                    total_fen=told.total_fen, fund_fen=told.fund_fen,
                    account_fen=told.account_fen,
                )
            )
        return ReconcileTold(day=asked.day, rows=tuple(rows), more=False)

    def _paper(self, asked: PaperAsked) -> PaperTold:
        """It only keeps what it is given, and takes what is whole."""
        kept = self.papers.setdefault((asked.number, asked.digest), {})
        kept[asked.part] = asked.content
        whole = b"".join(content for _, content in sorted(kept.items()))
        taken = sha256(whole).hexdigest() == asked.digest
        return PaperTold(
            number=asked.number, digest=asked.digest, text="",
            state=PaperState.TAKEN if taken else PaperState.KEPT,
        )  # fmt: skip

    def _number(self) -> str:
        self._count += 1
        return f"A{self.code}{self._count:012d}"


def _shows(one: Someone, asked: PersonAsked) -> bool:
    match asked.credential_kind:
        case "01":
            return bool(one.token) and one.token == asked.number
        case "03":
            return bool(one.card) and one.card == asked.number
        case _:
            return one.certificate_no == asked.number
