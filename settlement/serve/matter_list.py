"""`settlement matters` without an action: what waits for a clerk or a bank; and `settlement my`:
apps that send persons here, and the gateway that tells them things."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from ledger.money import yuan_text
from settlement.clock import local_time, system_clock
from settlement.embedded.errors import ServiceError
from settlement.embedded.services import open_database
from settlement.keyring import Keyring
from settlement.outbox import SMS_GATEWAY
from settlement.people.my_token import (
    AUDIENCE,
    LIFE_SECONDS_MAX,
    SECRET_BYTES_MIN,
    Claims,
    owner_of,
    signed_token,
)
from settlement.said import UNUSABLE, Said
from settlement.storage.audits import Audited, keep_audit
from settlement.storage.connect import connect_plain
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring
from settlement.storage.lease import PlainConnection
from settlement.storage.matter_lists import OpenMatter, open_matters
from settlement.storage.queries import REFERENCE
from settlement.storage.reference import credential_record
from settlement.translate.matters import STEP_ZH

LISTED_MAX = 1_000


class Key(Struct, frozen=True, kw_only=True):
    """An access key and the file with its secret."""

    access_key: str
    secret_file: Path


def matters(data_dir: Path, *, as_json: bool) -> Said:
    """What waits, the oldest first."""
    try:
        found = asyncio.run(_open(data_dir))
    except ServiceError as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    return Said(0, matters_json(found) if as_json else matters_table(found))


def app(data_dir: Path, name: str, key: Key, *, reason: str, actor: str) -> Said:
    """Let an app send persons to `/my`; once more replaces what was registered."""
    return _keep(data_dir, owner_of(name), key, f"app {name}", reason, actor)


def gateway(data_dir: Path, key: Key, *, reason: str, actor: str) -> Said:
    """What messages to persons are signed with; where they go `settlement outbox receiver` says."""
    return _keep(data_dir, SMS_GATEWAY, key, "sms gateway", reason, actor)


def token(person_no: str, key: Key) -> Said:
    """A token as an app signs it, for who tries `/my` out."""
    try:
        secret = key.secret_file.read_text("utf-8").strip()
    except OSError as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    now = int(system_clock().timestamp())
    claims = Claims(
        aud=AUDIENCE, iat=now, exp=now + LIFE_SECONDS_MAX, jti=secrets.token_hex(12),
        sub=person_no,
    )  # fmt: skip
    return Said(0, signed_token(key.access_key, secret, claims))


def matters_json(found: Sequence[OpenMatter]) -> str:
    """For machines; numbers of ours are text."""
    shown = [
        {
            "matter_no": str(one.matter_no), "kind": one.kind.name.lower(), "psn_no": one.psn_no,
            "opened_at": local_time(one.opened_at), "latest": one.latest.name.lower(),
            "amount": yuan_text(one.amount_fen),
        }
        for one in found
    ]  # fmt: skip
    return msgspec.json.encode({"matters": shown}).decode()


def matters_table(found: Sequence[OpenMatter]) -> str:
    """For people, a matter a line."""
    if not found:
        return "没有待办的办件 nothing waits for a clerk"
    lines = ["待办办件 number, kind, person, since, latest step, amount"]
    lines += [
        f"{one.matter_no}  {one.kind.name.lower()}  {one.psn_no}"
        f"  {local_time(one.opened_at):%Y-%m-%d %H:%M}  {STEP_ZH[one.latest]}"
        f"  {yuan_text(one.amount_fen)}"
        for one in found
    ]
    return "\n".join(lines)


async def keep_key(
    connection: PlainConnection, keyring: Keyring, *, owner: str, access_key: str, secret: str,
    note: str, actor: str,
) -> bool:  # fmt: skip
    """False where the access key is somebody else's."""
    async with connection.transaction():
        for row in await connection.fetch(REFERENCE["credentials"]):
            if row["access_key"] == access_key and row["institution"] != owner:
                return False
        sealed = keyring.seal(secret.encode(), credential_record(access_key))
        await connection.execute(
            REFERENCE["keep_credential"], access_key, owner, keyring.version, sealed
        )
        await keep_audit(
            connection,
            Audited(
                at=system_clock(), actor=actor, action="keep-key",
                subject=f"credential {access_key}", note=note,
            ),
        )  # fmt: skip
        await connection.execute(REFERENCE["bump"], "institutions")
    return True


def _keep(data_dir: Path, owner: str, key: Key, what: str, reason: str, actor: str) -> Said:
    try:
        secret = key.secret_file.read_text("utf-8").strip()
        if len(secret.encode()) < SECRET_BYTES_MIN:
            return Said(UNUSABLE, f"settlement: a secret has at least {SECRET_BYTES_MIN} bytes")
        done = asyncio.run(
            _register(data_dir, owner, key.access_key, secret, f"{what}: {reason}", actor)
        )
    except (OSError, ValueError, ServiceError, KeyFileError) as exc:
        return Said(UNUSABLE, f"settlement: {exc}")
    if not done:
        return Said(1, f"{key.access_key} belongs to somebody else")
    return Said(0, f"{what}: {key.access_key}")


async def _register(
    data_dir: Path, owner: str, access_key: str, secret: str, note: str, actor: str
) -> bool:
    keyring = load_keyring(key_file(data_dir / "secrets", os.environ))
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.owner_dsn, name="settlement-operator")
        try:
            return await keep_key(
                connection, keyring, owner=owner, access_key=access_key, secret=secret, note=note,
                actor=actor,
            )  # fmt: skip
        finally:
            await connection.close()


async def _open(data_dir: Path) -> list[OpenMatter]:
    async with open_database(data_dir, os.environ) as database:
        connection = await connect_plain(database.app_dsn, name="settlement-operator")
        try:
            return await open_matters(connection, limit=LISTED_MAX)
        finally:
            await connection.close()
