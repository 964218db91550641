"""Settle a stay, a segment of one, or quote either (住院结算): 2303, 2304.

The final settlement comes after the discharge; a quote may come at any time. A segment before it
(中途结算) takes what was uploaded so far; the deductible of a stay is borne once, by the segments
together, unless the policy asks for it again in a new year. Where the region splits stays
(settlement/stay_parts.py), the fees before a change of scheme, of person type or of year are a
segment too, also after the discharge. A quote stops before the booking and leaves nothing behind.
"""

from __future__ import annotations

from datetime import date, datetime, time

from settlement import keys
from settlement.claim import CareKind, Claim
from settlement.clock import Moment
from settlement.commands import SettleStay
from settlement.decision import Answer, Decision
from settlement.deposit import Spent, fold_deposits, spent, sum_of
from settlement.deposit_postings import deposit_transfers
from settlement.entitlement import CareDates
from settlement.pricing import LineTotals
from settlement.refusal import Refusal
from settlement.rows import EventKind, EventRow, MessageOutcome, SettlementRow
from settlement.stay import SegmentHead, StayState, head_text
from settlement.stay_parts import Part, next_part, whole
from settlement.translate import answers
from settlement.usecases import booking, checks, family, remote_settle
from settlement.usecases.adjudication import Adjudicated, adjudicate_stay
from settlement.usecases.deposit_returns import given_back
from settlement.usecases.remote_drafts import EXTENDED, Bill
from settlement.usecases.stays import care_type_of, said_at_admission, stay_for
from settlement.usecases.traces import joined, trace_rows
from settlement.view import Effects, PersonFacts, View, VisitFact
from settlement.world import World

_UNNUMBERED = 0
_UNCOMMITTED = bytes(32)
_STILL_IN = "尚未办理出院，按已上传的费用预结算，以出院后的结算为准"


def settle_stay(command: SettleStay, view: View, world: World, moment: Moment) -> Decision:
    """Decide a stay or a segment of it, or its quote (2303, 2304)."""
    found = stay_for(command, command.mdtrt_id, view, world, moment)
    if isinstance(found, Decision):
        return found
    visit, stands = found
    person = view.persons[command.asked.person_no]
    refused = checks.check_credential(
        command, command.credential, person, view, moment, in_stay=True
    )
    if refused is None and person.home_region:
        again = remote_settle.under_way(command, person, view, world)
        if again is not None:
            return again
    if refused is not None:
        return Decision(refused)
    part = _part(visit, stands, person, world)
    if isinstance(part, Refusal):
        return Decision(part)
    state = part.state
    refused = _settleable(command, visit, stands, part, person, world)
    if refused is None and not command.quote:
        refused = family.open_undertaking(person, command)
    if refused is not None:
        return Decision(refused)
    if person.home_region:
        return _settle_abroad(command, visit, state, person, view, world, moment)
    decided = _decide(command, visit, state, person, world, moment)
    if isinstance(decided, Refusal):
        return Decision(decided)
    stale = _check_split(command, decided.benefit.totals)
    if stale is not None:
        return Decision(stale)
    asking = family.ask_relatives(command, decided, person, view, moment, quote=command.quote)
    if asking is not None:
        return asking
    if command.quote:
        row = _row(command, decided, person, moment, _UNNUMBERED, b"", _UNCOMMITTED)
        still_in = stands.discharge is None and world.profile.discharge_before_settlement
        final = not command.mid_stay and not still_in
        money = spent(fold_deposits(visit), row.cash_fen, final=final)
        provisional = _STILL_IN if still_in and not command.mid_stay else ""
        return Decision(_answer(command, decided, row, person, world, money, provisional))
    return _book(command, decided, visit, state, view, world, moment)


def _part(
    visit: VisitFact, state: StayState, person: PersonFacts, world: World
) -> Part | Refusal:
    """What this settlement takes of a stay; of somebody insured elsewhere all that is open."""
    if person.home_region:
        return whole(state)

    def fiscal_year(scheme: str, on: date) -> int:
        policy = world.policies.find(world.region, scheme, on)
        return on.year if policy is None else policy.fiscal_year(on)

    return next_part(state, visit.row.scheme, person.enrolments, world.profile, fiscal_year)


