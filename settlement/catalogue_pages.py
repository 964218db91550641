"""Which items of a catalogue an enquiry shows, page by page (目录分页查询).

Whoever walks through pages asks the same again and again with another page number. What was found
on the way is remembered for as long as few others ask something else, so that a page costs its own
stretch of the catalogue, and a late one not all that is before it once more. Knows no message.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settlement.catalogue import Item

STEP_ITEMS = 1_000
"""Items that are passed at a time: one to two milliseconds."""
ENQUIRIES_KEPT_MAX = 8
"""Enquiries that are remembered; one that shows all of 200,000 items takes 1.6 MB."""


class Passed:
    """Items in their order, taken from where they come from as far as somebody needed them."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._source = iter(items)
        self._items: list[Item] = []

    def between(self, start: int, stop: int) -> list[Item]:
        """Those at these places; fewer at the end."""
        missing = stop - len(self._items)
        if missing > 0:
            self._items += islice(self._source, missing)
        return self._items[start:stop]

    def at(self, place: int) -> Item:
        """One that was passed."""
        return self._items[place]


class Walk:
    """What one enquiry shows of items, as far as it was looked for. A step is whole in itself:
    several who ask the same may take turns."""

    def __init__(self, items: Passed, count: Callable[[Item], int]) -> None:
        self._items = items
        self._count = count
        self._place = 0
        self._found = array("I")
        self._rows_until = array("I")
        self.is_complete = False
        """all items were looked at"""

    @property
    def row_count(self) -> int:
        """How many rows were found so far."""
        return self._rows_until[-1] if self._rows_until else 0

    def step(self) -> None:
        """Look at some more items."""
        rows = self.row_count
        items = self._items.between(self._place, self._place + STEP_ITEMS)
        for place, item in enumerate(items, self._place):
            count = self._count(item)
            if count:
                rows += count
                self._found.append(place)
                self._rows_until.append(rows)
        self._place += len(items)
        self.is_complete = len(items) < STEP_ITEMS

    def between(self, start: int, stop: int) -> Iterator[tuple[int, Item]]:
        """The items that have rows of these numbers, counted from 0, as far as they were found:
        each with the number of its own first row."""
        nth = bisect_right(self._rows_until, start)
        first = self._rows_until[nth - 1] if nth else 0
        while nth < len(self._found) and first < stop:
            yield first, self._items.at(self._found[nth])
            first = self._rows_until[nth]
            nth += 1


class Walks:
    """The newest enquiries into the items of one catalogue."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = Passed(items)
        self._walks: OrderedDict[Hashable, Walk] = OrderedDict()

    def walk(self, enquiry: Hashable, count: Callable[[Item], int]) -> Walk:
        """The walk of an enquiry, begun anew or as it was left: `count` says how many rows it shows
        of an item, and is the same for the same `enquiry`."""
        walk = self._walks.get(enquiry)
        if walk is None:
            walk = self._walks[enquiry] = Walk(self._items, count)
            if len(self._walks) > ENQUIRIES_KEPT_MAX:
                self._walks.popitem(last=False)
        self._walks.move_to_end(enquiry)
        return walk
