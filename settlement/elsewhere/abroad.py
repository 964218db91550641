"""Which other region somebody is insured in (参保地), and what may be asked of it."""

from __future__ import annotations

from collections.abc import Mapping

from settlement.elsewhere.counterpart import Counterpart
from settlement.refusal import Refusal

CITY_DIGITS = 4
"""Whose first digits are alike is of one pooling area (DOMAIN 6)."""
PROVINCE_DIGITS = 2


def elsewhere(code: str, region: str) -> str:
    """The code of the envelope (insuplc_admdvs) where it names another city; else empty. An empty
    code means local business, and a district of our own is our own."""
    return "" if not code or code[:CITY_DIGITS] == region[:CITY_DIGITS] else code


def same_city(code: str, other: str) -> bool:
    """Whether two codes are of one pooling area."""
    return code[:CITY_DIGITS] == other[:CITY_DIGITS]


def counterpart_of(counterparts: Mapping[str, Counterpart], code: str) -> Counterpart | None:
    """The region that a code belongs to: itself, or the city of a district."""
    exact = counterparts.get(code)
    return exact or counterparts.get(code[:CITY_DIGITS] + "00")


def askable(counterparts: Mapping[str, Counterpart], code: str) -> Counterpart | Refusal:
    """The region, where it is one that new cases may be put to."""
    found = counterpart_of(counterparts, code)
    if found is None:
        return Refusal(code="REGION_UNKNOWN", field="insured_region", params={"region": code})
    if not found.active:
        return Refusal(
            code="REGION_INACTIVE", field="insured_region",
            params={"region": found.region, "region_zh": found.name},
        )  # fmt: skip
    return found
