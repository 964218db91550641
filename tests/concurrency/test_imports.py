"""Imports change persons while institutions settle for the same persons: nothing is lost.

The import takes the journal's head as a batch does, so the one waits for the other; a batch that
has read a person before the import finds another version and is decided again.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from settlement.embedded.errors import ServiceError
from settlement.person import Enrolment
from settlement.serve.imports import LEASE
from settlement.serve.service import Service
from settlement.storage.lease import connection_for, take_lease
from settlement.telemetry.metrics import METRICS
from tests.kit.importing import Office, rows_of
from tests.kit.population import BALANCE_FEN, CLASS_A, Citizen, some
from tests.kit.reply import assert_done
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

PEOPLE = 40
SALES_MAX = 150
IMPORTS = 8
STATE = "select p.version, p.enrolments from settlement.person p where p.psn_no = $1"


async def test_import_racing_settlements_of_the_same_persons(
    town: Town, workers: list[Service], tmp_path: Path
) -> None:
    office = Office(town=town, directory=tmp_path)
    people = town.people(PEOPLE)
    before = METRICS.batch_recomputed
    async with asyncio.TaskGroup() as group:
        importing = group.create_task(import_again_and_again(office, people))
        buying = [
            group.create_task(buy(town, workers[place % len(workers)], citizen, importing))
            for place, citizen in enumerate(people)
        ]
    for citizen, bought in zip(people, buying, strict=True):
        sales = bought.result()
        assert len(await town.rows_of(citizen)) == sales
        assert await town.balance_fen(citizen) == BALANCE_FEN - 500 * sales
        state = await town.owner.fetchrow(STATE, citizen.number)
        assert state is not None and state["version"] == sales + IMPORTS
        [enrolment] = msgspec.json.decode(state["enrolments"], type=tuple[Enrolment, ...])
        assert enrolment.tags == (f"round{IMPORTS}",)
    assert METRICS.batch_recomputed > before, "no settlement met an import"
    assert (await town.verified()).ok


async def import_again_and_again(office: Office, people: list[Citizen]) -> None:
    """Each time everybody gets another tag."""
    for number in range(1, IMPORTS + 1):
        rows = [rows_of(citizen, tags=f"round{number}") for citizen in people]
        imported = await office.bring("persons", rows)
        assert imported.counts.changed == len(people)


async def buy(
    town: Town, worker: Service, citizen: Citizen, importing: asyncio.Task[None]
) -> int:
    """One sale after the other while the imports go on; how many."""
    for sales in range(SALES_MAX):
        if importing.done():
            return sales
        assert_done(await town.pharmacy.sale(citizen, some(CLASS_A)).to(worker))
    return SALES_MAX


async def test_import_waits_for_the_batch_that_has_the_head(town: Town, tmp_path: Path) -> None:
    office = Office(town=town, directory=tmp_path)
    citizen = town.someone()
    async with town.owner.transaction():
        await town.owner.execute(
            "select j.journal from ledger.journal j where j.closed_at is null for no key update"
        )
        importing = asyncio.create_task(office.bring("persons", [rows_of(citizen, tags="late")]))
        waits = "select count(*) from pg_locks l where not l.granted"
        while not await town.owner.fetchval(waits):
            assert not importing.done()
            await asyncio.sleep(0)
        state = await town.owner.fetchrow(STATE, citizen.number)
        assert state is not None and state["version"] == 0
    assert (await importing).counts.changed == 1


async def test_one_import_at_a_time(town: Town, tmp_path: Path) -> None:
    office = Office(town=town, directory=tmp_path)
    async with connection_for(town.owner_dsn, "settlement-test") as connection:
        assert await take_lease(connection, LEASE)
        with pytest.raises(ServiceError, match="another import is running"):
            await office.bring("persons", [rows_of(town.someone())])
