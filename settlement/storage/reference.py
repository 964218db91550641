"""Loading reference data: institutions, credentials, catalogue, switches, approvals, lanes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import date, datetime

import msgspec
from asyncpg import Connection, Record
from msgspec import Struct

from protocol.nhsa.libcrypto import Sm2UnavailableError
from settlement.catalogue import Catalogue, CatalogueMaker, Item
from settlement.elsewhere.counterpart import Counterpart
from settlement.gateway import CredentialFact
from settlement.institution import Institution, InstitutionKind
from settlement.keyring import Keyring
from settlement.policy.region import CancelWindow, DoctorCheck, RegionProfile
from settlement.seals import Keys, keys_of
from settlement.staff import Staff, Staffing, StaffKind, staffing_of
from settlement.storage.errors import StorageError
from settlement.storage.queries import ADMIN, REFERENCE
from settlement.world import Suspensions

STAFF_PIECE = 1_000
"""Terms read in one go."""
CATALOGUE_PIECE = 250
"""Items read and indexed in one go: two or three milliseconds."""
_DECODE_NUMBERS = msgspec.json.Decoder(dict[str, int]).decode


class Installation(Struct, frozen=True, kw_only=True):
    """What the database says it is."""

    schema_version: int
    lanes: int
    region: str
    demo_seed: int | None


async def installation(connection: Connection[Record]) -> Installation | None:
    """The installation, or None in a database without one."""
    if not await connection.fetchval(ADMIN["is_installed"]):
        return None
    row = await connection.fetchrow(REFERENCE["installation"])
    return None if row is None else Installation(**dict(row))


async def installed_at(connection: Connection[Record]) -> datetime:
    """When the database was made: there are no rows of ours before."""
    at: datetime = await connection.fetchval(REFERENCE["installed_at"])
    return at


async def versions(connection: Connection[Record]) -> dict[str, int]:
    """Version by topic."""
    return dict(await connection.fetch(REFERENCE["versions"]))


async def institutions(connection: Connection[Record]) -> dict[str, Institution]:
    """Every institution by its code."""
    found = {}
    for row in await connection.fetch(REFERENCE["institutions"]):
        fields = dict(row)
        fields["kind"] = InstitutionKind(fields["kind"])
        fields["care_types"] = frozenset(fields["care_types"])
        found[row["code"]] = Institution(**fields)
    return found


async def staff_terms(connection: Connection[Record]) -> AsyncIterator[list[Staff]]:
    """Every term of the staff of institutions as of one moment, in pieces: others get their turn in
    between."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        cursor = await connection.cursor(REFERENCE["staff"])
        while rows := await cursor.fetch(STAFF_PIECE):
            yield [
                Staff(
                    institution=institution, code=code, kind=StaffKind(kind), name=name,
                    effective_from=first, effective_to=last,
                )
                for institution, code, kind, name, first, last in rows
            ]  # fmt: skip
            await asyncio.sleep(0)


async def staff(connection: Connection[Record], profile: RegionProfile) -> Staffing:
    """The staff of institutions; nobody where the region does not look at doctors."""
    if profile.doctor_check is DoctorCheck.OFF:
        return {}
    found: dict[tuple[str, str], tuple[Staff, ...]] = {}
    async for terms in staff_terms(connection):
        for key, own in staffing_of(terms).items():
            found[key] = (*found.get(key, ()), *own)
    return found


def credential_record(access_key: str) -> bytes:
    """The associated data under which a secret is sealed."""
    return f"credential/{access_key}".encode()


def body_keys_record(access_key: str) -> bytes:
    """The associated data under which keys for bodies are sealed."""
    return f"credential/{access_key}/body".encode()


async def credentials(
    connection: Connection[Record], keyring: Keyring, suspensions: Suspensions
) -> dict[str, CredentialFact]:
    """Every credential by its access key, secrets opened. StorageError for keys that cannot be
    used here."""
    found = {}
    for access_key, institution, key_version, sealed, body_keys in await connection.fetch(
        REFERENCE["credentials"]
    ):
        secret = keyring.open(sealed, credential_record(access_key), key_version).decode()
        keys = None
        if body_keys is not None:
            opened = keyring.open(body_keys, body_keys_record(access_key), key_version)
            keys = _keys(opened, access_key, secret)
        found[access_key] = CredentialFact(
            institution_code=institution,
            secret=secret,
            suspended=access_key in suspensions.credentials,
            keys=keys,
        )
    return found


