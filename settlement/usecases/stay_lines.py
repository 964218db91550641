"""Fee lines of a stay: uploaded day by day, taken back by negative lines or withdrawn (2301, 2302).

Lines are priced as they arrive and sealed; their sums and numbers stand in the event's head. What
takes another line back is judged and split in stay_refunds.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import partial

from msgspec import Struct

from settlement.claim import AccountUse, CareKind, Claim, ClaimLine, PricedLine
from settlement.clock import Moment
from settlement.commands import UploadStayLines, WithdrawStayLines
from settlement.decision import Answer, Decision
from settlement.policy.region import RegionProfile
from settlement.pricing import price, totals_of
from settlement.refusal import Refusal
from settlement.rows import EventKind, EventRow, MessageOutcome
from settlement.stay import NOTHING, LinesHead, StayState, head_text, negative
from settlement.stay_parts import scheme_on
from settlement.trace import marks_of
from settlement.translate import answers
from settlement.usecases import booking, mappings, staffing, stay_refunds, traces
from settlement.usecases.adjudication import terms_at_upload
from settlement.usecases.stays import happened, stay_for
from settlement.usecases.visit_payloads import (
    Upload,
    UploadedLine,
    seal_payload,
    visit_record,
)
from settlement.view import Effects, View, VisitFact
from settlement.world import World


def upload(command: UploadStayLines, view: View, world: World, moment: Moment) -> Decision:
    """More lines (2301); refused after the final settlement, allowed after a segment's."""
    found = stay_for(command, command.mdtrt_id, view, world, moment)
    if isinstance(found, Decision):
        return found
    if not command.same_visit:
        return Decision(Refusal(code="LINES_OF_SEVERAL_VISITS", field="mdtrt_id"))
    visit, state = found
    refused = _addable(command, state, moment)
    if refused is not None:
        return Decision(refused)
    before = stay_refunds.lines_before(command, visit, state, world)
    refused = stay_refunds.refundable(command, state, before)
    if refused is not None:
        return Decision(refused)
    checked = mappings.check_lines(command.lines, command.asked, view, world)
    if isinstance(checked, Refusal):
        return Decision(checked)
    said = traces.check_traces(command.traces, command.lines, view, world, state.open_boxes)
    if isinstance(said, Refusal):
        return Decision(said)
    doctors = staffing.check_lines(command.lines, command.kept_lines, command.asked, world)
    if isinstance(doctors, Refusal):
        return Decision(doctors)
    charges = _charged(command, checked.lines, visit, view, world)
    if isinstance(charges, Refusal):
        return Decision(charges)
    priced = stay_refunds.with_refunds(command, checked.lines, charges, state, before)
    asked = command.asked
    events = tuple(
        _event(command, priced, lines, len(visit.events) + n, world)
        for n, lines in enumerate(_together(command, state, world.profile), start=1)
    )
    return Decision(
        Answer(
            later=partial(answers.upload_reply, priced),
            warning=traces.joined(checked.warning, said, doctors),
        ),
        Effects(
            lane=asked.lane,
            person_no=asked.person_no,
            messages=(booking.message_of(asked, MessageOutcome.EVENT, command.mdtrt_id),),
            events=events,
        ),
    )


class _Together(Struct, frozen=True):
    """Lines of an upload that become one event, by their places in it, and the days they are of."""

    places: Sequence[int]
    first_on: date
    last_on: date


def _together(
    command: UploadStayLines, state: StayState, profile: RegionProfile
) -> list[_Together]:
    """All lines of an upload; where the region splits stays those of each day, because a day may
    turn out to be one up to which the stay is split. There a line that takes an unsettled one back
    goes with the day of that one, so that both are settled together."""
    days = [line.occurred_on for line in command.lines]
    everything = range(len(days))
    if not profile.split_stay_at:
        return [_Together(everything, min(days), max(days))]
    mine = {line.line_no: line.occurred_on for line in command.lines}
    by_day: dict[date, list[int]] = {}
    for n, original in enumerate(command.originals):
        day = mine.get(original) or state.open_day_of(original) or days[n]
        by_day.setdefault(day, []).append(n)
    return [_Together(by_day[day], day, day) for day in sorted(by_day)]


def _event(
    command: UploadStayLines, priced: Sequence[PricedLine], lines: _Together, number: int,
    world: World,
) -> EventRow:  # fmt: skip
    """The event that brings some lines of an upload."""
    asked = command.asked
    line_nos = [line.line_no for line in command.lines]
    head = LinesHead(
        msgid=asked.msgid,
        totals=totals_of([priced[n] for n in lines.places]),
        line_nos=[line_nos[n] for n in lines.places],
        refunds=[
            (line_nos[n], command.originals[n], -command.lines[n].quantity_e4)
            for n in lines.places
            if command.originals[n]
        ],
        first_on=lines.first_on,
        last_on=lines.last_on,
        traces=marks_of((one for one in command.traces if one.line in lines.places), line_nos),
    )
    uploaded = tuple(
        UploadedLine(position=n, priced=priced[n], kept=command.kept_lines[n])
        for n in lines.places
    )
    record = visit_record(asked.lane, command.mdtrt_id, number)
    return EventRow(
        lane=asked.lane, mdtrt_id=command.mdtrt_id, event_no=number, kind=EventKind.LINES,
        batch_no="", setl_id=None, head=head_text(head),
        payload=seal_payload(Upload(msgid=asked.msgid, lines=uploaded), world.keyring, record),
    )  # fmt: skip


