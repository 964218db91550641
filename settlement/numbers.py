"""Numbers that we issue: settlement, visit and sign-in numbers.

A number is 19 decimal digits that a person can read aloud and a bigint can hold:

    2611 0042 00017 000123
    │    │    │     └ count within the block
    │    │    └ block, drawn from a database sequence by one process
    │    └ lane: which lane the row lives in
    └ year and month

Nothing in it says in which order batches committed, so it can be given out before the commit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

COUNT_MAX = 999_999
_LANE = 10**11
_MONTH = 10**15
_YEAR = 100 * _MONTH
_GREATEST = str(2**63 - 1)
"""What a bigint holds; as long as every number of ours, so that texts compare as numbers do."""


class NumberBlock:
    """Gives out the numbers of one block; call `needs_refill` before it runs dry."""

    __slots__ = ("_block", "_count")

    def __init__(self, block: int) -> None:
        self._block = block * (COUNT_MAX + 1)
        self._count = 0

    def next(self, lane: int, day: date) -> int:
        """The next number for a lane, on a business day."""
        self._count += 1
        if self._count > COUNT_MAX:
            raise BlockExhaustedError
        return (
            (day.year % 100 * 100 + day.month) * _MONTH + lane * _LANE + self._block + self._count
        )

    @property
    def remaining(self) -> int:
        """How many numbers are left."""
        return COUNT_MAX - self._count


class BlockExhaustedError(Exception):
    """A block ran dry: the process must draw another before it takes more work."""


NumberSource = Callable[[int, date], int]


def lane_in(number: int) -> int:
    """The lane that a number of ours carries."""
    return number // _LANE % 10_000


def numbers_of(year: int) -> tuple[int, int]:
    """The first number of a year that could be given out, and the first that is of the next."""
    return (year - 2000) * _YEAR, (year - 1999) * _YEAR


def month_of(number: int) -> date:
    """The first day of the month that a number of ours carries."""
    year, month = divmod(number // _MONTH, 100)
    return date(2000 + year, max(month, 1), 1)


def parse(text: str) -> int | None:
    """A number of ours from the wire, or None where it cannot be one."""
    if len(text) == 19 and text.isascii() and text.isdigit() and text <= _GREATEST:
        return int(text)
    return None


def shown(number: int) -> str:
    """A number for a reader; empty for what was none of ours, of which only that is known."""
    return str(number) if number > 0 else ""
