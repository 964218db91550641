"""People of ours who are treated in another region (异地就医): a case is shared by our policy, and
what became of one is told (ADR 0033).

A settlement for another region is one like any other: in the person's lane, on their accumulators,
one at a time, taken back in the region's order. Its case comes priced. A case that is refused can
never be settled any more: a copy of the question may still be on its way, and whoever heard the
refusal has let the patient go.
"""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from ledger.entry import Entry, EntryKind
from protocol.hub.messages import Case, CaseState, StatusTold
from protocol.hub.post import WINDOW_SECONDS
from protocol.nhsa import canonical
from settlement import chart
from settlement.claim import AccountUse, Claim
from settlement.clock import CHINA, Moment
from settlement.decision import Answer, Decision
from settlement.elsewhere.home_commands import FindCase, HomeCommand, ShareCase
from settlement.elsewhere.home_rows import HomeCaseRow
from settlement.elsewhere.home_states import NEXT, SAME, Ask, HomeState
from settlement.entitlement import CareDates
from settlement.postings import elsewhere_transfers, undone
from settlement.refusal import Refusal
from settlement.rows import MessageOutcome, RowKind, SettlementRow, commitment
from settlement.translate import home_cases as told
from settlement.translate.answers import shares_of
from settlement.translate.rendering import policy_of
from settlement.usecases import booking, checks, family
from settlement.usecases.adjudication import Adjudicated, adjudicate_elsewhere
from settlement.usecases.filed_elsewhere import Elsewhere, where_is
from settlement.usecases.home_checks import (
    check_case,
    family_of,
    our_person,
    region_is_open,
    totals_of,
)
from settlement.usecases.home_tombstones import never, why_never
from settlement.view import Effects, PersonFacts, SettlementFact, View
from settlement.world import World

_UNNUMBERED = 0
_UNCOMMITTED = bytes(32)
_STATE_OF = {
    None: HomeState.SETTLED, RowKind.CANCEL: HomeState.CANCELLED,
    RowKind.REVERSE: HomeState.REVERSED,
}  # fmt: skip
_TOLD_STATE = {
    HomeState.NONE: CaseState.UNKNOWN, HomeState.SETTLED: CaseState.SETTLED,
    HomeState.CANCELLED: CaseState.CANCELLED, HomeState.REVERSED: CaseState.REVERSED,
    HomeState.TOMBSTONE: CaseState.REVERSED,
}  # fmt: skip


def share(command: ShareCase, view: View, world: World, moment: Moment) -> Decision:
    """Settle a case, or quote it."""
    if command.quote:
        return _quote(command, view, world, moment)
    state, fact = state_of(command, view)
    follows = NEXT[state, Ask.SETTLE]
    if follows is HomeState.SETTLED:
        return _settle(command, view, world, moment)
    asked = command.asked
    first = view.messages[asked.lane, command.case_key]
    if state is HomeState.TOMBSTONE:
        return Decision(why_never(first, asked, command.case_key, world.keyring))
    if follows is not SAME or fact is None:
        return Decision(Refusal(code=follows, field="case_no"))
    part = canonical.differs(first.fingerprint, asked.fingerprint)
    if part is not None:
        return Decision(Refusal(code="CASE_CONFLICT", field="case_no", params={"part": part}))
    output = told.settled_told(fact, policy_of(fact.row, world))
    return Decision(Answer(output=output, replayed=True))


def find(command: FindCase, view: View, world: World, moment: Moment) -> Decision:
    """What became of a case."""
    state, fact = state_of(command, view)
    if fact is not None and fact.row.psn_no != command.asked.person_no:
        return Decision(Refusal(code="CASE_OTHER_PERSON", field="person_no"))
    case, cancelled = None, None
    if fact is not None and state is not HomeState.REVERSED:
        case = told.settled_told(fact, policy_of(fact.row, world))
    if fact is not None and state is HomeState.CANCELLED:
        cancelled = told.cancel_told(undoing_row_of(fact, view), command.case_no)
    return Decision(
        Answer(
            output=StatusTold(
                case_no=command.case_no, state=_TOLD_STATE[state], case=case, cancel=cancelled
            )
        )
    )


def state_of(command: HomeCommand, view: View) -> tuple[HomeState, SettlementFact | None]:
    """Where a case stands, with its settlement where there was one."""
    message = view.messages.get((command.asked.lane, command.case_key))
    if message is None:
        return HomeState.NONE, None
    if message.outcome is MessageOutcome.TOMBSTONE:
        return HomeState.TOMBSTONE, None
    fact = view.settlements[message.ref]
    return _STATE_OF[fact.undone_kind], fact


def undoing_row_of(fact: SettlementFact, view: View) -> SettlementRow:
    """The row that took a case back."""
    return view.settlements[fact.undone_by or _UNNUMBERED].row


def elsewhere_entry(
    row: SettlementRow, case: SettlementRow, region_base: int, account: int
) -> Entry:
    """The ledger entry of a row for another region: of a case, or of what takes a `case` back. It
    commits to the whole row."""
    transfers = elsewhere_transfers(
        funds=booking.fund_legs(shares_of(case)), account_fen=case.account_fen,
        rest_fen=case.cash_fen + case.hospital_fen, region_base=region_base,
        personal_account=account,
    )  # fmt: skip
    return Entry(
        lane=row.lane, entry_id=row.setl_id, kind=EntryKind.SINGLE,
        code=chart.EntryCode.TREATED_ELSEWHERE,
        transfers=transfers if row is case else undone(transfers), commitment=commitment(row),
    )  # fmt: skip