def _addable(command: UploadStayLines, state: StayState, moment: Moment) -> Refusal | None:
    """The stay is not closed, numbers are new, dates are past."""
    if state.final is not None:
        setl_id = str(state.final.setl_id)
        return Refusal(code="STAY_SETTLED", field="mdtrt_id", params={"setl_id": setl_id})
    if state.held:
        return Refusal(code="UNDERTAKING_OPEN", field="mdtrt_id")
    seen: set[str] = set()
    for n, line in enumerate(command.lines):
        if line.line_no in state.event_of or line.line_no in seen:
            return Refusal(
                code="STAY_LINE_REPEATED", field=f"lines[{n}].line_no",
                params={"value": line.line_no},
            )  # fmt: skip
        seen.add(line.line_no)
        if line.occurred_on > moment.business_day:
            on = line.occurred_on.isoformat()
            return Refusal(code="FEE_DATE_IN_FUTURE", field="lines", params={"on": on})
    return None


def _charged(
    command: UploadStayLines, lines: tuple[ClaimLine, ...], visit: VisitFact, view: View,
    world: World,
) -> dict[str, PricedLine] | Refusal:
    """Every line that takes none back, by its number and by the scheme that rules its day: that of
    the stay, unless the region splits stays and the person has changed."""
    person, registered = view.persons[command.asked.person_no], visit.row.scheme
    if not world.profile.split_stay_at or person.home_region:
        return _charged_in(registered, command, lines, visit, view, world)
    schemes = {
        line.line_no: scheme_on(person.enrolments, registered, line.occurred_on, world.profile)
        for line in lines
    }
    charges: dict[str, PricedLine] = {}
    for scheme in dict.fromkeys(schemes.values()):
        priced = _charged_in(scheme, command, lines, visit, view, world)
        if isinstance(priced, Refusal):
            return priced
        charges |= {no: line for no, line in priced.items() if schemes[no] == scheme}
    return charges


def _charged_in(
    scheme: str, command: UploadStayLines, lines: tuple[ClaimLine, ...], visit: VisitFact,
    view: View, world: World,
) -> dict[str, PricedLine] | Refusal:  # fmt: skip
    asked = command.asked
    claim = Claim(
        kind=CareKind.INPATIENT,
        care_type="",
        scheme=scheme,
        institution_code=asked.institution.code,
        person_no=asked.person_no,
        account_use=AccountUse.NONE,
        total_fen=sum(line.amount_fen for line in command.lines),
        service_at=visit.row.begun_at,
        lines=lines,
    )
    terms = terms_at_upload(
        claim, view.persons[asked.person_no], asked.institution, world,
        max(line.occurred_on for line in command.lines),
    )  # fmt: skip
    refunds = {line.line_no for line in lines if line.quantity_e4 < 0}
    priced = price(claim, world.catalogue, asked.institution, world.profile, terms, refunds)
    if isinstance(priced, Refusal):
        return priced
    return {one.line.line_no: one for one in priced}


def withdraw_lines(
    command: WithdrawStayLines, view: View, world: World, moment: Moment
) -> Decision:
    """Lines that were uploaded by mistake (2302), as long as no settlement has them."""
    found = stay_for(command, command.mdtrt_id, view, world, moment)
    if isinstance(found, Decision):
        return found
    if not command.same_visit:
        return Decision(Refusal(code="LINES_OF_SEVERAL_VISITS", field="mdtrt_id"))
    visit, state = found
    if state.held:
        return Decision(Refusal(code="UNDERTAKING_OPEN", field="mdtrt_id"))
    names = command.line_nos
    if names is None:
        names = tuple(state.open_line_nos())
        going = [(day, state.open_on(day), line_nos) for day, line_nos in state.by_day(names)]
    else:
        refused = _withdrawable(names, state)
        if refused is not None:
            return Decision(refused)
        named = stay_refunds.lines_named(visit, state, names, world)
        going = [
            (day, totals_of([named[line_no] for line_no in line_nos]), line_nos)
            for day, line_nos in state.by_day(names)
        ]
    heads = [
        LinesHead(
            msgid=command.asked.msgid, totals=negative(totals), line_nos=line_nos, refunds=[],
            first_on=day, last_on=day,
        )
        for day, totals, line_nos in going or [(moment.business_day, NOTHING, [])]
    ]  # fmt: skip
    return happened(command, visit, EventKind.LINES_WITHDRAWN, *map(head_text, heads))


def _withdrawable(names: Sequence[str], state: StayState) -> Refusal | None:
    """Known, unsettled, and not taken back by a line that stays."""
    going = set(names)
    for n, line_no in enumerate(names):
        field = f"lines[{n}].line_no"
        params: dict[str, str | int] = {"value": line_no}
        number = state.event_of.get(line_no)
        if number is None:
            return Refusal(code="STAY_LINE_UNKNOWN", field=field, params=params)
        if number not in state.open:
            return Refusal(code="STAY_LINE_SETTLED", field=field, params=params)
    for line_no, (original, _) in state.refund_of.items():
        if original in going and line_no not in going:
            return Refusal(
                code="STAY_LINE_TAKEN_BACK", field=f"lines[{names.index(original)}].line_no",
                params={"value": original, "by": line_no},
            )  # fmt: skip
    return None
