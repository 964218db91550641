"""Who lives in a town, what its shops sell, and which institutions there are.

Everybody of a kind is alike, so a test asks for somebody of a kind and gets a person whom no
other test has touched. All names and numbers are visibly synthetic.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from loadtest.institution_inputs import Bought, Card, Patient
from loadtest.population import DemoItem, InsuredPerson
from loadtest.world import WorldItem, WorldPerson
from settlement.catalogue import Item
from settlement.elsewhere.counterpart import Counterpart
from settlement.institution import Institution, InstitutionKind
from settlement.person import Enrolment, Identity

REGION = "441900"
BALANCE_FEN = 100_000
"""What an employee's personal account begins with: 1000.00."""
_LONG_AGO = date(2015, 1, 1)
_NEWCOMERS = 8_000


class Kind(StrEnum):
    """What is special about a person."""

    EMPLOYEE = "employee"
    RETIRED = "retired"
    PENNILESS = "penniless"
    RESIDENT = "resident"
    SUSPENDED = "suspended"
    """an employee whose membership is suspended: no fund pays, the own account does"""
    WAITING = "waiting"
    """a resident whose benefits have not begun: nothing may pay"""
    CLOSED_FUND = "closed_fund"
    """an employee for whom the outpatient fund is closed"""


NUMBER_OF = {
    Kind.EMPLOYEE: 160,
    Kind.RETIRED: 4,
    Kind.PENNILESS: 8,
    Kind.RESIDENT: 16,
    Kind.SUSPENDED: 4,
    Kind.WAITING: 4,
    Kind.CLOSED_FUND: 4,
}
"""How many of each kind a town has, unless it wants more employees."""


class Citizen(Struct, frozen=True, kw_only=True):
    """An insured person as loaded, and as they stand at a counter."""

    insured: InsuredPerson
    patient: Patient

    @property
    def number(self) -> str:
        """psn_no."""
        return self.insured.person_no

    def with_card(self) -> Patient:
        """The same person, showing the card instead of the identity number."""
        identity = self.insured.identity
        card = Card(number=identity.card_no, serial=identity.card_serial)
        return Patient(person=self.patient.person, card=card)


def citizens(
    employees: int, *, region: str = REGION, after: int = 0
) -> Iterator[tuple[Kind, Citizen]]:
    """Everybody of a region, by kind; `employees` at least as many as `NUMBER_OF` says. Nobody has
    an ordinal up to `after`."""
    ordinal = after
    for kind, number in NUMBER_OF.items():
        for _ in range(max(number, employees) if kind is Kind.EMPLOYEE else number):
            ordinal += 1
            yield kind, _citizen(kind, ordinal, region)


def newcomer(ordinal: int) -> Citizen:
    """Somebody whom no town has, with nothing in the account; ordinals from 1."""
    return _citizen(Kind.PENNILESS, _NEWCOMERS + ordinal)


def _citizen(kind: Kind, ordinal: int, region: str = REGION) -> Citizen:
    enrolment = _enrolment(kind, region)
    identity = Identity(
        name=f"测试{kind.name[:1]}{ordinal:04d}",
        certificate_type="01",
        certificate_no=f"99999919800101{ordinal:04d}",
        sex="1",
        ethnic_group="01",
        born_on=date(1980, 1, 1),
        card_no=f"T99{ordinal:09d}",
        card_serial=f"{region}D156{ordinal:022d}",
        employer="测试单位",
    )
    insured = InsuredPerson(
        ordinal=ordinal,
        person_no=f"{region}99{ordinal:012d}",
        identity=identity,
        enrolments=(enrolment,),
        opening_balance_fen=_balance(kind),
    )
    shown = WorldPerson(
        psn_no=insured.person_no,
        psn_name=identity.name,
        psn_cert_type="01",
        certno=identity.certificate_no,
        mdtrt_cert_type="02",
        mdtrt_cert_no=identity.certificate_no,
        psn_type=enrolment.category,
        insutype=enrolment.scheme,
        balance=Decimal(_balance(kind) or 0) / 100,
    )
    return Citizen(insured=insured, patient=Patient(person=shown))


def _balance(kind: Kind) -> int | None:
    if kind in (Kind.RESIDENT, Kind.WAITING):
        return None
    return 0 if kind is Kind.PENNILESS else BALANCE_FEN


def _enrolment(kind: Kind, region: str) -> Enrolment:
    resident = kind in (Kind.RESIDENT, Kind.WAITING)
    category = "15" if resident else "12" if kind is Kind.RETIRED else "11"
    return Enrolment(
        scheme="390" if resident else "310",
        category=category,
        status="2" if kind is Kind.SUSPENDED else "1",
        enrolled_on=_LONG_AGO,
        benefit_from=date(2099, 1, 1) if kind is Kind.WAITING else _LONG_AGO,
        suspended_on=date(2026, 1, 1) if kind is Kind.SUSPENDED else None,
        region=region,
        civil_servant=False,
        closed_funds=("310102",) if kind is Kind.CLOSED_FUND else (),
    )


