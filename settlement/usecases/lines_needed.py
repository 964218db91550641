"""Which lines of a stay a command must see itself, beyond the heads of their uploads.

Asked by whoever reads the facts of a batch, once the heads are there.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from settlement.clock import local_time
from settlement.commands import (
    Command,
    FindMedicines,
    FindSettlement,
    SettleStay,
    UploadStayLines,
    WithdrawStayLines,
)
from settlement.deposit import fold_deposits
from settlement.payments.pay_commands import ExpireRequest, FindDeposits
from settlement.people.my_commands import ShowMine
from settlement.rows import EventKind, RowKind, VisitKind
from settlement.stay import StayState, fold_stay, lines_head, segment_head
from settlement.view import SettlementFact, View, VisitFact


def lines_needed(command: Command, view: View) -> list[tuple[int, int]]:
    """Uploads to open for a command: (stay, number of the event)."""
    match command:
        case UploadStayLines(mdtrt_id=mdtrt_id):
            visit = _stay(view, mdtrt_id)
            if visit is None:
                return []
            own = [e.event_no for e in visit.events if _brought_by(e.head, e.kind, command)]
            state, originals = fold_stay(visit), set(command.originals)
            taken_back = _events_of(state, originals.union(state.taking_back(originals)))
            return [(mdtrt_id, number) for number in {*own, *taken_back}]
        case WithdrawStayLines(mdtrt_id=mdtrt_id, line_nos=names) if names is not None:
            visit = _stay(view, mdtrt_id)
            numbers = () if visit is None else _events_of(fold_stay(visit), names)
            return [(mdtrt_id, number) for number in numbers]
        case FindSettlement(with_lines=True):
            return places_of_lines(command.mdtrt_id, command.setl_id, view)
        case FindMedicines(begin=begin):
            return [
                place
                for fact in standing_here(view, command.asked.institution.code, begin)
                for place in places_of_lines(fact.row.mdtrt_id, fact.row.setl_id, view)
            ]
        case ShowMine(setl_ids=(setl_id,)):
            shown = view.settlements.get(setl_id)
            return [] if shown is None else places_of_lines(shown.row.mdtrt_id, setl_id, view)
    return []


def payments_needed(command: Command, view: View) -> set[int]:
    """Payments that collected deposits of a stay which a command may send back, and of whoever asks
    for its deposits those that gave some back."""
    match command:
        case SettleStay(mdtrt_id=mdtrt_id, quote=False) | FindDeposits(mdtrt_id=mdtrt_id):
            visit = view.visits.get(mdtrt_id)
        case ExpireRequest(request_no=request_no):
            visit = view.visits.get(request_no)
        case _:
            return set()
    deposits = [] if visit is None else fold_deposits(visit)
    numbers = {one.pay_no for one in deposits if one.pay_no is not None}
    if isinstance(command, FindDeposits):
        numbers |= {back.return_no for one in deposits for back in one.returns if back.return_no}
    return numbers


def standing_here(view: View, institution: str, since: datetime) -> list[SettlementFact]:
    """Settlements of an institution that stand and may have lines since then, oldest first: no line
    is later than its settlement."""
    found = [
        fact
        for fact in view.settlements.values()
        if fact.row.institution == institution
        and fact.row.kind is RowKind.SETTLE
        and fact.undone_by is None
        and local_time(fact.row.setl_time) >= since
    ]
    return sorted(found, key=lambda fact: (fact.row.setl_time, fact.row.setl_id))


def places_of_lines(mdtrt_id: int, setl_id: int, view: View) -> list[tuple[int, int]]:
    """The uploads that a settlement of a stay covers: (stay, number of the event)."""
    visit = _stay(view, mdtrt_id)
    fact = view.settlements.get(setl_id)
    if visit is None or fact is None:
        return []
    return [
        (mdtrt_id, number)
        for number in covered_by(visit, fact.row.undoes_setl_id or setl_id)
        if visit.events[number - 1].kind is EventKind.LINES
    ]


def covered_by(visit: VisitFact, setl_id: int) -> list[int]:
    """The uploads and withdrawals that a settlement of a stay took, by number of the event."""
    return [
        number
        for event in visit.events
        if event.kind is EventKind.SETTLED and event.setl_id == setl_id
        for number in segment_head(event.head).covers
    ]


def _stay(view: View, mdtrt_id: int) -> VisitFact | None:
    visit = view.visits.get(mdtrt_id)
    return visit if visit is not None and visit.row.kind is VisitKind.STAY else None


def _brought_by(head: str, kind: EventKind, command: UploadStayLines) -> bool:
    """Whether a message that is sent again brought these lines the first time."""
    return kind is EventKind.LINES and lines_head(head).msgid == command.asked.msgid


def _events_of(state: StayState, names: Iterable[str]) -> set[int]:
    return {state.event_of[name] for name in names if name in state.event_of}
