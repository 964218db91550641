"""A world made ready for a load: who comes, where they go, what they buy. Everything from a seed.

Persons come in turn, in an order of their own, so that nobody stands at two counters at a time and
no two claims of a person have the same second; institutions are picked by their size.
"""

from __future__ import annotations

import random
from bisect import bisect
from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate, count

from msgspec import Struct

from loadtest import messages
from loadtest.desk import Desk, spoken_time
from loadtest.drills.line import Pen
from loadtest.drills.orders import CHANNELS, Wallets
from loadtest.institution_inputs import Bought, Patient
from loadtest.messages import Basket, PersonParts
from loadtest.simulators.payer_codes import Behaviour
from loadtest.workload import PRICE_YUAN_MAX, QUANTITY_MAX, make_baskets
from loadtest.world import World, WorldPerson

SALE_LINES, VISIT_LINES, STAY_LINES = 3, 8, 8
HOSPITAL_SKEW, PHARMACY_SKEW = 1.0, 0.4
"""Exponents of Zipf's law: how fast institutions get smaller from the largest on."""
CHANNEL_SHARES = dict(zip(CHANNELS, (60, 32, 8), strict=True))
PAYERS = {
    Behaviour.OK: 970, Behaviour.USERPAYING: 15, Behaviour.NOT_ENOUGH: 10, Behaviour.LOST_ANSWER: 5,
}  # fmt: skip
"""Of a thousand payers who show a code: most need not even look at their phone."""
CONFIRM_SECONDS_MAX = 6
OTHER_NUMBERS_SECONDS = 6 * 3600
"""Message numbers begin with a second; a second counter of an institution counts from so much
earlier, which the first one does not reach."""


class Customer(Struct, frozen=True, kw_only=True):
    """Somebody at a counter, at a time that no other claim of theirs has."""

    person: WorldPerson
    parts: PersonParts
    at: bytes
    insured_in: str = ""
    """region, where it is not ours"""

    @property
    def patient(self) -> Patient:
        """As those who write messages node by node want them."""
        return Patient(person=self.person)


class Place(Struct, frozen=True, kw_only=True):
    """A counter of an institution."""

    desk: Desk
    pen: Pen

    @property
    def code(self) -> str:
        """Of the institution."""
        return self.desk.code


