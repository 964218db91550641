"""Stop switches and tokens: what operators change beside the settle path."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record

from ledger.postgres.laned import fetch_keys
from ledger.postgres.schema import installed_shape
from settlement.keyring import LookupKind
from settlement.storage.queries import QUERIES, REFERENCE, SHAPED


async def switch(
    connection: Connection[Record], *, kind: str, subject: str, reason: str, actor: str,
    suspended: bool, at: datetime,
) -> bool:  # fmt: skip
    """Turn a switch on or off, audited, and tell every process; False where it was off already."""
    async with connection.transaction():
        if suspended:
            await connection.execute(REFERENCE["suspend"], kind, subject, at, reason)
        elif await connection.fetchval(REFERENCE["resume"], kind, subject) is None:
            return False
        action = "suspend" if suspended else "resume"
        await connection.execute(REFERENCE["audit"], at, actor, action, f"{kind} {subject}", reason)
        await connection.execute(REFERENCE["bump"], "suspensions")
    return True


async def record_token(
    connection: Connection[Record], *, lane: int, person_no: str, key: bytes, key_lane: int,
    institution: str, expires_at: datetime,
) -> bool:  # fmt: skip
    """Keep a token for a person, findable by its own hash; False where there is no such person."""
    async with connection.transaction():
        queries = SHAPED[await installed_shape(connection)]
        if not await fetch_keys(connection, queries, "read_persons", [lane], [person_no]):
            return False
        await connection.execute(
            QUERIES["keep_token"], lane, person_no, key, institution, expires_at
        )
        await connection.execute(
            QUERIES["keep_lookup"], key_lane, LookupKind.TOKEN, key, lane, person_no
        )
    return True


async def remember_token(
    connection: Connection[Record], *, lane: int, person_no: str, key: bytes, institution: str,
    expires_at: datetime,
) -> None:  # fmt: skip
    """Keep the token that a decoded code became (ADR 0031); the first time counts."""
    await connection.execute(
        QUERIES["remember_token"], lane, person_no, key, institution, expires_at
    )
