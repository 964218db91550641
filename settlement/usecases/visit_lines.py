"""Fee lines of outpatient visits: upload them, take them back (2204, 2205).

An upload is priced as it arrives, and decided in steps (usecases/steps.py). Its answer is written
while the database has it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import partial

from settlement.claim import AccountUse, CareKind, Claim, ClaimLine, PricedLine
from settlement.clock import Moment
from settlement.commands import UploadLines, WithdrawLines
from settlement.decision import Answer, Decision
from settlement.pricing import price
from settlement.refusal import Refusal
from settlement.rows import EventKind, EventRow, MessageOutcome
from settlement.trace import Boxes, boxes_of, marks_in, marks_of, marks_text
from settlement.translate import answers
from settlement.usecases import booking, mappings, staffing, traces
from settlement.usecases.adjudication import terms_at_upload
from settlement.usecases.steps import Steps
from settlement.usecases.visit_payloads import (
    Upload,
    UploadedLine,
    open_upload,
    seal_payload,
    visit_record,
)
from settlement.usecases.visits import visit_for
from settlement.view import Effects, View, VisitFact, VisitState, fold_visit
from settlement.world import World

DISEASE = "dise_codg"
"""The one kept field of a line that is compared (病种编码)."""


class Arrival:
    """An upload on its way through the steps; what a step finds out, the next ones use."""

    __slots__ = ("command", "events", "lines", "priced", "state", "visit", "warning")

    command: UploadLines
    visit: VisitFact
    state: VisitState
    lines: tuple[ClaimLine, ...]
    priced: tuple[PricedLine, ...]
    events: tuple[EventRow, ...]
    warning: str

    def __init__(self, command: UploadLines) -> None:
        self.command = command


def admit(arrival: Arrival, view: View, world: World, moment: Moment) -> Decision | None:
    """One visit, which stands; line numbers are unique within it, its batches open."""
    command = arrival.command
    if not command.same_visit:
        return Decision(Refusal(code="LINES_OF_SEVERAL_VISITS", field="mdtrt_id"))
    visit = visit_for(command, command.mdtrt_id, view, world, moment)
    if not isinstance(visit, VisitFact):
        return visit
    state = fold_visit(visit)
    for batch_no in command.batches:
        if batch_no in state.settled:
            return Decision(_settled(batch_no, state))
    clash = _held(command.batches, state) or _clash(command, state, world)
    if clash is not None:
        return Decision(clash)
    arrival.visit, arrival.state = visit, state
    return None


def check(arrival: Arrival, view: View, world: World, moment: Moment) -> Decision | None:
    """Mappings, drug trace codes and doctors, as far as the region looks at them."""
    command = arrival.command
    checked = mappings.check_lines(command.lines, command.asked, view, world)
    if isinstance(checked, Refusal):
        return Decision(checked)
    mine = partial(unsettled_boxes, arrival.state)
    said = traces.check_traces(command.traces, command.lines, view, world, mine)
    if isinstance(said, Refusal):
        return Decision(said)
    doctors = staffing.check_lines(command.lines, command.kept_lines, command.asked, world)
    if isinstance(doctors, Refusal):
        return Decision(doctors)
    arrival.lines = checked.lines
    arrival.warning = traces.joined(checked.warning, said, doctors)
    return None


def price_lines(arrival: Arrival, view: View, world: World, moment: Moment) -> Decision | None:
    """What each line alone decides of its split."""
    command, row = arrival.command, arrival.visit.row
    asked = command.asked
    claim = Claim(
        kind=CareKind.OUTPATIENT,
        care_type="",
        scheme=row.scheme,
        institution_code=asked.institution.code,
        person_no=asked.person_no,
        account_use=AccountUse.NONE,
        total_fen=sum([line.amount_fen for line in command.lines]),
        service_at=row.begun_at,
        lines=arrival.lines,
    )
    on = max([line.occurred_on for line in claim.lines])
    terms = terms_at_upload(claim, view.persons[asked.person_no], asked.institution, world, on)
    priced = price(claim, world.catalogue, asked.institution, world.profile, terms)
    if isinstance(priced, Refusal):
        return Decision(priced)
    arrival.priced = priced
    return None


def seal(arrival: Arrival, view: View, world: World, moment: Moment) -> None:
    """One event a charge batch, in the order of first appearance, its lines sealed."""
    command = arrival.command
    by_batch: dict[str, list[UploadedLine]] = {}
    lines = map(UploadedLine, range(len(arrival.priced)), arrival.priced, command.kept_lines)
    for batch_no, line in zip(command.batches, lines, strict=True):
        by_batch.setdefault(batch_no, []).append(line)
    lane, msgid = command.asked.lane, command.asked.msgid
    first = len(arrival.visit.events) + 1
    arrival.events = tuple([
        EventRow(
            lane=lane, mdtrt_id=command.mdtrt_id, event_no=n, kind=EventKind.LINES,
            batch_no=batch_no, setl_id=None, head=_head(command, batch_no),
            payload=seal_payload(
                Upload(msgid=msgid, lines=tuple(uploaded)), world.keyring,
                visit_record(lane, command.mdtrt_id, n),
            ),
        )
        for n, (batch_no, uploaded) in enumerate(by_batch.items(), first)
    ])  # fmt: skip


def answer(arrival: Arrival, view: View, world: World, moment: Moment) -> Decision:
    """How each line is split, and what is to be written."""
    command = arrival.command
    asked = command.asked
    later = partial(answers.upload_reply, arrival.priced)
    return Decision(
        Answer(later=later, warning=arrival.warning),
        Effects(
            lane=asked.lane,
            person_no=asked.person_no,
            messages=(booking.message_of(asked, MessageOutcome.EVENT, command.mdtrt_id),),
            events=arrival.events,
        ),
    )


TOGETHER = 8
"""As in usecases/settle.py: each brings many lines."""
STEPS = Steps(Arrival, (admit, check, price_lines, seal, answer), TOGETHER)
upload = STEPS.decide
"""Decide one upload by itself."""


def withdraw_lines(command: WithdrawLines, view: View, world: World, moment: Moment) -> Decision:
    """Take lines back (2205): one charge batch, or every line not yet settled."""
    visit = visit_for(command, command.mdtrt_id, view, world, moment)
    if not isinstance(visit, VisitFact):
        return visit
    state = fold_visit(visit)
    wanted = command.batch_no
    if wanted is not None and wanted not in state.batches:
        return Decision(Refusal(code="BATCH_UNKNOWN", field="batch_no", params={"value": wanted}))
    if wanted is not None and wanted in state.settled:
        return Decision(_settled(wanted, state))
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
    return max([datetime.fromisoformat(line.kept.occurred_at) for line in lines])


def unsettled_boxes(state: VisitState) -> Boxes:
    """The boxes of drugs on a visit's lines that are not settled."""
    return boxes_of(
        mark
        for batch_no, events in state.batches.items()
        if batch_no not in state.settled
        for event in events
        for mark in marks_in(event.head)
    )


def _settled(batch_no: str, state: VisitState) -> Refusal:
    params: dict[str, str | int] = {
        "value": batch_no, "setl_id": str(state.settled[batch_no]),
    }  # fmt: skip
    return Refusal(code="BATCH_SETTLED", field="batch_no", params=params)


def _held(batches: Iterable[str], state: VisitState) -> Refusal | None:
    """A payment under way is to settle one of these charge batches."""
    if state.held.keys().isdisjoint(batches):
        return None
    return Refusal(code="UNDERTAKING_OPEN", field="batch_no")


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


def _head(command: UploadLines, batch_no: str) -> str:
    """The drug trace codes of a charge batch, which its settlement will book as sold."""
    if not command.traces:
        return ""
    here = [
        trace
        for trace in command.traces
        if command.batches[trace.line] == batch_no and command.lines[trace.line].quantity_e4 > 0
    ]
    return marks_text(marks_of(here, [line.line_no for line in command.lines]))
