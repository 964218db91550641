"""Writing the persons of a file: new ones by COPY, known ones under their journal's head.

The order of locks is that of a batch: the head first, then rows of its own lanes, and nothing else
in that transaction. Keys under which persons are found lie in lanes of their own and are never
updated, so they are written and taken away before, each by itself: as long as they are not right,
the person is still another than the file says, and the same file does the rest (ADR 0018).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import date, datetime

from asyncpg import Connection, Record
from msgspec import Struct

from ledger.postgres.laned import fetch_keys
from ledger.postgres.shape import Shape, one_lane
from settlement.person_keys import Key
from settlement.storage import copy_format
from settlement.storage.queries import ADMIN, IMPORTS, SCATTER, SHAPED

CHANGES_MAX = 500
"""Persons changed under one taking of a head: no settlement waits long for it."""

KnownRow = tuple[str, int, str, int, bytes, str, str]
"""psn_no, account, region, key version, identity, enrolments, family: as the database has them."""


class Change(Struct, frozen=True, kw_only=True, gc=False):
    """A known person as they become. The identity is sealed anew whatever changed: it is bound to
    memberships and relatives (settlement/person.py)."""

    lane: int
    person_no: str
    key_version: int
    identity: bytes
    enrolments: str
    family: str
    days: tuple[tuple[date, date], ...]
    """on which claims would be decided otherwise, as in settlement/intake/persons.py"""
    new_keys: list[Key] = []
    old_keys: list[Key] = []


class NewRows(Struct, frozen=True, kw_only=True):
    """New persons in the format of COPY, table by table."""

    count: int
    persons: bytes
    lookups: bytes
    balances: bytes


_PERSON = ("account", "lane", "key_version", "psn_no", "identity", "enrolments", "family")
_LOOKUP = ("psn_lane", "lane", "kind", "key", "psn_no")
_BALANCE = ("lane", "account")


async def account_last(connection: Connection[Record]) -> int | None:
    """The highest personal account; None where there is nobody."""
    last: int | None = await connection.fetchval(SCATTER["account_last"])
    return last


async def known_rows(
    connection: Connection[Record], shape: Shape, lanes: Sequence[int], numbers: Sequence[str]
) -> list[KnownRow]:
    """What the database has of these persons; those it does not have are left out."""
    rows = await fetch_keys(connection, IMPORTS[shape], "read_for_import", lanes, numbers)
    return [tuple(row) for row in rows]


async def holders(
    connection: Connection[Record], shape: Shape, keys: Sequence[Key]
) -> dict[tuple[int, bytes], str]:
    """Whose these keys are already."""
    rows = await fetch_keys(
        connection, SHAPED[shape], "find_by_credential",
        [lane for lane, _, _ in keys], [kind for _, kind, _ in keys], [key for _, _, key in keys],
    )  # fmt: skip
    return {(kind, key): person_no for kind, key, person_no, _ in rows}


async def persons_of_lane(connection: Connection[Record], lane: int) -> list[KnownRow]:
    """Everybody in a lane."""
    return [tuple(row) for row in await connection.fetch(SCATTER["persons_of_lane"], lane)]


async def commit_without_waiting(connection: Connection[Record]) -> None:
    """Let commits of this connection reach the disk a moment later. Whatever else is committed
    after them takes them along, as the audit does that says the import is done; where the machine
    fails before, the same file again does the rest."""
    await connection.execute(ADMIN["commit_without_waiting"])


async def add_new(connection: Connection[Record], rows: NewRows) -> None:
    """New persons, with what they are found by and an empty account: all of them or nobody.

    Nobody can have read them yet, so no head is taken.
    """
    async with connection.transaction():
        await _copy(connection, "settlement", "person", _PERSON, rows.persons)
        await _copy(connection, "settlement", "lookup", _LOOKUP, rows.lookups)
        await _copy(connection, "ledger", "balance", _BALANCE, rows.balances)


async def change_known(
    connection: Connection[Record], shape: Shape, journal: int, changes: Sequence[Change],
    *, at: datetime,
) -> None:
    """Change persons of one journal, at most CHANGES_MAX; `at` is when, for whoever asks later."""
    await _keep_keys(connection, shape, changes)
    await _drop_keys(connection, shape, changes)
    lanes = [change.lane for change in changes]
    await connection.execute(
        IMPORTS[shape]["change_persons"],
        journal,
        one_lane(set(lanes)) if shape is Shape.CLUSTER else lanes,
        [change.person_no for change in changes],
        [change.key_version for change in changes],
        [change.identity for change in changes],
        [change.enrolments for change in changes],
        [change.family for change in changes],
        [_multirange(change.days) for change in changes],
        at,
    )


def by_journal(
    changes: Iterable[Change], journal_of_lane: Mapping[int, int]
) -> list[tuple[int, list[Change]]]:
    """The changes in batches of one journal each, none too large."""
    found: dict[int, list[Change]] = {}
    for change in changes:
        found.setdefault(journal_of_lane[change.lane], []).append(change)
    return [
        (journal, own[first : first + CHANGES_MAX])
        for journal, own in sorted(found.items())
        for first in range(0, len(own), CHANGES_MAX)
    ]


async def after_import(connection: Connection[Record]) -> None:
    """Statistics for tables that have grown much."""
    await connection.execute(SCATTER["after_import"])


def _multirange(days: Sequence[tuple[date, date]]) -> str | None:
    """Periods as PostgreSQL reads them; None where there is none."""
    if not days:
        return None
    periods = []
    for first, last in days:
        begins = "" if first == date.min else first.isoformat()
        ends = "" if last == date.max else last.isoformat()
        periods.append(f"[{begins},{ends}]")
    return "{" + ",".join(periods) + "}"


async def _copy(
    connection: Connection[Record], schema: str, table: str, columns: tuple[str, ...], rows: bytes
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield copy_format.HEADER
        yield rows
        yield copy_format.TRAILER

    await connection.copy_to_table(
        table, schema_name=schema, columns=columns, source=pieces(), format="binary"
    )


async def _keep_keys(
    connection: Connection[Record], shape: Shape, changes: Sequence[Change]
) -> None:
    keys = [(change, key) for change in changes for key in change.new_keys]
    if keys:
        await fetch_keys(
            connection, IMPORTS[shape], "keep_keys",
            [lane for _, (lane, _, _) in keys], [change.lane for change, _ in keys],
            [kind for _, (_, kind, _) in keys], [key for _, (_, _, key) in keys],
            [change.person_no for change, _ in keys],
        )  # fmt: skip


async def _drop_keys(
    connection: Connection[Record], shape: Shape, changes: Sequence[Change]
) -> None:
    keys = [(change, key) for change in changes for key in change.old_keys]
    if keys:
        await fetch_keys(
            connection, IMPORTS[shape], "drop_keys",
            [lane for _, (lane, _, _) in keys], [kind for _, (_, kind, _) in keys],
            [key for _, (_, _, key) in keys], [change.person_no for change, _ in keys],
        )  # fmt: skip
