"""`GET /demo/world.json`: what a client needs to know to start sending (DESIGN, section 7).

Shown are institutions that may settle today and people whose first claim will work; the suspended,
the waiting and the expired are in the database too, for whoever looks for refusals. Secrets and
identities are given away here, which is why the page exists with `--demo` only.
"""

from __future__ import annotations

import asyncio
from datetime import date
from pathlib import Path

import msgspec
from asyncpg import Connection, Record
from msgspec import Struct

from ledger.money import yuan_text
from ledger.postgres.queries import load
from settlement import clock
from settlement.keyring import Keyring
from settlement.person import Enrolment, Identity
from settlement.storage import reference
from settlement.storage.queries import REFERENCE
from settlement.storage.reader import person_record
from settlement.world import Suspensions

PERSONS = 1_000
ITEMS = 200
PERSONS_MAX = 100_000
IDENTITY_NUMBER = "02"
"""mdtrt_cert_type of the credential shown: the one that every client can present."""

_NORMAL = "1"
_DEMO = load(Path(__file__).parent / "sql" / "demo.sql")
_DECODE_IDENTITY = msgspec.json.Decoder(Identity).decode
_DECODE_ENROLMENTS = msgspec.json.Decoder(tuple[Enrolment, ...]).decode
_BREATH = 500
"""After so many people others get their turn: the process that answers also settles."""
_SPARE = 16
"""One more person is read for so many wanted, because some are not shown."""


class ShownInstitution(Struct, frozen=True, kw_only=True):
    """An institution and what its software signs with."""

    code: str
    name: str
    kind: str
    paasid: str
    secret: str


class ShownPerson(Struct, frozen=True, kw_only=True, gc=False):
    """A person as a form at the counter would name them; the balance is yuan as text."""

    psn_no: str
    psn_name: str
    psn_cert_type: str
    certno: str
    mdtrt_cert_type: str
    mdtrt_cert_no: str
    psn_type: str
    insutype: str
    balance: str


class ShownItem(Struct, frozen=True, kw_only=True):
    """A catalogue item; the price is yuan as text."""

    med_list_codg: str
    medins_list_codg: str
    name: str
    price: str
    chrgitm_lv: str
    med_chrgitm_type: str


class ShownWorld(Struct, frozen=True, kw_only=True):
    """The whole page."""

    region: str
    institutions: list[ShownInstitution]
    persons: list[ShownPerson]
    catalogue: list[ShownItem]
    channels: dict[str, str]


async def world_json(
    connection: Connection[Record],
    keyring: Keyring,
    *,
    persons: int | None = None,
    items: int = ITEMS,
    read_clock: clock.Clock = clock.system_clock,
) -> bytes:
    """The page: the same for the same database and day, fewer persons where there are not so many.

    `persons` None shows a thousand. The clock decides who may settle today.
    """
    installed = await reference.installation(connection)
    on = clock.local_time(read_clock()).date()
    wanted = PERSONS if persons is None else min(persons, PERSONS_MAX)
    world = ShownWorld(
        region="" if installed is None else installed.region,
        institutions=await _institutions(connection, keyring, on),
        persons=await _persons(connection, keyring, on, wanted),
        catalogue=await _items(connection, items),
        channels={},
    )
    return msgspec.json.encode(world)


async def _institutions(
    connection: Connection[Record], keyring: Keyring, on: date
) -> list[ShownInstitution]:
    institutions = await reference.institutions(connection)
    credentials = await reference.credentials(connection, keyring, Suspensions())
    shown = []
    for access_key, credential in sorted(credentials.items()):
        one = institutions[credential.institution_code]
        if one.suspended or not one.agreement_from <= on <= one.agreement_to:
            continue
        shown.append(
            ShownInstitution(
                code=one.code, name=one.name, kind=one.kind.value, paasid=access_key,
                secret=credential.secret,
            )
        )  # fmt: skip
    return sorted(shown, key=lambda one: one.code)


async def _persons(
    connection: Connection[Record], keyring: Keyring, on: date, wanted: int
) -> list[ShownPerson]:
    shown: list[ShownPerson] = []
    after = ""
    while len(shown) < wanted:
        missing = wanted - len(shown)
        limit = missing + missing // _SPARE + _SPARE
        rows = await connection.fetch(_DEMO["persons"], after, limit)
        for count, row in enumerate(rows, 1):
            person = _shown(row, keyring, on)
            if person is not None:
                shown.append(person)
            if count % _BREATH == 0:
                await asyncio.sleep(0)
        if len(rows) < limit:
            break
        after = rows[-1]["psn_no"]
    return shown[:wanted]


def _shown(row: Record, keyring: Keyring, on: date) -> ShownPerson | None:
    """The person, unless a first claim would meet a closed fund."""
    enrolments = _DECODE_ENROLMENTS(row["enrolments"])
    usable = next((each for each in reversed(enrolments) if _pays(each, on)), None)
    if usable is None:
        return None
    record = person_record(row["lane"], row["psn_no"])
    identity = _DECODE_IDENTITY(keyring.open(row["identity"], record, row["key_version"]))
    return ShownPerson(
        psn_no=row["psn_no"],
        psn_name=identity.name,
        psn_cert_type=identity.certificate_type,
        certno=identity.certificate_no,
        mdtrt_cert_type=IDENTITY_NUMBER,
        mdtrt_cert_no=identity.certificate_no,
        psn_type=usable.category,
        insutype=usable.scheme,
        balance=yuan_text(row["balance_fen"]),
    )


def _pays(enrolment: Enrolment, on: date) -> bool:
    return (
        enrolment.status == _NORMAL
        and enrolment.enrolled_on <= on
        and enrolment.benefit_from <= on
        and not enrolment.closed_funds
    )


async def _items(connection: Connection[Record], items: int) -> list[ShownItem]:
    rows = await connection.fetch(REFERENCE["demo_items"], items)
    return [
        ShownItem(
            med_list_codg=row["code"],
            medins_list_codg=f"T{row['code']}",
            name=row["name"],
            price=price_text(row["demo_price_e6"]),
            chrgitm_lv=row["item_class"],
            med_chrgitm_type=row["charge_kind"],
        )
        for row in rows
    ]


def price_text(price_e6: int) -> str:
    """Millionths of a yuan as yuan: at least two decimals, no more than it takes."""
    yuan, rest = divmod(price_e6, 1_000_000)
    decimals = f"{rest:06d}".rstrip("0").ljust(2, "0")
    return f"{yuan}.{decimals}"
