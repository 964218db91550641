"""What the load stands for: who buys what where, and in which order the messages go out.

`oneshot`      an ordinary morning: sales at every pharmacy of the city, three lines each, to
               persons picked at random from the whole population.
`hot`          every sale of the city at one pharmacy: one institution's payable, one fund. It shows
               whether a popular institution is a bottleneck.
`hot_persons`  every sale to the same hundred persons, at every pharmacy: the contention that a
               person's balance and yearly totals can cause.
`visits`       complete outpatient visits at the hospitals: look the person up, register, report the
               diagnosis, send eight fee lines, ask for a quote, settle. One after another within a
               visit, many visits at a time.

No two claims are alike to the business-duplicate rule: a person's n-th claim goes to another
institution, or to another second of the day. Everything random comes from a seed.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from enum import StrEnum

from loadtest import messages
from loadtest.desk import Desk, spoken_time
from loadtest.generator.request import Request, Script
from loadtest.messages import Basket, PersonParts
from loadtest.world import World, WorldItem

SALE_LINES = 3
VISIT_LINES = 8
HOT_PERSONS = 100
BASKETS = 512
PRICE_YUAN_MAX = 60
QUANTITY_MAX = 3
PICKS_MIN = 1 << 16
SECONDS_OF_A_SUPPLY = 10
"""So many service times has one supply of claims before those of the next one begin."""


class Scenario(StrEnum):
    """A workload by name; the module's docstring says what each stands for."""

    ONESHOT = "oneshot"
    HOT = "hot"
    HOT_PERSONS = "hot_persons"
    VISITS = "visits"


class Population:
    """A world made ready to send: desks, written-out persons, baskets. Shared by all scenarios.

    One population serves one data directory: message numbers start at `from_second` and service
    times go back from it.
    """

    def __init__(self, world: World, *, host: str, seed: int, from_second: int) -> None:
        self._world = world
        self._random = random.Random(seed)
        self._from_second = from_second
        self._supplies = 0
        self.codes = [institution.code for institution in world.institutions]
        """institution codes in the order of the client's book"""
        self._desks = {
            institution.code: Desk(
                institution, index=index, region=world.region, host=host, from_second=from_second
            )
            for index, institution in enumerate(world.institutions)
        }
        self._persons = [parts_with_account(world, index) for index in _insured(world)]

    def scripts(self, scenario: Scenario, connections: int) -> list[Script]:
        """One script a connection; together they are one scenario."""
        if scenario is Scenario.VISITS:
            claims = self._claims("hospital", lines=VISIT_LINES)
            return [_visits(claims) for _ in range(connections)]
        hot, few = scenario is Scenario.HOT, scenario is Scenario.HOT_PERSONS
        claims = self._claims(
            "pharmacy",
            lines=SALE_LINES,
            institutions=1 if hot else None,
            persons=HOT_PERSONS if few else None,
        )
        return [_sales(claims) for _ in range(connections)]

    def claims_of(self, codes: Sequence[str], *, lines: int = SALE_LINES) -> Claims:
        """Claims at these institutions alone."""
        return Claims(
            desks=[self._desks[code] for code in codes],
            persons=self._persons,
            baskets=make_baskets(self._world.catalogue, lines=lines, picker=self._random),
            picker=self._random,
            from_second=self._next_times(),
        )

    def _next_times(self) -> int:
        """Each supply of claims has service times of its own: else the same person may buy the same
        things at the same place in the same second of two windows."""
        self._supplies += 1
        return self._from_second - (self._supplies - 1) * SECONDS_OF_A_SUPPLY

    def _claims(
        self, kind: str, *, lines: int, institutions: int | None = None, persons: int | None = None
    ) -> Claims:
        desks = [self._desks[one.code] for one in self._world.of_kind(kind)]
        return Claims(
            desks=desks[:institutions],
            persons=self._persons[:persons],
            baskets=make_baskets(self._world.catalogue, lines=lines, picker=self._random),
            picker=self._random,
            from_second=self._next_times(),
        )


