"""Outpatient visits: register, describe, upload fee lines, and take each back (2201–2205).

A visit is one row and a list of events; nothing is edited. What stands is the fold of its events.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from settlement.claim import AccountUse, CareKind, Claim
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
from settlement.pricing import price
from settlement.refusal import Refusal
from settlement.rows import EventKind, EventRow, MessageOutcome, VisitKind, VisitRow
from settlement.trace import Boxes, boxes_of, marks_in, marks_of, marks_text
from settlement.translate import answers, rendering
from settlement.usecases import booking, checks, mappings, staffing, traces
from settlement.usecases.adjudication import terms_at_upload
from settlement.usecases.replay import replayed
from settlement.usecases.visit_payloads import (
    Description,
    Registration,
    Upload,
    UploadedLine,
    open_upload,
    seal_payload,
    visit_record,
)
from settlement.view import Effects, View, VisitFact, VisitState, fold_visit
from settlement.world import World

DISEASE = "dise_codg"
"""The one kept field of a line that is compared (病种编码)."""


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
    visit = _visit_for(command, command.mdtrt_id, view, world, moment)
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
    visit = _visit_for(command, command.mdtrt_id, view, world, moment)
    if not isinstance(visit, VisitFact):
        return visit
    asked = command.asked
    description = Description(msgid=asked.msgid, care_type=command.care_type, kept=command.kept)
    record = visit_record(asked.lane, command.mdtrt_id, len(visit.events) + 1)
    payload = seal_payload(description, world.keyring, record)
    return _event(command, visit, world, EventKind.DIAGNOSIS, "", payload)


def upload(command: UploadLines, view: View, world: World, moment: Moment) -> Decision:
    """Fee lines (2204), priced as they arrive; line numbers are unique within a visit."""
    if not command.same_visit:
        return Decision(Refusal(code="LINES_OF_SEVERAL_VISITS", field="mdtrt_id"))
    visit = _visit_for(command, command.mdtrt_id, view, world, moment)
    if not isinstance(visit, VisitFact):
        return visit
    state = fold_visit(visit)
    for batch_no in command.batches:
        if batch_no in state.settled:
            setl_id = str(state.settled[batch_no])
            return Decision(
                Refusal(code="BATCH_SETTLED", field="batch_no",
                        params={"value": batch_no, "setl_id": setl_id})
            )  # fmt: skip
    clash = _held(command.batches, state) or _clash(command, state, world)
    if clash is not None:
        return Decision(clash)
    asked = command.asked
    checked = mappings.check_lines(command.lines, asked, view, world)
    if isinstance(checked, Refusal):
        return Decision(checked)
    mine = partial(unsettled_boxes, state)
    said = traces.check_traces(command.traces, command.lines, view, world, mine)
    if isinstance(said, Refusal):
        return Decision(said)
    doctors = staffing.check_lines(command.lines, command.kept_lines, asked, world)
    if isinstance(doctors, Refusal):
        return Decision(doctors)
    claim = Claim(
        kind=CareKind.OUTPATIENT,
        care_type="",
        scheme=visit.row.scheme,
        institution_code=asked.institution.code,
        person_no=asked.person_no,
        account_use=AccountUse.NONE,
        total_fen=sum(line.amount_fen for line in command.lines),
        service_at=visit.row.begun_at,
        lines=checked.lines,
    )
    on = max(line.occurred_on for line in claim.lines)
    terms = terms_at_upload(
        claim, view.persons[asked.person_no], asked.institution, world, on
    )
    priced = price(claim, world.catalogue, asked.institution, world.profile, terms)
    if isinstance(priced, Refusal):
        return Decision(priced)
    uploaded = [
        UploadedLine(position=n, priced=line, kept=kept)
        for n, (line, kept) in enumerate(zip(priced, command.kept_lines, strict=True))
    ]
    return Decision(
        Answer(
            output=answers.upload_reply(priced),
            warning=traces.joined(checked.warning, said, doctors),
        ),
        Effects(
            lane=asked.lane,
            person_no=asked.person_no,
            messages=(booking.message_of(asked, MessageOutcome.EVENT, command.mdtrt_id),),
            events=_upload_events(command, uploaded, len(visit.events), world),
        ),
    )


def _upload_events(
    command: UploadLines, uploaded: list[UploadedLine], event_count: int, world: World
) -> tuple[EventRow, ...]:
    """One event a charge batch, in the order of first appearance."""
    by_batch: dict[str, list[UploadedLine]] = {}
    for batch_no, line in zip(command.batches, uploaded, strict=True):
        by_batch.setdefault(batch_no, []).append(line)
    asked = command.asked
    events = []
    for n, (batch_no, lines) in enumerate(by_batch.items(), event_count + 1):
        record = visit_record(asked.lane, command.mdtrt_id, n)
        payload = seal_payload(Upload(msgid=asked.msgid, lines=tuple(lines)), world.keyring, record)
        events.append(
            EventRow(
                lane=asked.lane,
                mdtrt_id=command.mdtrt_id,
                event_no=n,
                kind=EventKind.LINES,
                batch_no=batch_no,
                setl_id=None,
                payload=payload,
                head=_head(command, batch_no),
            )
        )
    return tuple(events)


def _head(command: UploadLines, batch_no: str) -> str:
    """The drug trace codes of a charge batch, which its settlement will book as sold."""
    here = [
        trace
        for trace in command.traces
        if command.batches[trace.line] == batch_no and command.lines[trace.line].quantity_e4 > 0
    ]
    return marks_text(marks_of(here, [line.line_no for line in command.lines]))


def _held(batches: Iterable[str], state: VisitState) -> Refusal | None:
    """A payment under way is to settle one of these charge batches."""
    if state.held.keys().isdisjoint(batches):
        return None
    return Refusal(code="UNDERTAKING_OPEN", field="batch_no")


def unsettled_boxes(state: VisitState) -> Boxes:
    """The boxes of drugs on a visit's lines that are not settled."""
    return boxes_of(
        mark
        for batch_no, events in state.batches.items()
        if batch_no not in state.settled
        for event in events
        for mark in marks_in(event.head)
    )


