"""Stays in hospital: admit, change, discharge, and take each back (2401–2405).

A stay is one row and a list of events, as a visit is; nothing is edited. What stands is the fold of
the heads of its events (settlement/stay.py). A person is in one hospital at a time.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET, UnsetType

from settlement.clock import Moment
from settlement.commands import (
    AdmitStay,
    Asked,
    ChangeStay,
    Command,
    DischargeStay,
    SettleStay,
    UploadStayLines,
    WithdrawAdmission,
    WithdrawDischarge,
    WithdrawStayLines,
)
from settlement.decision import Answer, Decision
from settlement.deposit import fold_deposits, left_of
from settlement.refusal import Refusal
from settlement.rows import EventKind, EventRow, MessageOutcome, VisitKind, VisitRow
from settlement.stay import StayState, fold_stay
from settlement.translate import rendering
from settlement.usecases import booking, checks, family, staffing, visits
from settlement.usecases.replay import replayed
from settlement.usecases.visit_payloads import (
    Admission,
    Discharge,
    open_admission,
    seal_payload,
    visit_record,
)
from settlement.view import Effects, PersonFacts, View, VisitFact
from settlement.world import World


def admit(command: AdmitStay, view: View, world: World, moment: Moment) -> Decision:
    """Open a stay (2401)."""
    again = replayed(command, view, world, moment)
    if again is not None:
        return again
    asked = command.asked
    person = checks.known_person(view, world, asked)
    if isinstance(person, Refusal):
        return Decision(person)
    refused = (
        checks.check_credential(command, command.credential, person, view, moment)
        or _admittable(command, person, moment)
        or _in_the_way(command, view)
    )
    if refused is not None:
        return Decision(refused)
    doctor = staffing.check_in_charge(command.kept, asked, command.begun_at.date(), world)
    if isinstance(doctor, Refusal):
        return Decision(doctor)
    mdtrt_id = world.next_number(asked.lane, moment.business_day)
    admission = Admission(
        msgid=asked.msgid, inpatient_no=command.inpatient_no, care_type=command.care_type,
        begun_at=command.begun_at, kept=command.kept,
    )  # fmt: skip
    row = VisitRow(
        lane=asked.lane,
        mdtrt_id=mdtrt_id,
        prior_visit=person.latest_visit,
        psn_no=asked.person_no,
        institution=asked.institution.code,
        scheme=command.scheme,
        begun_at=command.begun_at,
        payload=seal_payload(admission, world.keyring, visit_record(asked.lane, mdtrt_id, 0)),
        kind=VisitKind.STAY,
    )
    effects = Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.VISIT, mdtrt_id),),
        visit=row,
        open_stay=mdtrt_id,
    )
    output = rendering.admission_output(VisitFact(row=row, events=[]))
    return Decision(Answer(output=output, warning=doctor), effects)


def _admittable(command: AdmitStay, person: PersonFacts, moment: Moment) -> Refusal | None:
    """The scheme, the institution's approval, the time, and whether the person is in already."""
    if person.enrolment(command.scheme) is None:
        return checks.not_enrolled(command.scheme, person)
    if command.care_type not in command.asked.institution.care_types:
        return Refusal(
            code="INSTITUTION_CARE_TYPE_NOT_APPROVED", field="care_type",
            params={"value": command.care_type},
        )  # fmt: skip
    if command.begun_at > moment.local:
        return Refusal(
            code="ADMISSION_IN_FUTURE", field="begun_at",
            params={"value": str(command.begun_at)},
        )  # fmt: skip
    if person.open_stay is not None:
        return Refusal(code="STAY_OVERLAPS", params={"mdtrt_id": str(person.open_stay)})
    return None