class City:
    """Supplies of customers, places and baskets, without end."""

    def __init__(
        self, world: World, *, address: tuple[str, int], seed: int, from_second: int,
        name: str = "", strangers: World | None = None,
    ) -> None:  # fmt: skip
        """`from_second` begins all numbers that are given, and service times go back from it: two
        loads on one database must not share it. `name` tells loads that run at once apart.
        `strangers` are the people of another region who come, too."""
        self.chance = random.Random(seed)
        self._stamp = f"L{from_second:x}{name}"
        self._numbers = count(1)
        self._wallets = Wallets()
        host = f"{address[0]}:{address[1]}"
        self._hospitals = _Places(
            world, "hospital", HOSPITAL_SKEW, host, from_second, self._stamp, address=address
        )
        self._pharmacies = _Places(
            world, "pharmacy", PHARMACY_SKEW, host, from_second, self._stamp, address=address
        )
        self._queue = _Queue(world, self.chance, from_second)
        self.has_strangers = strangers is not None
        if strangers is not None:
            self._strangers = _Queue(strangers, self.chance, from_second, strangers.region)
            self._desks_for_strangers = _Places(
                world, "hospital", HOSPITAL_SKEW, host, from_second - OTHER_NUMBERS_SECONDS,
                self._stamp, insured_in=strangers.region,
            )  # fmt: skip
        self._items = [one for one in world.catalogue if 1 <= one.price <= PRICE_YUAN_MAX]
        self._sales = make_baskets(world.catalogue, lines=SALE_LINES, picker=self.chance)
        self._visits = make_baskets(world.catalogue, lines=VISIT_LINES, picker=self.chance)

    def customer(self) -> Customer:
        """The next one."""
        return self._queue.next()

    def stranger(self) -> Customer:
        """The next one of those who are insured elsewhere."""
        return self._strangers.next()

    def hospital_for_strangers(self) -> Place:
        """One by size; a counter of its own, as each message names the region of insurance."""
        return self._desks_for_strangers.pick(self.chance)

    def hospital(self) -> Place:
        """One by size."""
        return self._hospitals.pick(self.chance)

    def pharmacy(self) -> Place:
        """One by size."""
        return self._pharmacies.pick(self.chance)

    def sale(self) -> Basket:
        """What is bought in a pharmacy."""
        return self.chance.choice(self._sales)

    def visit(self) -> Basket:
        """What a doctor orders."""
        return self.chance.choice(self._visits)

    def day_of_a_stay(self) -> list[Bought]:
        """What a ward writes down on one day."""
        return [
            Bought(item=self.chance.choice(self._items), quantity=Decimal(self._quantity()))
            for _ in range(STAY_LINES)
        ]

    def cart(self) -> list[dict[str, str]]:
        """What is scanned at a till: the lines of an order."""
        picked = (self.chance.choice(self._items) for _ in range(SALE_LINES))
        return [
            {
                "feedetl_sn": str(number), "med_list_codg": item.med_list_codg,
                "medins_list_codg": item.medins_list_codg, "cnt": str(self._quantity()),
                "pric": str(item.price),
            }
            for number, item in enumerate(picked, 1)
        ]  # fmt: skip

    def order_no(self) -> str:
        """A number of a till's own: an order, a refund."""
        return f"{self._stamp}{next(self._numbers):08d}"

    def pay_code(self) -> str:
        """What a payer shows."""
        (channel,) = self.chance.choices(list(CHANNEL_SHARES), list(CHANNEL_SHARES.values()))
        (behaviour,) = self.chance.choices(list(PAYERS), list(PAYERS.values()))
        seconds = self.chance.randint(1, CONFIRM_SECONDS_MAX)
        return self._wallets.show(channel, behaviour, seconds=seconds)

    def _quantity(self) -> int:
        return self.chance.randint(1, QUANTITY_MAX)


class _Queue:
    """Everybody of a world, one after the other and then again, in an order of their own."""

    def __init__(
        self, world: World, chance: random.Random, from_second: int, insured_in: str = ""
    ) -> None:
        self._persons = list(world.persons)
        chance.shuffle(self._persons)
        self._parts = [messages.parts_of(one) for one in self._persons]
        self._from_second, self._insured_in = from_second, insured_in
        self._turn = 0

    def next(self) -> Customer:
        """Each time round, a second earlier than the time before."""
        round_no, place = divmod(self._turn, len(self._persons))
        self._turn += 1
        return Customer(
            person=self._persons[place], parts=self._parts[place],
            at=spoken_time(self._from_second - round_no), insured_in=self._insured_in,
        )  # fmt: skip


class _Places:
    """Institutions of a kind, by size."""

    def __init__(
        self, world: World, kind: str, skew: float, host: str, from_second: int, name: str,
        *, address: tuple[str, int] = ("", 0), insured_in: str = "",
    ) -> None:  # fmt: skip
        self._places = [
            Place(
                desk=Desk(
                    one, index=index, region=world.region, host=host, from_second=from_second,
                    insured_in=insured_in,
                ),
                pen=Pen(one, address, name=name),
            )
            for index, one in enumerate(world.of_kind(kind))
        ]
        self._bounds = list(accumulate(zipf_weights(len(self._places), skew)))

    def pick(self, chance: random.Random) -> Place:
        place = bisect(self._bounds, chance.random() * self._bounds[-1])
        return self._places[min(place, len(self._places) - 1)]


def zipf_weights(number: int, skew: float) -> Sequence[float]:
    """Sizes of so many institutions from the largest on; skew 0 makes them equal."""
    return [1 / rank**skew for rank in range(1, number + 1)]
