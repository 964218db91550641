"""`deploy/two-regions/up.sh` as an operator meets it: two regions and a hub, somebody treated each
way, three books that say the same, and nothing left running."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import aiohttp

from loadtest import institution_inputs as inputs
from loadtest.institution_client import open_clients
from loadtest.institution_inputs import Patient
from loadtest.world import fetch_world
from settlement.demo.cast import RegionCast, region_cast
from settlement.demo.outpatient import quoted_visit
from settlement.demo.scene import Paid
from settlement.embedded.processes import command_line
from tests.kit.waiting import until
from tests.services import embedded_environment, temporary_directory

ROOT = Path(__file__).resolve().parents[3]
OURS, THEIRS = "441900", "611000"
UP_SECONDS_MAX = 180.0
STOP_SECONDS_MAX = 60.0
READY = b"ready: name the other region"
PERSONS = 300


def three_ports() -> int:
    """The first of three ports in a row that nobody listens at."""
    while True:
        with socket.socket() as first, socket.socket() as second, socket.socket() as third:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
                third.bind(("127.0.0.1", port + 2))
            except (OSError, OverflowError):
                continue
            return port


@asynccontextmanager
async def two_regions(directory: Path, port: int) -> AsyncIterator[Process]:
    """The script, once it says that everything is up; told twice to stop, as by somebody who does
    not wait, it stops once and in good order."""
    environment = {**embedded_environment(), "PORT": str(port), "PERSONS": str(PERSONS)}
    process = await asyncio.create_subprocess_exec(
        ROOT / "deploy/two-regions/up.sh", directory, env=environment, stdout=PIPE, stderr=DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    said = b""
    try:
        async with asyncio.timeout(UP_SECONDS_MAX):
            while READY not in said:
                line = await process.stdout.readline()
                assert line, f"it ended: {said.decode()}\n{logs(directory)}"
                said += line
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await until(lambda: hub_is_gone(directory))
            with suppress(ProcessLookupError):
                process.terminate()
        async with asyncio.timeout(STOP_SECONDS_MAX):
            await process.wait()


async def hub_is_gone(directory: Path) -> bool:
    """Of all that the script started it is the first to end."""
    return not any("hub_server" in line for line in running_in(directory))


def logs(directory: Path) -> str:
    """How they all ended, to be read where it fails."""
    return "\n".join(
        f"{path.name}: {path.read_text('utf-8')[-1_000:]}" for path in directory.glob("*.log")
    )


def running_in(directory: Path) -> list[str]:
    """Processes that a directory is named to."""
    lines = [
        " ".join(command_line(int(name))) for name in os.listdir("/proc") if name.isdecimal()
    ]
    return [line for line in lines if str(directory) in line]


async def treated(there: RegionCast, who: Patient, insured_in: str) -> Paid:
    """Somebody from `insured_in` sees a doctor there."""
    visit = await quoted_visit(there.hospital, who, there.treatment, insured_in=insured_in)
    return visit.settled(await there.hospital.send(visit.settlement))


async def way_is_open(there: RegionCast, who: Patient, insured_in: str) -> bool:
    """Whether the servers know each other by now: what is imported is in force within a second,
    and later on a machine that has its hands full."""
    asked = inputs.lookup(who)
    reply = await there.hospital.ask("1101", asked, insured_in=insured_in)
    assert reply.is_done or reply.retry == "later", reply.err_msg
    return reply.is_done


async def verified(directory: Path) -> dict[str, object]:
    """What `settlement verify` says of a region, beside its server."""
    process = await asyncio.create_subprocess_exec(
        ROOT / ".venv/bin/settlement", "verify", "--json", "--data-dir", directory,
        env=embedded_environment(), stdout=PIPE,
    )  # fmt: skip
    told, _ = await process.communicate()
    assert process.returncode == 0, told.decode()
    found: dict[str, object] = json.loads(told)
    return found


async def hub_owes(url: str, treated_in: str, insured_in: str) -> int:
    """Fen of funds and accounts by the hub's own book, of one way."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/_sim/book?totals=1") as came:
        totals = (await came.json())["totals"][f"{treated_in}>{insured_in}"]
    return int(totals["settled_fund_fen"]) + int(totals["settled_account_fen"])


async def test_two_regions_and_a_hub_come_up_treat_each_way_and_go_down() -> None:
    port = three_ports()
    url = f"http://127.0.0.1:{port}"
    their_url, hub_url = f"http://127.0.0.1:{port + 1}", f"http://127.0.0.1:{port + 2}"
    with temporary_directory() as base:
        directory = base / "two"
        async with two_regions(directory, port) as process:
            worlds = [
                await asyncio.to_thread(fetch_world, one, persons=PERSONS)
                for one in (url, their_url)
            ]
            async with open_clients(url, OURS) as ours, open_clients(their_url, THEIRS) as theirs:
                here, there = region_cast(worlds[0], ours), region_cast(worlds[1], theirs)
                for region, who, home in ((here, there, THEIRS), (there, here, OURS)):
                    await until(partial(way_is_open, region, who.people[0], home))
                stranger = await treated(here, there.people[0], THEIRS)
                away = await treated(there, here.people[0], OURS)
            assert stranger.fund > 0 and away.fund > 0
            for paid, way in ((stranger, (OURS, THEIRS)), (away, (THEIRS, OURS))):
                assert await hub_owes(hub_url, *way) == int((paid.fund + paid.account) * 100)
            for region in (OURS, THEIRS):
                assert (await verified(directory / region))["ok"], region
            assert len(running_in(directory)) >= 7, "a hub, and of each region three servers"
        assert process.returncode == 0
        assert running_in(directory) == []
