"""Settle (结算) and quote (预结算) one charge batch of a visit: 2206, 2207.

A quote stops before the booking and leaves nothing behind. Guards come in the order in which a
caller can mend them.
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
    SettlementRow,
)
from settlement.trace import Boxes, boxes_of, marks_in
from settlement.translate import answers
from settlement.usecases import booking, checks, family, remote_settle, visits
from settlement.usecases.adjudication import Adjudicated, adjudicate_claim
from settlement.usecases.remote_drafts import EXTENDED, Bill
from settlement.usecases.replay import replayed
from settlement.usecases.traces import trace_rows
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


def settle_visit(command: SettleVisit, view: View, world: World, moment: Moment) -> Decision:
    """Decide one charge batch of a visit, or its quote (2206, 2207)."""
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
    gathered = _gather(command, state, world, visit.row.scheme)
    if isinstance(gathered, Refusal):
        return Decision(gathered)
    claim, uploaded = gathered
    if person.home_region:
        return _settle_abroad(command, claim, uploaded, visit, person, view, world, moment)
    decided = adjudicate_claim(
        claim, credential_kind=command.credential.kind, person=person,
        institution=asked.institution, world=world, moment=moment,
        family=family.accounts_of(command.pledge),
    )  # fmt: skip
    if isinstance(decided, Refusal):
        return Decision(decided)
    stale = _check_split(command, decided.benefit.totals.parts())
    if stale is not None:
        return Decision(stale)
    asking = family.ask_relatives(command, decided, person, view, moment, quote=command.quote)
    if asking is not None:
        return asking
    if command.quote:
        row = _row(command, decided, person, moment, _UNNUMBERED, _UNCOMMITTED)
        return Decision(_answer(command, decided, row, person, world))
    boxes = _boxes(state, command.batch_no)
    kept_lines = tuple(x.kept for x in uploaded)
    return _book_visit(
        command, decided, kept_lines, boxes, person, len(visit.events), world, moment
    )


def _settle_abroad(
    command: SettleVisit, claim: Claim, uploaded: Sequence[UploadedLine], visit: VisitFact,
    person: PersonFacts, view: View, world: World, moment: Moment,
) -> Decision:  # fmt: skip
    """The same for somebody whose region shares it: as the lines were priced when they came."""
    lines = tuple(x.priced for x in uploaded)
    totals = totals_of(lines)
    stale = _check_split(command, totals.parts())
    if stale is not None:
        return Decision(stale)
    state = fold_visit(visit)
    described = () if state.diagnosis is None else (
        open_description(state.diagnosis, world.keyring).kept.get(EXTENDED),
    )
    bill = Bill(
        claim=claim, totals=totals, dates=dates_of(claim), lines=lines,
        kept_lines=tuple(x.kept for x in uploaded), business_key=command.business_key,
        visit=command.mdtrt_id,
        settles=EventRow(
            lane=visit.row.lane, mdtrt_id=command.mdtrt_id, event_no=0, kind=EventKind.SETTLED,
            batch_no=command.batch_no, setl_id=None, payload=b"",
        ),
        boxes=_boxes(state, command.batch_no),
        said=(*described, command.kept.get(EXTENDED)),
    )  # fmt: skip
    return remote_settle.decide(command, bill, person, view, world, moment)


def _boxes(state: VisitState, batch_no: str) -> Boxes:
    return boxes_of(mark for event in state.batches[batch_no] for mark in marks_in(event.head))


def _row(
    command: SettleVisit,
    decided: Adjudicated,
    person: PersonFacts,
    moment: Moment,
    setl_id: int,
    detail_commitment: bytes,
) -> SettlementRow:
    return booking.settlement_row(
        decided, asked=command.asked, person=person, moment=moment, setl_id=setl_id,
        mdtrt_id=command.mdtrt_id, business_key=command.business_key, invoice_no=command.invoice_no,
        credential_type=command.credential.kind, detail_commitment=detail_commitment,
    )  # fmt: skip


def _gather(
    command: SettleVisit, state: VisitState, world: World, scheme: str
) -> tuple[Claim, Sequence[UploadedLine]] | Refusal:
    """The claim that a charge batch makes: its lines as uploaded, its care type as described."""
    events = state.batches.get(command.batch_no)
    if not events:
        return Refusal(code="BATCH_UNKNOWN", field="batch_no", params={"value": command.batch_no})
    if state.diagnosis is None:
        return Refusal(code="VISIT_NOT_DIAGNOSED", field="mdtrt_id")
    description = open_description(state.diagnosis, world.keyring)
    if description.care_type != command.care_type:
        return Refusal(
            code="CARE_TYPE_MISMATCH", field="care_type",
            params={"value": command.care_type, "described": description.care_type},
        )  # fmt: skip
    if scheme != command.scheme:
        return Refusal(
            code="SCHEME_DIFFERS", field="scheme",
            params={"value": command.scheme, "registered": scheme},
        )  # fmt: skip
    uploaded = [x for event in events for x in open_upload(event, world.keyring).lines]
    lines = tuple(x.priced.line for x in uploaded)
    asked = command.asked
    claim = Claim(
        kind=command.kind,
        care_type=command.care_type,
        scheme=command.scheme,
        institution_code=asked.institution.code,
        person_no=asked.person_no,
        account_use=command.account_use,
        total_fen=command.total_fen,
        service_at=visits.latest_fee_time(uploaded),
        lines=lines,
        disease=disease_of([line.kept for line in uploaded], description),
    )
    return claim, uploaded


def disease_of(lines: Sequence[KeptLine], description: Description) -> str:
    """The disease that the lines name, all of them the same; else that of the description."""
    for line in lines:
        named = line.extra.get(visits.DISEASE)
        if named:
            return str(named)
    return str(description.kept.get(visits.DISEASE, ""))


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


def _book_visit(
    command: SettleVisit,
    decided: Adjudicated,
    kept_lines: tuple[KeptLine, ...],
    boxes: Boxes,
    person: PersonFacts,
    event_count: int,
    world: World,
    moment: Moment,
) -> Decision:
    asked = command.asked
    setl_id = world.next_number(asked.lane, moment.business_day)
    detail = booking.detail_of(decided, kept_lines, command.kept)
    sealed = booking.seal_detail(
        detail, world.keyring, booking.detail_record(asked.lane, setl_id)
    )
    row = _row(command, decided, person, moment, setl_id, sealed.commitment)
    settled = EventRow(
        lane=asked.lane, mdtrt_id=command.mdtrt_id, event_no=event_count + 1,
        kind=EventKind.SETTLED, batch_no=command.batch_no, setl_id=setl_id, payload=b"",
    )  # fmt: skip
    effects = Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.SETTLEMENT, setl_id),),
        settlement=row,
        detail=sealed,
        entry=booking.settlement_entry(decided, row, asked, person.account),
        account_change_fen=-booking.own_account_fen(row),
        increments=decided.benefit.increments,
        latest_of_year=setl_id,
        events=(settled,),
        traces=trace_rows(boxes, asked.lane, setl_id),
    )
    effects = family.settled_with(command, row, effects)
    return Decision(_answer(command, decided, row, person, world), effects)


def _answer(
    command: SettleVisit, decided: Adjudicated, row: SettlementRow, person: PersonFacts,
    world: World,
) -> Answer:  # fmt: skip
    later = partial(
        answers.visit_reply, row, person.identity, decided.policy, world.profile,
        decided.benefit.shares,
    )  # fmt: skip
    warning = family.warning_of(command, decided, person, quote=command.quote)
    return Answer(later=later, warning=warning)
