"""Who is let in when not everybody can be: a room with places, shared out as it fills (ADR 0057).

Decided once a request, after its signature and before anything else is done for it, in a handful of
integer operations. While there is room everybody enters. As it fills,

- an institution may hold as many places as are still free, so one alone leaves half of the room to
  others, and n that ask without end leave a share as large as one of theirs;
- what undoes something or asks how things stand may hold twice as many as a claim, a quote a
  quarter; and the last places are not for claims, the last quarter is not for quotes.

A place is left when the request is answered, or, in a room that keeps a pace, when its turn has
come at that pace. Pure: no sockets, and the clock is given.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from protocol.nhsa.registry import TRANSACTIONS, Effect

ROOM_MIN_OF_MAX = 8
"""A room is made no smaller than one in so many of its largest size."""
PACE_SECONDS = 0.5
"""How much a room that keeps a pace holds: what it lets go in so long. A burst as long enters."""
PACE_PLACES_MIN = 16
SHARE_OF_MEAN = 2
"""An institution that holds more than so many times the mean is turned away for its own doing."""


class Rank(StrEnum):
    """What goes first when not everything can."""

    UNDO = "undo"
    """takes something back, or asks how things stand: until it is answered, somebody is in doubt"""
    CLAIM = "claim"
    """everything that an institution does for a patient who is waiting"""
    QUOTE = "quote"
    """has no effect and can be asked again: quotes, lists, files, reconciliation"""


class Reason(StrEnum):
    """Why somebody was turned away."""

    FULL = "full"
    """by the many who are here"""
    SHARE = "share"
    """because their institution holds far more places than others do"""


_ENQUIRIES = ("5201", "5203", "5204", "6301")
"""Whether and how something was booked."""
_CAN_WAIT = frozenset(
    {
        "2101", "2206", "2206A", "2303", "3201", "3202", "3260", "9102", "1304", "1317", "1318",
        "1319",
    }
)  # fmt: skip
"""Quotes; reconciliation, lists and files, which no patient waits for."""


def rank_of(infno: str | None) -> Rank:
    """The rank of a transaction; of one that is not known, a claim's."""
    return _RANKS.get(infno, Rank.CLAIM) if infno else Rank.CLAIM


def _ranks() -> dict[str, Rank]:
    undone_by = {one.undone_by for one in TRANSACTIONS.values() if one.undone_by}
    ranks = {}
    for infno, transaction in TRANSACTIONS.items():
        is_list = infno.startswith("13") and transaction.effect is Effect.READ
        if infno in undone_by or infno == "2601" or infno in _ENQUIRIES:
            ranks[infno] = Rank.UNDO
        elif infno in _CAN_WAIT or is_list:
            ranks[infno] = Rank.QUOTE
    return ranks


_RANKS = _ranks()
"""Transactions that are not claims."""


class _Terms(Struct, frozen=True):
    """What a rank may have: places that are kept from it, as one in so many of the room (0: none),
    and how many an institution may hold for so many free ones."""

    kept_from: int
    held: int
    free: int


_TERMS = {
    Rank.UNDO: _Terms(0, held=2, free=1),
    Rank.CLAIM: _Terms(16, held=1, free=1),
    Rank.QUOTE: _Terms(4, held=1, free=4),
}


