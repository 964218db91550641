"""Settle (结算) and quote (预结算) one charge batch of a visit: 2206, 2207.

Decided in steps (usecases/steps.py). A quote stops before the booking and leaves nothing behind.
Guards come in the order in which a caller can mend them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from settlement.claim import Claim
from settlement.clock import Moment
from settlement.commands import SettleVisit
from settlement.decision import Answer, Decision
from settlement.entitlement import dates_of
from settlement.pricing import totals_of
from settlement.refusal import Refusal
from settlement.rows import (
    EventKind,
    EventRow,
    KeptLine,
    MessageOutcome,
    SealedDetail,
    SettlementRow,
)
from settlement.trace import Boxes, boxes_of, marks_in
from settlement.translate import answers
from settlement.usecases import booking, checks, family, remote_settle, visits
from settlement.usecases.adjudication import Adjudicated, adjudicate_claim
from settlement.usecases.remote_drafts import EXTENDED, Bill
from settlement.usecases.replay import replayed
from settlement.usecases.steps import Steps
from settlement.usecases.traces import trace_rows
from settlement.usecases.visit_lines import DISEASE, latest_fee_time
from settlement.usecases.visit_payloads import (
    Description,
    UploadedLine,
    open_description,
    open_upload,
)
from settlement.view import Effects, PersonFacts, View, VisitFact, VisitState, fold_visit
from settlement.world import World

_UNNUMBERED = 0
_UNCOMMITTED = bytes(32)


class Charge:
    """A charge batch on its way through the steps; what a step finds out, the next ones use."""

    __slots__ = ("claim", "command", "decided", "description", "effects", "person", "row",
                 "sealed", "setl_id", "state", "uploaded", "visit")  # fmt: skip

    command: SettleVisit
    person: PersonFacts
    visit: VisitFact
    state: VisitState
    description: Description
    uploaded: Sequence[UploadedLine]
    claim: Claim
    decided: Adjudicated
    setl_id: int
    sealed: SealedDetail
    row: SettlementRow
    effects: Effects | None

    def __init__(self, command: SettleVisit) -> None:
        self.command = command
        self.effects = None


def admit(charge: Charge, view: View, world: World, moment: Moment) -> Decision | None:
    """The message is new, person, credential and visit are right, the batch was not settled."""
    command = charge.command
    if not command.quote:
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
    if person.home_region:
        again = remote_settle.under_way(command, person, view, world)
        if again is not None:
            return again
    refused = checks.in_hospital(person, command.care_type, world)
    if refused is None and not command.quote:
        refused = family.open_undertaking(person, command)
    if refused is not None:
        return Decision(refused)
    visit = visits.outpatient_visit(view, asked, command.mdtrt_id)
    if isinstance(visit, Refusal):
        return Decision(visit)
    state = fold_visit(visit)
    settled = state.settled.get(command.batch_no)
    if settled is not None:
        return Decision(checks.already_settled(settled))
    charge.person, charge.visit, charge.state = person, visit, state
    return None


def gather(charge: Charge, view: View, world: World, moment: Moment) -> Decision | None:
    """What was said of the visit, and the lines of the batch as they were uploaded."""
    command, state, scheme = charge.command, charge.state, charge.visit.row.scheme
    events = state.batches.get(command.batch_no)
    if not events:
        params: dict[str, str | int] = {"value": command.batch_no}
        return Decision(Refusal(code="BATCH_UNKNOWN", field="batch_no", params=params))
    if state.diagnosis is None:
        return Decision(Refusal(code="VISIT_NOT_DIAGNOSED", field="mdtrt_id"))
    description = open_description(state.diagnosis, world.keyring)
    if description.care_type != command.care_type:
        params = {"value": command.care_type, "described": description.care_type}
        return Decision(Refusal(code="CARE_TYPE_MISMATCH", field="care_type", params=params))
    if scheme != command.scheme:
        params = {"value": command.scheme, "registered": scheme}
        return Decision(Refusal(code="SCHEME_DIFFERS", field="scheme", params=params))
    charge.description = description
    charge.uploaded = [
        line for event in events for line in open_upload(event, world.keyring).lines
    ]
    return None


def claim_of(charge: Charge, view: View, world: World, moment: Moment) -> None:
    """The claim that the batch makes."""
    command, uploaded = charge.command, charge.uploaded
    asked = command.asked
    charge.claim = Claim(
        kind=command.kind,
        care_type=command.care_type,
        scheme=command.scheme,
        institution_code=asked.institution.code,
        person_no=asked.person_no,
        account_use=command.account_use,
        total_fen=command.total_fen,
        service_at=latest_fee_time(uploaded),
        lines=tuple([x.priced.line for x in uploaded]),
        disease=disease_of([x.kept for x in uploaded], charge.description),
    )


def adjudicate(charge: Charge, view: View, world: World, moment: Moment) -> Decision | None:
    """Price, entitle, share; as quoted before, and as far as relatives pay."""
    command, person = charge.command, charge.person
    if person.home_region:
        return _settle_abroad(charge, view, world, moment)
    decided = adjudicate_claim(
        charge.claim, credential_kind=command.credential.kind, person=person,
        institution=command.asked.institution, world=world, moment=moment,
        family=family.accounts_of(command.pledge),
    )  # fmt: skip
    if isinstance(decided, Refusal):
        return Decision(decided)
    stale = _check_split(command, decided.benefit.totals.parts())
    if stale is not None:
        return Decision(stale)
    charge.decided = decided
    return family.ask_relatives(command, decided, person, view, moment, quote=command.quote)


def _settle_abroad(charge: Charge, view: View, world: World, moment: Moment) -> Decision:
    """The same for somebody whose region shares it: as the lines were priced when they came."""
    command, visit = charge.command, charge.visit
    lines = tuple(x.priced for x in charge.uploaded)
    totals = totals_of(lines)
    stale = _check_split(command, totals.parts())
    if stale is not None:
        return Decision(stale)
    bill = Bill(
        claim=charge.claim, totals=totals, dates=dates_of(charge.claim), lines=lines,
        kept_lines=tuple(x.kept for x in charge.uploaded), business_key=command.business_key,
        visit=command.mdtrt_id,
        settles=EventRow(
            lane=visit.row.lane, mdtrt_id=command.mdtrt_id, event_no=0, kind=EventKind.SETTLED,
            batch_no=command.batch_no, setl_id=None, payload=b"",
        ),
        boxes=_boxes(charge),
        said=(charge.description.kept.get(EXTENDED), command.kept.get(EXTENDED)),
    )  # fmt: skip
    return remote_settle.decide(command, bill, charge.person, view, world, moment)


def seal(charge: Charge, view: View, world: World, moment: Moment) -> None:
    """Give it a number, and seal what is personal; a quote gets neither."""
    command = charge.command
    if command.quote:
        charge.setl_id = _UNNUMBERED
        return
    lane = command.asked.lane
    charge.setl_id = world.next_number(lane, moment.business_day)
    detail = booking.detail_of(
        charge.decided, tuple([x.kept for x in charge.uploaded]), command.kept
    )
    charge.sealed = booking.seal_detail(
        detail, world.keyring, booking.detail_record(lane, charge.setl_id)
    )


def write_row(charge: Charge, view: View, world: World, moment: Moment) -> None:
    """The settlement row, from which every answer is rendered."""
    command = charge.command
    charge.row = booking.settlement_row(
        charge.decided, asked=command.asked, person=charge.person, moment=moment,
        setl_id=charge.setl_id, mdtrt_id=command.mdtrt_id, business_key=command.business_key,
        invoice_no=command.invoice_no, credential_type=command.credential.kind,
        detail_commitment=_UNCOMMITTED if command.quote else charge.sealed.commitment,
    )  # fmt: skip


def book(charge: Charge, view: View, world: World, moment: Moment) -> None:
    """The ledger entry, what happened to the visit, and all that is to be written."""
    command, row = charge.command, charge.row
    if command.quote:
        return
    asked = command.asked
    settled = EventRow(
        lane=asked.lane, mdtrt_id=command.mdtrt_id, event_no=len(charge.visit.events) + 1,
        kind=EventKind.SETTLED, batch_no=command.batch_no, setl_id=row.setl_id, payload=b"",
    )  # fmt: skip
    effects = Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.SETTLEMENT, row.setl_id),),
        settlement=row,
        detail=charge.sealed,
        entry=booking.settlement_entry(charge.decided, row, asked, charge.person.account),
        account_change_fen=-booking.own_account_fen(row),
        increments=charge.decided.benefit.increments,
        latest_of_year=row.setl_id,
        events=(settled,),
        traces=trace_rows(_boxes(charge), asked.lane, row.setl_id),
    )
    charge.effects = family.settled_with(command, row, effects)


def answer(charge: Charge, view: View, world: World, moment: Moment) -> Decision:
    """What the sender will read, written while the database writes."""
    command, decided, person = charge.command, charge.decided, charge.person
    later = partial(
        answers.visit_reply, charge.row, person.identity, decided.policy, world.profile,
        decided.benefit.shares,
    )  # fmt: skip
    warning = family.warning_of(command, decided, person, quote=command.quote)
    return Decision(Answer(later=later, warning=warning), charge.effects)


TOGETHER = 8
"""Each opens the lines that were uploaded before it: of more of them the first are cold again."""
STEPS = Steps(
    Charge, (admit, gather, claim_of, adjudicate, seal, write_row, book, answer), TOGETHER
)
settle_visit = STEPS.decide
"""Decide one charge batch, or its quote, by itself."""


def disease_of(lines: Sequence[KeptLine], description: Description) -> str:
    """The disease that the lines name, all of them the same; else that of the description."""
    for line in lines:
        named = line.extra.get(DISEASE)
        if named:
            return str(named)
    return str(description.kept.get(DISEASE, ""))


def _boxes(charge: Charge) -> Boxes:
    events = charge.state.batches[charge.command.batch_no]
    return boxes_of(mark for event in events for mark in marks_in(event.head))


def _check_split(
    command: SettleVisit, computed: tuple[int, int, int, int]
) -> Refusal | None:
    """The four amounts repeated from the quote must still be what the lines say."""
    if command.declared_split is None or command.declared_split == computed:
        return None
    names = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    for name, declared, actual in zip(names, command.declared_split, computed, strict=True):
        if declared != actual:
            return Refusal(
                code="QUOTE_STALE", field=name,
                params={"declared_fen": declared, "computed_fen": actual},
            )  # fmt: skip
    return None
