"""Who is treated away from home in a drill, where, and what goes wrong with them: all by seed.

Nine of ten buy in a pharmacy, the others see a doctor; of those whose region pays for no pharmacy
one of fifty tries, and is refused. Some counters lose their connection, some give a case up that is
unclear, some walk away from it and look at the end of the day, some send what was answered again;
some customers come back and return everything. A journey depends on the seed and its number alone,
so that a run can be made again with fewer.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Collection, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar

from msgspec import Struct

from loadtest.institution_inputs import Bought, Patient
from loadtest.population.persons import EMPLOYEE
from loadtest.world import World

T = TypeVar("T")
LINES_MAX = 3
VISITS, VISITS_ELSE = 0.1, 0.98
"""Shares of cases: where the region of insurance pays for pharmacies, and where it does not."""
PRICE_YUAN_MAX = 60


class Unclear(StrEnum):
    """What a counter does about a case of which nobody can say what became of it."""

    ASK_ON = "ask on"
    """the same message, until it is known"""
    GIVE_UP = "give up"
    """2601, now"""
    WALK_AWAY = "walk away"
    """the same message, at the end of the day"""
    FORGET = "forget"
    """2601, at the end of the day"""


class Afterwards(StrEnum):
    """What becomes of what was settled."""

    STAYS = "stays"
    CANCELLED = "cancelled"
    REVERSED = "reversed"
    """2601 takes it back"""


_UNCLEAR = {
    Unclear.ASK_ON: 60, Unclear.GIVE_UP: 20, Unclear.WALK_AWAY: 10, Unclear.FORGET: 10,
}  # fmt: skip
_AFTERWARDS = {Afterwards.STAYS: 92, Afterwards.CANCELLED: 5, Afterwards.REVERSED: 3}


class Journey(Struct, frozen=True, kw_only=True):
    """One case before it happens."""

    number: int
    treated: str
    """region of treatment"""
    is_visit: bool
    place: int
    """of the institution, among those of its kind"""
    basket: tuple[Bought, ...]
    unclear: Unclear
    afterwards: Afterwards
    vanishes: bool
    """the counter's connection is lost about when it sent what settles"""
    twice: bool
    """it sends what was settled once more, as after a restart"""


class Travellers:
    """The journeys of one run, and the people who are not on one at the moment."""

    def __init__(
        self, worlds: Mapping[str, World], *, seed: int, pharmacies_for: Collection[str]
    ) -> None:
        """`pharmacies_for`: regions of insurance that pay for what pharmacies sell."""
        self._seed = seed
        self._regions = tuple(worlds)
        self._worlds = worlds
        self._pharmacies_for = pharmacies_for
        self._items = {
            region: [one for one in world.catalogue if 1 <= one.price <= PRICE_YUAN_MAX]
            for region, world in worlds.items()
        }
        self._at_home = {
            region: deque(
                Patient(person=person) for person in world.persons if person.insutype == EMPLOYEE
            )
            for region, world in worlds.items()
        }

    def journey(self, number: int) -> Journey:
        """The journey with this number, from 0 on."""
        chance = random.Random(f"{self._seed}:{number}")
        treated = self._regions[number % len(self._regions)]
        paid_for = any(one in self._pharmacies_for for one in self._regions if one != treated)
        is_visit = chance.random() < (VISITS if paid_for else VISITS_ELSE)
        places = self._worlds[treated].of_kind("hospital" if is_visit else "pharmacy")
        items = self._items[treated]
        return Journey(
            number=number, treated=treated, is_visit=is_visit, place=chance.randrange(len(places)),
            basket=tuple(
                Bought(item=chance.choice(items), quantity=Decimal(chance.randint(1, 3)))
                for _ in range(chance.randint(1, LINES_MAX))
            ),
            unclear=_drawn(chance, _UNCLEAR), afterwards=_drawn(chance, _AFTERWARDS),
            vanishes=chance.random() < 0.02, twice=chance.random() < 0.03,
        )  # fmt: skip

    def leave(self, home: str) -> Patient:
        """Somebody who is at home in a region: nobody stands at two counters at the same time.
        Raises IndexError where all are away."""
        return self._at_home[home].popleft()

    def come_back(self, home: str, patient: Patient) -> None:
        """Nothing is under way for them."""
        self._at_home[home].append(patient)


def _drawn(chance: random.Random, weights: Mapping[T, int]) -> T:
    return chance.choices(list(weights), list(weights.values()))[0]
