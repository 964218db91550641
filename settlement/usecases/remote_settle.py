"""Settle or quote the care of somebody who is insured in another region (异地就医, ADR 0033).

Our catalogue prices it, their region shares it. What is decided here is what it is asked: a case,
which a quote puts to it and forgets, and a settlement writes down first, with a hold over all that
the region may come to owe. Nothing is known of the shares yet.
"""

from __future__ import annotations

from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from ledger.entry import Entry, EntryKind
from protocol.hub.messages import Case, CaseTold
from protocol.nhsa import canonical
from settlement import chart
from settlement.clock import Moment
from settlement.commands import Asked
from settlement.decision import Answer, Decision
from settlement.elsewhere.abroad import askable
from settlement.elsewhere.remote_rows import (
    CaseDueRow,
    CaseFact,
    CaseRow,
    case_commitment,
    case_number,
    event_row,
)
from settlement.elsewhere.remote_states import OPEN, CaseEvent, Happening, look_at
from settlement.entitlement import check_institution, enrolment_on, ruling_date
from settlement.payers import payers_told
from settlement.payments.pay_commands import HoldSale
from settlement.person import Identity
from settlement.policy.region import RegionProfile
from settlement.postings import remote_hold_transfers
from settlement.refusal import Refusal
from settlement.rows import Detail, SettledLine, SettlementRow
from settlement.translate import answers
from settlement.translate import remote as words
from settlement.usecases import booking, family, remote_self_pay, visit_money
from settlement.usecases.remote_drafts import EXTENDED, Bill, Settling, draft_row, told_row
from settlement.usecases.remote_payloads import Order, Plan, open_plan, seal_plan
from settlement.usecases.traces import trace_rows
from settlement.view import Effects, PersonFacts, View
from settlement.world import World

_SALE_QUOTE = "2101"
_UNNUMBERED = 0
_UNCOMMITTED = bytes(32)