def _quote(command: ShareCase, view: View, world: World, moment: Moment) -> Decision:
    decided = _decide(command, view, world, moment)
    if isinstance(decided, Refusal):
        return Decision(decided)
    person = view.persons[command.asked.person_no]
    row = _row(command, decided, person, moment, _UNNUMBERED, _UNCOMMITTED)
    return Decision(Answer(output=told.case_told(row, decided.case.filing, decided.policy)))


def _settle(command: ShareCase, view: View, world: World, moment: Moment) -> Decision:
    """Book a case that is new, or see to it that it stays refused."""
    decided = _decide(command, view, world, moment)
    if isinstance(decided, Refusal):
        kept_out = never(command.asked, command.case_key, moment, world.keyring, decided)
        return Decision(decided, kept_out)
    asked = command.asked
    person = view.persons[asked.person_no]
    setl_id = world.next_number(asked.lane, moment.business_day)
    detail = booking.detail_of(decided, (), {"case": msgspec.to_builtins(command.case)})
    sealed = booking.seal_detail(detail, world.keyring, booking.detail_record(asked.lane, setl_id))
    row = _row(command, decided, person, moment, setl_id, sealed.commitment)
    effects = Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.HOME_CASE, setl_id),),
        settlement=row,
        detail=sealed,
        entry=elsewhere_entry(row, row, asked.institution.account_base, person.account),
        account_change_fen=-row.account_fen,
        increments=decided.benefit.increments,
        latest_of_year=setl_id,
        home_case=_beside(command, row, decided.case.filing),
    )
    output = told.case_told(row, decided.case.filing, decided.policy)
    return Decision(Answer(output=output), effects)


def _decide(
    command: ShareCase, view: View, world: World, moment: Moment
) -> Adjudicated | Refusal:
    """The region may ask, the case adds up, the person is ours and free; then our policy."""
    asked, case = command.asked, command.case
    refused = region_is_open(asked, world)
    refused = refused or check_case(case, asked.institution.code, quote=command.quote)
    if refused is not None:
        return refused
    person = our_person(view, world, asked)
    if isinstance(person, Refusal):
        return person
    refused = checks.in_hospital(person, case.care_type, world)
    if refused is None and not command.quote:
        refused = family.open_undertaking(person, command)
    if refused is not None:
        return refused
    standing = view.standing.get(command.business_key)
    if standing is not None and not command.quote:
        return checks.already_settled(standing)
    claim = _claim(command)
    dates = _dates(case, claim)
    place = Elsewhere(
        area=case.institution.region, where=where_is(case.institution.region, world.region),
        emergency=case.emergency, first_on=dates.admitted or dates.earliest, last_on=dates.latest,
    )  # fmt: skip
    return adjudicate_elsewhere(
        claim, totals_of(case), dates, place,
        credential_kind=case.credential_kind, person=person, institution=asked.institution,
        world=world, today=_today(moment, dates.latest),
    )  # fmt: skip


def _today(moment: Moment, latest: date) -> date:
    """Our business day; where care is of a day that has begun there and, as far as clocks may be
    apart, not yet here, that one."""
    ahead = (moment.local + timedelta(seconds=WINDOW_SECONDS)).date()
    return latest if moment.business_day < latest <= ahead else moment.business_day


def _claim(command: ShareCase) -> Claim:
    """The claim that a case makes; its lines were priced there, and are kept as they came."""
    case = command.case
    service_at = case.service_at
    if service_at.tzinfo is not None:
        service_at = service_at.astimezone(CHINA).replace(tzinfo=None)
    return Claim(
        kind=family_of(case), care_type=case.care_type, scheme=case.scheme,
        institution_code=case.institution.code, person_no=case.person_no,
        account_use=AccountUse(case.account_use), total_fen=case.total_fen,
        service_at=service_at, lines=(), disease=case.disease,
    )  # fmt: skip


def _dates(case: Case, claim: Claim) -> CareDates:
    """Of the lines where there are some; else care was given at one time, or from admission to
    discharge. What is old is counted from a stay's discharge."""
    days = [line.occurred_on for line in case.lines]
    latest = case.discharged_on or claim.service_at.date()
    if case.admitted_on is not None:
        return CareDates(latest, latest, case.admitted_on, case.discharged_on)
    return CareDates(min(days, default=latest), max(days, default=latest))


def _row(
    command: ShareCase, decided: Adjudicated, person: PersonFacts, moment: Moment, setl_id: int,
    detail_commitment: bytes,
) -> SettlementRow:  # fmt: skip
    return booking.settlement_row(
        decided, asked=command.asked, person=person, moment=moment, setl_id=setl_id,
        mdtrt_id=setl_id, business_key=command.business_key, invoice_no="",
        credential_type=command.case.credential_kind, detail_commitment=detail_commitment,
    )  # fmt: skip


def _beside(command: ShareCase, row: SettlementRow, filing: str) -> HomeCaseRow:
    case = command.case
    return HomeCaseRow(
        lane=row.lane, setl_id=row.setl_id, setl_on=row.business_day,
        treated_region=row.institution, case_no=case.case_no, institution=case.institution.code,
        institution_name=case.institution.name, visit_no=case.visit_no, filing=filing,
    )  # fmt: skip
