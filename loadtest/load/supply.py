"""Who comes when: a Poisson process whose rate follows the hours of what is played."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from loadtest.generator.unit import Arrival, Unit
from loadtest.load.book import LoadBook
from loadtest.load.city import City
from loadtest.load.phones import Phones
from loadtest.load.presets import Kind, Pace
from loadtest.load.rhythm import Hour, lengths_of
from loadtest.load.scans import Tills
from loadtest.load.units import Counters

Makers = Mapping[Kind, Callable[[], Unit]]


def makers_of(city: City, book: LoadBook) -> Makers:
    """What makes a unit of each kind that can be served here: strangers where their region is."""
    counters, tills, phones = Counters(city, book), Tills(city, book), Phones(city, book)
    found = {
        Kind.PHARMACY: counters.pharmacy, Kind.OUTPATIENT: counters.outpatient,
        Kind.SCAN: tills.scan, Kind.INPATIENT: counters.inpatient, Kind.PHONE: phones.visit,
    }  # fmt: skip
    return found | ({Kind.AWAY: counters.away} if city.has_strangers else {})


def arrivals(
    hours: Sequence[Hour], city: City, makers: Makers, *, seconds: float, pace: Pace = Pace.LIFE
) -> Iterator[Arrival]:
    """All hours in so many seconds, at a pace. Within an hour nobody waits for anybody: gaps are
    exponential, and kinds come as they are expected. Kinds that nobody makes here come as the
    others do, so that the sum is what the preset says."""
    chance = city.chance
    begin = 0.0
    for hour, length in zip(hours, lengths_of(hours, pace, seconds), strict=True):
        weights = {kind: hour.expected[kind] for kind in makers}
        kinds, shares = list(weights), list(weights.values())
        rate = hour.total / length
        at, end = begin, begin + length
        while (at := at + chance.expovariate(rate)) < end:
            (kind,) = chance.choices(kinds, shares)
            yield Arrival(at_seconds=at, kind=kind, unit=makers[kind]())
        begin = end
