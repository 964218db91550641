"""Background loops and the sessions that hold their leases."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from settlement.channels.registry import NO_TILLS
from settlement.serve import regional_round
from settlement.serve.regional_round import RegionRound
from settlement.storage.lease import LEASE_CLASS, PlainConnection, connection_for, take_lease
from settlement.telemetry.metrics import Metrics
from settlement.workers import bills, outbox, runner
from settlement.workers.registry import Loop, all_loops, owner_loops
from settlement.workers.runner import run_loops
from tests.kit.town import Town
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
LEASE = 33
SHOWING = ("outbox", "bills", "regions")
SHOWN = (
    "settlement_notices_owed", "settlement_notices_overdue", "settlement_bills_late",
    "settlement_region_comparisons_late", "settlement_region_comparisons_two_way",
)  # fmt: skip
OWN = (
    "select pid from pg_locks where locktype = 'advisory' and classid = $1 and objid = $2"
    " and granted and database = (select oid from pg_database where datname = current_database())"
)


async def test_server_shows_nothing_of_loops_that_another_server_runs(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it showed while it held their leases is out of date, and an alert would never end."""
    metrics = Metrics()
    for module in (outbox, bills, regional_round):
        monkeypatch.setattr(module, "METRICS", metrics)
    metrics.notices_owed, metrics.notices_overdue, metrics.bills_late = 7, 1, 2
    metrics.region_days_late, metrics.region_days_two_way = 3, 4
    metrics.prepaid = {("430000", "ours"): (9_500, 2)}
    loops = [
        replace(loop, every_seconds=0.01)
        for loop in (*all_loops(town.keyring), *owner_loops(NO_TILLS, RegionRound(None)))
        if loop.name in SHOWING
    ]

    async with connection_for(town.owner_dsn, "another-server") as other:

        async def shows_nothing() -> bool:
            await other.fetchval("select 1")
            gauges = metrics.numbers().gauges
            return not (metrics.prepaid or any(gauges[name] for name in SHOWN))

        for loop in loops:
            assert await take_lease(other, loop.lease)
        stopping = asyncio.Event()
        running = asyncio.create_task(run_loops(town.owner_dsn, loops, stopping))
        try:
            assert await until(shows_nothing)
        finally:
            stopping.set()
            await running


async def test_loop_that_fails_for_any_reason_ends_no_other_and_is_tried_again(
    town: Town, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(runner, "FAILURE_PAUSE_SECONDS", 0.01)
    metrics, stopping = Metrics(), asyncio.Event()
    monkeypatch.setattr(runner, "METRICS", metrics)
    steps, others = list[int](), list[int]()

    async def fails_twice(_connection: PlainConnection) -> int:
        steps.append(1)
        if len(steps) < 3:
            raise ValueError("a program's fault")
        return 1

    async def other(_connection: PlainConnection) -> int:
        others.append(len(steps))
        return 1

    loops = [
        Loop(name=name, lease=LEASE + place, every_seconds=0.01, step=step)
        for place, (name, step) in enumerate((("faulty", fails_twice), ("sound", other)), 1)
    ]

    async def both_go_on() -> bool:
        return len(steps) > 3 and others[-1:] > [3]

    running = asyncio.create_task(run_loops(town.app_dsn, loops, stopping))
    try:
        assert await until(both_go_on)
    finally:
        stopping.set()
        await running
    assert metrics.background_failures == 2
    told = [
        (one.levelname, getattr(one, "loop", ""))
        for one in caplog.records
        if getattr(one, "event", "") == "loop.failed"
    ]
    assert told == [("ERROR", "faulty")] * 2


async def test_lease_that_went_with_its_session_is_taken_again_long_before_the_next_step(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The step asks the database nothing, and the next one is an hour away."""
    monkeypatch.setattr(runner, "LOOK_SECONDS", 0.01)
    steps, forgotten, stopping = list[int](), list[int](), asyncio.Event()

    async def step(_connection: PlainConnection) -> int:
        steps.append(1)
        return 1

    loop = Loop(
        name="seldom", lease=LEASE, every_seconds=3_600.0, step=step,
        forget=lambda: forgotten.append(1),
    )  # fmt: skip
    running = asyncio.create_task(run_loops(town.app_dsn, [loop], stopping))
    async with connection_for(town.app_dsn, "test") as own:

        async def held_by_another_than(pid: int) -> int | None:
            now: int | None = await own.fetchval(OWN, LEASE_CLASS, LEASE)
            return None if now == pid else now

        first = await until(lambda: held_by_another_than(0))
        await own.fetchval("select pg_terminate_backend($1)", first)
        await until(lambda: held_by_another_than(first))
    stopping.set()
    await running
    assert len(steps) == 2
    assert forgotten == [], "nobody else had it: what was shown is still so"