class Room:
    """Places, and who holds how many of them."""

    __slots__ = ("_held", "_up_to", "size", "taken")

    def __init__(self, size: int) -> None:
        self._held: dict[str, int] = {}
        self.taken = 0
        self.size = 0
        self._up_to: dict[Rank, int] = {}
        self.resize(size)

    @property
    def is_tight(self) -> bool:
        """Whether more than half of the places are taken, or would be by one more."""
        return 2 * self.taken + 2 > self.size

    def resize(self, size: int) -> None:
        """Have so many places. Whoever is in stays, also where they are more."""
        self.size = size
        self._up_to = {
            rank: size - (size // terms.kept_from if terms.kept_from else 0)
            for rank, terms in _TERMS.items()
        }

    def refuses(self, institution: str, rank: Rank) -> Reason | None:
        """Why the institution may not have a place now; None where it may."""
        terms = _TERMS[rank]
        held = self._held.get(institution, 0)
        if held * terms.free < (self._up_to[rank] - self.taken) * terms.held:
            return None
        if self.taken >= self._up_to[rank]:
            return Reason.FULL
        crowded = held * len(self._held) > SHARE_OF_MEAN * self.taken
        return Reason.SHARE if crowded else Reason.FULL

    def enter(self, institution: str) -> None:
        """Take a place."""
        self._held[institution] = self._held.get(institution, 0) + 1
        self.taken += 1

    def leave(self, institution: str) -> None:
        """Give one back."""
        held = self._held[institution] - 1
        if held:
            self._held[institution] = held
        else:
            del self._held[institution]
        self.taken -= 1


class Pace:
    """A room that lets people out at a pace: whoever came first goes first."""

    __slots__ = ("_clock", "_due_at", "_inside", "_seconds_each", "room")

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        self.room = Room(max(int(per_second * PACE_SECONDS), PACE_PLACES_MIN))
        self._seconds_each = 1 / per_second
        self._clock = clock
        self._inside: deque[str] = deque()
        self._due_at = 0.0
        """when the first of those inside leaves"""

    def refuses(self, institution: str, rank: Rank) -> Reason | None:
        """As of a room, after those whose turn has come have left."""
        now = self._clock()
        while self._inside and self._due_at <= now:
            self.room.leave(self._inside.popleft())
            self._due_at += self._seconds_each
        return self.room.refuses(institution, rank)

    def enter(self, institution: str) -> None:
        """Take a place."""
        if not self._inside:
            self._due_at = self._clock() + self._seconds_each
        self._inside.append(institution)
        self.room.enter(institution)


class Gate:
    """The way into the core for one kind of requests of a process.

    `pace` may be shared by several. The room becomes smaller while those inside wait too long, and
    larger again afterwards.
    """

    __slots__ = ("_pace", "_size_max", "room", "turned_away")

    def __init__(self, size_max: int, pace: Pace | None = None) -> None:
        self._size_max = size_max
        self._pace = pace
        self.room = Room(size_max)
        self.turned_away: dict[str, int] = {}
        """institutions that were turned away for their share, and how often, until somebody looks
        and empties it"""

    def refuses(self, institution: str, rank: Rank) -> Reason | None:
        """Why a request would not be let in now; None where it would. Nothing changes by it."""
        reason = self.room.refuses(institution, rank)
        if reason is None and self._pace is not None:
            reason = self._pace.refuses(institution, rank)
        return reason

    def enter(self, institution: str, rank: Rank) -> Reason | None:
        """Let a request in, or say why not. Whoever is let in must `leave`."""
        pace = self._pace
        reason = self.room.refuses(institution, rank)
        if reason is None and pace is not None:
            reason = pace.refuses(institution, rank)
        if reason is not None:
            if reason is Reason.SHARE:
                self.turned_away[institution] = self.turned_away.get(institution, 0) + 1
            return reason
        self.room.enter(institution)
        if pace is not None:
            pace.enter(institution)
        return None

    @property
    def is_tight(self) -> bool:
        """Whether it may matter what somebody wants."""
        pace = self._pace
        return self.room.is_tight or (pace is not None and pace.room.is_tight)

    def leave(self, institution: str) -> None:
        """A request was answered."""
        self.room.leave(institution)

    def tune(self, *, waited_seconds: float, wait_seconds_max: float, elsewhere: int) -> None:
        """Make the room fit: smaller while the first in a queue has waited longer than it should,
        larger again once it waits less than half as long.

        `elsewhere` requests wait for somebody else (another region, a relative's account): they
        hold places, and nothing here would be faster without them.
        """
        floor = self._size_max // ROOM_MIN_OF_MAX
        here = self.room.size
        if waited_seconds > wait_seconds_max:
            here = here * 3 // 4
        elif waited_seconds < wait_seconds_max / 2:
            here = here * 5 // 4 + 1
        lowest = min(floor + elsewhere, self._size_max)
        size = min(max(here, lowest), self._size_max)
        if size != self.room.size:
            self.room.resize(size)