class Claims:
    """An endless supply of who, where, when and what."""

    def __init__(
        self,
        *,
        desks: list[Desk],
        persons: list[PersonParts],
        baskets: list[Basket],
        picker: random.Random,
        from_second: int,
    ) -> None:
        self._desks = desks
        self._persons = persons
        self._baskets = baskets
        self._from_second = from_second
        self._taken = 0
        picks = max(PICKS_MIN, 2 * len(persons))
        self._picks = picker.choices(range(len(persons)), k=picks)
        self._claims_of = [0] * len(persons)
        self._times: dict[int, bytes] = {}

    def next(self) -> tuple[Desk, PersonParts, Basket, bytes]:
        """Desk, person, basket and service time of the next claim; never the same four twice."""
        taken = self._taken
        self._taken = taken + 1
        person = self._picks[taken % len(self._picks)]
        earlier = self._claims_of[person]
        self._claims_of[person] = earlier + 1
        seconds_back, place = divmod(earlier, len(self._desks))
        desk = self._desks[(person + place) % len(self._desks)]
        at = self._times.get(seconds_back)
        if at is None:
            at = self._times[seconds_back] = spoken_time(self._from_second - seconds_back)
        return desk, self._persons[person], self._baskets[taken % len(self._baskets)], at


def prepared(scripts: list[Script], count: int) -> list[Script]:
    """The same scripts with `count` requests made in advance, so that making them costs the
    measured time nothing. Only for scripts that do not read replies; one store serves them all."""
    store = deque(next(scripts[number % len(scripts)]) for number in range(count))
    return [_from_store(store, script) for script in scripts]


def make_baskets(catalogue: list[WorldItem], *, lines: int, picker: random.Random) -> list[Basket]:
    """Baskets of everyday prices that mix the fee classes, so that several parties pay."""
    affordable = [item for item in catalogue if 0 < item.price <= PRICE_YUAN_MAX] or catalogue
    classes = sorted({item.chrgitm_lv for item in affordable})
    by_class = [[item for item in affordable if item.chrgitm_lv == one] for one in classes]
    return [
        messages.basket_of(
            [
                (picker.choice(by_class[line % len(by_class)]), picker.randint(1, QUANTITY_MAX))
                for line in range(lines)
            ]
        )
        for _ in range(BASKETS)
    ]


def parts_with_account(world: World, index: int) -> PersonParts:
    """The written-out parts of one person of the world."""
    return messages.parts_of(world.persons[index])


def _insured(world: World) -> list[int]:
    """Persons whose account has money in it: then fund, account and cash all take part."""
    funded = [index for index, person in enumerate(world.persons) if person.balance > 0]
    return funded or list(range(len(world.persons)))


def _from_store(store: deque[Request], script: Script) -> Script:
    while store:
        yield store.popleft()
    yield from script


def _sales(claims: Claims) -> Script:
    while True:
        desk, person, basket, at = claims.next()
        serial = desk.serial()
        content = messages.pharmacy_sale(person, basket, serial=serial, at=at)
        yield Request(
            payload=desk.request("2102", content),
            institution=desk.index,
            fee_fen=basket.total_fen,
            settles=True,
            ends_unit=True,
        )


def _visits(claims: Claims) -> Script:
    while True:
        yield from _visit(*claims.next())


def _visit(desk: Desk, person: PersonParts, basket: Basket, at: bytes) -> Script:
    """One visit; given up as soon as a reply does not carry what the next message needs."""
    number = desk.serial()
    if (yield _step(desk, "1101", messages.person_lookup(person))) is None:
        return
    opened = yield _step(desk, "2201", messages.registration(person, visit_no=number, at=at))
    quoted_id = messages.value_in(opened or b"", b"mdtrt_id")
    if quoted_id is None:
        return
    visit_id = quoted_id.strip(b'"')
    if (yield _step(desk, "2203", messages.visit_data(person, visit_id=visit_id, at=at))) is None:
        return
    lines = messages.fee_lines(person, basket, visit_id=visit_id, charge_no=number, at=at)
    if (yield _step(desk, "2204", lines)) is None:
        return
    content = messages.quote(person, basket, visit_id=visit_id, charge_no=number)
    quoted = yield _step(desk, "2206", content)
    splits = messages.splits_in(quoted or b"")
    if splits is None:
        return
    yield Request(
        payload=desk.request(
            "2207",
            messages.settlement(person, basket, visit_id=visit_id, charge_no=number, splits=splits),
        ),
        institution=desk.index,
        fee_fen=basket.total_fen,
        settles=True,
        ends_unit=True,
    )


def _step(desk: Desk, infno: str, content: bytes) -> Request:
    return Request(
        payload=desk.request(infno, content),
        institution=desk.index,
        fee_fen=0,
        settles=False,
        ends_unit=False,
    )
