"""Deposits of a stay (住院预交金): paid before and during it, over a channel or as the institution
says that it took the money itself; and what stands of them (ADR 0030).
"""

from __future__ import annotations

from ledger.entry import Entry, EntryKind
from protocol.nhsa import canonical
from settlement import chart
from settlement.clock import Moment
from settlement.decision import Answer, Decision
from settlement.deposit import Deposit, DepositHead, fold_deposits
from settlement.deposit_postings import deposit_declared_transfers, deposit_held_transfers
from settlement.numbers import shown
from settlement.payments.pay_commands import FindDeposits, HoldDeposit
from settlement.payments.payment import Custody
from settlement.refusal import Refusal
from settlement.rows import EventKind, MessageOutcome
from settlement.stay import head_text
from settlement.translate import deposits as said
from settlement.usecases import booking, checks, family, stays, visit_money
from settlement.usecases.deposit_returns import deposit_commitment
from settlement.usecases.paying import PayAnswer, begin, order_again
from settlement.usecases.payment_payloads import Plan
from settlement.view import Effects, View, VisitFact
from settlement.world import World


def hold_deposit(command: HoldDeposit, view: View, world: World, moment: Moment) -> Decision:
    """Hold a deposit for a channel to collect, or book one that the institution took."""
    again = _declared_again(command, view) or order_again(
        command, command.till, view, world, moment
    )
    if again is not None:
        return again
    visit = _payable(command, view, world)
    if isinstance(visit, Refusal):
        return Decision(visit)
    if command.counter.tender != "scan":
        return _declared(command, visit, world, moment)
    if command.till is None and not command.counter.on_phone:
        return Decision(Refusal(code="PAY_CODE_MISSING", field="pay_code"))
    transfers = deposit_held_transfers(
        amount_fen=command.amount_fen,
        institution_base=command.asked.institution.account_base,
    )
    plan = Plan(transfers=transfers, counter=command.counter, deposit=True)
    return begin(
        command, command.till, command.amount_fen, plan, 0, world, moment, visit=command.mdtrt_id
    )


def _payable(command: HoldDeposit, view: View, world: World) -> VisitFact | Refusal:
    """The stay, if it stands and is not settled for good, and nothing else is under way."""
    person = checks.known_person(view, world, command.asked)
    if isinstance(person, Refusal):
        return person
    found = stays.standing_stay(view, command.asked, command.mdtrt_id)
    if isinstance(found, Refusal):
        return found
    visit, state = found
    if state.final is not None:
        setl_id = str(state.final.setl_id)
        return Refusal(code="STAY_SETTLED", field="mdtrt_id", params={"setl_id": setl_id})
    if command.amount_fen <= 0:
        return Refusal(code="DEPOSIT_AMOUNT_WRONG", field="amount")
    return family.open_undertaking(person, command) or visit


def _declared(
    command: HoldDeposit, visit: VisitFact, world: World, moment: Moment
) -> Decision:
    """The institution has the money already: it is booked at once."""
    asked, counter = command.asked, command.counter
    number = world.next_number(asked.lane, moment.business_day)
    head = DepositHead(
        number=number, order_no=counter.order_no,
        tender=counter.tender,
        custody=Custody.OWN, amount_fen=command.amount_fen, note=counter.tender_note,
        operator=counter.operator,
    )  # fmt: skip
    event = visit_money.event_of(visit, EventKind.DEPOSITED, head_text(head))
    entry = Entry(
        lane=asked.lane, entry_id=number, kind=EntryKind.SINGLE, code=chart.EntryCode.DEPOSIT,
        transfers=deposit_declared_transfers(
            amount_fen=command.amount_fen, institution_base=asked.institution.account_base
        ),
        commitment=deposit_commitment(event),
    )  # fmt: skip
    effects = Effects(
        lane=asked.lane, person_no=asked.person_no,
        messages=(booking.message_of(asked, MessageOutcome.EVENT, command.mdtrt_id),),
        entry=entry, events=(event,),
    )  # fmt: skip
    return Decision(PayAnswer(output=said.declared(Deposit(head=head))), effects)


def _declared_again(command: HoldDeposit, view: View) -> Decision | None:
    asked = command.asked
    message = view.messages.get((asked.lane, asked.message_key))
    if message is None or message.outcome is not MessageOutcome.EVENT:
        return None
    part = canonical.differs(message.fingerprint, asked.fingerprint)
    if part is not None:
        return Decision(Refusal(code="ORDER_CONFLICT", field="order_no", params={"part": part}))
    deposit = next(
        one
        for one in fold_deposits(view.visits[message.ref])
        if one.head.order_no == command.counter.order_no
    )
    return Decision(PayAnswer(output=said.declared(deposit, replayed=True), replayed=True))


def find_deposits(command: FindDeposits, view: View, world: World, moment: Moment) -> Decision:
    """All deposits of a stay of this institution, and what became of each."""
    visit = view.visits.get(command.mdtrt_id)
    if visit is None or visit.row.institution != command.asked.institution.code:
        params: dict[str, str | int] = {"value": shown(command.mdtrt_id)}
        return Decision(Refusal(code="VISIT_UNKNOWN", field="mdtrt_id", params=params))
    output = said.listed(command.mdtrt_id, fold_deposits(visit), view.payments)
    return Decision(Answer(output=output))
