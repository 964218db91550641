"""`settlement mobile`: the centre's own key, and wallets that may confirm orders."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from msgspec import Struct

from protocol.nhsa.libcrypto import Sm2UnavailableError
from protocol.nhsa.mobile_envelope import APP_ID_LENGTH_MIN
from settlement.clock import system_clock
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.keyring import Keyring
from settlement.payments.wallets import owner_of
from settlement.said import UNUSABLE, Said
from settlement.seals import stored_keys
from settlement.storage.body_keys import set_body_keys
from settlement.storage.connect import connect_plain
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring
from settlement.storage.lease import PlainConnection
from settlement.storage.platform_key import load_platform_key, platform_key_file
from settlement.storage.queries import REFERENCE
from settlement.storage.reference import credential_record


class WalletKeys(Struct, frozen=True, kw_only=True):
    """What a wallet hands in, and what is agreed with it."""

    access_key: str
    secret_file: Path
    sm2_public: Path


def platform_key(data_dir: Path) -> Said:
    """The public key that institutions and wallets check our signatures with."""
    try:
        key = load_platform_key(platform_key_file(data_dir / "secrets", os.environ))
    except KeyFileError as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    if key is None:
        return Said(1, "no key: the server has not been started here, or has no SM2")
    return Said(0, key.public.point.hex())


def wallet(data_dir: Path, name: str, keys: WalletKeys, *, reason: str, actor: str) -> Said:
    """Let a wallet confirm orders that name it; once more replaces what was registered."""
    try:
        if len(keys.access_key) < APP_ID_LENGTH_MIN:
            raise ValueError(f"an appId has at least {APP_ID_LENGTH_MIN} characters")
        known = _Wallet(
            name=name, access_key=keys.access_key,
            secret=keys.secret_file.read_text("utf-8").strip(),
            stored=stored_keys(sm2=keys.sm2_public.read_text("ascii"), sm4="", required=False),
        )  # fmt: skip
        done = asyncio.run(_register(data_dir, known, reason, actor))
    except (OSError, ValueError, Sm2UnavailableError, ServiceError, KeyFileError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    if not done:
        return Said(1, f"{keys.access_key} belongs to somebody else")
    return Said(0, f"wallet {name}: {keys.access_key}")


class _Wallet(Struct, frozen=True, kw_only=True):
    name: str
    access_key: str
    secret: str
    stored: bytes
    """its key, as kept"""


async def _register(data_dir: Path, wallet: _Wallet, reason: str, actor: str) -> bool:
    async with open_database(data_dir, os.environ) as database:
        keyring = load_keyring(key_file(data_dir / "secrets", os.environ))
        connection = await connect_plain(database.owner_dsn, name="settlement-operator")
        try:
            return await _keep(connection, keyring, wallet, reason, actor)
        finally:
            await connection.close()


async def _keep(
    connection: PlainConnection, keyring: Keyring, wallet: _Wallet, reason: str, actor: str
) -> bool:
    """False where the access key is somebody else's."""
    owner, access_key = owner_of(wallet.name), wallet.access_key
    async with connection.transaction():
        for row in await connection.fetch(REFERENCE["credentials"]):
            if row["access_key"] == access_key and row["institution"] != owner:
                return False
        sealed = keyring.seal(wallet.secret.encode(), credential_record(access_key))
        await connection.execute(
            REFERENCE["keep_credential"], access_key, owner, keyring.version, sealed
        )
        return await set_body_keys(
            connection, keyring, access_key, wallet.stored,
            reason=f"wallet {wallet.name}: {reason}", actor=actor, at=system_clock(),
        )  # fmt: skip
