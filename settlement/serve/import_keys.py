"""`settlement import key`: an operator gets a key that signs imports over HTTP."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from settlement.clock import system_clock
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.import_job import ImportKey
from settlement.said import UNUSABLE, Said
from settlement.storage import import_jobs
from settlement.storage.errors import StorageError
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring
from settlement.storage.lease import connection_for


def issue(
    data_dir: Path, *, operator: str, kinds: Sequence[str], path: Path, reason: str, actor: str
) -> Said:
    """Issue a key into a new file that nobody else can read; the file is there before the key is
    in force."""
    key = ImportKey(
        access_key=f"import-{secrets.token_hex(6)}", operator=operator, kinds=frozenset(kinds),
        secret=secrets.token_hex(32), suspended=False,
    )  # fmt: skip
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"operator,access_key,secret\n{operator},{key.access_key},{key.secret}\n")
            file.flush()
            os.fsync(file.fileno())
        asyncio.run(_issue(data_dir, key, reason=reason, actor=actor))
    except (OSError, ServiceError, StorageError, KeyFileError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    return Said(0, f"导入密钥 import key {key.access_key}: {operator}，见 see {path}")


async def _issue(data_dir: Path, key: ImportKey, *, reason: str, actor: str) -> None:
    async with open_database(data_dir, os.environ) as database:
        keyring = load_keyring(key_file(data_dir / "secrets", os.environ))
        async with connection_for(database.owner_dsn, "settlement-operator") as connection:
            await import_jobs.keep_key(
                connection, keyring, key, at=system_clock(), actor=actor, reason=reason
            )
