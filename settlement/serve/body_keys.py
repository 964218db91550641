"""`settlement keys`: an operator registers an institution's keys, or removes them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from msgspec import Struct

from protocol.nhsa.libcrypto import Sm2UnavailableError
from settlement.clock import system_clock
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.said import UNUSABLE, Said
from settlement.seals import stored_keys
from settlement.storage.body_keys import set_body_keys
from settlement.storage.connect import connect_plain
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring


class KeyFiles(Struct, frozen=True, kw_only=True):
    """Where the keys stand, and whether the institution must sign from now on."""

    sm2_public: Path | None
    sm4: Path | None
    required: bool


def register_keys(
    data_dir: Path, *, access_key: str, files: KeyFiles | None, reason: str, actor: str
) -> Said:
    """Replace a credential's keys for signed and encrypted bodies (国密密钥) by those of the files,
    or by none; in force in every process within a second."""
    try:
        stored = None if files is None else _stored(files)
        known = asyncio.run(_register(data_dir, access_key, stored, reason, actor))
    except (OSError, ValueError, Sm2UnavailableError, ServiceError, KeyFileError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    if not known:
        return Said(1, f"there is no credential {access_key}")
    return Said(0, f"credential {access_key}: keys {'registered' if stored else 'removed'}")


def _stored(files: KeyFiles) -> bytes:
    sm2, sm4 = (
        "" if path is None else path.read_text("ascii") for path in (files.sm2_public, files.sm4)
    )
    return stored_keys(sm2=sm2, sm4=sm4, required=files.required)


async def _register(
    data_dir: Path, access_key: str, stored: bytes | None, reason: str, actor: str
) -> bool:
    async with open_database(data_dir, os.environ) as database:
        keyring = load_keyring(key_file(data_dir / "secrets", os.environ))
        connection = await connect_plain(database.owner_dsn, name="settlement-operator")
        try:
            return await set_body_keys(
                connection, keyring, access_key, stored,
                reason=reason, actor=actor, at=system_clock(),
            )  # fmt: skip
        finally:
            await connection.close()
