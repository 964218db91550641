"""The designated institutions of the demonstration region: two in five are hospitals.

Most hospitals are small and a few are large. One institution in thirteen is of no use today,
suspended or with an agreement that has run out, because a client must see such refusals too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from hashlib import blake2b

from msgspec import Struct

from loadtest.population.draws import Draws
from settlement.chart import INSTITUTION_BASE, INSTITUTION_STRIDE
from settlement.institution import Institution, InstitutionKind

AGREEMENT_FROM = date(2024, 1, 1)
AGREEMENT_TO = date(2099, 12, 31)
AGREEMENT_OVER = date(2024, 12, 31)

_EVERY = 5
_HOSPITALS_IN_EVERY = 2
_UNUSABLE = frozenset({19, 31, 39})
"""Places in every forty; two are a pharmacy's and one a hospital's."""
_LEVELS = ((100, "3", "2", "三级医院"), (350, "2", "5", "二级医院"), (1000, "1", "11", "卫生院"))
"""Of a thousand hospitals so many and those before: price level, hosp_lv, and what it is called."""
_HOSPITAL_CARE = frozenset({"11", "13", "14", "21", "28", "52"})
_PHARMACY_CARE = frozenset({"41"})


class Credential(Struct, frozen=True, kw_only=True, gc=False):
    """What the institution's software signs with. Worth nothing outside the demonstration."""

    access_key: str
    secret: str


def make_institutions(
    count: int, *, seed: int, region: str, first: int = 1
) -> Iterator[Institution]:
    """So many institutions, hospitals and pharmacies mixed, from the ordinal `first` on."""
    for ordinal in range(first, first + count):
        yield make_institution(ordinal, seed=seed, region=region)


def make_institution(ordinal: int, *, seed: int, region: str) -> Institution:
    """The institution with this ordinal, from 1 on; its accounts are numbered by it."""
    draws = Draws(seed, "institution", ordinal)
    is_hospital = ordinal % _EVERY < _HOSPITALS_IN_EVERY
    level, hospital_level, title = _level(draws) if is_hospital else ("1", "11", "大药房")
    unusable = ordinal % 40 in _UNUSABLE
    expired = unusable and draws.below(2) == 1
    letter = "H" if is_hospital else "P"
    kind = InstitutionKind.HOSPITAL if is_hospital else InstitutionKind.PHARMACY
    return Institution(
        code=f"{letter}{region}99{ordinal:03d}",
        name=f"测试{title}{ordinal:03d}",
        kind=kind,
        region=region,
        hospital_level=hospital_level,
        deductible_level=level,
        ceiling_level=level,
        agreement_from=AGREEMENT_FROM,
        agreement_to=AGREEMENT_OVER if expired else AGREEMENT_TO,
        suspended=unusable and not expired,
        care_types=_HOSPITAL_CARE if is_hospital else _pharmacy_care(draws),
        account_base=INSTITUTION_BASE + INSTITUTION_STRIDE * ordinal,
    )


def make_credential(institution_code: str, *, seed: int) -> Credential:
    """The credential of an institution: always the same one, so that clients can be set up once."""
    text = f"{seed}/credential/{institution_code}".encode()
    secret = blake2b(text, digest_size=16).hexdigest()
    return Credential(access_key=f"test-{institution_code}", secret=secret)


def _level(draws: Draws) -> tuple[str, str, str]:
    place = draws.below(1000)
    return next(
        (level, hospital_level, title)
        for below, level, hospital_level, title in _LEVELS
        if place < below
    )


def _pharmacy_care(draws: Draws) -> frozenset[str]:
    """Every eighth pharmacy dispenses outpatient prescriptions too."""
    return _PHARMACY_CARE | {"11"} if draws.below(8) == 0 else _PHARMACY_CARE
