"""Policy files that operators loaded: kept in the database, read by every process."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.policy.loader import PolicySet, policies_over_time, shipped_files
from settlement.storage.queries import REFERENCE


class LoadedFile(Struct, frozen=True, kw_only=True):
    """A policy file as it was loaded."""

    name: str
    content: bytes
    loaded_at: datetime
    actor: str
    reason: str


async def loaded_files(connection: Connection[Record]) -> tuple[LoadedFile, ...]:
    """Every file that was ever loaded, the earliest first."""
    return tuple(
        LoadedFile(
            name=row["name"], content=row["content"].encode(), loaded_at=row["loaded_at"],
            actor=row["actor"], reason=row["reason"],
        )
        for row in await connection.fetch(REFERENCE["policy_files"])
    )  # fmt: skip


async def load_policy_set(connection: Connection[Record]) -> PolicySet:
    """What is in force: the shipped files, and those loaded since in their order. Versions that
    were replaced are still found, for settlements made with them. Raises PolicyError.

    Checking every table takes a while, so a thread does it: the event loop goes on.
    """
    files = [(file.name, file.content) for file in await loaded_files(connection)]
    return await asyncio.to_thread(policies_over_time, shipped_files(), files)


async def keep_files(
    connection: Connection[Record], files: Mapping[str, bytes], *, actor: str, reason: str,
    at: datetime,
) -> None:  # fmt: skip
    """Keep files that were checked, audited, and tell every process."""
    async with connection.transaction():
        for name, content in files.items():
            await connection.execute(
                REFERENCE["keep_policy_file"], at, name, content.decode(), actor, reason
            )
            await connection.execute(REFERENCE["audit"], at, actor, "load-policy", name, reason)
        await connection.execute(REFERENCE["bump"], "policies")
