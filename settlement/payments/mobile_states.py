"""The states of an order of mobile payment (移动支付订单), as a table (ADR 0032).

Every pair of state and happening stands in it: what comes next, that nothing changes, or the
refusal that whoever asked for it gets. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum, StrEnum

from msgspec import Struct


class State(StrEnum):
    """Where an order stands; the value is ordStas (订单状态) of the interface."""

    SAVED = "0"
    """已保存: uploaded, nothing is decided"""
    HELD = "1"
    """预结算完成: decided and held, the payer confirms in a wallet"""
    PAID = "4"
    """医保支付完成: the insurance has paid"""
    DONE = "6"
    """结算完成: and nothing is left to collect, or the wallet collected it"""
    ALL_BACK = "7"
    """已退款"""
    INSURANCE_BACK = "8"
    """已医保全部退款: the own part stays with who collected it"""
    CASH_BACK = "9"
    """仅自费全部退款: the insurance still stands"""
    WITHDRAWN = "12"
    """已撤销: withdrawn before it was paid"""
    EXPIRED = "15"
    """结算失败: nobody paid in time"""


class Happening(IntEnum):
    """What happens to an order; the kind of its event."""

    UPLOADED = 1
    HELD = 2
    PAID = 3
    """the insurance pays, and something is left to collect"""
    DONE = 4
    """the insurance pays, and nothing is left, or a wallet collected the rest"""
    WITHDRAWN = 5
    EXPIRED = 6
    ALL_BACK = 7
    INSURANCE_BACK = 8
    CASH_BACK = 9


class Same(StrEnum):
    """The happening changes nothing: whoever asks is told what stands."""

    SAME = "same"


SAME = Same.SAME
Next = State | Same | str
"""What follows: a state, nothing, or the code of a refusal."""

_OPEN, _PAID, _CLOSED = "MOBILE_ORDER_NOT_PAID", "MOBILE_ORDER_PAID", "MOBILE_ORDER_CLOSED"
_BACK, _PARTLY = "MOBILE_ORDER_REFUNDED", "MOBILE_ORDER_PARTLY_REFUNDED"
_LATE = "MOBILE_ORDER_EXPIRED"
_ORDER = (
    Happening.HELD, Happening.PAID, Happening.DONE, Happening.WITHDRAWN, Happening.EXPIRED,
    Happening.ALL_BACK, Happening.INSURANCE_BACK, Happening.CASH_BACK,
)  # fmt: skip
_held, _paid, _done = State.HELD, State.PAID, State.DONE
_gone, _late = State.WITHDRAWN, State.EXPIRED
_all, _hi, _cash = State.ALL_BACK, State.INSURANCE_BACK, State.CASH_BACK
# fmt: off
_ROWS: Mapping[State, tuple[Next, ...]] = {
    #            HELD     PAID     DONE     WITHDRAWN EXPIRED ALL_BACK INSURANCE CASH_BACK
    State.SAVED: (_held,   _paid,   _done,   _gone,  _late, _OPEN,   _OPEN, _OPEN),
    State.HELD:  (SAME,    _paid,   _done,   _gone,  _late, _OPEN,   _OPEN, _OPEN),
    _paid:       (SAME,    SAME,    SAME,    _PAID,  SAME,  _all,    _hi,   _cash),
    _done:       (SAME,    SAME,    SAME,    _PAID,  SAME,  _all,    _hi,   _cash),
    _all:        (SAME,    SAME,    SAME,    _PAID,  SAME,  _BACK,   _BACK, _BACK),
    _hi:         (SAME,    SAME,    SAME,    _PAID,  SAME,  _PARTLY, _BACK, _all),
    _cash:       (SAME,    SAME,    SAME,    _PAID,  SAME,  _PARTLY, _all,  _BACK),
    _gone:       (_CLOSED, _CLOSED, _CLOSED, SAME,   SAME,  _OPEN,   _OPEN, _OPEN),
    _late:       (_LATE,   _LATE,   _LATE,   SAME,   SAME,  _OPEN,   _OPEN, _OPEN),
}
# fmt: on
NEXT: Mapping[tuple[State, Happening], Next] = {
    (state, happening): follows
    for state, row in _ROWS.items()
    for happening, follows in zip(_ORDER, row, strict=True)
}
PAYABLE = frozenset({State.SAVED, State.HELD})
INSURED = frozenset({State.PAID, State.DONE, State.CASH_BACK})
"""The insurance has paid, and that stands."""

INSURANCE_BACK = frozenset({Happening.ALL_BACK, Happening.INSURANCE_BACK})
"""Refunds that take the insurance part back."""
OWN_PART_BACK = frozenset({Happening.ALL_BACK, Happening.CASH_BACK})
"""Refunds after which the payer has the own part again."""


class OrderEvent(Struct, frozen=True, kw_only=True):
    """Something that happened to an order."""

    number: int
    happening: Happening
    at: datetime
    setl_id: int | None = None
    """the settlement that is held, that paid, or that took it back"""
    reference: str = ""
    """of a refund the institution's number, of what a wallet confirmed the wallet's"""
    number_given: int | None = None
    """of a refund ours"""
    wallet: str = ""
    """thdPayType: who collects the own part, where a wallet does"""
    fingerprint: str = ""
    """of a refund, so that another one under its number is told apart"""
    payload: bytes = b""
    """of a hold: what is booked once it is confirmed, sealed"""


class Standing(Struct, frozen=True, kw_only=True):
    """An order's events, folded."""

    state: State
    at: datetime
    """of the last event"""
    held: OrderEvent | None = None
    paid: OrderEvent | None = None
    refunds: tuple[OrderEvent, ...] = ()

    @property
    def wallet(self) -> str:
        """Who collects the own part; empty where the institution does."""
        last = self.paid or self.held
        return "" if last is None else last.wallet


_REFUNDS = INSURANCE_BACK | OWN_PART_BACK


def fold(events: Sequence[OrderEvent]) -> Standing:
    """What stands after all of them. ValueError for what the table does not let happen."""
    state, held, paid = State.SAVED, None, None
    refunds: list[OrderEvent] = []
    for event in events[1:]:
        follows = NEXT[state, event.happening]
        if not isinstance(follows, State):
            raise ValueError(f"{event.happening.name} in {state.name} changes nothing")
        state = follows
        if event.happening is Happening.HELD:
            held = event
        if event.happening in (Happening.PAID, Happening.DONE):
            paid = event
        if event.happening in _REFUNDS:
            refunds.append(event)
    return Standing(
        state=state, at=events[-1].at, held=held, paid=paid, refunds=tuple(refunds)
    )
