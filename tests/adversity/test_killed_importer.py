"""The importer is killed in the middle of a job: nothing of it lives on, and the job is done."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import aiohttp

from settlement.clock import system_clock
from settlement.embedded.processes import command_line
from tests.kit.import_desk import AgencySystem, issue_keys, ndjson
from tests.kit.importing import rows_of
from tests.kit.population import CLASS_A, newcomer, some
from tests.kit.reply import assert_done
from tests.kit.served import a_served_town
from tests.kit.waiting import until
from tools.many_persons import person

MANY = 20_000
"""So many persons that a pool of processes reads them."""


def children(pid: int, of_kind: str) -> list[int]:
    """The processes of a kind that one has started."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return [child for child in found if is_a(child, of_kind)]


def is_a(pid: int, kind: str) -> bool:
    """Whether it is there and of a kind; one that has ended has no arguments."""
    return any(kind in argument for argument in command_line(pid))


async def test_killed_importer_leaves_nobody_behind_and_its_job_is_done() -> None:
    async with a_served_town(workers=1) as town, aiohttp.ClientSession() as session:
        await issue_keys(town)
        agency = AgencySystem(session, town.gateway.url, system_clock)
        citizen = newcomer(1)
        body = ndjson([*(person(n) for n in range(1, MANY + 1)), rows_of(citizen)])
        status, told = await agency.send("persons", body)
        assert status == 202

        [importer] = children(town.process.pid, "settlement.serve.importer")

        async def at_work() -> list[int]:
            return children(importer, "spawn_main")

        pool = await until(at_work)
        os.kill(importer, signal.SIGKILL)

        async def nobody() -> bool:
            return not any(is_a(pid, "spawn_main") for pid in pool)

        await until(nobody)
        job = await agency.over(told["job"])
        assert (job["state"], job["result"]["written"]) == ("done", True)
        assert_done(await town.pharmacy.sell(citizen, some(CLASS_A)))
        found = await town.owner.fetchval(
            "select count(*) from settlement.person p where p.psn_no like '4419009999%'"
        )
        assert found == MANY
