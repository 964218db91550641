"""Another region, as the party that we clear with (对方统筹区)."""

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