def _keys(opened: bytes, access_key: str, secret: str) -> Keys:
    try:
        return keys_of(opened, access_key=access_key, secret=secret)
    except (ValueError, Sm2UnavailableError) as exc:
        raise StorageError(f"the keys of credential {access_key} cannot be used: {exc}") from exc


async def catalogue_items(connection: Connection[Record]) -> list[Item]:
    """Every version of every item."""
    return [item_of(row) for row in await connection.fetch(REFERENCE["catalogue"])]


async def items_of_codes(
    connection: Connection[Record], codes: Collection[str]
) -> list[Item]:
    """Every version of some items."""
    rows = await connection.fetch(REFERENCE["catalogue_of_codes"], list(codes))
    return [item_of(row) for row in rows]


async def catalogue(
    connection: Connection[Record], earlier: Catalogue | None = None
) -> Catalogue:
    """The whole catalogue, as of one moment. It comes in pieces: others get their turn in between,
    and the rows of 200,000 items are never in memory together."""
    maker = CatalogueMaker(earlier)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        cursor = await connection.cursor(REFERENCE["catalogue"])
        while rows := await cursor.fetch(CATALOGUE_PIECE):
            maker.add([item_of(row) for row in rows])
            await asyncio.sleep(0)
    return maker.catalogue


def item_of(row: Record) -> Item:
    """The version in a row."""
    (code, name, list_type, item_class, charge_kind, self_pay_bp, ceilings, scheme_ratios,
     effective_from, effective_to) = row  # fmt: skip
    return Item(
        code=code, name=name, list_type=list_type, item_class=item_class,
        charge_kind=charge_kind, self_pay_bp=self_pay_bp,
        self_pay_bp_by_scheme=None if scheme_ratios == "{}" else _DECODE_NUMBERS(scheme_ratios),
        ceiling_e6=None if ceilings == "{}" else _DECODE_NUMBERS(ceilings),
        effective_from=effective_from, effective_to=effective_to,
    )  # fmt: skip


async def suspensions(connection: Connection[Record]) -> Suspensions:
    """The stop switches that are on."""
    by_kind: dict[str, dict[str, str]] = {}
    for kind, subject, reason in await connection.fetch(REFERENCE["suspensions"]):
        by_kind.setdefault(kind, {})[subject] = reason
    return Suspensions(
        persons=by_kind.get("person", {}),
        institutions=by_kind.get("institution", {}),
        funds=by_kind.get("fund", {}),
        channels=by_kind.get("channel", {}),
        credentials=by_kind.get("credential", {}),
    )


async def cancel_approvals(
    connection: Connection[Record], profile: RegionProfile
) -> frozenset[int]:
    """The settlements whose cancel was approved; none where the region asks for no approval."""
    if profile.cancel_window is not CancelWindow.APPROVAL:
        return frozenset()
    return frozenset(row[0] for row in await connection.fetch(REFERENCE["cancel_approvals"]))


async def receivers(connection: Connection[Record]) -> frozenset[tuple[str, str]]:
    """Institutions that want to be told, each with the kind of notice."""
    rows = await connection.fetch(REFERENCE["receivers"])
    return frozenset((row["institution"], row["kind"]) for row in rows)


async def counterparts(connection: Connection[Record]) -> dict[str, Counterpart]:
    """Other regions, by their code."""
    rows = await connection.fetch(REFERENCE["counterparts"])
    return {row["region"]: Counterpart(**dict(row)) for row in rows}


async def lanes(connection: Connection[Record]) -> Mapping[int, int]:
    """Lane to open journal."""
    return dict(await connection.fetch(REFERENCE["lanes"]))


async def closed_through(connection: Connection[Record]) -> date | None:
    """The last closed business day."""
    closed: date | None = await connection.fetchval(REFERENCE["closed_through"])
    return closed
