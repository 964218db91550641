"""The states of a case at the region of insurance (参保地), as a table (ADR 0033).

Every pair of state and question stands in it: what the case becomes, that nothing changes and what
stands is told, or the refusal that whoever asks gets. Questions come late, twice and in any order.
Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class HomeState(StrEnum):
    """Where a case of somebody treated in another region stands with us."""

    NONE = "none"
    """nothing is known of it"""
    SETTLED = "settled"
    CANCELLED = "cancelled"
    """撤销: it counts, and a second row takes it back"""
    REVERSED = "reversed"
    """冲正: it was settled, and whoever asked does not know that it ever was"""
    TOMBSTONE = "tombstone"
    """it was never settled here, and never will be: refused, or reversed before it came"""


class Ask(StrEnum):
    """What the region of treatment (就医地) asks about a case."""

    SETTLE = "settle"
    CANCEL = "cancel"
    REVERSE = "reverse"
    STATUS = "status"


class Same(StrEnum):
    """The question changes nothing: whoever asks is told what stands."""

    SAME = "same"


SAME = Same.SAME
Next = HomeState | Same | str
"""What follows: a state, nothing, or the code of a refusal."""

_ORDER = (Ask.SETTLE, Ask.CANCEL, Ask.REVERSE, Ask.STATUS)
_NEW, _GONE, _BACK = "CASE_UNKNOWN", "CASE_REVERSED", "CASE_CANCELLED"
_settled, _cancelled = HomeState.SETTLED, HomeState.CANCELLED
_reversed, _stone = HomeState.REVERSED, HomeState.TOMBSTONE
# fmt: off
_ROWS: Mapping[HomeState, tuple[Next, ...]] = {
    #                SETTLE    CANCEL      REVERSE    STATUS
    HomeState.NONE: (_settled, _NEW,       _stone,    SAME),
    _settled:       (SAME,     _cancelled, _reversed, SAME),
    _cancelled:     (SAME,     _BACK,      SAME,      SAME),
    _reversed:      (_GONE,    _GONE,      SAME,      SAME),
    _stone:         (_GONE,    _GONE,      SAME,      SAME),
}
# fmt: on
NEXT: Mapping[tuple[HomeState, Ask], Next] = {
    (state, ask): follows
    for state, row in _ROWS.items()
    for ask, follows in zip(_ORDER, row, strict=True)
}
