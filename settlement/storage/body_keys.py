"""Keys for signed and encrypted bodies: what operators register for a credential."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record

from settlement.keyring import Keyring
from settlement.storage.queries import REFERENCE
from settlement.storage.reference import body_keys_record, credential_record


async def set_body_keys(
    connection: Connection[Record], keyring: Keyring, access_key: str, stored: bytes | None,
    *, reason: str, actor: str, at: datetime,
) -> bool:  # fmt: skip
    """Register keys, or none (`stored` as `settlement.seals.stored_keys` makes it), audited, and
    tell every process; False where there is no such credential."""
    async with connection.transaction():
        row = await connection.fetchrow(REFERENCE["lock_credential"], access_key)
        if row is None:
            return False
        record = credential_record(access_key)
        secret = keyring.open(row["secret"], record, row["key_version"])
        sealed = None if stored is None else keyring.seal(stored, body_keys_record(access_key))
        await connection.execute(
            REFERENCE["set_body_keys"], access_key, keyring.version, keyring.seal(secret, record),
            sealed,
        )  # fmt: skip
        action = "remove-keys" if stored is None else "register-keys"
        subject = f"credential {access_key}"
        await connection.execute(REFERENCE["audit"], at, actor, action, subject, reason)
        await connection.execute(REFERENCE["bump"], "institutions")
    return True
