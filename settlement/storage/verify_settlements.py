"""Verification of settlements: each entry with its row, its row in a statement and its detail.

One statement a chunk meets all of them from their entries (docs/profile-verify.md says what that
brings). What lies in the tables without having been met has no entry; whether there is any, two
counts tell, and only where they differ are the lanes searched.
"""

from __future__ import annotations

from asyncpg import Connection, Record
from msgspec import Struct

from ledger.postgres.queries import load
from ledger.postgres.verify import Chunk
from settlement.keyring import Keyring, UndecipherableError, personal_commitment
from settlement.storage.queries import CENSUS, SQL_DIRECTORY
from settlement.usecases.booking import detail_record
from settlement.usecases.carried import NO_DETAIL

_QUERIES = load(SQL_DIRECTORY / "verify.sql")
WRONG = {
    1: "settlement row is missing",
    2: "settlement row was changed",
    3: "its row in the institution's statement is missing",
    4: "it is in the institution's statement, and its block is not listed",
    5: "its row in the institution's statement was changed",
    6: "relatives pay another amount than the settlement says",
}
"""What the statement `settlements` says of an entry, 0 being nothing. A cancel that is not the
exact negative of what it cancels was changed, it or the other."""
_OPENED = "detail was changed"
_VANISHED = "detail is missing, and nobody erased or archived it"


class Met(Struct):
    """How many rows were met from their entries, over all chunks; each is met once at most."""

    settlements: int = 0
    stated: int = 0


def place(row: Record) -> tuple[int, int]:
    """Where in its journal an entry stands."""
    return row["block_no"], row["ordinal"]


async def bad_settlement(
    connection: Connection[Record], chunk: Chunk, keyring: Keyring | None, met: Met
) -> tuple[Record, str] | None:
    """The first entry of the chunk whose settlement is not as it was booked, and what is wrong
    with it. Without a keyring details stay unopened."""
    where = (chunk.journal, chunk.after_block, chunk.through_block)
    rows = await connection.fetch(_QUERIES["settlements"], *where)
    found: list[tuple[Record, str]] = []
    gone = False
    for row in rows:
        lane, number, _, _, settled, stated, wrong, commitment, version, salt, payload = row
        met.settlements += settled is not None
        met.stated += stated is not None
        if wrong:
            found.append((row, WRONG[wrong]))
        elif payload is None:
            gone = gone or commitment not in (None, NO_DETAIL)
        elif keyring is not None and not _opens(
            keyring, lane, number, commitment, version, salt, payload
        ):
            found.append((row, _OPENED))
    if gone:
        vanished = await connection.fetchrow(_QUERIES["vanished_details"], *where)
        if vanished is not None:
            found.append((vanished, _VANISHED))
    return min(found, key=lambda one: place(one[0]), default=None)


def _opens(
    keyring: Keyring, lane: int, number: int, commitment: bytes, version: int, salt: bytes,
    payload: bytes,
) -> bool:  # fmt: skip
    try:
        plain = keyring.open(payload, detail_record(lane, number), version)
    except UndecipherableError:
        return False
    return personal_commitment(salt, plain) == commitment


async def without_strays(connection: Connection[Record], met: Met) -> frozenset[str]:
    """The questions for a stray that no lane has to be asked, as every row that there is was met.
    While others settle there are always more, and the lanes are asked."""
    [(settlements, stated)] = await connection.fetch(CENSUS["rows_kept"])
    all_met = {
        "orphan_settlements": settlements == met.settlements,
        "stray_statement_rows": stated == met.stated,
    }
    return frozenset(name for name, were in all_met.items() if were)
