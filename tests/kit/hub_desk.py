"""A region of insurance in memory, for tests of the wire: answers each question once for ever."""

from __future__ import annotations

from datetime import date

from protocol.hub.messages import (
    CancelAsked,
    CancelTold,
    Case,
    CaseState,
    CaseTold,
    Kind,
    PaperAsked,
    PaperState,
    PaperTold,
    Question,
    ReconcileAsked,
    ReconcileTold,
    Refused,
    ReverseAsked,
    ReverseTold,
    StatusAsked,
    StatusTold,
    Told,
)
from settlement.region.hub import OutcomeUnknownError
from tests.kit.hub import AT, shared

UNDONE = Refused(code="CASE_REVERSED", text="该业务已冲正。")
NOBODY = Refused(code="PERSON_NOT_FOUND", text="没有此人。")


class MemoryDesk:
    """See `settlement.region.hub.HubDesk`. `asked` is everything that came, in order."""

    def __init__(self) -> None:
        self.cases: dict[str, CaseTold] = {}
        self.states: dict[str, CaseState] = {}
        self.asked: list[tuple[str, Kind, Question]] = []
        self.is_silent = False
        """the outcome is not known"""

    async def answer(self, origin: str, kind: Kind, question: Question) -> Told | Refused:
        """See the port."""
        self.asked.append((origin, kind, question))
        if self.is_silent:
            raise OutcomeUnknownError
        match question:
            case Case() if kind is Kind.QUOTE:
                return shared(question)
            case Case():
                return self._settle(question)
            case CancelAsked():
                return self._cancel(question)
            case ReverseAsked():
                undone = self.states.get(question.case_no) is CaseState.SETTLED
                self.states[question.case_no] = CaseState.REVERSED
                return ReverseTold(case_no=question.case_no, undone=undone, told_at=AT)
            case StatusAsked():
                number = question.case_no
                return StatusTold(
                    case_no=number, state=self.states.get(number, CaseState.UNKNOWN),
                    case=self.cases.get(number), cancel=None,
                )  # fmt: skip
            case ReconcileAsked():
                return ReconcileTold(day=question.day, rows=(), more=False)
            case PaperAsked():
                return PaperTold(
                    number=question.number, digest=question.digest, state=PaperState.TAKEN, text=""
                )
        return NOBODY

    @property
    def standing(self) -> dict[str, int]:
        """Fen that each case that stands comes to for its region of insurance."""
        return {
            number: told.fund_fen + told.account_fen for number, told in self.cases.items()
            if self.states[number] is CaseState.SETTLED
        }  # fmt: skip

    def _settle(self, case: Case) -> CaseTold | Refused:
        if self.states.get(case.case_no) is CaseState.REVERSED:
            return UNDONE
        if case.case_no not in self.cases:
            self.cases[case.case_no] = shared(case)
            self.states[case.case_no] = CaseState.SETTLED
        return self.cases[case.case_no]

    def _cancel(self, asked: CancelAsked) -> CancelTold | Refused:
        if self.states.get(asked.case_no) not in (CaseState.SETTLED, CaseState.CANCELLED):
            return UNDONE
        self.states[asked.case_no] = CaseState.CANCELLED
        return CancelTold(
            cancel_no=asked.cancel_no, case_no=asked.case_no, settlement_no="1", told_at=AT,
            business_day=date(2026, 11, 26),
        )  # fmt: skip
