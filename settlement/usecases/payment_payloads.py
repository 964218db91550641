"""What is sealed in a payment: what is booked once it is paid, and what was said to a channel.

The plan is what the payment's entry commits to (settlement/committed.py). What was said begins with
the version of its key (2 bytes), as the payloads of visits do.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from ledger.entry import Transfer
from settlement.claim import Claim
from settlement.committed import open_committed, seal_committed
from settlement.keyring import Keyring
from settlement.payments.pay_commands import Counter, PlainLine
from settlement.payments.payment import Exchange
from settlement.rows import EventRow, SealedDetail, SettlementRow, TraceRow
from settlement.usecases.visit_payloads import open_payload, seal_payload


class Plan(Struct, frozen=True, kw_only=True, array_like=True):
    """What was decided when it was held, and what is booked when it is paid."""

    transfers: tuple[Transfer, ...]
    """what is held, and posted or voided as a whole"""
    counter: Counter | None = None
    """who asked for it, and how; None for a return"""
    lines: tuple[PlainLine, ...] = ()
    """of a sale without an insurance leg"""
    claim: Claim | None = None
    """of a sale with one: what a remainder is settled by"""
    settlement: SettlementRow | None = None
    detail: SealedDetail | None = None
    increments: dict[str, int] = {}
    traces: tuple[TraceRow, ...] = ()
    events: tuple[EventRow, ...] = ()
    """what the visit learns that is settled"""
    deposit: bool = False
    """it is a deposit of a stay (住院预交金)"""
    elsewhere: bool = False
    """the settlement is booked already, as another region shared it; what is left is collected"""


_ENCODE = msgspec.json.Encoder().encode
_DECODE_PLAN = msgspec.json.Decoder(Plan).decode
_DECODE_EXCHANGE = msgspec.json.Decoder(Exchange).decode


def payment_record(lane: int, pay_no: int, event_no: int) -> bytes:
    """The associated data of a payment's payloads; event 0 is the payment itself."""
    return f"payment/{lane}/{pay_no}/{event_no}".encode()


def seal_plan(plan: Plan, keyring: Keyring, lane: int, pay_no: int) -> bytes:
    """As stored."""
    return seal_committed(_ENCODE(plan), keyring, payment_record(lane, pay_no, 0))


def open_plan(sealed: bytes, keyring: Keyring, lane: int, pay_no: int) -> Plan:
    """What was decided when it was held."""
    return _DECODE_PLAN(open_committed(sealed, keyring, payment_record(lane, pay_no, 0)))


def seal_exchange(
    exchange: Exchange | None, keyring: Keyring, lane: int, pay_no: int, event_no: int
) -> bytes:
    """As stored; empty for none."""
    if exchange is None:
        return b""
    return seal_payload(exchange, keyring, payment_record(lane, pay_no, event_no))


def open_exchange(
    sealed: bytes, keyring: Keyring, lane: int, pay_no: int, event_no: int
) -> Exchange | None:
    """What was said to a channel, and what it said."""
    if not sealed:
        return None
    return _DECODE_EXCHANGE(open_payload(sealed, keyring, payment_record(lane, pay_no, event_no)))
