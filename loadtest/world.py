"""The simulated world as its clients see it: `GET /demo/world.json`, read into types.

It carries identities and prices only; it does not know how they were made.
"""

from __future__ import annotations

import urllib.request
from decimal import Decimal

import msgspec
from msgspec import Struct

FETCH_SECONDS_MAX = 60


class WorldInstitution(Struct, frozen=True, kw_only=True):
    """An institution with the credential its software was given."""

    code: str
    name: str
    kind: str
    paasid: str
    secret: str


class WorldPerson(Struct, frozen=True, kw_only=True, gc=False):
    """An insured person and what a card reader would show of them."""

    psn_no: str
    psn_name: str
    psn_cert_type: str
    certno: str
    mdtrt_cert_type: str
    mdtrt_cert_no: str
    psn_type: str
    insutype: str
    balance: Decimal
    person_code: str = ""
    """a 医保码 that may be scanned as often as one likes"""
    one_code: str = ""
    """one whose holder signed for a wallet: it pays, too"""


class WorldItem(Struct, frozen=True, kw_only=True):
    """A catalogue item with its demo price in yuan."""

    med_list_codg: str
    medins_list_codg: str
    name: str
    price: Decimal
    chrgitm_lv: str
    med_chrgitm_type: str


class World(Struct, frozen=True, kw_only=True):
    """Everything a client needs to start sending."""

    region: str
    institutions: list[WorldInstitution]
    persons: list[WorldPerson]
    catalogue: list[WorldItem]
    channels: dict[str, dict[str, object]] = {}
    """of each simulated payment channel what one merchant's software needs"""

    def of_kind(self, kind: str) -> list[WorldInstitution]:
        """Institutions of one kind; all of them where the world has none of it."""
        return [one for one in self.institutions if one.kind == kind] or self.institutions


def read_world(text: bytes) -> World:
    """Decode world.json. Raises msgspec.ValidationError naming the field that is wrong."""
    return msgspec.json.decode(text, type=World)


def fetch_world(url: str, *, persons: int) -> World:
    """Ask a running demo server for its world, with up to this many persons."""
    if not url.startswith("http://"):
        raise ValueError(f"not the address of a demo server: {url}")
    address = f"{url}/demo/world.json?persons={persons}"
    with urllib.request.urlopen(  # noqa: S310 - http, as was checked
        address, timeout=FETCH_SECONDS_MAX
    ) as reply:
        return read_world(reply.read())
