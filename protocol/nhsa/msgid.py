"""The sender's message id (发送方报文ID): institution 12, `yyyyMMddHHmmss` 14, sequence 4.

Many senders do not follow the pattern, so nothing is refused for its shape: what cannot be read is
None. The id is a key, never a fact about who or when.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from msgspec import Struct

_EPOCH = datetime(1970, 1, 1)


class MessageId(Struct, frozen=True, kw_only=True, gc=False):
    """The three parts of an id that follows the pattern."""

    institution_code: str
    sent_at_seconds: int
    """Local time of the sender as seconds since 1970-01-01, read without an offset."""
    sequence: str


def parse(msgid: str) -> MessageId | None:
    """The parts, or None when the id does not follow the pattern."""
    seconds = sent_at(msgid)
    if seconds is None or len(msgid) != 30:
        return None
    return MessageId(institution_code=msgid[:12], sent_at_seconds=seconds, sequence=msgid[26:])


def sent_at(msgid: str) -> int | None:
    """Seconds since 1970-01-01 of the time inside the id, or None; a time prefix keeps the keys
    of one day together in an index."""
    return _seconds(msgid[12:26])


@lru_cache(maxsize=4_096)
def _seconds(digits: str) -> int | None:
    # A second of a city's traffic says the same fourteen digits thousands of times.
    if len(digits) != 14 or not digits.isdecimal():
        return None
    try:
        elapsed = datetime.fromisoformat(f"{digits[:8]}T{digits[8:]}") - _EPOCH
    except ValueError:
        return None
    return elapsed.days * 86_400 + elapsed.seconds
