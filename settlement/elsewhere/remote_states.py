"""The states of a case of somebody insured in another region (异地就医), as a table (ADR 0033).

Every pair of state and happening stands in it: what comes next, that nothing changes, the refusal
that whoever asked for it gets, or that it contradicts what the other region said before. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

from msgspec import Struct


class State(StrEnum):
    """Where a case stands at the region of treatment."""

    ASKED = "asked"
    """held here; the region of insurance is being asked"""
    UNCLEAR = "unclear"
    """it did not answer: the case may be settled there"""
    SETTLED = "settled"
    REFUSED = "refused"
    """nothing was booked there, nor here"""
    UNDOING = "undoing"
    """given up: it must not stand there, and that is not known yet"""
    UNDONE = "undone"
    CANCELLING = "cancelling"
    """settled; the region of insurance is being asked to take it back"""
    CANCELLED = "cancelled"


class Happening(IntEnum):
    """What happens to a case; the kind of its event."""

    ASKED = 1
    SETTLED = 2
    """it says that it settled the case"""
    REFUSED = 3
    """it says that it did not, or nothing ever left for it"""
    SILENT = 4
    """it did not answer in time"""
    GIVEN_UP = 5
    """by a reversal (2601), at the deadline, or because what it answered adds up to nothing"""
    UNDONE = 6
    """it says that the case does not stand, and never will"""
    CANCEL_ASKED = 7
    CANCELLED = 8
    CANCEL_REFUSED = 9
    """what it settled it does not take back, by a cancel or by a reversal"""


class Ignored(StrEnum):
    """The happening changes nothing."""

    SAME = "same"
    """old news"""
    IMPOSSIBLE = "impossible"
    """it contradicts what the region of insurance said before: somebody must look"""


SAME, IMPOSSIBLE = Ignored.SAME, Ignored.IMPOSSIBLE
Next = State | Ignored | str
"""What follows: a state, nothing, or the code of a refusal."""

_WAIT = "UNDERTAKING_OPEN"
_GONE = "REGION_CASE_ENDED"
_ORDER = (
    Happening.SETTLED, Happening.REFUSED, Happening.SILENT, Happening.GIVEN_UP, Happening.UNDONE,
    Happening.CANCEL_ASKED, Happening.CANCELLED, Happening.CANCEL_REFUSED,
)  # fmt: skip
_yes, _no, _unclear = State.SETTLED, State.REFUSED, State.UNCLEAR
_undoing, _undone = State.UNDOING, State.UNDONE
_back, _taken = State.CANCELLING, State.CANCELLED
_BAD = IMPOSSIBLE
# fmt: off
_ROWS: Mapping[State, tuple[Next, ...]] = {
    #            SETTLED REFUSED SILENT    GIVEN_UP  UNDONE   CANCEL_ASKED CANCELLED CANCEL_REFUSED
    State.ASKED: (_yes,  _no,    _unclear, _undoing, _undone, _WAIT,       _BAD,     _BAD),
    _unclear:    (_yes,  _no,    SAME,     _undoing, _undone, _WAIT,       _BAD,     _BAD),
    _yes:        (SAME,  _BAD,   SAME,     _undoing, _BAD,    _back,       _BAD,     SAME),
    _no:         (_BAD,  SAME,   SAME,     _GONE,    SAME,    _GONE,       _BAD,     _BAD),
    _undoing:    (SAME,  SAME,   SAME,     _undoing, _undone, _WAIT,       _undone,  _yes),
    _undone:     (SAME,  SAME,   SAME,     _GONE,    SAME,    _GONE,       SAME,     _BAD),
    _back:       (SAME,  _BAD,   SAME,     _WAIT,    _BAD,    _WAIT,       _taken,   _yes),
    _taken:      (SAME,  _BAD,   SAME,     _GONE,    SAME,    _GONE,       SAME,     _BAD),
}
# fmt: on
NEXT: Mapping[tuple[State, Happening], Next] = {
    (state, happening): follows
    for state, row in _ROWS.items()
    for happening, follows in zip(_ORDER, row, strict=True)
}
OPEN = frozenset({State.ASKED, State.UNCLEAR, State.UNDOING, State.CANCELLING})
"""Something is under way for the person."""
HELD = frozenset({State.ASKED, State.UNCLEAR})
"""Not known to be settled or not, and nobody gave it up."""


class CaseEvent(Struct, frozen=True, kw_only=True):
    """Something that happened to a case."""

    number: int
    happening: Happening
    at: datetime
    setl_id: int | None = None
    """the settlement that it became, or what took that back"""
    reference: str = ""
    """number of the settlement or cancel there; of a cancel that is asked ours of it"""
    payload: bytes = b""
    """sealed: what was told, or who asked for it (usecases/remote_payloads.py)"""


class Standing(Struct, frozen=True, kw_only=True):
    """A case's events, folded."""

    state: State
    at: datetime
    """since when it stands like that"""
    settled: CaseEvent | None = None
    wish: CaseEvent | None = None
    """who asked last that it be taken back: a cancel, or a reversal that gave it up"""
    tries: int = 0
    """how often nothing was heard since"""


