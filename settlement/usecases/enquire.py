"""Enquiries about what was booked: 5201, 5203, 5204. Nothing is written.

An institution sees its own settlements only. What a 2601 reversed never existed for it (DOMAIN 9).
"""

from __future__ import annotations

from settlement.clock import Moment
from settlement.commands import FindSettlement, FindVisits
from settlement.decision import Answer, Decision
from settlement.numbers import shown
from settlement.refusal import Refusal
from settlement.rows import Detail, RowKind, VisitKind
from settlement.stay import fold_stay
from settlement.translate import history, rendering
from settlement.usecases import checks
from settlement.usecases.settled_lines import settled_lines
from settlement.usecases.stays import care_type_of
from settlement.usecases.visit_payloads import open_description
from settlement.view import SettlementFact, View, VisitFact, fold_visit
from settlement.world import World


def find_settlement(command: FindSettlement, view: View, world: World, moment: Moment) -> Decision:
    """One settlement (5203), or its lines (5204)."""
    asked = command.asked
    person = checks.known_person(view, world, asked)
    if isinstance(person, Refusal):
        return Decision(person)
    fact = view.settlements.get(command.setl_id)
    if (
        fact is None
        or not _visible(fact, asked.institution.code)
        or fact.row.mdtrt_id != command.mdtrt_id
    ):
        number = shown(command.setl_id)
        return Decision(
            Refusal(code="SETTLEMENT_UNKNOWN", field="setl_id", params={"setl_id": number})
        )
    if fact.row.psn_no != asked.person_no:
        return Decision(Refusal(code="SETTLEMENT_OF_OTHER_PERSON", field="setl_id"))
    if not command.with_lines:
        payers = rendering.payers_of(fact.row, world)
        output = history.settlement_reply(
            fact.row, person.identity, asked.institution, payers, world.profile,
            refunded=fact.row.kind is RowKind.CANCEL or fact.undone_kind is RowKind.CANCEL,
        )  # fmt: skip
        return Decision(Answer(output=output))
    row = fact.row
    detail = lines_of(fact, view, world)
    names = {
        code: item
        for code in {settled.priced.line.item_code for settled in detail.lines}
        if (item := world.catalogue.find(code, row.service_at.date())) is not None
    }
    return Decision(Answer(output=history.fee_rows(row, detail, names)))


def lines_of(fact: SettlementFact, view: View, world: World) -> Detail:
    """The lines of a settlement; none once they were erased."""
    return settled_lines(fact, view.visits.get(fact.row.mdtrt_id), world.keyring)


def find_visits(command: FindVisits, view: View, world: World, moment: Moment) -> Decision:
    """A person's visits and purchases here in a period (5201), also by the msgid that made them."""
    asked = command.asked
    person = checks.known_person(view, world, asked)
    if isinstance(person, Refusal):
        return Decision(person)
    mine = asked.institution.code
    rows = [
        history.purchase_visit(fact.row, person, world.region, stands=fact.undone_by is None)
        for fact in view.settlements.values()
        if fact.row.mdtrt_id == fact.row.setl_id
        and _visible(fact, mine)
        and _purchase_wanted(command, fact)
    ]
    for visit in view.visits.values():
        if visit.row.institution != mine or visit.row.psn_no != asked.person_no:
            continue
        if visit.row.kind is VisitKind.REQUEST:
            continue
        said = (
            _stay_said(visit, world)
            if visit.row.kind is VisitKind.STAY
            else (_visit_said(visit, world))
        )
        if said is None:
            continue
        care_type, settled = said
        made = [view.settlements[n].row for n in settled if n in view.settlements]
        if _visit_wanted(command, visit, care_type, [row.msgid for row in made]):
            rows.append(history.registered_visit(visit.row, care_type, made, person, world.region))
    return Decision(Answer(output=history.visits_reply(rows)))


def _visit_said(visit: VisitFact, world: World) -> tuple[str, list[int]] | None:
    """Care type and standing settlements of an outpatient visit; None once it was withdrawn."""
    state = fold_visit(visit)
    if state.withdrawn:
        return None
    care_type = ""
    if state.diagnosis is not None:
        care_type = open_description(state.diagnosis, world.keyring).care_type
    return care_type, list(state.settled.values())


def _stay_said(visit: VisitFact, world: World) -> tuple[str, list[int]] | None:
    """The same of a stay."""
    state = fold_stay(visit)
    if state.withdrawn:
        return None
    settled = [segment.setl_id for segment in state.segments]
    return care_type_of(visit, state, world), settled


def _visible(fact: SettlementFact, institution: str) -> bool:
    reversed_away = fact.row.kind is RowKind.REVERSE or fact.undone_kind is RowKind.REVERSE
    return fact.row.institution == institution and not reversed_away


def _purchase_wanted(command: FindVisits, fact: SettlementFact) -> bool:
    row = fact.row
    if row.kind is not RowKind.SETTLE or row.psn_no != command.asked.person_no:
        return False
    if command.made_by is not None:
        return row.msgid == command.made_by and fact.undone_by is None
    if command.mdtrt_id is not None and row.mdtrt_id != command.mdtrt_id:
        return False
    return command.begin <= row.service_at <= command.end and row.care_type == command.care_type


def _visit_wanted(command: FindVisits, visit: VisitFact, care_type: str, msgids: list[str]) -> bool:
    if command.made_by is not None:
        return command.made_by in msgids
    if command.mdtrt_id is not None and visit.row.mdtrt_id != command.mdtrt_id:
        return False
    if care_type and care_type != command.care_type:
        return False
    return command.begin <= visit.row.begun_at <= command.end
