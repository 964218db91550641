"""The insured people of the demonstration region: about 55 % employees, the rest residents.

A few are what makes a real population awkward: suspended, still in their waiting period, with one
fund closed, civil servants, or with an earlier membership that has ended.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from operator import mul

from msgspec import Struct

from loadtest.population.draws import Draws
from settlement.person import Enrolment, Identity

EMPLOYEE = "310"
RESIDENT = "390"
POOL_FUND = {EMPLOYEE: "310102", RESIDENT: "390102"}
"""The fund that is closed for the few who have one closed, by scheme."""

ADULT_AGE = 18
EMPLOYED_PER_THOUSAND_ADULTS = 690
RETIREMENT_AGE = {"1": 60, "2": 55}
"""By sex (gend): 1 male, 2 female."""
BALANCE_FEN_MAX = 800_000

_NORMAL, _SUSPENDED, _ENDED = "1", "2", "4"
_CATEGORIES = ((7, "1402"), (18, "1403"), (60, "15"), (200, "16"))
"""psn_type of residents: the age it is below, and the category."""
_AGE_ON = date(2026, 1, 1)
"""Categories follow the age on this day, so that a person does not change with the clock."""
_FIRST_BIRTH = date(1940, 1, 1)
_BIRTH_DAYS = (date(2023, 12, 31) - _FIRST_BIRTH).days
_BIRTH_STRIDE = 7_919
"""Prime and no divisor of the days, so that neighbours in number are not so in age."""
_NAMES = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"
_CHECK_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_CHARACTERS = "10X98765432"


class InsuredPerson(Struct, frozen=True, kw_only=True, gc=False):
    """An insured person (参保人) to be loaded. `ordinal` also numbers the personal account."""

    ordinal: int
    person_no: str
    identity: Identity
    enrolments: tuple[Enrolment, ...]
    """the present one last"""
    opening_balance_fen: int | None
    """of the personal account; None for people whose scheme gives them none"""


def make_persons(
    count: int, *, seed: int, region: str, on: date, first: int = 1
) -> Iterator[InsuredPerson]:
    """So many persons, from the ordinal `first` on."""
    for ordinal in range(first, first + count):
        yield make_person(ordinal, seed=seed, region=region, on=on)


def make_person(ordinal: int, *, seed: int, region: str, on: date) -> InsuredPerson:
    """The person with this ordinal, from 1 on. `on` is today: waiting periods lie around it."""
    draws = Draws(seed, "person", ordinal)
    sex = "1" if draws.below(2) else "2"
    born_on = _FIRST_BIRTH + timedelta(days=ordinal * _BIRTH_STRIDE % _BIRTH_DAYS)
    age = _age(born_on)
    employed = age >= ADULT_AGE and draws.happens(EMPLOYED_PER_THOUSAND_ADULTS)
    category = _employee_category(age, sex) if employed else _resident_category(age)
    scheme = EMPLOYEE if employed else RESIDENT
    present = _enrolment(draws, scheme, category, region=region, on=on)
    earlier = (_ended(region),) if employed and draws.happens(20) else ()
    card_no, card_serial = card_of(ordinal, region)
    group = draws.below(800) + 1
    employer = f"测试单位{group:03d}" if employed else f"测试社区{group:03d}"
    return InsuredPerson(
        ordinal=ordinal,
        person_no=person_no_of(ordinal, region),
        identity=Identity(
            name=_name(draws),
            certificate_type="01",
            certificate_no=_certificate(ordinal, born_on, sex),
            sex=sex,
            ethnic_group="01",
            born_on=born_on,
            card_no=card_no,
            card_serial=card_serial,
            employer=employer,
        ),
        enrolments=(*earlier, present),
        opening_balance_fen=_opening_balance(draws) if employed else None,
    )


def person_no_of(ordinal: int, region: str) -> str:
    """psn_no (人员编号): 20 digits, the region first, then 99 where real ones have a scheme."""
    return f"{region}99{ordinal:012d}"


def ordinal_in(person_no: str) -> int:
    """The ordinal of a person number that `person_no_of` made."""
    return int(person_no[-12:])


def card_of(ordinal: int, region: str) -> tuple[str, str]:
    """Number and chip serial (卡识别码) of the person's social security card."""
    return f"T99{ordinal:09d}", f"{region}D156{ordinal:022d}"


def _name(draws: Draws) -> str:
    first, second = draws.below(len(_NAMES)), draws.below(len(_NAMES))
    return f"测试{_NAMES[first]}{_NAMES[second]}"


def _age(born_on: date) -> int:
    before_birthday = (_AGE_ON.month, _AGE_ON.day) < (born_on.month, born_on.day)
    return _AGE_ON.year - born_on.year - before_birthday


def _employee_category(age: int, sex: str) -> str:
    return "12" if age >= RETIREMENT_AGE[sex] else "11"


def _resident_category(age: int) -> str:
    return next(category for below, category in _CATEGORIES if age < below)


def _enrolment(draws: Draws, scheme: str, category: str, *, region: str, on: date) -> Enrolment:
    enrolled_on = date(2010 + draws.below(12), 1 + draws.below(12), 1)
    benefit_from, suspended_on, status = enrolled_on, None, _NORMAL
    closed_funds: tuple[str, ...] = ()
    fate = draws.below(1000)
    if fate < 10:
        status, suspended_on = _SUSPENDED, on.replace(day=1)
    elif fate < 20:
        enrolled_on = on.replace(day=1)
        benefit_from = enrolled_on + timedelta(days=90)
    elif fate < 26:
        closed_funds = (POOL_FUND[scheme],)
    return Enrolment(
        scheme=scheme,
        category=category,
        status=status,
        enrolled_on=enrolled_on,
        benefit_from=benefit_from,
        suspended_on=suspended_on,
        region=region,
        civil_servant=scheme == EMPLOYEE and draws.happens(40),
        closed_funds=closed_funds,
    )


def _ended(region: str) -> Enrolment:
    """A membership as a resident from before the first job."""
    return Enrolment(
        scheme=RESIDENT, category="15", status=_ENDED, enrolled_on=date(2008, 1, 1),
        benefit_from=date(2008, 1, 1), suspended_on=date(2009, 12, 31), region=region,
        civil_servant=False,
    )  # fmt: skip


def _opening_balance(draws: Draws) -> int:
    """Mostly modest sums, some empty accounts, few large ones."""
    if draws.happens(60):
        return 0
    drawn = draws.below(1001)
    return drawn * drawn * BALANCE_FEN_MAX // 1_000_000


def _certificate(ordinal: int, born_on: date, sex: str) -> str:
    """18 characters shaped like an identity number, in a region that is nobody's.

    Unique: a birth date comes round again after `_BIRTH_DAYS` ordinals, with the next serial.
    """
    serial = 2 * (ordinal // _BIRTH_DAYS) + (1 if sex == "1" else 0)
    body = f"999999{born_on:%Y%m%d}{serial:03d}"
    total = sum(map(mul, map(int, body), _CHECK_WEIGHTS))
    return body + _CHECK_CHARACTERS[total % 11]
