"""Single look-ups and small writes beside the settle path."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record

from settlement.keyring import LookupKind
from settlement.storage.queries import QUERIES


async def find_person(
    connection: Connection[Record], *, lane: int, kind: LookupKind, key: bytes
) -> str | None:
    """The person behind a certificate, card or token."""
    row = await connection.fetchrow(QUERIES["find_by_credential"], lane, kind, key)
    return None if row is None else str(row["psn_no"])


async def record_sign_in(
    connection: Connection[Record], *, lane: int, sign_no: int, at: datetime, institution: str,
    operator: str, address: str,
) -> None:  # fmt: skip
    """An operator signed in."""
    await connection.execute(QUERIES["sign_in"], lane, sign_no, at, institution, operator, address)


async def record_sign_out(
    connection: Connection[Record], *, lane: int, sign_no: int, institution: str, operator: str,
    at: datetime,
) -> bool:  # fmt: skip
    """An operator signed out; False where there was no such sign-in."""
    ended = await connection.fetchval(QUERIES["sign_out"], lane, sign_no, institution, operator, at)
    return ended is not None