def _settleable(
    command: SettleStay, visit: VisitFact, state: StayState, part: Part, person: PersonFacts,
    world: World,
) -> Refusal | None:  # fmt: skip
    """Not settled for good, of the scheme that rules it, discharged where it is to be final."""
    if state.final is not None:
        return checks.already_settled(state.final.setl_id)
    refused = _scheme_fits(command, visit, part, person)
    if refused is not None:
        return refused
    if not part.state.open_line_nos():
        return Refusal(code="STAY_HAS_NO_LINES", field="mdtrt_id")
    if part.until is not None:
        return _until_turn(command, part)
    if state.discharge is None and _needs_discharge(command, person, world):
        return Refusal(code="NOT_DISCHARGED", field="mdtrt_id")
    if command.mid_stay and state.discharge is not None:
        return Refusal(
            code="ALREADY_DISCHARGED", field="mid_stay",
            params={"ended_at": str(state.discharged_at)},
        )  # fmt: skip
    return None


def _needs_discharge(command: SettleStay, person: PersonFacts, world: World) -> bool:
    """Who lies in hospital is quoted at any time; another region is asked about whole stays."""
    if command.mid_stay or not world.profile.discharge_before_settlement:
        return False
    return not command.quote or bool(person.home_region)


def _scheme_fits(
    command: SettleStay, visit: VisitFact, part: Part, person: PersonFacts
) -> Refusal | None:
    """The scheme of the stay; where the region splits stays, the one that rules the part."""
    dates = part.state.dates(visit.row.begun_at.date())
    if not part.scheme:
        return checks.scheme_of_stay(
            command.scheme, visit.row.scheme, person, dates.discharged or dates.latest
        )
    if command.scheme == part.scheme:
        return None
    return Refusal(
        code="STAY_PART_OF_OTHER_SCHEME", field="scheme",
        params={
            "first": str(dates.earliest), "last": str(dates.latest), "scheme": part.scheme,
            "value": command.scheme,
        },
    )  # fmt: skip


def _until_turn(command: SettleStay, part: Part) -> Refusal | None:
    """The fees before a turn are settled by themselves, as a segment of exactly their sum."""
    total_fen = part.state.totals().total_fen
    if command.mid_stay and command.total_fen == total_fen:
        return None
    params: dict[str, str | int] = {
        "on": str(part.until), "turn": part.turn_zh, "scheme": part.scheme, "total_fen": total_fen,
    }  # fmt: skip
    if not command.mid_stay:
        return Refusal(code="STAY_TURNS", field="mid_stay", params=params)
    return Refusal(code="STAY_TURNS", field="total", params=params)


def _decide(
    command: SettleStay,
    visit: VisitFact,
    state: StayState,
    person: PersonFacts,
    world: World,
    moment: Moment,
) -> Adjudicated | Refusal:
    asked = command.asked
    dates = state.dates(visit.row.begun_at.date())
    claim = _claim(command, visit, state, dates, world)
    return adjudicate_stay(
        claim, state.totals(), dates, borne=state.borne,
        credential_kind=command.credential.kind, person=person, institution=asked.institution,
        world=world, moment=moment, family=family.accounts_of(command.pledge),
    )  # fmt: skip


def _claim(
    command: SettleStay, visit: VisitFact, state: StayState, dates: CareDates, world: World
) -> Claim:
    return Claim(
        kind=CareKind.INPATIENT,
        care_type=care_type_of(visit, state, world),
        scheme=command.scheme,
        institution_code=command.asked.institution.code,
        person_no=command.asked.person_no,
        account_use=command.account_use,
        total_fen=command.total_fen,
        service_at=_served_at(state, dates),
        lines=(),
    )


def _settle_abroad(
    command: SettleStay, visit: VisitFact, state: StayState, person: PersonFacts, view: View,
    world: World, moment: Moment,
) -> Decision:  # fmt: skip
    """The same for somebody whose region shares it, by its sums; as a whole, never in segments."""
    if command.mid_stay:
        return Decision(checks.only_at_home(person))
    totals, dates = state.totals(), state.dates(visit.row.begun_at.date())
    stale = _check_split(command, totals)
    if stale is not None:
        return Decision(stale)
    segment = str(len(state.segments) + 1)
    head = SegmentHead(final=True, covers=list(state.open), deductible_fen=0, year=0)
    bill = Bill(
        claim=_claim(command, visit, state, dates, world), totals=totals, dates=dates,
        business_key=keys.visit_key(
            command.mdtrt_id, f"segment {segment}", world.keyring.digest_key
        ),
        visit=command.mdtrt_id,
        settles=EventRow(
            lane=visit.row.lane, mdtrt_id=command.mdtrt_id, event_no=0, kind=EventKind.SETTLED,
            batch_no=segment, setl_id=None, payload=b"", head=head_text(head),
        ),
        boxes=state.open_boxes(),
        said=(said_at_admission(visit, state, world).get(EXTENDED), command.kept.get(EXTENDED)),
    )  # fmt: skip
    return remote_settle.decide(command, bill, person, view, world, moment)