def _item(
    code: str, price: str, *, item_class: str = "01", self_pay_bp: int = 0,
    ceiling: str | None = None, until: date = date(2099, 12, 31),
) -> DemoItem:  # fmt: skip
    ceilings = None if ceiling is None else dict.fromkeys("123", int(Decimal(ceiling) * 10**6))
    item = Item(
        code=code,
        name=f"测试药品{code}",
        list_type="101",
        item_class=item_class,
        charge_kind="09",
        self_pay_bp=self_pay_bp,
        ceiling_e6=ceilings,
        effective_from=date(2020, 1, 1),
        effective_to=until,
    )
    return DemoItem(item=item, price_e6=int(Decimal(price) * 10**6))


PLAIN = tuple(_item(f"XA{n:03d}TESTPLAIN", f"{n + 5}.00") for n in range(52))
"""Class 甲, fully in scope, at round prices."""
CLASS_A = _item("XA900TESTCLASSA", "12.50")
CLASS_B = _item("XB900TESTCLASSB", "10.00", item_class="02", self_pay_bp=1000)
CLASS_C = _item("XC900TESTCLASSC", "8.00", item_class="03", self_pay_bp=10_000)
CAPPED = _item("XA901TESTCEILING", "20.00", ceiling="15.00")
CAPPED_B = _item("XB901TESTCEILING", "20.00", item_class="02", self_pay_bp=2000, ceiling="15.00")
DEAR = _item("XA902TESTDEAR", "2000.00")
CHEAP = _item("XA903TESTCHEAP", "0.333333")
EXPIRED = _item("XA904TESTEXPIRED", "5.00", until=date(2025, 12, 31))
ITEMS = (*PLAIN, CLASS_A, CLASS_B, CLASS_C, CAPPED, CAPPED_B, DEAR, CHEAP, EXPIRED)
UNLISTED = _item("ZZ999TESTUNLISTED", "30.00")
"""Not in the catalogue of the town."""


def some(item: DemoItem, quantity: str | int = 1, *, price: str | None = None) -> Bought:
    """So much of an item, at its price."""
    told = WorldItem(
        med_list_codg=item.item.code,
        medins_list_codg=f"SHOP-{item.item.code[:8]}",
        name=item.item.name,
        price=Decimal(item.price_e6) / 10**6 if price is None else Decimal(price),
        chrgitm_lv=item.item.item_class,
        med_chrgitm_type=item.item.charge_kind,
    )
    return Bought(item=told, quantity=Decimal(quantity))


def _institution(
    code: str, name: str, kind: InstitutionKind, place: int, region: str = REGION
) -> Institution:
    hospital = kind is InstitutionKind.HOSPITAL
    return Institution(
        code=code,
        name=name,
        kind=kind,
        region=region,
        hospital_level="5" if hospital else "11",
        deductible_level="2" if hospital else "1",
        ceiling_level="2" if hospital else "1",
        agreement_from=date(2020, 1, 1),
        agreement_to=date(2099, 12, 31),
        suspended=False,
        care_types=frozenset({"11", "13", "14", "21", "28", "52"} if hospital else {"41"}),
        account_base=10_000_000 + 10 * place,
    )


PHARMACY = _institution("P44190099001", "测试药店甲", InstitutionKind.PHARMACY, 1)
OTHER_PHARMACY = _institution("P44190099002", "测试药店乙", InstitutionKind.PHARMACY, 2)
HOSPITAL = _institution("H44190099001", "测试医院", InstitutionKind.HOSPITAL, 3)
OTHER_HOSPITAL = _institution("H44190099002", "测试医院乙", InstitutionKind.HOSPITAL, 4)
INSTITUTIONS = (PHARMACY, OTHER_PHARMACY, HOSPITAL, OTHER_HOSPITAL)
"""In this order in every region."""


CHANGSHA = Counterpart(region="430100", name="长沙市", account_base=5_000_010)
GUANGZHOU = Counterpart(region="440100", name="广州市", account_base=5_000_020)
CHENGDU = Counterpart(region="510100", name="成都市", account_base=5_000_030)
ZHUZHOU = Counterpart(region="430200", name="株洲市", account_base=5_000_040)
HUNAN = Counterpart(region="430000", name="湖南省", account_base=5_000_050)
SICHUAN = Counterpart(region="510000", name="四川省", account_base=5_000_060)
CLOSED_REGION = Counterpart(
    region="520100", name="贵阳市", account_base=5_000_070, active=False
)  # fmt: skip
COUNTERPARTS = (CHANGSHA, GUANGZHOU, CHENGDU, ZHUZHOU, HUNAN, SICHUAN, CLOSED_REGION)
"""Other regions: of other provinces and of our own, agencies of provinces, and one that is not
spoken to any more."""


class Place(Struct, frozen=True, kw_only=True):
    """A pooling area (统筹区) that a town is the whole of."""

    region: str
    institutions: tuple[Institution, ...]
    """as INSTITUTIONS"""
    counterparts: tuple[Counterpart, ...]
    persons_after: int = 0
    """nobody has an ordinal up to this one, so nobody lives in two places"""
    profile: bytes = b""
    """the region profile; empty where it is a shipped one"""


HOME = Place(region=REGION, institutions=INSTITUTIONS, counterparts=COUNTERPARTS)


def institutions_of(region: str) -> tuple[Institution, ...]:
    """What INSTITUTIONS are at home, in another region."""
    return tuple(
        _institution(
            one.code.replace(REGION[:4], region[:4]), one.name, one.kind, place, region
        )
        for place, one in enumerate(INSTITUTIONS, 1)
    )
