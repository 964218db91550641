"""What is sealed in a case of somebody insured elsewhere, and in its events.

A sealed payload begins with the version of its key (2 bytes), as those of visits do.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from protocol.hub.messages import Case, CaseTold
from settlement.committed import open_committed, seal_committed
from settlement.keyring import Keyring
from settlement.payments.pay_commands import Counter
from settlement.rows import EventRow, SealedDetail, SettlementRow, TraceRow
from settlement.usecases.visit_payloads import open_payload, seal_payload


class Order(Struct, frozen=True, kw_only=True):
    """The order of scan-to-pay that a case is of."""

    counter: Counter
    pay_no: int
    """the payment that collects what is left, if something is"""


class Plan(Struct, frozen=True, kw_only=True):
    """What the region of insurance is asked, and what is booked once it has told its shares."""

    question: Case
    settlement: SettlementRow
    """all but the shares"""
    detail: SealedDetail
    events: tuple[EventRow, ...]
    """what the visit learns that is settled"""
    traces: tuple[TraceRow, ...]
    message_key: bytes
    fingerprint: bytes
    order: Order | None = None


class Wish(Struct, frozen=True, kw_only=True):
    """Who wants a case taken back, by which message: bound when it is."""

    infno: str
    msgid: str
    operator: str
    message_key: bytes
    """empty where it is no message's: an order that its payer did not pay, or that was given up"""
    fingerprint: bytes
    original_key: bytes = b""
    """of a reversal: the message that must have no effect any more"""


class Refusing(Struct, frozen=True, kw_only=True):
    """What the region of insurance said where it refused."""

    code: str
    text: str
    retry: str


_LATELY_MAX = 1024
"""Plans that are kept open; the oldest go first."""
_LATELY: dict[tuple[bytes, int, int], Plan] = {}
"""By what is stored: another text, place or key is another plan, so none is ever stale."""
_ENCODE = msgspec.json.Encoder().encode
_DECODE_PLAN = msgspec.json.Decoder(Plan).decode
_DECODE_TOLD = msgspec.json.Decoder(CaseTold).decode
_DECODE_WISH = msgspec.json.Decoder(Wish).decode


def case_record(lane: int, case_no: int, event_no: int) -> bytes:
    """The associated data of a case (event 0) or of one of its events."""
    return f"case/{lane}/{case_no}/{event_no}".encode()


def seal_plan(plan: Plan, keyring: Keyring, lane: int, case_no: int) -> bytes:
    """As stored with the case."""
    sealed = seal_committed(_ENCODE(plan), keyring, case_record(lane, case_no, 0))
    _keep(sealed, lane, case_no, plan)
    return sealed


def open_plan(sealed: bytes, keyring: Keyring, lane: int, case_no: int) -> Plan:
    """What was decided when it was asked. Whoever decides on a case soon after it was put has it
    still: the question and each answer need it, and to open it costs more than the decision."""
    plan = _LATELY.get((sealed, lane, case_no))
    if plan is None:
        opened = open_committed(sealed, keyring, case_record(lane, case_no, 0))
        plan = _DECODE_PLAN(opened)
        _keep(sealed, lane, case_no, plan)
    return plan


def forget_plan(sealed: bytes, lane: int, case_no: int) -> None:
    """The case is at its end: nobody here needs it soon."""
    _LATELY.pop((sealed, lane, case_no), None)


def seal_event(
    said: CaseTold | Wish | Refusing | None, keyring: Keyring, lane: int, case_no: int,
    event_no: int,
) -> bytes:  # fmt: skip
    """As stored with an event; empty for none."""
    if said is None:
        return b""
    return seal_payload(said, keyring, case_record(lane, case_no, event_no))


def open_told(sealed: bytes, keyring: Keyring, lane: int, case_no: int, event_no: int) -> CaseTold:
    """How the region of insurance shared the case."""
    return _DECODE_TOLD(open_payload(sealed, keyring, case_record(lane, case_no, event_no)))


def open_wish(sealed: bytes, keyring: Keyring, lane: int, case_no: int, event_no: int) -> Wish:
    """Who wants the case taken back."""
    return _DECODE_WISH(open_payload(sealed, keyring, case_record(lane, case_no, event_no)))


def _keep(sealed: bytes, lane: int, case_no: int, plan: Plan) -> None:
    while len(_LATELY) >= _LATELY_MAX:
        del _LATELY[next(iter(_LATELY))]
    _LATELY[sealed, lane, case_no] = plan
