"""Names of WAL segments: arithmetic on what PostgreSQL calls its files. Pure.

A name is 24 hex digits: timeline, then the segment's number in two halves. A log sequence number
(LSN) is a place in the stream, as PostgreSQL writes it: `1/6B3740A0`.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from msgspec import Struct

SEGMENT_BYTES = 16 * 2**20
"""What a server is made with unless somebody chose otherwise."""
_NAME = re.compile(r"[0-9A-F]{24}")
_LOG = 2**32


class Segment(Struct, frozen=True, kw_only=True, order=True):
    """One file of the stream."""

    timeline: int
    number: int
    """from the beginning of the stream"""


def is_segment(name: str) -> bool:
    """Whether a file of the archive is a segment, and no note of PostgreSQL's beside them."""
    return _NAME.fullmatch(name) is not None


def parse(name: str, segment_bytes: int = SEGMENT_BYTES) -> Segment:
    """The segment that a file is; ValueError for what `is_segment` denies."""
    if not is_segment(name):
        raise ValueError(f"{name!r} is no WAL segment")
    high, low = int(name[8:16], 16), int(name[16:], 16)
    return Segment(timeline=int(name[:8], 16), number=high * (_LOG // segment_bytes) + low)


def name_of(segment: Segment, segment_bytes: int = SEGMENT_BYTES) -> str:
    """What the file of a segment is called."""
    high, low = divmod(segment.number, _LOG // segment_bytes)
    return f"{segment.timeline:08X}{high:08X}{low:08X}"


def lsn(text: str) -> int:
    """A place in the stream as a number."""
    high, low = text.split("/")
    return int(high, 16) * _LOG + int(low, 16)


def segment_at(place: str, timeline: int, segment_bytes: int = SEGMENT_BYTES) -> Segment:
    """The segment in which a place lies."""
    return Segment(timeline=timeline, number=lsn(place) // segment_bytes)


def first_gap(
    names: Collection[str], begin: Segment, segment_bytes: int = SEGMENT_BYTES
) -> str | None:
    """The first segment that is missing between `begin` and the newest there is; None where none
    is. A timeline that branches off goes on with the number at which it does."""
    present = [parse(name, segment_bytes) for name in names if is_segment(name)]
    after = {one.number for one in present if one.timeline >= begin.timeline}
    last = max((number for number in after if number >= begin.number), default=None)
    if last is None:
        return name_of(begin, segment_bytes)
    for number in range(begin.number, last + 1):
        if number not in after:
            missing = Segment(timeline=begin.timeline, number=number)
            return name_of(missing, segment_bytes)
    return None
