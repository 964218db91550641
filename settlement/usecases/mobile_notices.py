"""What the institution is told of an order, into the outbox of the same commit: 6204 once it is
decided, 6302 once the insurance has paid, and 6302 again whenever something of it went back; and
6204 again once nobody can pay it any more: who asked for that (a platform, a wallet, or only time)
need not be who keeps the institution's books."""

from __future__ import annotations

from typing import Protocol

import msgspec
from msgspec import Struct

from settlement.clock import Moment
from settlement.outbox import Kind, notice_no
from settlement.payments.mobile_rows import MobileFact, OutboxRow
from settlement.payments.mobile_states import Happening
from settlement.rows import SettlementRow
from settlement.translate import mobile_answers
from settlement.usecases.mobile_payloads import seal_notice
from settlement.usecases.returns import Books
from settlement.view import View
from settlement.world import World


class Telling(Books, Protocol):
    """Books of whoever may owe notices."""

    @property
    def region(self) -> str:
        """Ours, six digits."""

    @property
    def receivers(self) -> frozenset[tuple[str, str]]:
        """Institutions that are told of things, with the kind of notice (settlement/outbox.py)."""


ORDER_NOTICE, SETTLE_NOTICE = "6204", "6302"
_ENCODE = msgspec.json.Encoder().encode


def told(
    fact: MobileFact, happening: Happening, row: SettlementRow, view: View, world: World,
    moment: Moment,
) -> tuple[OutboxRow, ...]:  # fmt: skip
    """The notices that a hold or a payment makes us owe; none where nobody is there to be told."""
    if (fact.row.institution, Kind.MOBILE) not in world.receivers:
        return ()
    rows = []
    decided_now = happening is Happening.HELD or fact.standing.held is None
    if decided_now:
        shown = mobile_answers.order_notice(fact, row, view, world)
        rows.append(_row(fact, ORDER_NOTICE, shown, 0, world, moment))
    if happening is not Happening.HELD:
        paid = mobile_answers.settle_notice(fact, row, view, world)
        rows.append(_row(fact, SETTLE_NOTICE, paid, 1, world, moment))
    return tuple(rows)


def told_back(
    fact: MobileFact, row: SettlementRow, view: View, world: World, moment: Moment
) -> tuple[OutboxRow, ...]:
    """The notice of a refund, the fact's last event, of what `row` settled."""
    if (fact.row.institution, Kind.MOBILE) not in world.receivers:
        return ()
    back = mobile_answers.refund_notice(fact, fact.events[-1], row, view, world)
    return (_row(fact, SETTLE_NOTICE, back, 0, world, moment),)


def told_over(fact: MobileFact, world: Telling, moment: Moment) -> tuple[OutboxRow, ...]:
    """The notice of an order that ended unpaid with the fact's last event."""
    if (fact.row.institution, Kind.MOBILE) not in world.receivers:
        return ()
    over = mobile_answers.over_notice(fact, world.region)
    return (_row(fact, ORDER_NOTICE, over, 0, world, moment),)


def _row(
    fact: MobileFact, topic: str, data: Struct, place: int, world: Books, moment: Moment
) -> OutboxRow:
    lane, case_no = fact.row.lane, fact.row.order_no
    number = notice_no(len(fact.events), place)
    return OutboxRow(
        lane=lane, case_no=case_no, notice_no=number, kind=Kind.MOBILE, topic=topic,
        institution=fact.row.institution, told_at=moment.at,
        payload=seal_notice(
            _ENCODE(data), world.keyring, lane=lane, case_no=case_no, notice_no=number
        ),
    )  # fmt: skip
