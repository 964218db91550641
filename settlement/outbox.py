"""What we owe others (待发通知): when it is tried again, and what counts as delivered.

Pure. At least once, in the order of a case's events, with gaps that grow and never end: what could
not be delivered for long is shown to people, it is not given up (ADR 0032).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from msgspec import Struct

GAPS_SECONDS = (5.0, 15.0, 30.0, 60.0, 180.0, 600.0, 1_800.0, 3_600.0, 7_200.0)
"""After the first, second … failed attempt; the last one repeats."""
ANSWER_SECONDS = 10.0
"""How long a receiver may take."""
WORRYING_SECONDS = 600.0
"""What is owed for longer counts as overdue: a metric and the worklist show it."""
SAID_LENGTH_MAX = 200


class Kind(StrEnum):
    """Which way of telling; also what a receiver is registered for."""

    MOBILE = "mobile"
    """6204 and 6302, in the envelope of mobile payment"""
    WEBHOOK = "webhook"
    """results of scan-to-pay"""
    SMS = "sms"
    """messages to persons, through the gateway of the agency (短信)"""


SMS_GATEWAY = "SMS"
"""What stands in the place of an institution where a person is told."""


class Came(StrEnum):
    """What came of an attempt."""

    DELIVERED = "delivered"
    REFUSED = "refused"
    """the receiver answered, and did not take it"""
    STRANGE = "strange"
    """an answer that is none of the receiver's: another form, another signature"""
    SILENT = "silent"
    """no answer, or none in time: it may have arrived"""
    NOBODY = "nobody"
    """not sent: the institution has no receiver any more, or our keys do not open the notice"""


class Attempt(Struct, frozen=True, kw_only=True):
    """One attempt, as the delivery log keeps it."""

    came: Came
    status: int | None
    """of HTTP"""
    said: str
    began_at: datetime
    took_ms: int


def notice_no(event_no: int, place: int = 0) -> int:
    """The place of a notice among those of its case: by event, then within it."""
    return 10 * event_no + place


def next_try(attempts: int, after: datetime) -> datetime:
    """When to try again, once so many attempts have failed."""
    gap = GAPS_SECONDS[min(attempts, len(GAPS_SECONDS)) - 1]
    return after + timedelta(seconds=gap)


class _Webhook(Struct):
    success: bool = False
    message: str = ""


_DECODE = msgspec.json.Decoder(_Webhook).decode


def judge(status: int, answer: bytes) -> tuple[Came, str]:
    """What a receiver's answer says: `{"success":true}` under a 2xx has taken it."""
    if not 200 <= status < 300:
        return Came.REFUSED, f"HTTP {status}"
    try:
        said = _DECODE(answer)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Came.STRANGE, "应答不是约定的JSON"
    if said.success:
        return Came.DELIVERED, said.message[:SAID_LENGTH_MAX]
    return Came.REFUSED, said.message[:SAID_LENGTH_MAX] or "success=false"