def fold(events: Sequence[CaseEvent]) -> Standing:
    """What stands after all of them. ValueError for what the table does not let happen."""
    state, since, tries = State.ASKED, events[0].at, 0
    settled: CaseEvent | None = None
    wish: CaseEvent | None = None
    for event in events[1:]:
        follows = NEXT[state, event.happening]
        if event.happening is Happening.SILENT:
            tries += 1
        elif not isinstance(follows, State):
            raise ValueError(f"{event.happening.name} in {state.name} changes nothing")
        if isinstance(follows, State) and follows is not state:
            state, since = follows, event.at
            tries = 1 if event.happening is Happening.SILENT else 0
        if event.happening is Happening.SETTLED:
            settled = event
        if event.happening is Happening.CANCEL_ASKED:
            wish = event
        if event.happening is Happening.GIVEN_UP and (event.payload or wish is None):
            wish = event
    return Standing(state=state, at=since, settled=settled, wish=wish, tries=tries)


ANSWER_SECONDS = 6.0
"""How long the region of insurance is waited for while the counter waits."""
LOOK_SECONDS = 12.0
"""After a question left, when somebody looks whether it was answered: nobody waits then."""
REVERSE_SECONDS = 45.0
"""How long a case may be unclear; then it is given up."""
GAPS_SECONDS = (3.0, 6.0, 12.0, 30.0, 60.0, 120.0, 300.0)
"""Between two questions to a region that does not answer."""


def look_at(standing: Standing, now: datetime) -> datetime | None:
    """When to look next; None: never, it is at its end."""
    if standing.state not in OPEN:
        return None
    if not standing.tries:
        return now + timedelta(seconds=LOOK_SECONDS)
    gap = GAPS_SECONDS[min(standing.tries, len(GAPS_SECONDS)) - 1]
    return now + timedelta(seconds=gap)


class Errand(StrEnum):
    """What the region of insurance is asked next."""

    SETTLE = "settle"
    STATUS = "status"
    REVERSE = "reverse"
    CANCEL = "cancel"
    GIVE_UP = "give up"
    """nothing: the case is given up first, and then reversed"""


def next_errand(standing: Standing, opened_at: datetime, now: datetime) -> Errand | None:
    """What to do about a case that is looked at; None where it is at its end."""
    match standing.state:
        case State.ASKED | State.UNCLEAR:
            late = now >= opened_at + timedelta(seconds=REVERSE_SECONDS)
            return Errand.GIVE_UP if late and standing.state is State.UNCLEAR else Errand.STATUS
        case State.UNDOING:
            return Errand.REVERSE
        case State.CANCELLING:
            return Errand.CANCEL
        case _:
            return None