def _clash(command: UploadLines, state: VisitState, world: World) -> Refusal | None:
    """New lines against those that stand: a number counts once a visit, a charge batch has one
    disease (section 3, 2204)."""
    mine = {line.line_no for line in command.lines}
    diseases: dict[str, object] = {}
    for events in state.batches.values():
        for event in events:
            for line in open_upload(event, world.keyring).lines:
                line_no = line.priced.line.line_no
                if line_no in mine:
                    return Refusal(
                        code="BATCH_LINE_REPEATED", field="line_no", params={"value": line_no}
                    )
                diseases.setdefault(event.batch_no, line.kept.extra.get(DISEASE))
    for n, (batch_no, kept) in enumerate(zip(command.batches, command.kept_lines, strict=True)):
        disease = kept.extra.get(DISEASE)
        if diseases.setdefault(batch_no, disease) != disease:
            return Refusal(code="BATCH_DISEASE_DIFFERS", field=f"lines[{n}].disease")
    return None


def withdraw_lines(command: WithdrawLines, view: View, world: World, moment: Moment) -> Decision:
    """Take lines back (2205): one charge batch, or every line not yet settled."""
    visit = _visit_for(command, command.mdtrt_id, view, world, moment)
    if not isinstance(visit, VisitFact):
        return visit
    state = fold_visit(visit)
    wanted = command.batch_no
    if wanted is not None and wanted not in state.batches:
        return Decision(Refusal(code="BATCH_UNKNOWN", field="batch_no", params={"value": wanted}))
    if wanted is not None and wanted in state.settled:
        return Decision(
            Refusal(code="BATCH_SETTLED", field="batch_no",
                    params={"value": wanted, "setl_id": str(state.settled[wanted])})
        )  # fmt: skip
    batches = (
        [wanted] if wanted is not None else [b for b in state.batches if b not in state.settled]
    )
    held = _held(batches, state)
    if held is not None:
        return Decision(held)
    asked = command.asked
    events = tuple(
        EventRow(
            lane=asked.lane, mdtrt_id=command.mdtrt_id, event_no=n,
            kind=EventKind.LINES_WITHDRAWN, batch_no=batch_no, setl_id=None, payload=b"",
        )
        for n, batch_no in enumerate(batches, len(visit.events) + 1)
    )  # fmt: skip
    return Decision(
        Answer(output=None),
        Effects(
            lane=asked.lane,
            person_no=asked.person_no,
            messages=(booking.message_of(asked, MessageOutcome.DONE, command.mdtrt_id),),
            events=events,
        ),
    )


def latest_fee_time(lines: Iterable[UploadedLine]) -> datetime:
    """When the care of a batch was given: its latest fee."""
    return max(datetime.fromisoformat(line.kept.occurred_at) for line in lines)


VisitCommand = WithdrawVisit | DescribeVisit | UploadLines | WithdrawLines


def _visit_for(
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
