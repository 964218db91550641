"""Loading the demonstration world: whole, once, balanced, and readable by what settles on it."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg
import msgspec
import pytest
from msgspec.structs import replace

from ledger.postgres.fold import trial_balance
from ledger.postgres.shape import Shape
from ledger.postgres.verify import verify
from loadtest.population import make_person, make_persons
from settlement.chart import AGENCY, CONTRIBUTIONS_BANK, personal_account
from settlement.clock import local_time
from settlement.demo.loader import SEED, DemoError, load_world
from settlement.embedded.services import Services
from settlement.keyring import Keyring, LookupKind, UndecipherableError, new_material
from settlement.lanes import lane_of, lane_of_key
from settlement.person import Enrolment, Identity, person_record
from settlement.storage import reference
from settlement.storage.connect import Reconnecting
from settlement.storage.install import Region, ensure_schema
from settlement.storage.lookups import PersonFinder, Sought
from settlement.world import Suspensions
from tests.services import fresh_database
from tests.world import APP_ROLE, AT, REGION, SMALL, SmallWorld, connected

ON = local_time(AT).date()


async def test_opening_balances_are_entries_that_verify(world: SmallWorld) -> None:
    expected = sum(
        person.opening_balance_fen or 0
        for person in make_persons(SMALL.persons, seed=SEED, region=REGION, on=ON)
    )
    async with asyncpg.create_pool(world.database.owner_dsn, min_size=1, max_size=2) as pool:
        report = await verify(pool)
        assert report.ok and report.entries > 0
        async with pool.acquire() as connection:
            balance = await trial_balance(connection, AGENCY)
    assert balance.is_balanced
    sums = {row.account: row.balance for row in balance.rows}
    assert sums[CONTRIBUTIONS_BANK].debits_fen == expected > 0


async def test_a_second_load_changes_nothing(world: SmallWorld) -> None:
    async with connected(world.database.owner_dsn) as connection:
        before = await _counts(connection)
        loaded = await load_world(
            connection, world.keyring, region=REGION, lanes=world.lanes, at=AT, size=SMALL
        )
        assert not loaded
        assert await _counts(connection) == before
    assert before["person"] == SMALL.persons
    assert before["lookup"] == 3 * SMALL.persons
    assert before["institution"] == before["credential"] == SMALL.institutions


async def test_a_person_is_found_by_certificate_and_card(world: SmallWorld) -> None:
    person = make_person(7, seed=SEED, region=REGION, on=ON)
    shown = {
        LookupKind.CERTIFICATE: person.identity.certificate_no,
        LookupKind.CARD: person.identity.card_no,
    }
    side = Reconnecting(world.database.app_dsn, "test")
    finder = PersonFinder(side, Shape.ONE_MACHINE)
    for kind, text in shown.items():
        key = world.keyring.lookup_key(kind, text)
        sought = Sought(lane_of_key(key, world.lanes), kind, key)
        assert await finder.find(sought) == person.person_no
    side.close()


async def test_identities_are_encrypted_for_their_own_row_as_it_stands(world: SmallWorld) -> None:
    person = make_person(7, seed=SEED, region=REGION, on=ON)
    lane = lane_of(person.person_no, world.lanes)
    async with connected(world.database.app_dsn) as connection:
        row = await _person(connection, lane, person.person_no)
    assert person.identity.name.encode() not in row["identity"]
    beside = {
        "account": row["account"], "home_region": "", "enrolments": row["enrolments"],
        "family": "[]",
    }  # fmt: skip
    record = person_record(lane, person.person_no, **beside)
    opened = world.keyring.open(row["identity"], record, row["key_version"])
    assert msgspec.json.decode(opened, type=Identity) == person.identity
    assert msgspec.json.decode(row["enrolments"], type=tuple[Enrolment, ...]) == person.enrolments
    for other in (
        person_record(lane, "other", **beside),
        person_record(lane, person.person_no, **{**beside, "account": row["account"] + 1}),
        person_record(lane, person.person_no, **{**beside, "enrolments": "[]"}),
    ):
        with pytest.raises(UndecipherableError):
            world.keyring.open(row["identity"], other, row["key_version"])


async def test_reference_data_is_what_the_gateways_load(world: SmallWorld) -> None:
    async with connected(world.database.app_dsn) as connection:
        institutions = await reference.institutions(connection)
        credentials = await reference.credentials(connection, world.keyring, Suspensions())
        catalogue = await reference.catalogue(connection)
        versions = await reference.versions(connection)
    assert {each.institution_code for each in credentials.values()} == set(institutions)
    assert len(catalogue) == SMALL.items
    assert versions == {"institutions": 1, "catalogue": 1}


async def test_a_person_of_a_test_can_be_added_with_any_property(world: SmallWorld) -> None:
    made = make_person(1_000_001, seed=SEED, region=REGION, on=ON)
    rich = replace(made, opening_balance_fen=123_456)
    await world.add(rich)
    lane = lane_of(rich.person_no, world.lanes)
    async with connected(world.database.app_dsn) as connection:
        row = await _person(connection, lane, rich.person_no)
    assert (row["account"], row["balance_fen"]) == (personal_account(1_000_001), 123_456)


async def test_a_database_made_for_real_work_is_refused(services: Services) -> None:
    await _refused(services, demo_seed=None)


async def test_a_database_with_another_world_is_refused(services: Services) -> None:
    await _refused(services, demo_seed=SEED + 1)


async def _refused(services: Services, *, demo_seed: int | None) -> None:
    region = Region(code=REGION, demo_seed=demo_seed)
    with fresh_database(services) as fresh:
        async with connected(fresh.owner_dsn) as connection:
            await ensure_schema(connection, region, app_role=APP_ROLE, at=datetime.now(UTC))
            with pytest.raises(DemoError):
                await load_world(
                    connection, Keyring((new_material(1),)), region=REGION, lanes=64, at=AT,
                    size=SMALL,
                )  # fmt: skip
            assert not any((await _counts(connection)).values())


_TABLES = ("person", "lookup", "institution", "credential", "catalogue_item")


async def _counts(connection: asyncpg.Connection[asyncpg.Record]) -> dict[str, int]:
    return {
        table: await connection.fetchval(f"select count(*) from settlement.{table}")  # noqa: S608
        for table in _TABLES
    }


async def _person(
    connection: asyncpg.Connection[asyncpg.Record], lane: int, person_no: str
) -> asyncpg.Record:
    row = await connection.fetchrow(
        "select p.account, p.key_version, p.identity, p.enrolments, p.version,"
        " b.credits - b.debits as balance_fen"
        " from settlement.person p"
        " left join ledger.balance b on b.lane = p.lane and b.account = p.account"
        " where p.lane = $1 and p.psn_no = $2",
        lane,
        person_no,
    )
    assert row is not None
    assert row["version"] == 0
    return row