class CaseAnswer(Answer):
    """An answer to ourselves: the region of insurance is to be asked something now."""

    __slots__ = ("fact", "first", "quote", "region")

    def __init__(
        self, *, region: str, fact: CaseFact | None = None, first: bool = False,
        quote: Quoted | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.region = region
        self.fact = fact
        """as it stands once this is committed; none of a quote"""
        self.first = first
        """by this very decision: nothing was asked about it yet"""
        self.quote = quote


class Quoted(Struct, frozen=True, kw_only=True):
    """What a quote asks the region of insurance, and how its answer is shown."""

    question: Case
    region: str
    draft: SettlementRow
    identity: Identity
    lines: tuple[SettledLine, ...]
    profile: RegionProfile
    warning: str

    def row(self, told: CaseTold) -> SettlementRow:
        """What would be booked."""
        return told_row(self.draft, self.region, told)

    def show(self, told: CaseTold) -> Answer:
        """The answer at the counter, which is rendered like a settlement's."""
        row = self.row(told)
        payers = payers_told(answers.shares_of(row))
        if row.infno == _SALE_QUOTE:
            output = answers.purchase_reply(row, self.lines, self.identity, payers, self.profile)
        else:
            output = answers.visit_reply(row, self.identity, payers, self.profile)
        return Answer(output=output, warning=self.warning)


def under_way(
    command: Settling, person: PersonFacts, view: View, world: World
) -> Decision | None:
    """A case of the person that is not at its end: the message that opened it asks what became of
    it, any other has to wait (DOMAIN 13). None where nothing is under way."""
    if person.undertaking is None or command.quote:
        return None
    fact = view.cases.get(person.undertaking)
    if fact is None or not _opened_by(fact, command.asked):
        return Decision(Refusal(code="UNDERTAKING_OPEN", field="person_no"))
    plan = open_plan(fact.row.payload, world.keyring, fact.row.lane, fact.row.case_no)
    part = canonical.differs(plan.fingerprint, command.asked.fingerprint)
    if part is not None:
        return Decision(Refusal(code="MESSAGE_CONFLICT", field="msgid", params={"part": part}))
    return Decision(CaseAnswer(region=fact.row.insured_region, fact=fact.copy()))


def _opened_by(fact: CaseFact, asked: Asked) -> bool:
    row = fact.row
    return (
        (row.institution, row.infno, row.msgid)
        == (asked.institution.code, asked.infno, asked.msgid)
        and fact.standing.state in OPEN
    )  # fmt: skip


def decide(
    command: Settling, bill: Bill, person: PersonFacts, view: View, world: World, moment: Moment
) -> Decision:
    """Put the case: a quote asks and writes nothing, a settlement is held first."""
    asked, claim = command.asked, bill.claim
    on = ruling_date(claim.kind, bill.dates, world.profile, today=moment.business_day)
    if isinstance(on, Refusal):
        return Decision(on)
    refused = _chargeable(bill, person, asked, on)
    if refused is not None:
        return Decision(refused)
    if words.pays_in_advance(command.kept.get(EXTENDED)):
        return remote_self_pay.decide(command, bill, person, view, world, moment, on)
    if not asked.institution.off_site:
        return Decision(Refusal(code="INSTITUTION_NOT_OFF_SITE", field="institution_code"))
    home = askable(world.counterparts, person.home_region)
    if isinstance(home, Refusal):
        return Decision(home)
    number = world.next_number(asked.lane, moment.business_day)
    question = _question(command, bill, number, world)
    lines = tuple(map(SettledLine, bill.lines, bill.kept_lines))
    if command.quote:
        quote = Quoted(
            question=question, region=home.region, identity=person.identity, lines=lines,
            draft=draft_row(command, bill, person, world, moment, _UNNUMBERED, _UNCOMMITTED, on),
            profile=world.profile,
            warning="" if person.undertaking is None else family.PROVISIONAL,
        )  # fmt: skip
        return Decision(CaseAnswer(region=home.region, quote=quote))
    detail = Detail(lines=lines, kept=command.kept)
    sealed = booking.seal_detail(detail, world.keyring, booking.detail_record(asked.lane, number))
    row = draft_row(command, bill, person, world, moment, number, sealed.commitment, on)
    events = () if bill.settles is None else (replace(bill.settles, setl_id=number),)
    plan = Plan(
        question=question, settlement=row, detail=sealed, events=events,
        traces=trace_rows(bill.boxes, asked.lane, number) if bill.boxes else (),
        message_key=asked.message_key, fingerprint=asked.fingerprint,
        order=_order(command, world, moment),
    )  # fmt: skip
    return _opened(plan, home.region, asked, view, world, moment)


def _order(command: Settling, world: World, moment: Moment) -> Order | None:
    if not isinstance(command, HoldSale):
        return None
    pay_no = world.next_number(command.asked.lane, moment.business_day)
    return Order(counter=command.counter, pay_no=pay_no)


def _chargeable(bill: Bill, person: PersonFacts, asked: Asked, on: date) -> Refusal | None:
    claim = bill.claim
    refused = check_institution(asked.institution, claim.care_type, on)
    if refused is not None:
        return refused
    if enrolment_on(person.enrolments, claim.scheme, on) is None:
        return Refusal(
            code="NOT_ENROLLED", field="scheme", params={"value": claim.scheme}
        )
    if claim.total_fen != bill.totals.total_fen:
        params: dict[str, str | int] = {
            "declared_fen": claim.total_fen, "computed_fen": bill.totals.total_fen,
        }  # fmt: skip
        return Refusal(code="TOTAL_MISMATCH", field="total", params=params)
    if min(bill.totals.parts()) < 0:
        return Refusal(code="REFUND_EXCEEDS_CHARGES", field="lines")
    if not claim.total_fen:
        return Refusal(code="REGION_NOTHING_TO_SHARE", field="lines")
    return None


def _question(command: Settling, bill: Bill, number: int, world: World) -> Case:
    emergency, referral = words.urgency(bill.claim.care_type, bill.said)
    return words.case_of(
        case_no=case_number(world.region, number), claim=bill.claim, totals=bill.totals,
        lines=bill.lines, institution=command.asked.institution,
        credential_kind=command.credential.kind, visit_no=str(bill.visit or number),
        admitted=bill.dates.admitted, discharged=bill.dates.discharged, emergency=emergency,
        referral=referral,
    )  # fmt: skip


def _opened(
    plan: Plan, region: str, asked: Asked, view: View, world: World, moment: Moment
) -> Decision:
    """The case, its first event, and the pending entry: one commit, before the first byte."""
    row = plan.settlement
    case = CaseRow(
        lane=row.lane, case_no=row.setl_id,
        hold_id=world.next_number(row.lane, moment.business_day), opened_at=moment.at,
        psn_no=row.psn_no, institution=row.institution, insured_region=region, infno=row.infno,
        msgid=row.msgid, mdtrt_id=row.mdtrt_id, total_fen=row.total_fen,
        payload=seal_plan(plan, world.keyring, row.lane, row.setl_id),
    )  # fmt: skip
    event = CaseEvent(number=1, happening=Happening.ASKED, at=moment.at)
    fact = CaseFact(row=case, events=[event])
    effects = Effects(
        lane=row.lane,
        person_no=row.psn_no,
        messages=(),
        entry=held_entry(case, world),
        undertaking=case.case_no,
        events=visit_money.numbered(visit_money.held(plan.events), view),
        cases=(case,),
        case_events=(event_row(case, event),),
        case_due=(due_row(fact, moment),),
    )
    return Decision(CaseAnswer(region=region, fact=fact, first=True), effects)


def held_entry(case: CaseRow, world: World) -> Entry:
    """The pending entry of a case."""
    return Entry(
        lane=case.lane, entry_id=case.hold_id, kind=EntryKind.PENDING,
        code=chart.EntryCode.REGION_HOLD,
        transfers=remote_hold_transfers(
            total_fen=case.total_fen,
            region_base=world.counterparts[case.insured_region].account_base,
            institution_base=world.institutions[case.institution].account_base,
        ),
        commitment=case_commitment(case),
    )  # fmt: skip


def due_row(fact: CaseFact, moment: Moment) -> CaseDueRow:
    """When somebody looks at a case next."""
    row = fact.row
    return CaseDueRow(
        lane=row.lane, case_no=row.case_no, due_at=look_at(fact.standing, moment.at)
    )
