"""Loads a demonstration world into a database of ours: once, whole, in seconds.

Rows go in by COPY; money does not (settlement/demo/opening.py). The `add_…` functions are also how
tests put single institutions, items and people into a fresh database. Run as the schema's owner,
before any gateway starts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct

from ledger.account import Account
from ledger.postgres.queries import load
from loadtest.population import (
    Credential,
    DemoItem,
    InsuredPerson,
    make_credential,
    make_institutions,
    make_items,
    make_persons,
)
from settlement import chart, clock
from settlement.demo.opening import Opening, book_openings
from settlement.institution import Institution
from settlement.keyring import Keyring
from settlement.lanes import lane_of
from settlement.person import person_record
from settlement.person_keys import person_keys
from settlement.policy.loader import load_policies
from settlement.storage import reference
from settlement.storage.funds import open_fund_accounts
from settlement.storage.install import InstallError
from settlement.storage.lease import PlainConnection
from settlement.storage.queries import REFERENCE
from settlement.storage.reference import credential_record

PERSONS = 100_000
INSTITUTIONS = 200
ITEMS = 20_000
SEED = 1
_PERSONS_AT_ONCE = 10_000
"""How many are in memory at a time."""

_DEMO = load(Path(__file__).parent / "sql" / "demo.sql")
_ENCODE = msgspec.json.Encoder().encode
_Element = TypeVar("_Element")


class DemoError(InstallError):
    """The database is not one for this demonstration; nothing was changed."""


class Size(Struct, frozen=True, kw_only=True):
    """How large a world is."""

    persons: int = PERSONS
    first: int = 1
    """number of the first person"""
    institutions: int = INSTITUTIONS
    items: int = ITEMS


async def load_world(
    connection: PlainConnection,
    keyring: Keyring,
    *,
    region: str,
    lanes: int,
    at: datetime,
    seed: int = SEED,
    size: Size = Size(),  # noqa: B008 - frozen
) -> bool:
    """Load the world of a seed, unless it is there already; True where it was loaded now.

    Raises DemoError in a database that was made for something else, or with another seed.
    """
    installed = await reference.installation(connection)
    if installed is None or installed.region != region or installed.demo_seed != seed:
        raise DemoError(f"the database was not made for the demonstration of {region} ({seed})")
    if await connection.fetchval(_DEMO["is_loaded"]):
        return False
    on = clock.local_time(at).date()
    async with connection.transaction():
        await open_agency_accounts(connection, region)
        institutions = list(make_institutions(size.institutions, seed=seed, region=region))
        await add_institutions(connection, keyring, institutions, seed=seed)
        await add_items(connection, make_items(size.items, seed=seed))
        persons = make_persons(
            size.persons, seed=seed, region=region, on=on, first=size.first
        )
        await add_persons(connection, keyring, persons, lanes=lanes, at=at)
    await connection.execute(_DEMO["after_load"])
    return True


async def open_agency_accounts(connection: PlainConnection, region: str) -> None:
    """The agency's funds, as the region's policies name them, and its own accounts."""
    await open_fund_accounts(connection, load_policies(), region)
    await _open_accounts(connection, chart.agency_accounts())


async def add_institutions(
    connection: PlainConnection,
    keyring: Keyring,
    institutions: Iterable[Institution],
    *,
    seed: int = SEED,
) -> None:
    """Institutions with their ledger accounts and their credentials."""
    added = list(institutions)
    await _copy(connection, "institution", _INSTITUTION, map(_institution_row, added))
    credentials = ((one.code, make_credential(one.code, seed=seed)) for one in added)
    rows = [_credential_row(keyring, code, credential) for code, credential in credentials]
    await _copy(connection, "credential", _CREDENTIAL, rows)
    accounts = [
        account
        for one in added
        for account in chart.institution_accounts(one.code, one.name, one.account_base)
    ]
    await _open_accounts(connection, accounts)
    await connection.execute(REFERENCE["bump"], "institutions")


async def add_items(connection: PlainConnection, items: Iterable[DemoItem]) -> None:
    """Catalogue items with their demonstration prices."""
    await _copy(connection, "catalogue_item", _ITEM, map(_item_row, items))
    await connection.execute(REFERENCE["bump"], "catalogue")


async def add_persons(
    connection: PlainConnection,
    keyring: Keyring,
    persons: Iterable[InsuredPerson],
    *,
    lanes: int,
    at: datetime,
) -> None:
    """People with their lookup keys, their accounts, and what is in these to begin with.

    While the database takes one batch, the next one is made and encrypted in a thread.
    """
    batches = _batched(persons, _PERSONS_AT_ONCE)

    def make_rows() -> _PersonRows | None:
        batch = next(batches, None)
        return None if batch is None else _person_rows(keyring, batch, lanes)

    openings: list[Opening] = []
    rows = await asyncio.to_thread(make_rows)
    while rows is not None:
        async with asyncio.TaskGroup() as group:
            following = group.create_task(asyncio.to_thread(make_rows))
            await _copy_persons(connection, rows)
        openings += rows.openings
        rows = following.result()
    await book_openings(connection, openings, at=at)


class _PersonRows(Struct, frozen=True, kw_only=True):
    """A batch of people as rows of the tables that know them."""

    persons: list[tuple[object, ...]]
    keys: list[tuple[object, ...]]
    openings: list[Opening]


def _person_rows(keyring: Keyring, batch: list[InsuredPerson], lanes: int) -> _PersonRows:
    placed = [(lane_of(person.person_no, lanes), person) for person in batch]
    opened = [_opening(lane, person) for lane, person in placed]
    return _PersonRows(
        persons=[_person_row(keyring, lane, person) for lane, person in placed],
        keys=[row for lane, person in placed for row in _keys(keyring, lane, person, lanes)],
        openings=[opening for opening in opened if opening is not None],
    )


async def _copy_persons(connection: PlainConnection, rows: _PersonRows) -> None:
    await _copy(connection, "person", _PERSON, rows.persons)
    await _copy(connection, "lookup", _LOOKUP, rows.keys)
    await connection.copy_records_to_table(
        "balance",
        schema_name="ledger",
        columns=("lane", "account"),
        records=[(opening.lane, opening.account) for opening in rows.openings],
    )


_INSTITUTION = (
    "code", "account_base", "agreement_from", "agreement_to", "suspended", "name", "kind",
    "region", "hospital_level", "deductible_level", "ceiling_level", "care_types",
)  # fmt: skip
_CREDENTIAL = ("access_key", "institution", "key_version", "secret")
_ITEM = (
    "code", "effective_from", "effective_to", "name", "list_type", "item_class", "charge_kind",
    "self_pay_bp", "ceilings", "demo_price_e6",
)  # fmt: skip
_PERSON = ("account", "lane", "key_version", "psn_no", "identity", "enrolments")
_LOOKUP = ("psn_lane", "lane", "kind", "key", "psn_no")


async def _copy(
    connection: PlainConnection,
    table: str,
    columns: tuple[str, ...],
    rows: Iterable[tuple[object, ...]],
) -> None:
    await connection.copy_records_to_table(
        table, schema_name="settlement", columns=columns, records=rows
    )


async def _open_accounts(connection: PlainConnection, accounts: Iterable[Account]) -> None:
    columns = ("account", "owner", "code", "name", "debit_normal")
    rows = [(a.number, a.owner, a.code, a.name, a.debit_normal) for a in accounts]
    await connection.copy_records_to_table(
        "account", schema_name="ledger", columns=columns, records=rows
    )


def _institution_row(one: Institution) -> tuple[object, ...]:
    return (
        one.code, one.account_base, one.agreement_from, one.agreement_to, one.suspended, one.name,
        one.kind.value, one.region, one.hospital_level, one.deductible_level, one.ceiling_level,
        sorted(one.care_types),
    )  # fmt: skip


def _credential_row(keyring: Keyring, code: str, credential: Credential) -> tuple[object, ...]:
    record = credential_record(credential.access_key)
    sealed = keyring.seal(credential.secret.encode(), record)
    return credential.access_key, code, keyring.version, sealed


def _item_row(demo: DemoItem) -> tuple[object, ...]:
    item = demo.item
    return (
        item.code, item.effective_from, item.effective_to, item.name, item.list_type,
        item.item_class, item.charge_kind, item.self_pay_bp,
        _ENCODE(item.ceiling_e6 or {}).decode(), demo.price_e6,
    )  # fmt: skip


def _person_row(keyring: Keyring, lane: int, person: InsuredPerson) -> tuple[object, ...]:
    account = chart.personal_account(person.ordinal)
    enrolments = _ENCODE(person.enrolments).decode()
    record = person_record(
        lane, person.person_no, account=account, home_region="", enrolments=enrolments,
        family="[]",
    )  # fmt: skip
    return (
        account, lane, keyring.version, person.person_no,
        keyring.seal(_ENCODE(person.identity), record), enrolments,
    )  # fmt: skip


def _keys(
    keyring: Keyring, lane: int, person: InsuredPerson, lanes: int
) -> Iterator[tuple[object, ...]]:
    """What the person is found by: certificate, card and name."""
    for key_lane, kind, key in person_keys(keyring, lanes, person.person_no, person.identity):
        yield lane, key_lane, kind, key, person.person_no


def _opening(lane: int, person: InsuredPerson) -> Opening | None:
    if person.opening_balance_fen is None:
        return None
    account = chart.personal_account(person.ordinal)
    return Opening(lane=lane, account=account, balance_fen=person.opening_balance_fen)


def _batched(elements: Iterable[_Element], size: int) -> Iterator[list[_Element]]:
    left = iter(elements)
    while batch := list(islice(left, size)):
        yield batch
