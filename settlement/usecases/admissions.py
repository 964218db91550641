"""Admission from the patient's phone, confirmed by the ward (微信入院登记).

A request comes with a first deposit, which a channel collects as it does any. The ward admits by
what 2401 says: the stay begins, and the deposit is the stay's, in one commit. Where the ward
refuses, or does not answer in time, the deposit goes back (ADR 0030).
"""

from __future__ import annotations

from msgspec.structs import replace

from settlement.clock import Moment
from settlement.decision import Answer, Decision
from settlement.deposit import Deposit, fold_deposits, left_of, taken
from settlement.deposit_postings import deposit_held_transfers
from settlement.payments.admission import admitted_as, expires_at, is_open
from settlement.payments.pay_commands import ConfirmAdmission, ExpireRequest, RequestAdmission
from settlement.refusal import Refusal
from settlement.rows import EventKind, EventRow, VisitKind, VisitRow
from settlement.stay import head_text
from settlement.translate import deposits as said
from settlement.usecases import checks, family, stays, visit_money
from settlement.usecases.deposit_returns import given_back
from settlement.usecases.paying import PayAnswer, begin, order_again
from settlement.usecases.payment_payloads import Plan
from settlement.usecases.visit_payloads import AdmissionRequested, seal_payload, visit_record
from settlement.view import Effects, PersonFacts, View, VisitFact
from settlement.world import World

LATE = "expired"
"""Why a request ended that nobody answered."""


def request(command: RequestAdmission, view: View, world: World, moment: Moment) -> Decision:
    """Ask for a stay, and hold the first deposit."""
    again = order_again(command, command.till, view, world, moment)
    if again is not None:
        return again
    asked = command.asked
    person = checks.known_person(view, world, asked)
    if isinstance(person, Refusal):
        return Decision(person)
    refused = checks.check_credential(
        command, command.credential, person, view, moment
    ) or _askable(command, person)
    if refused is not None:
        return Decision(refused)
    if command.till is None and not command.counter.on_phone:
        return Decision(Refusal(code="PAY_CODE_MISSING", field="pay_code"))
    row = _row(command, person, world, moment)
    plan = Plan(
        transfers=deposit_held_transfers(
            amount_fen=command.amount_fen, institution_base=asked.institution.account_base
        ),
        counter=command.counter, deposit=True,
    )  # fmt: skip
    held = begin(
        command, command.till, command.amount_fen, plan, 0, world, moment, visit=row.mdtrt_id
    )
    if held.effects is None:
        return held
    return Decision(held.reply, replace(held.effects, visit=row))


def _askable(command: RequestAdmission, person: PersonFacts) -> Refusal | None:
    """The scheme, whether the person is in hospital already, and whether it is a deposit."""
    if person.enrolment(command.scheme) is None:
        return checks.not_enrolled(command.scheme, person)
    if person.open_stay is not None:
        return Refusal(code="STAY_OVERLAPS", params={"mdtrt_id": str(person.open_stay)})
    if command.amount_fen <= 0:
        return Refusal(code="DEPOSIT_AMOUNT_WRONG", field="amount")
    return family.open_undertaking(person, command)


def _row(
    command: RequestAdmission, person: PersonFacts, world: World, moment: Moment
) -> VisitRow:
    asked = command.asked
    number = world.next_number(asked.lane, moment.business_day)
    content = AdmissionRequested(
        order_no=command.counter.order_no, name=person.identity.name, ward=command.ward,
        note=command.note,
    )  # fmt: skip
    return VisitRow(
        lane=asked.lane, mdtrt_id=number, prior_visit=person.latest_visit, psn_no=asked.person_no,
        institution=asked.institution.code, scheme=command.scheme, begun_at=moment.local,
        payload=seal_payload(content, world.keyring, visit_record(asked.lane, number, 0)),
        kind=VisitKind.REQUEST,
    )  # fmt: skip


def confirm(command: ConfirmAdmission, view: View, world: World, moment: Moment) -> Decision:
    """The ward admits: 2401, and the deposit is the stay's from now on."""
    found = view.visits.get(command.request_no)
    mine = found is not None and found.row.institution == command.asked.institution.code
    if found is None or not mine or found.row.kind is not VisitKind.REQUEST:
        return Decision(Refusal(code="ORDER_UNKNOWN", field="order_no"))
    stay_no = admitted_as(found)
    if stay_no is not None:
        deposits = fold_deposits(view.visits[stay_no])
        return Decision(_answer(command, stay_no, deposits, replayed=True))
    refused = _confirmable(command, found, view, moment)
    if refused is not None:
        return Decision(refused)
    decision = stays.admit(command, view, world, moment)
    effects = decision.effects
    if effects is None or effects.visit is None:
        return decision
    stay = VisitFact(row=effects.visit, events=[])
    deposits = [one for one in fold_deposits(found) if one.left_fen]
    moved: list[EventRow] = []
    for one in deposits:
        head = head_text(one.head)
        moved.append(
            visit_money.event_of(stay, EventKind.DEPOSITED, head, after=len(moved))
        )
    admitted = visit_money.event_of(found, EventKind.ADMITTED, str(stay.row.mdtrt_id))
    effects = replace(effects, events=(*moved, admitted))
    return Decision(_answer(command, stay.row.mdtrt_id, deposits), effects)


def _confirmable(
    command: ConfirmAdmission, found: VisitFact, view: View, moment: Moment
) -> Refusal | None:
    """It is this person's, nobody answered it, and its deposit came."""
    if found.row.psn_no != command.asked.person_no:
        return Refusal(code="VISIT_OF_OTHER_PERSON", field="order_no")
    if not is_open(found) or moment.local >= expires_at(found):
        return Refusal(code="REQUEST_ENDED", field="order_no")
    person = view.persons.get(command.asked.person_no)
    if person is not None and person.undertaking is not None:
        return family.open_undertaking(person, command)
    if not left_of(fold_deposits(found)):
        return Refusal(code="REQUEST_UNPAID", field="order_no")
    return None


def _answer(
    command: ConfirmAdmission, stay_no: int, deposits: list[Deposit], *, replayed: bool = False
) -> PayAnswer:
    output = said.admitted(command.order_no, stay_no, deposits, replayed=replayed)
    return PayAnswer(output=output, replayed=replayed)


def expire(command: ExpireRequest, view: View, world: World, moment: Moment) -> Decision:
    """Nobody answered a request in time: it ends, and what was paid goes back. Nothing where it
    has ended, or something is under way."""
    found = view.visits.get(command.request_no)
    person = view.persons.get(command.asked.person_no)
    if found is None or person is None or person.undertaking is not None:
        return Decision(Answer())
    if not is_open(found) or moment.local < expires_at(found):
        return Decision(Answer())
    ended = visit_money.event_of(found, EventKind.ENDED, LATE)
    effects = Effects(
        lane=command.asked.lane, person_no=command.asked.person_no, messages=(), events=(ended,)
    )
    deposits = fold_deposits(found)
    back = taken(reversed(deposits), left_of(deposits))
    effects = given_back(
        effects, found, back, refund_no="", operator="", view=view, world=world, moment=moment
    )
    return Decision(Answer(), effects)
