"""The keys by which the console finds settlements and persons: hashes, never what was typed."""

from __future__ import annotations

from asyncpg import Connection, Record

from ledger.postgres.laned import fetch_keys
from ledger.postgres.shape import Shape
from protocol.nhsa import msgid
from settlement.keyring import LookupKind
from settlement.keys import message_key
from settlement.storage.queries import CONSOLE, SHAPED

SETTLING = (
    "2102", "2103", "2207", "2207A", "2208", "2304", "2304A", "2305", "2601", "6202", "6203",
)  # fmt: skip
"""Transactions whose message makes a settlement row."""
BY_ORDER = ("SCAN", "REFUND")
"""The same, known by an order or refund number of the institution."""
INSTITUTION_LENGTH = 12


def message_keys(text: str, institution: str) -> list[bytes]:
    """The keys under which a message of this id, or an order of this number, would stand. Without
    an institution the id itself names it."""
    sender = institution or text[:INSTITUTION_LENGTH]
    sent_at = msgid.sent_at(text) or 0
    return [
        *(message_key(sender, infno, text, sent_at) for infno in SETTLING),
        *(message_key(sender, infno, text, 0) for infno in BY_ORDER),
    ]


async def find_person_no(
    connection: Connection[Record], shape: Shape, lane: int, key: bytes
) -> str | None:
    """Whose certificate number has this keyed hash."""
    rows = await fetch_keys(
        connection, SHAPED[shape], "find_by_credential", [lane], [LookupKind.CERTIFICATE], [key]
    )
    found: str | None = rows[0]["psn_no"] if rows else None
    return found


async def persons_named(
    connection: Connection[Record], lane: int, name_hash: bytes, *, limit: int
) -> list[tuple[int, str]]:
    """Lane and number of those whose name has this keyed hash, by their numbers, so many of them;
    `lane` is that of the hash."""
    rows = await connection.fetch(CONSOLE["console_persons_named"], lane, name_hash, limit)
    return [(row["psn_lane"], row["psn_no"]) for row in rows]
