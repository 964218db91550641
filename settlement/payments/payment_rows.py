"""The rows of payments over a channel: one struct a table, fields as the columns.

As settlement/rows.py is for settlements. Knows no SQL and no wire names.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256

import msgspec
from msgspec import Struct, structs

from settlement.committed import committed_part
from settlement.keyring import Keyring
from settlement.payments.payment_states import (
    Attempt,
    Event,
    Happening,
    Learnt,
    PaymentKind,
    Standing,
    State,
    fold,
)


class PaymentRow(Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """One row of settlement.payment; the pending entry of what it holds commits to it."""

    lane: int
    pay_no: int
    kind: PaymentKind
    opened_at: datetime
    setl_id: int | None
    """the settlement that it is for; None for a sale without an insurance leg"""
    parent: int | None
    """of a return: the payment whose money goes back"""
    mdtrt_id: int | None = None
    """the visit that learns of it: whose settlement it pays, or whose deposit it is"""
    psn_no: str
    """empty where nobody insured is part of it"""
    institution: str
    order_no: str
    """the institution's; of a refund that it asked for, its refund number"""
    amount_fen: int
    plan: bytes
    """sealed: what is booked once it is paid (usecases/payment_payloads.py)"""


class PaymentEventRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.payment_event."""

    lane: int
    pay_no: int
    event_no: int
    kind: Happening
    attempt: int
    recorded_at: datetime
    order_no: str | None
    """of an attempt that begins: our number at the channel"""
    content: str
    """JSON: the attempt that begins, and what was learnt"""
    exchange: bytes
    """sealed: request and reply; empty where there was none"""
    entry_id: int | None
    """what was booked with it: collected, given back, or owed back by the return that it opened"""
    digest: bytes
    """`step_digest` of all of this but the exchange"""


class DueRow(Struct, frozen=True, kw_only=True, gc=False):
    """One row of settlement.payment_due, or its end."""

    lane: int
    pay_no: int
    due_at: datetime | None
    """when to look next; None: never again"""
    channel: str
    """where the latest attempt is; empty where there is none yet"""


class PaymentFact(Struct, kw_only=True, dict=True):
    """A payment as read, with its events in order."""

    row: PaymentRow
    events: list[Event]

    @property
    def standing(self) -> Standing:
        """What stands. Asked a dozen times for each step of a payment, and folded once."""
        folded: tuple[list[Event], Standing] | None = self.__dict__.get("_folded")
        if folded is None or folded[0] != self.events:
            standing = fold(self.row.kind, self.row.opened_at, self.events)
            folded = self.__dict__["_folded"] = list(self.events), standing
        return folded[1]

    @property
    def settlements(self) -> tuple[int, ...]:
        """What it pays: the settlement, and those of what was left of it. Nobody has to look for
        what is only held, or was never booked."""
        if self.row.kind is PaymentKind.COLLECT and self.standing.state is not State.SETTLED:
            return ()
        numbers = (self.row.setl_id, *(event.learnt.setl_id for event in self.events))
        return tuple(number for number in numbers if number is not None)

    @property
    def returns(self) -> tuple[int, ...]:
        """Payments that give back what was taken back of this one, or could not be used."""
        numbers = (event.learnt.return_no for event in self.events)
        return tuple(number for number in numbers if number is not None)


_ENCODE = msgspec.json.Encoder().encode


def payment_commitment(row: PaymentRow) -> bytes:
    """What the entry that opens a payment commits to: every column, 32 bytes; of the
    plan its commitment (settlement/committed.py)."""
    told = structs.replace(row, plan=committed_part(row.plan))
    return sha256(b"\x06" + _ENCODE(told)).digest()


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def step_text(
    *, lane: int, pay_no: int, event_no: int, kind: int, attempt: int, recorded_at: datetime,
    order_no: str | None, entry_id: int | None, content: str,
) -> str:  # fmt: skip
    """A step as its digest is made of it; `settlement.step_text` in SQL does the same."""
    at = (recorded_at - _EPOCH) // _MICROSECOND
    return (
        f"{lane}/{pay_no}/{event_no}/{kind}/{attempt}/{at}/{order_no or ''}/"
        f"{'' if entry_id is None else entry_id}/{content}"
    )


def step_digest(text: str, keyring: Keyring) -> bytes:
    """What only who has the keys can make of a step of a payment, 16 bytes: many steps book
    nothing, so that no entry could commit to them (ADR 0061)."""
    return blake2b(text.encode(), digest_size=16, key=keyring.step_key).digest()


class Content(Struct, frozen=True, kw_only=True, array_like=True):
    """What an event says, as stored."""

    began: Attempt | None
    learnt: Learnt
    opens: str = ""
    """only there where it is not empty"""


_DECODE_CONTENT = msgspec.json.Decoder(Content).decode


def content_text(event: Event) -> str:
    """The stored form of what an event says."""
    told = (event.began, event.learnt, event.opens)
    return _ENCODE(told if event.opens else told[:2]).decode()


def event_of(
    *, event_no: int, kind: int, attempt: int, recorded_at: datetime, content: str
) -> Event:
    """An event from its row."""
    said = _DECODE_CONTENT(content)
    return Event(
        number=event_no, happening=Happening(kind), at=recorded_at, attempt=attempt,
        began=said.began, learnt=said.learnt, opens=said.opens,
    )  # fmt: skip


def event_in(row: PaymentEventRow) -> Event:
    """The event that a row is."""
    return event_of(
        event_no=row.event_no, kind=row.kind, attempt=row.attempt, recorded_at=row.recorded_at,
        content=row.content,
    )  # fmt: skip
