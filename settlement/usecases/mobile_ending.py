"""How orders of mobile payment end otherwise than paid: withdrawn, given up, expired, refunded.

A refund takes the insurance leg back exactly, as 2208 does (医保退费). That the own part went back
is only recorded (DOMAIN 2); what the agency's merchant had collected is not owed any more then.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from ledger.entry import NOTHING, Entry, EntryKind
from settlement import chart
from settlement.clock import Moment
from settlement.decision import Answer, Decision
from settlement.payments.mobile_commands import CloseOrder, RefundMobileOrder
from settlement.payments.mobile_rows import MobileDueRow, MobileFact, event_row
from settlement.payments.mobile_states import (
    INSURANCE_BACK,
    NEXT,
    OWN_PART_BACK,
    SAME,
    Happening,
    OrderEvent,
    State,
)
from settlement.payments.mobile_timers import HOLD_SECONDS, REVERSAL_SECONDS, SAVED_SECONDS
from settlement.refusal import Refusal
from settlement.rows import EventKind, EventRow, RowKind, SettlementRow
from settlement.translate import mobile_answers
from settlement.usecases import cancel, checks, family, mobile_custody
from settlement.usecases.mobile import is_person, pending_of
from settlement.usecases.mobile_notices import Telling, told_back, told_over
from settlement.usecases.mobile_payloads import (
    is_same_token,
    open_held,
    open_uploaded,
    pay_token,
    reversal_token,
)
from settlement.usecases.returns import Books
from settlement.view import Effects, SettlementFact, View, fold_visit
from settlement.world import World


def close(command: CloseOrder, view: View, world: Telling, moment: Moment) -> Decision:
    """An order that is not paid ends (6401, a wallet, or its time); what was held is free again,
    its lines and a visit of its own are withdrawn, and the institution is told."""
    fact = view.mobile.get(command.order_no)
    refused = _may_close(command, fact, view, world)
    if fact is None or refused is not None:
        return Decision(refused or Refusal(code="MOBILE_ORDER_UNKNOWN", field="order_no"))
    standing = fact.standing
    follows = NEXT[standing.state, command.happening]
    if follows is SAME or (command.due_by is not None and command.due_by < expires_at(fact)):
        return Decision(Answer(output=mobile_answers.withdrawn(), replayed=True))
    if not isinstance(follows, State):
        return Decision(Refusal(code=follows, field="order_no"))
    row = fact.row
    event = OrderEvent(
        number=len(fact.events) + 1, happening=command.happening, at=moment.at
    )
    effects = Effects(
        lane=row.lane, person_no=row.psn_no, messages=(),
        events=_withdrawn(fact, view, world),
        mobile_events=(event_row(row.lane, row.order_no, event),),
        mobile_due=(MobileDueRow(lane=row.lane, order_no=row.order_no, due_at=None),),
        outbox=told_over(replace(fact, events=[*fact.events, event]), world, moment),
    )  # fmt: skip
    if standing.held is not None:
        effects = _released(effects, fact, world, moment)
    return Decision(Answer(output=mobile_answers.withdrawn()), effects)


def expires_at(fact: MobileFact) -> datetime:
    """When an order that is not paid ends by itself."""
    held = fact.standing.held
    if held is not None:
        return held.at + timedelta(seconds=HOLD_SECONDS)
    return fact.row.opened_at + timedelta(seconds=SAVED_SECONDS)


def _may_close(
    command: CloseOrder, fact: MobileFact | None, view: View, world: Books
) -> Refusal | None:
    """Whoever withdraws must know the order's token and whom it is for; a wallet must be its own;
    time needs to know nothing."""
    if fact is None or fact.row.institution != command.asked.institution.code:
        return Refusal(code="MOBILE_ORDER_UNKNOWN", field="order_no")
    if command.due_by is not None:
        return None
    if not is_same_token(pay_token(world.keyring, command.order_no), command.pay_token):
        return Refusal(code="MOBILE_TOKEN_WRONG", field="pay_token")
    if command.identity is None:
        standing = fact.standing
        if standing.held is None or standing.wallet != command.wallet:
            return Refusal(code="MOBILE_WALLET_DIFFERS", field="order_no")
        return None
    if not is_person(command.identity, view, fact):
        return Refusal(code="IDENTITY_MISMATCH", field="certificate_no")
    return None


def _withdrawn(fact: MobileFact, view: View, world: Books) -> tuple[EventRow, ...]:
    """What the visit learns: the batch is not held, its lines are withdrawn, and so is a visit that
    was only made for it."""
    row = fact.row
    visit = view.visits[row.mdtrt_id]
    state = fold_visit(visit)
    kinds: list[tuple[EventKind, str]] = []
    if row.batch_no in state.held:
        kinds.append((EventKind.RELEASED, row.batch_no))
    if row.batch_no in state.batches and row.batch_no not in state.settled:
        kinds.append((EventKind.LINES_WITHDRAWN, row.batch_no))
    uploaded = open_uploaded(row.payload, world.keyring, row.lane, row.order_no)
    others = set(state.batches) - {row.batch_no}
    if uploaded.own_visit and not others and not state.settled and not state.withdrawn:
        kinds.append((EventKind.WITHDRAWN, ""))
    return tuple(
        EventRow(
            lane=row.lane, mdtrt_id=row.mdtrt_id, event_no=number, kind=kind, batch_no=batch_no,
            setl_id=None, payload=b"",
        )
        for number, (kind, batch_no) in enumerate(kinds, len(visit.events) + 1)
    )  # fmt: skip


def _released(effects: Effects, fact: MobileFact, world: Books, moment: Moment) -> Effects:
    """Everything that was held is free again."""
    row, event = fact.row, fact.standing.held
    if event is None:
        raise AssertionError("only a hold is released")
    held = open_held(event.payload, world.keyring, row.lane, row.order_no)
    entry = Entry(
        lane=row.lane, entry_id=world.next_number(row.lane, moment.business_day),
        kind=EntryKind.VOID, code=chart.EntryCode.MOBILE_HOLD, transfers=held.transfers,
        pending_id=row.order_no, commitment=NOTHING,
    )  # fmt: skip
    return replace(
        effects, entry=entry, pending=pending_of(fact, held),
        account_change_fen=held.settlement.account_fen, undertaking=None,
    )  # fmt: skip


def refund(command: RefundMobileOrder, view: View, world: World, moment: Moment) -> Decision:
    """Take a paid order back (6203): the same refund number gets the first answer."""
    fact = view.mobile.get(command.order_no)
    if fact is None or fact.row.institution != command.asked.institution.code:
        return Decision(Refusal(code="MOBILE_ORDER_UNKNOWN", field="order_no"))
    again = _refunded_before(command, fact)
    if again is not None:
        return again
    standing = fact.standing
    follows = NEXT[standing.state, command.happening]
    if not isinstance(follows, State):
        code = follows if follows is not SAME else "MOBILE_ORDER_REFUNDED"
        return Decision(Refusal(code=code, field="order_no"))
    if standing.paid is None or standing.paid.setl_id is None:
        raise AssertionError("what is paid has a settlement")
    settled = view.settlements[standing.paid.setl_id]
    refused = _amounts(command, settled.row) or _allowed(command, fact, view, world, moment)
    if refused is not None:
        return Decision(refused)
    person = checks.known_person(view, world, command.asked)
    if isinstance(person, Refusal):
        return Decision(person)
    row = fact.row
    number_given = world.next_number(row.lane, moment.business_day)
    effects = Effects(lane=row.lane, person_no=row.psn_no, messages=())
    undone: SettlementRow | None = None
    collected_by = _collected_by(fact, world)
    if command.happening in INSURANCE_BACK:
        taken = _taken_back(
            command, settled, view, world, moment, collected=bool(collected_by)
        )
        if isinstance(taken, Refusal):
            return Decision(taken)
        undone, effects = taken
    event = OrderEvent(
        number=len(fact.events) + 1, happening=command.happening, at=moment.at,
        setl_id=None if undone is None else undone.setl_id, reference=command.refund_no,
        number_given=number_given, fingerprint=_fingerprint(command),
    )  # fmt: skip
    after = MobileFact(row=row, events=[*fact.events, event])
    own_fen = settled.row.cash_fen if command.happening in OWN_PART_BACK else 0
    effects = replace(
        effects, entries=mobile_custody.gone_back(after, collected_by, own_fen, world, moment),
        mobile_events=(event_row(row.lane, row.order_no, event),),
        outbox=told_back(after, settled.row, view, world, moment),
    )  # fmt: skip
    return Decision(Answer(output=mobile_answers.refunded(event)), effects)


def _refunded_before(command: RefundMobileOrder, fact: MobileFact) -> Decision | None:
    """The first answer to a refund number that was used; it is for one refund."""
    for event in fact.standing.refunds:
        if event.reference != command.refund_no:
            continue
        if event.fingerprint != _fingerprint(command):
            return Decision(Refusal(code="MOBILE_REFUND_CONFLICT", field="refund_no"))
        return Decision(Answer(output=mobile_answers.refunded(event), replayed=True))
    return None


def _fingerprint(command: RefundMobileOrder) -> str:
    total, account, funds, own = command.amounts_fen
    return f"{command.happening:d}/{total}/{account or 0}/{funds or 0}/{own}"


def _amounts(command: RefundMobileOrder, row: SettlementRow) -> Refusal | None:
    """A refund is of a whole part: its amounts are those of the settlement (DOMAIN 12)."""
    insurance, own = command.happening in INSURANCE_BACK, row.cash_fen
    own_fen = 0 if command.happening is Happening.INSURANCE_BACK else own
    account_fen, fund_fen = (row.account_fen, row.fund_fen) if insurance else (0, 0)
    total, account, funds, cash = command.amounts_fen
    expected_fen = account_fen + fund_fen + own_fen
    for name, declared, actual in (
        ("own", cash, own_fen), ("account", account, account_fen), ("funds", funds, fund_fen),
        ("total", total, expected_fen),
    ):  # fmt: skip
        if declared is not None and declared != actual:
            return Refusal(
                code="MOBILE_REFUND_AMOUNTS", field=f"refund_{name}",
                params={"declared_fen": declared, "computed_fen": actual},
            )  # fmt: skip
    return None


def _allowed(
    command: RefundMobileOrder, fact: MobileFact, view: View, world: World, moment: Moment
) -> Refusal | None:
    """By the token that the order was uploaded with, which shows that one has the order; by a live
    one of the person; or by the order's revsToken within its hour."""
    standing, row = fact.standing, fact.row
    if is_same_token(reversal_token(world.keyring, row.order_no), command.token):
        paid_at = standing.paid.at if standing.paid is not None else standing.at
        if moment.at < paid_at + timedelta(seconds=REVERSAL_SECONDS):
            return None
        return Refusal(code="MOBILE_REVERSAL_LATE", field="token")
    uploaded = open_uploaded(row.payload, world.keyring, row.lane, row.order_no)
    if command.token_key == uploaded.token_key:
        return None
    token = view.tokens.get((row.psn_no, command.token_key))
    if token is None or token.institution != row.institution or token.expires_at <= moment.at:
        return Refusal(code="MOBILE_REFUND_UNAUTHORISED", field="token")
    return None


def _taken_back(
    command: RefundMobileOrder, settled: SettlementFact, view: View, world: World, moment: Moment,
    *, collected: bool,
) -> tuple[SettlementRow, Effects] | Refusal:  # fmt: skip
    """The settlement cancelled, under the rules of every cancel (DOMAIN 10, 13)."""
    person = view.persons[settled.row.psn_no]
    refused = family.open_undertaking(person, command)
    refused = refused or cancel.outside_window(settled.row, world, moment)
    refused = refused or cancel.later_one(person, settled.row, world, "order_no")
    if refused is not None:
        return refused
    row, effects = cancel.undo(
        settled, RowKind.CANCEL, command.asked, person, view, world, moment, collected=collected
    )
    return row, effects


def _collected_by(fact: MobileFact, world: World) -> str:
    """The channel where the agency's merchant has the own part; empty for own custody."""
    event, row = fact.standing.held, fact.row
    if event is None:
        return ""
    return open_held(event.payload, world.keyring, row.lane, row.order_no).collected_by
