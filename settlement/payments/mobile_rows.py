"""The rows of mobile payment and of the outbox: one struct a table, fields as the columns.

As settlement/rows.py is for settlements. Knows no SQL and no wire names.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

import msgspec
from msgspec import Struct, structs

from settlement.committed import committed_part
from settlement.payments.mobile_states import Happening, OrderEvent, Standing, fold


class MobileOrderRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.mobile_order."""

    lane: int
    order_no: int
    """issued by us; ends payOrdId"""
    opened_at: datetime
    psn_no: str
    institution: str
    institution_order_no: str
    """medOrgOrd"""
    mdtrt_id: int
    batch_no: str
    total_fen: int
    payload: bytes
    """sealed: what was uploaded, as far as the order is decided on it (usecases/mobile_payloads)"""


class MobileEventRow(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One row of settlement.mobile_event; the pending entry of a hold commits to it."""

    lane: int
    order_no: int
    event_no: int
    kind: Happening
    recorded_at: datetime
    setl_id: int | None
    content: str
    """JSON: what was said with it"""
    payload: bytes


class MobileDueRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.mobile_due, or its end."""

    lane: int
    order_no: int
    due_at: datetime | None
    """when the order expires; None: never any more"""


class OutboxRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.outbox: what a commit makes us owe somebody."""

    lane: int
    case_no: int
    """the order or payment that it tells of"""
    notice_no: int
    """orders the notices of a case"""
    kind: str
    topic: str
    institution: str
    told_at: datetime
    payload: bytes
    """sealed"""
    after_case: int | None = None
    """a case that is told first: the payment whose money goes back"""


class MobileFact(Struct, kw_only=True):
    """An order as read, with its events in order."""

    row: MobileOrderRow
    events: list[OrderEvent]

    @property
    def standing(self) -> Standing:
        """What stands."""
        return fold(self.events)

    @property
    def settlements(self) -> tuple[int, ...]:
        """The settlement that pays it, and what took that back."""
        return tuple(event.setl_id for event in self.events if event.setl_id is not None)


_ENCODE = msgspec.json.Encoder().encode


def hold_commitment(row: MobileEventRow) -> bytes:
    """What the pending entry of a held order commits to: every column of its event, 32 bytes;
    `settlement.mobile_commitment` in SQL does the same."""
    told = structs.replace(row, payload=committed_part(row.payload))
    return sha256(b"\x08" + _ENCODE(told)).digest()


class _Content(Struct, frozen=True, kw_only=True, array_like=True):
    reference: str
    number_given: int | None
    wallet: str
    fingerprint: str


_DECODE = msgspec.json.Decoder(_Content).decode


def event_row(lane: int, order_no: int, event: OrderEvent) -> MobileEventRow:
    """An event as stored."""
    content = _Content(
        reference=event.reference, number_given=event.number_given, wallet=event.wallet,
        fingerprint=event.fingerprint,
    )  # fmt: skip
    return MobileEventRow(
        lane=lane, order_no=order_no, event_no=event.number, kind=event.happening,
        recorded_at=event.at, setl_id=event.setl_id, content=_ENCODE(content).decode(),
        payload=event.payload,
    )  # fmt: skip


def event_of(
    *, event_no: int, kind: int, recorded_at: datetime, setl_id: int | None, content: str,
    payload: bytes,
) -> OrderEvent:  # fmt: skip
    """An event from its row."""
    said = _DECODE(content)
    return OrderEvent(
        number=event_no, happening=Happening(kind), at=recorded_at, setl_id=setl_id,
        reference=said.reference, number_given=said.number_given, wallet=said.wallet,
        fingerprint=said.fingerprint, payload=payload,
    )  # fmt: skip
