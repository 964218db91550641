"""Keys and certificates for the wire between regions: reference data, secrets sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec
from asyncpg import Connection, Record
from msgspec import Struct

from protocol.hub.certificates import Certificate, SecretKeys, Withdrawal
from settlement.intake.counterparts import Kept
from settlement.keyring import Keyring
from settlement.storage.queries import REFERENCE

TOPIC = "counterparts"
"""Of reference_version: everything here changes under it."""
_DECODE_KEYS = msgspec.json.Decoder(SecretKeys).decode


class StoredIdentity(Struct, frozen=True, kw_only=True):
    """Keys of ours. `keys` is never logged."""

    made_at: datetime
    keys: SecretKeys
    certificate: str
    """signed text; empty while there is none"""


class StoredCertificate(Struct, frozen=True, kw_only=True):
    """A certificate of another region."""

    serial: str
    region: str
    content: str
    """signed text"""


class StoredHub(Struct, frozen=True, kw_only=True):
    """Everything, as it is stored: nothing of it is checked yet."""

    identities: Sequence[StoredIdentity]
    certificates: Sequence[StoredCertificate]
    """of other regions"""
    withdrawals: Mapping[str, Withdrawal]


async def read_certificates(connection: Connection[Record]) -> list[StoredCertificate]:
    """Certificates of other regions."""
    rows = await connection.fetch(REFERENCE["hub_certificates"])
    return [StoredCertificate(**dict(row)) for row in rows]


async def is_certified(connection: Connection[Record], party: str) -> bool:
    """Whether a region, or the hub, has a certificate, whether or not it holds."""
    found: bool = await connection.fetchval(REFERENCE["party_is_certified"], party)
    return found


async def read_withdrawals(connection: Connection[Record]) -> dict[str, Withdrawal]:
    """What was withdrawn, by serial."""
    return {
        row["serial"]: Withdrawal(
            serial=row["serial"], withdrawn_at=row["withdrawn_at"], reason=row["reason"]
        )
        for row in await connection.fetch(REFERENCE["hub_withdrawals"])
    }


async def read_identities(
    connection: Connection[Record], keyring: Keyring
) -> list[StoredIdentity]:
    """Keys of ours, the oldest first. UndecipherableError where the key file is another one."""
    return [
        StoredIdentity(
            made_at=row["made_at"], certificate=row["content"],
            keys=_DECODE_KEYS(
                keyring.open(row["secret"], hub_record(row["signing_key"]), row["key_version"])
            ),
        )
        for row in await connection.fetch(REFERENCE["hub_identities"])
    ]  # fmt: skip


async def read_hub(connection: Connection[Record], keyring: Keyring) -> StoredHub:
    """All of it."""
    return StoredHub(
        identities=await read_identities(connection, keyring),
        certificates=await read_certificates(connection),
        withdrawals=await read_withdrawals(connection),
    )


async def keep_signed(
    connection: Connection[Record], certificates: Sequence[Kept], withdrawals: Sequence[Kept]
) -> None:
    """Write certificates and withdrawals, and tell every process; in the caller's transaction."""
    for one in certificates:
        if isinstance(one.told, Certificate):
            await connection.execute(
                REFERENCE["keep_hub_certificate"], one.told.serial, one.told.region,
                one.told.not_before, one.told.not_after, one.content,
            )  # fmt: skip
    for one in withdrawals:
        if isinstance(one.told, Withdrawal):
            await keep_withdrawal(connection, one.told, one.content)
    if certificates or withdrawals:
        await connection.execute(REFERENCE["bump"], TOPIC)


async def keep_withdrawal(
    connection: Connection[Record], told: Withdrawal, content: str = ""
) -> bool:
    """Write one; False where it was withdrawn already."""
    kept = await connection.fetchval(
        REFERENCE["keep_hub_withdrawal"], told.serial, told.withdrawn_at, told.reason, content
    )
    return kept is not None


async def withdraw_by_hand(
    connection: Connection[Record], told: Withdrawal, *, actor: str
) -> bool:
    """An operator of ours trusts a certificate no more: audited, and in force in every process;
    False where it was withdrawn already."""
    async with connection.transaction():
        kept = await keep_withdrawal(connection, told)
        if kept:
            await _audit(
                connection, "withdraw-certificate", told.serial, told.reason, actor=actor,
                at=told.withdrawn_at,
            )  # fmt: skip
    return kept


async def keep_identity(
    connection: Connection[Record], keyring: Keyring, keys: SecretKeys, *, at: datetime,
    actor: str, reason: str,
) -> None:  # fmt: skip
    """New keys of ours, sealed and audited; they wait for their certificate."""
    public = keys.signing_key
    sealed = keyring.seal(msgspec.json.encode(keys), hub_record(public))
    async with connection.transaction():
        await connection.execute(
            REFERENCE["keep_hub_identity"], at, keyring.version, public, sealed
        )
        await _audit(connection, "new-identity", public.hex()[:16], reason, actor=actor, at=at)


async def certify_identity(
    connection: Connection[Record], certificate: Certificate, content: str, *, at: datetime,
    actor: str, reason: str,
) -> bool:  # fmt: skip
    """The authority issued a certificate for keys of ours; False where they are not ours."""
    async with connection.transaction():
        found = await connection.fetchval(
            REFERENCE["certify_hub_identity"], certificate.signing_key, content
        )
        if found is None:
            return False
        serial = certificate.serial
        await _audit(connection, "certify-identity", serial, reason, actor=actor, at=at)
    return True


async def _audit(
    connection: Connection[Record], action: str, subject: str, reason: str, *, actor: str,
    at: datetime,
) -> None:  # fmt: skip
    await connection.execute(REFERENCE["audit"], at, actor, action, f"hub {subject}", reason)
    await connection.execute(REFERENCE["bump"], TOPIC)


def hub_record(signing_key: bytes) -> bytes:
    """The associated data under which the private keys are sealed."""
    return b"hub/" + signing_key
