"""What is sealed in orders of mobile payment and in the outbox, and the tokens of an order.

A sealed payload begins with the version of its key (2 bytes), as those of visits do.
"""

from __future__ import annotations

import hmac

import msgspec
from msgspec import Raw, Struct

from ledger.entry import Transfer
from settlement.claim import AccountUse, CareKind
from settlement.committed import open_committed, seal_committed
from settlement.keyring import Keyring
from settlement.rows import SealedDetail, SettlementRow, TraceRow
from settlement.usecases.visit_payloads import open_payload, seal_payload


class Uploaded(Struct, frozen=True, kw_only=True, array_like=True):
    """What an order was uploaded with, as far as it is decided on."""

    scheme: str
    care_type: str
    kind: CareKind
    account_use: AccountUse
    invoice_no: str
    kept: dict[str, object]
    token_key: bytes
    """of the ecToken that it was uploaded with"""
    own_visit: bool
    """the visit was made for it, and ends with it"""


class Held(Struct, frozen=True, kw_only=True, array_like=True):
    """What was decided when an order was held, and is booked when it is confirmed."""

    transfers: tuple[Transfer, ...]
    settlement: SettlementRow
    detail: SealedDetail
    increments: dict[str, int]
    traces: tuple[TraceRow, ...]
    collected_by: str = ""
    """the channel at which the agency's merchant collects the own part; empty for the
    institution's own custody"""


class Notice(Struct, frozen=True, kw_only=True):
    """What somebody is told: JSON of our own, or the data of a message of the interface."""

    data: Raw


_ENCODE = msgspec.json.Encoder().encode
_DECODE_UPLOADED = msgspec.json.Decoder(Uploaded).decode
_DECODE_HELD = msgspec.json.Decoder(Held).decode
_DECODE_NOTICE = msgspec.json.Decoder(Notice).decode


def order_record(lane: int, order_no: int, event_no: int) -> bytes:
    """The associated data of an order: 0 as it was uploaded, 1 as it was held."""
    return f"mobile/{lane}/{order_no}/{event_no}".encode()


def seal_uploaded(uploaded: Uploaded, keyring: Keyring, lane: int, order_no: int) -> bytes:
    """As stored with the order."""
    return seal_payload(uploaded, keyring, order_record(lane, order_no, 0))


def open_uploaded(sealed: bytes, keyring: Keyring, lane: int, order_no: int) -> Uploaded:
    """What the order was uploaded with."""
    return _DECODE_UPLOADED(open_payload(sealed, keyring, order_record(lane, order_no, 0)))


def seal_held(held: Held, keyring: Keyring, lane: int, order_no: int) -> bytes:
    """As stored with the event; an order is held once."""
    return seal_committed(_ENCODE(held), keyring, order_record(lane, order_no, 1))


def open_held(sealed: bytes, keyring: Keyring, lane: int, order_no: int) -> Held:
    """What was decided when it was held."""
    return _DECODE_HELD(open_committed(sealed, keyring, order_record(lane, order_no, 1)))


def notice_record(lane: int, case_no: int, notice_no: int) -> bytes:
    """The associated data of what is owed to others."""
    return f"outbox/{lane}/{case_no}/{notice_no}".encode()


def seal_notice(
    data: bytes, keyring: Keyring, *, lane: int, case_no: int, notice_no: int
) -> bytes:
    """As stored in the outbox."""
    return seal_payload(
        Notice(data=Raw(data)), keyring, notice_record(lane, case_no, notice_no)
    )


def open_notice(
    sealed: bytes, keyring: Keyring, *, lane: int, case_no: int, notice_no: int
) -> bytes:
    """The JSON that is owed."""
    return bytes(
        _DECODE_NOTICE(
            open_payload(sealed, keyring, notice_record(lane, case_no, notice_no))
        ).data
    )


def pay_token(keyring: Keyring, order_no: int) -> str:
    """支付token: proves that one uploaded the order. 40 hex digits."""
    return _derived(keyring, "pay", order_no)


def reversal_token(keyring: Keyring, order_no: int) -> str:
    """冲正授权 (revsToken), valid for an hour after the insurance paid. 40 hex digits."""
    return _derived(keyring, "reverse", order_no)


def is_same_token(ours: str, theirs: str) -> bool:
    """Whether somebody knows a token, told in the same time wherever it differs."""
    return hmac.compare_digest(ours.encode(), theirs.encode())


def _derived(keyring: Keyring, purpose: str, order_no: int) -> str:
    return hmac.digest(keyring.digest_key, f"{purpose}\n{order_no}".encode(), "sha256").hex()[:40]
