"""A small world for the load generator's tests; every name and number is visibly synthetic."""

from __future__ import annotations

from decimal import Decimal

from loadtest.desk import Desk
from loadtest.workload import Population
from loadtest.world import World, WorldInstitution, WorldItem, WorldPerson

FROM_SECOND = 1_790_000_000


def make_world(*, persons: int = 300, institutions: int = 4) -> World:
    return World(
        region="441900",
        institutions=[
            make_institution(kind, number)
            for kind in ("hospital", "pharmacy")
            for number in range(institutions)
        ],
        persons=[make_person(number) for number in range(persons)],
        catalogue=[make_item(number) for number in range(30)],
    )


def make_institution(kind: str, number: int) -> WorldInstitution:
    return WorldInstitution(
        code=f"{'H' if kind == 'hospital' else 'P'}999999{number:05d}",
        name=f"测试机构{number}",
        kind=kind,
        paasid=f"demo-{kind}-{number}",
        secret=f"secret-{kind}-{number}",
    )


def make_person(number: int) -> WorldPerson:
    return WorldPerson(
        psn_no=f"{number:020d}",
        psn_name=f"测试{number}",
        psn_cert_type="01",
        certno=f"000000{number:012d}",
        mdtrt_cert_type="02",
        mdtrt_cert_no=f"000000{number:012d}",
        psn_type="11",
        insutype="310",
        balance=Decimal("100.00"),
    )


def make_item(number: int) -> WorldItem:
    return WorldItem(
        med_list_codg=f"X{number:019d}",
        medins_list_codg=f"{number} 50%",
        name=f'测试"药{number}',
        price=Decimal(number) + Decimal("0.335"),
        chrgitm_lv=f"0{number % 3 + 1}",
        med_chrgitm_type="09",
    )


def make_population(world: World | None = None) -> Population:
    return Population(world or make_world(), host="127.0.0.1:8080", seed=1, from_second=FROM_SECOND)


def make_desk() -> Desk:
    return Desk(
        make_institution("pharmacy", 1),
        index=7,
        region="441900",
        host="127.0.0.1:8080",
        from_second=FROM_SECOND,
    )
