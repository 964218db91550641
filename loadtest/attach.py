"""The bench's back door to the database of a running embedded server, for counting and comparing.

The only module of `loadtest` that knows how a data directory is entered and how our tables are
called. Nothing here writes; the baseline's own database is made and dropped as the superuser.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path

import asyncpg
from msgspec import Struct

from loadtest.baseline import PostgresAddress
from loadtest.books import Amounts, Booked, InstitutionBooks, Row
from settlement.embedded import roles
from settlement.embedded.directory import DataDirectory, open_directory
from settlement.embedded.errors import ServiceError
from settlement.embedded.postgres import PORT
from settlement.embedded.postgres_cluster import SUPERUSER, SUPERUSER_SECRET

CONNECT_SECONDS_MAX = 60.0
"""The machine may be busy with whatever is measured, or harmed."""
BY_INDEX = {"enable_seqscan": "off"}
PREFETCH = 5_000
"""Rows that are fetched at once."""


class AttachError(Exception):
    """The database of a data directory cannot be reached; the text says which and why."""


class Volume(Struct, frozen=True, kw_only=True):
    """Entries of the ledger and the transfers in them."""

    entries: int
    transfers: int


class Footprint(Struct, frozen=True, kw_only=True):
    """Bytes of tables and indexes, and of write-ahead log so far."""

    stored_bytes: int
    wal_bytes: int


class Clearing(Struct, frozen=True, kw_only=True):
    """The ledger's side of payments over channels, in fen, over all institutions."""

    kept_fen: dict[str, int]
    """渠道在途 by channel"""
    collecting_fen: int
    """待收款: zero when nothing is under way"""
    to_return_fen: int
    """待退款"""


class RegionBalance(Struct, frozen=True, kw_only=True):
    """What the ledger has in an account of another region, in fen."""

    balance_fen: int
    held_fen: int
    """for cases that are not at their end"""


async def connect_owner(data_dir: Path) -> asyncpg.Connection[asyncpg.Record]:
    """A connection as the schema's owner. Raises AttachError."""
    return await _connect(data_dir, roles.OWNER, roles.OWNER_SECRET, roles.DATABASE)


async def read_booked(data_dir: Path) -> dict[str, Booked]:
    """Booked settlements and their fees by institution code. Raises AttachError."""
    rows = await _fetch(data_dir, "booked")
    return {
        row["institution"]: Booked(settlements=row["settlements"], fees_fen=row["fees_fen"])
        for row in rows
    }


async def read_volume(data_dir: Path) -> Volume:
    """How much the ledger holds. Raises AttachError."""
    (row,) = await _fetch(data_dir, "volume")
    return Volume(entries=row["entries"], transfers=row["transfers"])


async def read_volume_since(data_dir: Path, ends: Mapping[int, int]) -> Volume:
    """How much was booked after `ends`, found by index: whoever measures an old ledger does not
    read all of it. Raises AttachError."""
    (row,) = await _fetch(
        data_dir, "volume_since", list(ends), list(ends.values()), settings=BY_INDEX
    )
    return Volume(entries=row["entries"], transfers=row["transfers"])


async def read_clearing(data_dir: Path) -> Clearing:
    """What lies at the channels and what is owed, by the ledger. Raises AttachError."""
    balances = await _fetch(data_dir, "channel_balances")
    (row,) = await _fetch(data_dir, "owed_and_waiting")
    return Clearing(
        kept_fen={one["channel"]: one["kept_fen"] for one in balances},
        collecting_fen=row["collecting_fen"], to_return_fen=row["to_return_fen"],
    )  # fmt: skip


async def read_attempts(data_dir: Path) -> dict[str, tuple[str, str]]:
    """Institution and order of each order number that a channel was given. Raises AttachError."""
    rows = await _fetch(data_dir, "attempts")
    return {row["channel_order_no"]: (row["institution"], row["order_no"]) for row in rows}


async def read_open_payments(data_dir: Path) -> tuple[int, int]:
    """Payments that are under way, and those that wait for people. Raises AttachError."""
    (row,) = await _fetch(data_dir, "open_payments")
    return row["open_count"] - row["peoples_turn"], row["peoples_turn"]


async def read_region_balances(data_dir: Path) -> dict[str, RegionBalance]:
    """By code of the account, such as 1122.11.611000. Raises AttachError."""
    rows = await _fetch(data_dir, "region_balances")
    return {
        row["code"]: RegionBalance(balance_fen=row["balance_fen"], held_fen=row["held_fen"])
        for row in rows
    }


async def read_open_cases(data_dir: Path) -> int:
    """Cases with other regions, and persons, for whom something is under way. Raises
    AttachError."""
    (row,) = await _fetch(data_dir, "open_cases")
    return int(max(row["cases"], row["persons"]))


async def read_footprint(data_dir: Path) -> Footprint:
    """How many bytes are stored and logged. Raises AttachError."""
    (row,) = await _fetch(data_dir, "footprint")
    return Footprint(stored_bytes=row["stored_bytes"], wal_bytes=row["wal_bytes"])


async def read_journal_ends(data_dir: Path) -> dict[int, int]:
    """The last block of every journal; what is booked later comes after it. Raises AttachError."""
    rows = await _fetch(data_dir, "journal_ends")
    return {row["journal"]: row["block_no"] for row in rows}


