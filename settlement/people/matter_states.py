"""The states of what a person has done for them (个人办件), as a table (ADR 0034).

A *matter* is a filing of care outside, an authorisation, or a transfer of the personal account.
Every kind of matter, state and happening stands in the table: what comes next, that nothing
changes, or the refusal that whoever asked for it gets. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import IntEnum, StrEnum


class MatterKind(IntEnum):
    """What it is about."""

    OFF_SITE = 1
    """异地就医备案"""
    AUTHORISATION = 2
    """代办授权: somebody may act for the person"""
    TRANSFER_OUT = 3
    """个人账户转出 on moving (医保关系转移)"""
    TRANSFER_IN = 4
    """个人账户转入"""
    REIMBURSEMENT = 5
    """报销预受理: papers are told in advance; the counter accepts them (ADR 0044)"""


class State(StrEnum):
    """Where a matter stands."""

    APPLIED = "applied"
    """已受理，待审核"""
    ACCEPTED = "accepted"
    """已生效"""
    REFUSED = "refused"
    """未通过"""
    CANCELLED = "cancelled"
    """已撤销: by the person, before or after it was accepted"""
    ENDED = "ended"
    """已终止: by the agency"""
    UNDER_WAY = "under_way"
    """转移在途: taken out of the account, not yet paid out by the bank"""
    DONE = "done"
    """已办结"""
    RETURNED = "returned"
    """已退回: the money came back"""


class Happening(IntEnum):
    """What happens to a matter; the kind of its event."""

    APPLIED = 1
    ACCEPTED = 2
    REFUSED = 3
    CANCELLED = 4
    ENDED = 5
    TAKEN_OUT = 6
    PAID = 7
    """paid out by the bank (转出), or arrived (转入)"""
    RETURNED = 8


class Same(StrEnum):
    """The happening changes nothing: whoever asks is told what stands."""

    SAME = "same"


SAME = Same.SAME
Next = State | Same | str
"""What follows: a state, nothing, or the code of a refusal."""

_NO, _OPEN, _CLOSED = "MATTER_NOT_OF_THIS_KIND", "MATTER_NOT_ACCEPTED", "MATTER_CLOSED"
_STANDS, _MOVED = "MATTER_ACCEPTED", "MATTER_MONEY_MOVED"
_ORDER = (
    Happening.ACCEPTED, Happening.REFUSED, Happening.CANCELLED, Happening.ENDED,
    Happening.TAKEN_OUT, Happening.PAID, Happening.RETURNED,
)  # fmt: skip
_app, _acc, _ref, _can = State.APPLIED, State.ACCEPTED, State.REFUSED, State.CANCELLED
_end, _way, _done, _back = State.ENDED, State.UNDER_WAY, State.DONE, State.RETURNED
# fmt: off
_PERMITS: Mapping[State, tuple[Next, ...]] = {
    #      ACCEPTED REFUSED  CANCELLED ENDED    TAKEN_OUT PAID RETURNED
    _app: (_acc,    _ref,    _can,     _OPEN,   _NO,      _NO, _NO),
    _acc: (SAME,    _STANDS, _can,     _end,    _NO,      _NO, _NO),
    _ref: (_CLOSED, SAME,    _CLOSED,  _CLOSED, _NO,      _NO, _NO),
    _can: (_CLOSED, _CLOSED, SAME,     _CLOSED, _NO,      _NO, _NO),
    _end: (_CLOSED, _CLOSED, _CLOSED,  SAME,    _NO,      _NO, _NO),
}
"""Filings and authorisations: they hold from when they are accepted."""
_GOES_OUT: Mapping[State, tuple[Next, ...]] = {
    #       ACCEPTED REFUSED  CANCELLED ENDED TAKEN_OUT PAID     RETURNED
    _app:  (_NO,     _ref,    _can,     _NO,  _way,     _OPEN,   _OPEN),
    _way:  (_NO,     _MOVED,  _MOVED,   _NO,  SAME,     _done,   _back),
    _done: (_NO,     _MOVED,  _MOVED,   _NO,  _MOVED,   SAME,    _CLOSED),
    _back: (_NO,     _CLOSED, _CLOSED,  _NO,  _CLOSED,  _CLOSED, SAME),
    _ref:  (_NO,     SAME,    _CLOSED,  _NO,  _CLOSED,  _CLOSED, _CLOSED),
    _can:  (_NO,     _CLOSED, SAME,     _NO,  _CLOSED,  _CLOSED, _CLOSED),
}
"""Out of the account first, then out of the bank; a bank may send it back (退汇)."""
_COMES_IN: Mapping[State, tuple[Next, ...]] = {
    #       ACCEPTED REFUSED  CANCELLED ENDED TAKEN_OUT PAID     RETURNED
    _app:  (_NO,     _ref,    _can,     _NO,  _NO,      _done,   _OPEN),
    _done: (_NO,     _MOVED,  _MOVED,   _NO,  _NO,      SAME,    _back),
    _back: (_NO,     _CLOSED, _CLOSED,  _NO,  _NO,      _CLOSED, SAME),
    _ref:  (_NO,     SAME,    _CLOSED,  _NO,  _NO,      _CLOSED, _CLOSED),
    _can:  (_NO,     _CLOSED, SAME,     _NO,  _NO,      _CLOSED, _CLOSED),
}
"""Arrived at the bank and in the account in one step; a mistaken one is sent back."""
# fmt: on
# fmt: off
_TOLD: Mapping[State, tuple[Next, ...]] = {
    #      ACCEPTED REFUSED  CANCELLED ENDED TAKEN_OUT PAID RETURNED
    _app: (_acc,    _ref,    _can,     _NO,  _NO,      _NO, _NO),
    _acc: (SAME,    _STANDS, _CLOSED,  _NO,  _NO,      _NO, _NO),
    _ref: (_CLOSED, SAME,    _CLOSED,  _NO,  _NO,      _NO, _NO),
    _can: (_CLOSED, _CLOSED, SAME,     _NO,  _NO,      _NO, _NO),
}
"""Papers told in advance: from when the counter has them, their reimbursement says how it goes."""
# fmt: on
TABLES: Mapping[MatterKind, Mapping[State, tuple[Next, ...]]] = {
    MatterKind.OFF_SITE: _PERMITS,
    MatterKind.AUTHORISATION: _PERMITS,
    MatterKind.TRANSFER_OUT: _GOES_OUT,
    MatterKind.TRANSFER_IN: _COMES_IN,
    MatterKind.REIMBURSEMENT: _TOLD,
}
NEXT: Mapping[tuple[MatterKind, State, Happening], Next] = {
    (kind, state, happening): follows
    for kind, table in TABLES.items()
    for state, row in table.items()
    for happening, follows in zip(_ORDER, row, strict=True)
}
STATES: Mapping[MatterKind, frozenset[State]] = {
    kind: frozenset(table) for kind, table in TABLES.items()
}
"""In which states a kind of matter can be."""
OPEN = frozenset({State.APPLIED, State.UNDER_WAY})
"""Somebody still has to do something about it."""


def fold(kind: MatterKind, happenings: Iterable[Happening]) -> State:
    """The state after these. Raises ValueError where one of them cannot have happened."""
    state: State | None = None
    for happening in happenings:
        if state is None:
            if happening is not Happening.APPLIED:
                raise ValueError(f"a matter begins by being applied for, not by {happening.name}")
            state = State.APPLIED
            continue
        follows = NEXT.get((kind, state, happening))
        if not isinstance(follows, State):
            raise ValueError(f"{happening.name} changes nothing about {state.value}")
        state = follows
    if state is None:
        raise ValueError("a matter has at least one event")
    return state
