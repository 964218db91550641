"""`GET /demo/world.json`: what a client needs to know to start sending.

Shown are institutions that may settle today and people whose first claim will work; the suspended,
the waiting and the expired are in the database too, for whoever looks for refusals. Secrets and
identities are given away here, which is why the page exists with `--demo` only.
"""

from __future__ import annotations

import asyncio
import re
from datetime import date

import msgspec
from msgspec import Raw, Struct

from ledger.money import yuan_text
from loadtest.population.persons import ordinal_in
from loadtest.simulators import voucher_codes
from settlement import clock
from settlement.keyring import Keyring
from settlement.person import Enrolment, Identity, person_record
from settlement.storage import reference
from settlement.storage.lease import PlainConnection
from settlement.storage.queries import REFERENCE, SCATTER
from settlement.world import Suspensions

PERSONS = 1_000
ITEMS = 200
PERSONS_MAX = 100_000
IDENTITY_NUMBER = "02"
"""mdtrt_cert_type of the credential shown: the one that every client can present."""

NO_CHANNELS = Raw(b"{}")
_NORMAL = "1"
_MADE_BY_US = re.compile(r"[0-9]{6}990000[0-9]{8}", re.ASCII)
_INVENTED = "测试"
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
    person_code: str
    """a 医保码 that the simulated centre decodes, as often as one likes; it pays nothing"""
    one_code: str
    """the same for somebody who signed for a wallet: it pays the rest, too (一码付)"""


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
    channels: Raw
    """credentials of one merchant at each simulated channel"""


async def world_json(
    connection: PlainConnection,
    keyring: Keyring,
    *,
    persons: int | None = None,
    items: int = ITEMS,
    channels: Raw = NO_CHANNELS,
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
        channels=channels,
    )
    return msgspec.json.encode(world)


async def _institutions(
    connection: PlainConnection, keyring: Keyring, on: date
) -> list[ShownInstitution]:
    institutions = await reference.institutions(connection)
    credentials = await reference.credentials(connection, keyring, Suspensions())
    shown = []
    for access_key, credential in sorted(credentials.items()):
        one = institutions.get(credential.institution_code)
        # A wallet has a credential, and is no institution.
        if one is None or one.suspended or not one.agreement_from <= on <= one.agreement_to:
            continue
        shown.append(
            ShownInstitution(
                code=one.code, name=one.name, kind=one.kind.value, paasid=access_key,
                secret=credential.secret,
            )
        )  # fmt: skip
    return sorted(shown, key=lambda one: one.code)


async def _persons(
    connection: PlainConnection, keyring: Keyring, on: date, wanted: int
) -> list[ShownPerson]:
    """The first so many who may be shown. Some are not, so a few more are read, or all."""
    for limit in (wanted + wanted // _SPARE + _SPARE, None):
        rows = await connection.fetch(SCATTER["demo_persons"], limit)
        shown: list[ShownPerson] = []
        for count, row in enumerate(rows, 1):
            person = _shown(keyring, on, *row)
            if person is not None:
                shown.append(person)
            if count % _BREATH == 0:
                await asyncio.sleep(0)
        if len(shown) >= wanted or limit is None or len(rows) < limit:
            break
    return shown[:wanted]


def _shown(
    keyring: Keyring,
    on: date,
    lane: int,
    person_no: str,
    account: int,
    family: str,
    key_version: int,
    sealed_identity: bytes,
    enrolments: str,
    balance_fen: int,
) -> ShownPerson | None:
    """The person of a row, unless a first claim would meet a closed fund."""
    memberships = _DECODE_ENROLMENTS(enrolments)
    usable = next((each for each in reversed(memberships) if _pays(each, on)), None)
    if usable is None:
        return None
    record = person_record(
        lane, person_no, account=account, home_region="", enrolments=enrolments, family=family
    )
    opened = keyring.open(sealed_identity, record, key_version)
    identity = _DECODE_IDENTITY(opened)
    return ShownPerson(
        psn_no=person_no,
        psn_name=identity.name,
        psn_cert_type=identity.certificate_type,
        certno=identity.certificate_no,
        mdtrt_cert_type=IDENTITY_NUMBER,
        mdtrt_cert_no=identity.certificate_no,
        psn_type=usable.category,
        insutype=usable.scheme,
        balance=yuan_text(balance_fen),
        **_codes(person_no, identity),
    )


def _codes(person_no: str, identity: Identity) -> dict[str, str]:
    """Test codes; of somebody who was imported the centre knows nothing."""
    if _MADE_BY_US.fullmatch(person_no) is None or not identity.name.startswith(_INVENTED):
        return {"person_code": "", "one_code": ""}
    ordinal, province = ordinal_in(person_no), person_no[:2]
    return {
        "person_code": voucher_codes.test_code(ordinal, province=province, paying=None),
        "one_code": voucher_codes.test_code(ordinal, province=province),
    }


def _pays(enrolment: Enrolment, on: date) -> bool:
    return (
        enrolment.status == _NORMAL
        and enrolment.enrolled_on <= on
        and enrolment.benefit_from <= on
        and not enrolment.closed_funds
    )


async def _items(connection: PlainConnection, items: int) -> list[ShownItem]:
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