async def read_rows_since(
    data_dir: Path, ends: Mapping[int, int], institutions: Sequence[str]
) -> list[Row]:
    """Settlement rows of institutions that were booked after `ends`. Raises AttachError."""
    rows = await _fetch(
        data_dir, "rows_since", list(ends), list(ends.values()), list(institutions)
    )
    return [_row_of(row) for row in rows]


async def read_every_row(data_dir: Path) -> AsyncIterator[Row]:
    """All settlement rows, a few thousand at a time, for a ledger that nobody writes to any more.
    Raises AttachError."""
    connection = await connect_owner(data_dir)
    try:
        async with connection.transaction():
            async for row in connection.cursor(statement("every_row"), prefetch=PREFETCH):
                yield _row_of(row)
    finally:
        await connection.close()


async def is_dirty(data_dir: Path) -> bool:
    """Whether anything was settled before. Raises AttachError."""
    (row,) = await _fetch(data_dir, "settled_before")
    return bool(row["is_dirty"])


async def read_table_bytes(data_dir: Path) -> dict[str, int]:
    """How much each table takes, those that are not tiny. Raises AttachError."""
    return {row["name"]: row["bytes"] for row in await _fetch(data_dir, "table_bytes")}


async def read_institution_books(
    data_dir: Path, institutions: Sequence[str]
) -> dict[str, InstitutionBooks]:
    """What the ledger's accounts say of institutions. Raises AttachError."""
    rows = await _fetch(data_dir, "institution_books", list(institutions))
    return {
        row["institution"]: InstitutionBooks(
            **{name: row[name] for name in InstitutionBooks.__struct_fields__}
        )
        for row in rows
    }


async def read_person_balances(data_dir: Path) -> dict[str, int]:
    """What is in every personal account, in fen. Raises AttachError."""
    rows = await _fetch(data_dir, "person_balances")
    return {row["psn_no"]: row["balance_fen"] for row in rows}


async def read_trial_balance(data_dir: Path) -> dict[str, int]:
    """Owners whose book does not balance, and by how many fen. Raises AttachError."""
    rows = await _fetch(data_dir, "trial_balance")
    return {row["owner"]: row["difference_fen"] for row in rows}


async def remake_database(data_dir: Path, name: str) -> PostgresAddress:
    """An empty database for a baseline, beside ours; answers where it is. Raises AttachError."""
    await drop_database(data_dir, name)
    connection = await _connect(data_dir, SUPERUSER, SUPERUSER_SECRET, "postgres")
    try:
        await connection.execute(f"create database {_plain(name)}")
    finally:
        await connection.close()
    directory = _open(data_dir)
    return PostgresAddress(
        host=str(directory.run),
        port=PORT,
        user=SUPERUSER,
        password=_secret(directory, SUPERUSER_SECRET),
    )


async def drop_database(data_dir: Path, name: str) -> None:
    """Remove a baseline's database where it exists. Raises AttachError."""
    connection = await _connect(data_dir, SUPERUSER, SUPERUSER_SECRET, "postgres")
    try:
        await connection.execute(f"drop database if exists {_plain(name)} with (force)")
    finally:
        await connection.close()


def places_of(data_dir: Path) -> tuple[str, ...]:
    """Directories whose mention in a command line marks a process as this server's."""
    directory = _open(data_dir)
    return tuple(sorted({str(directory.root), str(directory.home)}))


async def _fetch(
    data_dir: Path, block: str, *arguments: object, settings: Mapping[str, str] | None = None
) -> list[asyncpg.Record]:
    connection = await _connect(
        data_dir, roles.OWNER, roles.OWNER_SECRET, roles.DATABASE, settings=settings
    )
    try:
        return list(await connection.fetch(statement(block), *arguments))
    finally:
        await connection.close()


def _row_of(row: asyncpg.Record) -> Row:
    return Row(
        row["institution"], row["msgid"], row["setl_id"], row["kind"], row["undoes"],
        Amounts(row["total_fen"], row["fund_fen"], row["account_fen"], row["cash_fen"]),
    )  # fmt: skip


def statement(name: str) -> str:
    """A named block of sql/attach.sql."""
    text = (files("loadtest") / "sql" / "attach.sql").read_text()
    for block in text.split("-- name: ")[1:]:
        title, _, body = block.partition("\n")
        if title.strip() == name:
            return body
    raise KeyError(name)


async def _connect(
    data_dir: Path, user: str, secret: str, database: str,
    *, settings: Mapping[str, str] | None = None,
) -> asyncpg.Connection[asyncpg.Record]:  # fmt: skip
    directory = _open(data_dir)
    try:
        return await asyncpg.connect(
            host=str(directory.run),
            port=PORT,
            user=user,
            password=_secret(directory, secret),
            database=database,
            timeout=CONNECT_SECONDS_MAX,
            server_settings=dict(settings or {}),
        )
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        raise AttachError(f"the database in {data_dir} does not answer: {error}") from error


def _open(data_dir: Path) -> DataDirectory:
    try:
        return open_directory(data_dir, os.environ, create=False)
    except ServiceError as error:
        raise AttachError(str(error)) from error


def _secret(directory: DataDirectory, name: str) -> str:
    kept = directory.secret(name)
    if kept is None:
        raise AttachError(f"{directory.secrets / name} is missing; start the server once.")
    return kept


def _plain(name: str) -> str:
    """Database names come from us, and stay letters and underscores."""
    if not name.replace("_", "").isalpha():
        raise ValueError(f"not a plain database name: {name!r}")
    return name
