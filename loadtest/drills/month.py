"""Which month a drill plays, and how its numbers begin."""

from __future__ import annotations

from datetime import date, timedelta

from msgspec import Struct

from settlement.books.month_states import last_day


class Month(Struct, frozen=True, kw_only=True):
    """A month of the calendar."""

    first: date

    @property
    def last(self) -> date:
        """Its last day."""
        return last_day(self.first)

    @property
    def days(self) -> int:
        """How many it has."""
        return self.last.day

    def day(self, place: int) -> date:
        """A day by its place, from 0; before the month where that is below."""
        return self.first + timedelta(days=place)

    def numbers_from(self, block: int) -> int:
        """The first number of ours of lane 0 in a block of the month."""
        return (self.first.year % 100 * 100 + self.first.month) * 10**15 + block * 10**6

    def share(self, whole: int, place: int) -> tuple[int, int]:
        """The first and the last of the things of a day, where so many are spread over the month,
        counted from 1."""
        return whole * place // self.days + 1, whole * (place + 1) // self.days


def month_before(today: date) -> Month:
    """The last month that is over."""
    return Month(first=(today.replace(day=1) - timedelta(days=1)).replace(day=1))