def _in_the_way(command: AdmitStay, view: View) -> Refusal | None:
    """An earlier stay that ended only after this one begins."""
    for visit in view.visits.values():
        if visit.row.kind is not VisitKind.STAY or visit.row.psn_no != command.asked.person_no:
            continue
        state = fold_stay(visit)
        ended_at = state.discharged_at
        if not state.withdrawn and ended_at is not None and ended_at > command.begun_at:
            return Refusal(code="STAY_OVERLAPS", params={"mdtrt_id": str(visit.row.mdtrt_id)})
    return None


def change(command: ChangeStay, view: View, world: World, moment: Moment) -> Decision:
    """Say anew what was said at admission (2403); the newest holds."""
    found = stay_for(command, command.mdtrt_id, view, world, moment)
    if isinstance(found, Decision):
        return found
    visit, state = found
    if state.final is not None:
        return Decision(_settled(state))
    asked = command.asked
    doctor = staffing.check_in_charge(command.kept, asked, command.begun_at.date(), world)
    if isinstance(doctor, Refusal):
        return Decision(doctor)
    admission = Admission(
        msgid=asked.msgid, inpatient_no=command.inpatient_no, care_type=command.care_type,
        begun_at=command.begun_at, kept=command.kept,
    )  # fmt: skip
    record = visit_record(asked.lane, command.mdtrt_id, len(visit.events) + 1)
    payload = seal_payload(admission, world.keyring, record)
    return happened(command, visit, EventKind.CHANGED, payload=payload, warning=doctor)


def discharge(command: DischargeStay, view: View, world: World, moment: Moment) -> Decision:
    """The person leaves (2402)."""
    found = stay_for(command, command.mdtrt_id, view, world, moment)
    if isinstance(found, Decision):
        return found
    visit, state = found
    person = view.persons[command.asked.person_no]
    refused = _dischargeable(command, visit, state, person, moment)
    if refused is not None:
        return Decision(refused)
    asked = command.asked
    record = visit_record(asked.lane, command.mdtrt_id, len(visit.events) + 1)
    said = Discharge(msgid=asked.msgid, kept=command.kept)
    return happened(
        command, visit, EventKind.DISCHARGED, command.ended_at.isoformat(),
        payload=seal_payload(said, world.keyring, record), open_stay=None,
    )  # fmt: skip


def _dischargeable(
    command: DischargeStay, visit: VisitFact, state: StayState, person: PersonFacts, moment: Moment
) -> Refusal | None:
    if state.discharge is not None:
        return Refusal(
            code="ALREADY_DISCHARGED", field="mdtrt_id",
            params={"ended_at": str(state.discharged_at)},
        )  # fmt: skip
    refused = checks.scheme_of_stay(
        command.scheme, visit.row.scheme, person, command.ended_at.date()
    )
    if refused is not None:
        return refused
    if not visit.row.begun_at <= command.ended_at <= moment.local:
        return Refusal(
            code="DISCHARGE_TIME_WRONG", field="ended_at",
            params={"value": str(command.ended_at), "admitted": str(visit.row.begun_at)},
        )  # fmt: skip
    return None


def withdraw_discharge(
    command: WithdrawDischarge, view: View, world: World, moment: Moment
) -> Decision:
    """The discharge was a mistake (2405); not while the final settlement stands."""
    found = stay_for(command, command.mdtrt_id, view, world, moment)
    if isinstance(found, Decision):
        return found
    visit, state = found
    if state.discharge is None:
        return Decision(Refusal(code="NOT_DISCHARGED", field="mdtrt_id"))
    if state.final is not None:
        return Decision(_settled(state))
    if state.held:
        return Decision(Refusal(code="UNDERTAKING_OPEN", field="mdtrt_id"))
    person = view.persons[command.asked.person_no]
    if person.open_stay is not None:
        return Decision(Refusal(code="STAY_OVERLAPS", params={"mdtrt_id": str(person.open_stay)}))
    return happened(command, visit, EventKind.DISCHARGE_WITHDRAWN, open_stay=command.mdtrt_id)


