"""A visit or a stay that is settled and paid in one undertaking (窗口缴费, 自助缴费, 床旁结算).

Decided as 2207 or 2304 decide it; where a channel is to collect something, what they would book is
held instead, and booked as it stands once it is paid (ADR 0027, 0030).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from ledger.entry import Transfer
from settlement.chart import ChannelAccount, InstitutionAccount, channel_account
from settlement.claim import Claim
from settlement.clock import Moment
from settlement.decision import Decision
from settlement.deposit import used_by
from settlement.payments.pay_commands import HoldStay, HoldVisit
from settlement.rows import SettlementRow
from settlement.translate import scans
from settlement.usecases import settle, settle_stay, visit_money
from settlement.usecases.paying import PayAnswer, begin, order_again
from settlement.usecases.payment_payloads import Plan
from settlement.view import Effects, View
from settlement.world import World


def hold_visit(command: HoldVisit, view: View, world: World, moment: Moment) -> Decision:
    """Settle a charge batch of a visit, and hold what a channel is to collect."""
    return _hold(settle.settle_visit, command, view, world, moment)


def hold_stay(command: HoldStay, view: View, world: World, moment: Moment) -> Decision:
    """Settle a stay or a segment of one; deposits pay first."""
    return _hold(settle_stay.settle_stay, command, view, world, moment)


def _hold(
    decide: Callable[[Any, View, World, Moment], Decision], command: HoldVisit | HoldStay,
    view: View, world: World, moment: Moment,
) -> Decision:  # fmt: skip
    again = order_again(command, command.till, view, world, moment)
    if again is not None:
        return again
    decision = decide(command, view, world, moment)
    effects = decision.effects
    if effects is None or effects.settlement is None or effects.entry is None:
        return decision
    counter, row = command.counter, effects.settlement
    base = command.asked.institution.account_base
    cash = base + InstitutionAccount.SELF_COLLECTED
    to_collect_fen = sum(leg.amount_fen for leg in effects.entry.transfers if leg.debit == cash)
    deposit_fen = used_by(effects.events)
    if not to_collect_fen or counter.tender != "scan":
        output = scans.settled_at_once(
            counter.order_no, row, counter.tender, replayed=False, deposit_fen=deposit_fen
        )
        return Decision(PayAnswer(output=output), effects)
    if command.till is None and not command.counter.on_phone:
        output = scans.code_wanted(counter.order_no, row, deposit_fen=deposit_fen)
        return Decision(PayAnswer(output=output))
    collecting = channel_account(base, ChannelAccount.COLLECTING)
    plan = _plan(command, effects, row, effects.entry.transfers, cash, collecting)
    held = begin(
        command, command.till, to_collect_fen, plan, row.account_fen, world, moment,
        visit=command.mdtrt_id,
    )  # fmt: skip
    if held.effects is None:
        return held
    events = visit_money.held(effects.events)
    return Decision(held.reply, replace(held.effects, events=events))


def _plan(
    command: HoldVisit | HoldStay, effects: Effects, row: SettlementRow,
    transfers: tuple[Transfer, ...], cash: int, collecting: int,
) -> Plan:  # fmt: skip
    """What would be booked at once, but that a channel collects what the counter would. Of a visit
    the claim is kept as well, by which what is left of its lines is settled anew."""
    return Plan(
        transfers=tuple(
            Transfer(collecting, leg.credit, leg.amount_fen) if leg.debit == cash else leg
            for leg in transfers
        ),
        claim=_claim(command, row) if isinstance(command, HoldVisit) else None,
        counter=command.counter, settlement=row, detail=effects.detail,
        increments=effects.increments, traces=effects.traces, events=effects.events,
    )  # fmt: skip


def _claim(command: HoldVisit, row: SettlementRow) -> Claim:
    return Claim(
        kind=command.kind, care_type=command.care_type, scheme=command.scheme,
        institution_code=row.institution, person_no=row.psn_no, account_use=command.account_use,
        total_fen=row.total_fen, service_at=row.service_at, lines=(),
    )  # fmt: skip
