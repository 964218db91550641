"""Results of scan-to-pay that an institution is told (ADR 0032): a payment over a channel, or the
return of one, that has come to an end, into the outbox of the commit that ends it.

The content is what `GET /pay/{order_no}` says at that moment. What was settled without a channel is
told in its answer and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from protocol.scan import ScanReply
from settlement.clock import Moment
from settlement.commands import Command
from settlement.decision import Decision
from settlement.keyring import Keyring
from settlement.outbox import Kind, notice_no
from settlement.payments.mobile_rows import OutboxRow
from settlement.payments.payment_rows import PaymentFact
from settlement.payments.payment_states import PaymentKind, State
from settlement.usecases.mobile_payloads import seal_notice
from settlement.usecases.paying import PayAnswer
from settlement.usecases.remote_report import CaseReply
from settlement.view import View
from settlement.world import World

UseCase = Callable[[Any, View, World, Moment], Decision]
TOPICS = {
    (PaymentKind.COLLECT, State.SETTLED): "payment.settled",
    (PaymentKind.COLLECT, State.CLOSED): "payment.closed",
    (PaymentKind.RETURN, State.RETURNED): "refund.returned",
    (PaymentKind.RETURN, State.REFUND_DUE): "refund.due",
}
"""What an end is called; `refund.due` waits for people, and may become `refund.returned`."""
_ENCODE = msgspec.json.Encoder().encode


def told(use_case: UseCase) -> UseCase:
    """The use case, whose ends institutions are told."""

    def decide(command: Command, view: View, world: World, moment: Moment) -> Decision:
        decision = use_case(command, view, world, moment)
        return with_notice(decision, world.receivers, world.keyring, moment)

    return decide


def told_of_case(use_case: UseCase) -> UseCase:
    """The use case that hears of cases of people insured elsewhere: an order of theirs that nobody
    paid is at its end once their region has taken it back (ADR 0075)."""

    def decide(command: Command, view: View, world: World, moment: Moment) -> Decision:
        decision = use_case(command, view, world, moment)
        reply = decision.reply
        order = reply.order if isinstance(reply, CaseReply) else None
        effects = decision.effects
        if order is None or order.fact is None or effects is None:
            return decision
        row = _notice(order, world.receivers, world.keyring, moment)
        if row is None:
            return decision
        return Decision(reply, replace(effects, outbox=(*effects.outbox, row)))

    return decide


def with_notice(
    decision: Decision, receivers: frozenset[tuple[str, str]], keyring: Keyring, moment: Moment
) -> Decision:
    """The decision, with the notice that it makes us owe."""
    reply, effects = decision.reply, decision.effects
    if effects is None or not isinstance(reply, PayAnswer) or reply.fact is None:
        return decision
    pay_no = reply.fact.row.pay_no
    if not any(event.pay_no == pay_no for event in effects.payment_events):
        return decision
    row = _notice(reply, receivers, keyring, moment)
    if row is None:
        return decision
    return Decision(reply, replace(effects, outbox=(*effects.outbox, row)))


def _notice(
    reply: PayAnswer, receivers: frozenset[tuple[str, str]], keyring: Keyring, moment: Moment
) -> OutboxRow | None:
    """What its institution is told of a payment that is at its end; None where it is not, or
    another region has still to take back what it shared."""
    fact, output = reply.fact, reply.output
    if fact is None or not isinstance(output, ScanReply) or output.status == "unknown":
        return None
    topic = TOPICS.get((fact.row.kind, fact.standing.state))
    if topic is None or (fact.row.institution, Kind.WEBHOOK) not in receivers:
        return None
    return _row(fact, topic, _ENCODE(output), keyring, moment)


def _row(
    fact: PaymentFact, topic: str, data: bytes, keyring: Keyring, moment: Moment
) -> OutboxRow:
    lane, case_no, number = fact.row.lane, fact.row.pay_no, notice_no(len(fact.events))
    return OutboxRow(
        lane=lane, case_no=case_no, notice_no=number, kind=Kind.WEBHOOK, topic=topic,
        institution=fact.row.institution, told_at=moment.at,
        payload=seal_notice(data, keyring, lane=lane, case_no=case_no, notice_no=number),
        after_case=fact.row.parent,
    )  # fmt: skip
