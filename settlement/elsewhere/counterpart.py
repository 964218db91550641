"""Another region, as the party that we clear with (对方统筹区), and which areas lie in a region."""

from __future__ import annotations

from msgspec import Struct


class Counterpart(Struct, frozen=True, kw_only=True, gc=False):
    """A pooling area somebody is insured in who is treated here, or treated in who is insured
    here. Money moves between provinces; the area is what it is drilled down to (DOMAIN 6)."""

    region: str
    """its code (统筹区划), six digits"""
    name: str
    account_base: int
    """first account number of its block in the ledger (settlement/chart.py)"""
    route: str = ""
    """address of the hub that leads to it; empty for the one that is configured"""
    active: bool = True
    """False: nothing is asked of it, and it is answered nothing but what is under way"""

    @property
    def province(self) -> str:
        """The first two digits: whose agency pays and is paid across provinces."""
        return self.region[:2]


def lies_in(area: str, region: str) -> bool:
    """Whether an area, by its code of six digits, is a region or a part of it: a city (430100) has
    its districts, one that is a province (110000) all of it."""
    digits = region
    while len(digits) > 2 and digits.endswith("00"):
        digits = digits[:-2]
    return area.startswith(digits)
