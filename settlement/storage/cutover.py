"""Files of the cut-over: one person proposes, another confirms."""

from __future__ import annotations

from datetime import datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.storage.queries import ADMIN


class Proposal(Struct, frozen=True, kw_only=True):
    """A file that somebody answers for."""

    proposed_by: str
    proposed_at: datetime
    totals: str
    confirmed_by: str | None


async def read(connection: Connection[Record], kind: str, digest: str) -> Proposal | None:
    """What is known of a file."""
    row = await connection.fetchrow(ADMIN["cutover_file"], kind, digest)
    return None if row is None else Proposal(**dict(row))


async def propose(
    connection: Connection[Record], kind: str, digest: str, *, totals: str, actor: str,
    at: datetime,
) -> None:  # fmt: skip
    """One person has seen these totals; who said the same before stays the one."""
    await connection.execute(ADMIN["propose_cutover_file"], at, kind, digest, totals, actor)


async def confirm(
    connection: Connection[Record], kind: str, digest: str, *, actor: str, at: datetime
) -> None:
    """Another person has seen them too."""
    await connection.execute(ADMIN["confirm_cutover_file"], kind, digest, at, actor)