def _served_at(state: StayState, dates: CareDates) -> datetime:
    """When the care was given: the discharge, or the last fee so far."""
    return state.discharged_at or datetime.combine(dates.latest, time.min)


def _check_split(command: SettleStay, totals: LineTotals) -> Refusal | None:
    """Amounts repeated from the quote must still be what the lines say."""
    names = ("fulamt_ownpay_amt", "overlmt_selfpay", "preselfpay_amt", "inscp_scp_amt")
    computed = totals.parts()
    for name, declared, actual in zip(names, command.declared_split, computed, strict=True):
        if declared is not None and declared != actual:
            return Refusal(
                code="QUOTE_STALE", field=name,
                params={"declared_fen": declared, "computed_fen": actual},
            )  # fmt: skip
    return None


def _row(
    command: SettleStay,
    decided: Adjudicated,
    person: PersonFacts,
    moment: Moment,
    setl_id: int,
    business_key: bytes,
    detail_commitment: bytes,
) -> SettlementRow:
    return booking.settlement_row(
        decided, asked=command.asked, person=person, moment=moment, setl_id=setl_id,
        mdtrt_id=command.mdtrt_id, business_key=business_key, invoice_no=command.invoice_no,
        credential_type=command.credential.kind, detail_commitment=detail_commitment,
    )  # fmt: skip


def _book(
    command: SettleStay,
    decided: Adjudicated,
    visit: VisitFact,
    state: StayState,
    view: View,
    world: World,
    moment: Moment,
) -> Decision:
    asked = command.asked
    person = view.persons[asked.person_no]
    setl_id = world.next_number(asked.lane, moment.business_day)
    segment = str(len(state.segments) + 1)
    detail = booking.detail_of(decided, (), command.kept)
    sealed = booking.seal_detail(detail, world.keyring, booking.detail_record(asked.lane, setl_id))
    key = keys.visit_key(command.mdtrt_id, f"segment {segment}", world.keyring.digest_key)
    row = _row(command, decided, person, moment, setl_id, key, sealed.commitment)
    money = spent(fold_deposits(visit), row.cash_fen, final=not command.mid_stay)
    head = SegmentHead(
        final=not command.mid_stay,
        covers=list(state.open),
        deductible_fen=row.deductible_fen,
        year=row.year,
        applied=[(part.deposit.head.number, part.amount_fen) for part in money.used],
    )
    settled = EventRow(
        lane=asked.lane, mdtrt_id=command.mdtrt_id, event_no=len(visit.events) + 1,
        kind=EventKind.SETTLED, batch_no=segment, setl_id=setl_id, payload=b"",
        head=head_text(head),
    )  # fmt: skip
    effects = Effects(
        lane=asked.lane,
        person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.SETTLEMENT, setl_id),),
        settlement=row,
        detail=sealed,
        entry=booking.settlement_entry(
            decided, row, asked, person.account, deposit_fen=sum_of(money.used),
            deposits=deposit_transfers(money.used, asked.institution.account_base),
        ),
        account_change_fen=-booking.own_account_fen(row),
        increments=decided.benefit.increments,
        latest_of_year=setl_id,
        events=(settled,),
        traces=trace_rows(state.open_boxes(), asked.lane, setl_id),
    )
    effects = family.settled_with(command, row, effects)
    effects = given_back(
        effects, visit, money.back, refund_no="", operator=asked.operator, view=view, world=world,
        moment=moment,
    )  # fmt: skip
    return Decision(_answer(command, decided, row, person, world, money), effects)


def _answer(
    command: SettleStay, decided: Adjudicated, row: SettlementRow, person: PersonFacts,
    world: World, money: Spent, provisional: str = "",
) -> Answer:  # fmt: skip
    output = answers.visit_reply(
        row, person.identity, decided.policy, world.profile, decided.benefit.shares
    )
    warning = family.warning_of(command, decided, person, quote=command.quote)
    words = joined(provisional, warning, money.words(row.cash_fen))
    return Answer(output=output, warning=words)
