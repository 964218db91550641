"""Outpatient visits: register, describe, and take a registration back (2201–2203).

A visit is one row and a list of events; nothing is edited. What stands is the fold of its events.
Its fee lines are `usecases/visit_lines.py`.
"""

from __future__ import annotations

from settlement.clock import Moment
from settlement.commands import (
    Asked,
    DescribeVisit,
    RegisterVisit,
    UploadLines,
    WithdrawLines,
    WithdrawVisit,
)
from settlement.decision import Answer, Decision
from settlement.numbers import shown
from settlement.refusal import Refusal
from settlement.rows import EventKind, EventRow, MessageOutcome, VisitKind, VisitRow
from settlement.translate import rendering
from settlement.usecases import booking, checks, staffing
from settlement.usecases.replay import replayed
from settlement.usecases.visit_payloads import (
    Description,
    Registration,
    seal_payload,
    visit_record,
)
from settlement.view import Effects, View, VisitFact, fold_visit
from settlement.world import World


def register(command: RegisterVisit, view: View, world: World, moment: Moment) -> Decision:
    """Open a visit (2201)."""
    again = replayed(command, view, world, moment)
    if again is not None:
        return again
    asked = command.asked
    person = checks.known_person(view, world, asked)
    if isinstance(person, Refusal):
        return Decision(person)
    refused = checks.check_credential(command, command.credential, person, view, moment)
    if refused is not None:
        return Decision(refused)
    if person.enrolment(command.scheme) is None:
        return Decision(checks.not_enrolled(command.scheme, person))
    doctor = staffing.check_in_charge(command.kept, asked, command.begun_at.date(), world)
    if isinstance(doctor, Refusal):
        return Decision(doctor)
    mdtrt_id = world.next_number(asked.lane, moment.business_day)
    registration = Registration(
        msgid=asked.msgid, outpatient_no=command.outpatient_no, kept=command.kept
    )
    row = VisitRow(
        lane=asked.lane,
        mdtrt_id=mdtrt_id,
        prior_visit=person.latest_visit,
        psn_no=asked.person_no,
        institution=asked.institution.code,
        scheme=command.scheme,
        begun_at=command.begun_at,
        payload=seal_payload(registration, world.keyring, visit_record(asked.lane, mdtrt_id, 0)),
    )
    effects = Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.VISIT, mdtrt_id),),
        visit=row,
    )
    output = rendering.registration_output(VisitFact(row=row, events=[]), world)
    return Decision(Answer(output=output, warning=doctor), effects)


def standing_visit(view: View, asked: Asked, mdtrt_id: int) -> VisitFact | Refusal:
    """The visit named, if it is this person's, at this institution, and not withdrawn."""
    visit = view.visits.get(mdtrt_id)
    if (
        visit is None
        or visit.row.institution != asked.institution.code
        or visit.row.kind is VisitKind.REQUEST
    ):
        return Refusal(code="VISIT_UNKNOWN", field="mdtrt_id", params={"value": shown(mdtrt_id)})
    if visit.row.psn_no != asked.person_no:
        return Refusal(code="VISIT_OF_OTHER_PERSON", field="mdtrt_id")
    if any(event.kind is EventKind.WITHDRAWN for event in visit.events):
        return Refusal(code="VISIT_WITHDRAWN", field="mdtrt_id")
    return visit


def outpatient_visit(view: View, asked: Asked, mdtrt_id: int) -> VisitFact | Refusal:
    """The same, unless it is a stay: what its events say is told by another fold."""
    visit = standing_visit(view, asked, mdtrt_id)
    if isinstance(visit, VisitFact) and visit.row.kind is VisitKind.STAY:
        return Refusal(code="VISIT_IS_STAY", field="mdtrt_id", params={"value": str(mdtrt_id)})
    return visit


def withdraw(command: WithdrawVisit, view: View, world: World, moment: Moment) -> Decision:
    """Take a registration back (2202); lines must be withdrawn first."""
    visit = visit_for(command, command.mdtrt_id, view, world, moment)
    if not isinstance(visit, VisitFact):
        return visit
    state = fold_visit(visit)
    if state.settled:
        setl_id = next(iter(state.settled.values()))
        return Decision(
            Refusal(code="VISIT_SETTLED", field="mdtrt_id", params={"setl_id": str(setl_id)})
        )
    if state.batches:
        return Decision(Refusal(code="VISIT_HAS_LINES", field="mdtrt_id"))
    return _event(command, visit, world, EventKind.WITHDRAWN, "", b"")


def describe(command: DescribeVisit, view: View, world: World, moment: Moment) -> Decision:
    """Care type, disease and diagnoses (2203); the newest description holds."""
    visit = visit_for(command, command.mdtrt_id, view, world, moment)
    if not isinstance(visit, VisitFact):
        return visit
    asked = command.asked
    description = Description(msgid=asked.msgid, care_type=command.care_type, kept=command.kept)
    record = visit_record(asked.lane, command.mdtrt_id, len(visit.events) + 1)
    payload = seal_payload(description, world.keyring, record)
    return _event(command, visit, world, EventKind.DIAGNOSIS, "", payload)


VisitCommand = WithdrawVisit | DescribeVisit | UploadLines | WithdrawLines


def visit_for(
    command: VisitCommand, mdtrt_id: int, view: View, world: World, moment: Moment
) -> VisitFact | Decision:
    """What all changes of a visit ask first: a replay, the person, the visit."""
    again = replayed(command, view, world, moment)
    if again is not None:
        return again
    person = checks.known_person(view, world, command.asked)
    if isinstance(person, Refusal):
        return Decision(person)
    visit = outpatient_visit(view, command.asked, mdtrt_id)
    return Decision(visit) if isinstance(visit, Refusal) else visit


def _event(
    command: WithdrawVisit | DescribeVisit,
    visit: VisitFact,
    world: World,
    kind: EventKind,
    batch_no: str,
    payload: bytes,
) -> Decision:
    asked = command.asked
    event = EventRow(
        lane=asked.lane, mdtrt_id=command.mdtrt_id, event_no=len(visit.events) + 1, kind=kind,
        batch_no=batch_no, setl_id=None, payload=payload,
    )  # fmt: skip
    return Decision(
        Answer(output=None),
        Effects(
            lane=asked.lane,
            person_no=asked.person_no,
            messages=(booking.message_of(asked, MessageOutcome.DONE, command.mdtrt_id),),
            events=(event,),
        ),
    )