def withdraw_admission(
    command: WithdrawAdmission, view: View, world: World, moment: Moment
) -> Decision:
    """The admission was a mistake (2404); lines and settlements must be taken back first."""
    found = stay_for(command, command.mdtrt_id, view, world, moment)
    if isinstance(found, Decision):
        return found
    visit, state = found
    if state.segments:
        return Decision(_settled(state))
    if state.event_of:
        return Decision(Refusal(code="VISIT_HAS_LINES", field="mdtrt_id"))
    refused = family.open_undertaking(view.persons[command.asked.person_no], command)
    if refused is None and left_of(fold_deposits(visit)):
        refused = Refusal(code="STAY_HAS_DEPOSITS", field="mdtrt_id")
    if refused is not None:
        return Decision(refused)
    still_in = state.discharge is None
    return happened(command, visit, EventKind.WITHDRAWN, open_stay=None if still_in else UNSET)


def _settled(state: StayState) -> Refusal:
    setl_id = str(state.segments[-1].setl_id)
    return Refusal(code="VISIT_SETTLED", field="mdtrt_id", params={"setl_id": setl_id})


StayCommand = (
    ChangeStay
    | DischargeStay
    | WithdrawDischarge
    | WithdrawAdmission
    | UploadStayLines
    | WithdrawStayLines
    | SettleStay
)


def stay_for(
    command: StayCommand, mdtrt_id: int, view: View, world: World, moment: Moment
) -> tuple[VisitFact, StayState] | Decision:
    """What all changes of a stay ask first: a replay, the person, the stay."""
    again = replayed(command, view, world, moment)
    if again is not None:
        return again
    person = checks.known_person(view, world, command.asked)
    if isinstance(person, Refusal):
        return Decision(person)
    found = standing_stay(view, command.asked, mdtrt_id)
    return Decision(found) if isinstance(found, Refusal) else found


def standing_stay(
    view: View, asked: Asked, mdtrt_id: int
) -> tuple[VisitFact, StayState] | Refusal:
    """The stay named, if it is this person's, in this hospital, and was not taken back."""
    visit = visits.standing_visit(view, asked, mdtrt_id)
    if isinstance(visit, Refusal):
        return visit
    if visit.row.kind is not VisitKind.STAY:
        return Refusal(code="VISIT_IS_NO_STAY", field="mdtrt_id", params={"value": str(mdtrt_id)})
    return visit, fold_stay(visit)


def care_type_of(visit: VisitFact, state: StayState, world: World) -> str:
    """医疗类别 of the stay, as it was said last."""
    return _admission(visit, state, world).care_type


def said_at_admission(
    visit: VisitFact, state: StayState, world: World
) -> Mapping[str, object]:
    """What else was said of the stay, last."""
    return _admission(visit, state, world).kept


def _admission(visit: VisitFact, state: StayState, world: World) -> Admission:
    row, said = visit.row, state.said
    number, payload = (0, row.payload) if said is None else (said.event_no, said.payload)
    record = visit_record(row.lane, row.mdtrt_id, number)
    return open_admission(payload, record, world.keyring)


def happened(
    command: Command,
    visit: VisitFact,
    kind: EventKind,
    *heads: str,
    payload: bytes = b"",
    open_stay: int | UnsetType | None = UNSET,
    warning: str = "",
) -> Decision:
    """One more event of a stay, or one for each head, answered with success and perhaps a warning;
    `open_stay` says where the person is now, where that changes."""
    asked = command.asked
    events = tuple(
        EventRow(
            lane=asked.lane, mdtrt_id=visit.row.mdtrt_id, event_no=len(visit.events) + n, kind=kind,
            batch_no="", setl_id=None, payload=payload, head=head,
        )
        for n, head in enumerate(heads or ("",), start=1)
    )  # fmt: skip
    effects = Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.DONE, visit.row.mdtrt_id),),
        events=events,
        open_stay=open_stay,
    )
    return Decision(Answer(output=None, warning=warning), effects)
