"""Who plays in the story, and what its scenes hand on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from pathlib import Path

from msgspec import Struct

from loadtest.hub_members import Member, Operator
from loadtest.institution_client import Clients, InstitutionClient, Message
from loadtest.institution_inputs import Bought, Card, Patient
from loadtest.mobile_inputs import Held, Uploaded
from loadtest.population.persons import EMPLOYEE, RESIDENT, card_of, ordinal_in
from loadtest.world import World, WorldInstitution, WorldItem, WorldPerson
from settlement.demo.mixed_shop import MixedSale
from settlement.demo.scene import Paid, Scene, StoryError

_PRICE_MAX = Decimal(60)
_BALANCE_MIN = Decimal(300)
TRAVELLERS = 2


class Cast(Struct, frozen=True, kw_only=True):
    """Who plays: chosen from the world in its own order, so the same people every time."""

    pharmacy: InstitutionClient
    hospital: InstitutionClient
    employee: Patient
    colleague: Patient
    retired: Patient
    resident: Patient
    world: World
    operator: Operator
    data_dir: Path
    """of our server"""
    url: str
    """where it is reached"""
    drugs: tuple[Bought, ...]
    treatment: tuple[Bought, ...]


class Admitted(Struct, frozen=True, kw_only=True):
    """A stay that began with a request from the phone."""

    mdtrt_id: str
    order_no: str
    """of the request and its deposit"""


class Phoned(Struct, frozen=True, kw_only=True):
    """An order that was paid on the phone."""

    uploaded: Uploaded
    held: Held
    sale: MixedSale
    token: str
    """what the payer agreed with"""


class Props(Struct, kw_only=True):
    """What earlier scenes leave for later ones."""

    sale: Message | None = None
    sale_paid: Paid | None = None
    resident_paid: Paid | None = None
    stay_paid: Paid | None = None
    scanned: str = ""
    """the order number of the first scan"""
    admitted: Admitted | None = None
    phoned: Phoned | None = None


SceneMaker = Callable[[Cast, Props], Awaitable[Scene]]


def cast_of(world: World, clients: Clients, ours: Member) -> Cast:
    """Choose the cast; raises StoryError where the world has nobody for a part."""
    employees = _employees(world)
    active = [person for person in employees if person.psn_type == "11"]
    retired = [person for person in employees if person.psn_type == "12"]
    residents = [person for person in world.persons if person.insutype == RESIDENT]
    if len(active) < 2 or not retired or not residents:
        raise StoryError("the world has too few people for the story")
    return Cast(
        pharmacy=clients.of(_one_of(world, "pharmacy")),
        hospital=clients.of(_one_of(world, "hospital")),
        employee=_with_card(active[0], world.region),
        colleague=_with_card(active[1], world.region),
        retired=_with_card(retired[0], world.region),
        resident=Patient(person=residents[0]),
        world=world,
        operator=ours.operator,
        data_dir=ours.data_dir,
        url=ours.url,
        drugs=_drugs(world),
        treatment=_treatment(world),
    )


class RegionCast(Struct, frozen=True, kw_only=True):
    """Who plays in another region: a hospital, a pharmacy, and employees who travel."""

    hospital: InstitutionClient
    pharmacy: InstitutionClient
    world: World
    people: tuple[Patient, ...]
    treatment: tuple[Bought, ...]
    drugs: tuple[Bought, ...]


def region_cast(world: World, clients: Clients) -> RegionCast:
    """Choose them; raises StoryError where nobody travels."""
    people = _employees(world)[:TRAVELLERS]
    if len(people) < TRAVELLERS:
        raise StoryError("the other region has too few people for the story")
    return RegionCast(
        hospital=clients.of(_one_of(world, "hospital")),
        pharmacy=clients.of(_one_of(world, "pharmacy")), world=world,
        people=tuple(Patient(person=person) for person in people),
        treatment=_treatment(world), drugs=_drugs(world),
    )  # fmt: skip


def _employees(world: World) -> list[WorldPerson]:
    return [
        person
        for person in world.persons
        if person.insutype == EMPLOYEE and person.balance >= _BALANCE_MIN
    ]


def _drugs(world: World) -> tuple[Bought, ...]:
    return _basket(world, ("09", "01", 2), ("11", "02", 1), ("09", "03", 1))


def _treatment(world: World) -> tuple[Bought, ...]:
    return _basket(world, ("02", "01", 1), ("04", "01", 1), ("09", "01", 2), ("09", "02", 1))


def _one_of(world: World, kind: str) -> WorldInstitution:
    return world.of_kind(kind)[0]


def _with_card(person: WorldPerson, region: str) -> Patient:
    number, serial = card_of(ordinal_in(person.psn_no), region)
    return Patient(person=person, card=Card(number=number, serial=serial))


def _basket(world: World, *wanted: tuple[str, str, int]) -> tuple[Bought, ...]:
    """Items by charge kind and class, each another one, and how many of it."""
    left = [item for item in world.catalogue if item.price <= _PRICE_MAX]
    basket = []
    for charge_kind, item_class, quantity in wanted:
        item = _first(left, charge_kind, item_class)
        left.remove(item)
        basket.append(Bought(item=item, quantity=Decimal(quantity)))
    return tuple(basket)


def _first(items: Sequence[WorldItem], charge_kind: str, item_class: str) -> WorldItem:
    """The first that fits, or at least is of the kind, or is there at all."""
    return min(
        items,
        key=lambda item: (item.med_chrgitm_type != charge_kind, item.chrgitm_lv != item_class),
    )
