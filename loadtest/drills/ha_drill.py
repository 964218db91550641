"""Failovers under load, at length: `make drill-ha`.

Three PostgreSQL nodes with the configuration of `deploy/ha/`, `settlement serve` in front of them
through HAProxy, and customers who come whatever happens. One fault after the other; after each the
cluster becomes whole again and what nobody answered is sent again. In the end the client's own book
is held against the ledger, and the processes of `settlement serve` must be those of the beginning.
Writes build/drill-ha.json and prints a table; exit status 1 where anything was lost, came twice, is
open or differs, or where nobody was served for more than 30 seconds.

Needs Debian's packages patroni, etcd-server, etcd-client and haproxy; exit status 2 without.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg
from msgspec import Struct, structs

from loadtest.drills.audit import Findings
from loadtest.drills.ha_audit import Row, Window, compare, totals_fen, window
from loadtest.drills.ha_cluster import (
    DATABASE,
    LOOK_SECONDS,
    OWNER,
    Cluster,
    Programs,
    find_programs,
    running_cluster,
)
from loadtest.drills.ha_faults import FAULTS, QUERIES, Fault
from loadtest.drills.ha_nodes import NAMES
from loadtest.drills.ha_shop import Shop
from loadtest.machine import describe_commit, describe_machine
from loadtest.processes import read_processes
from loadtest.report import Figure
from loadtest.server import Server, Verdict
from loadtest.world import fetch_world
from settlement.embedded.external import APP_VARIABLE, OWNER_VARIABLE
from settlement.storage.lease import LEASE_CLASS

RESULT = Path("build/drill-ha.json")
RATE = 60.0
PERSONS = 5_000
STEADY_SECONDS = 6.0
"""Of ordinary business before a fault and after it is over."""
BACK_SECONDS_MAX = 30.0
LEASES_SECONDS_MAX = 40.0
"""A background loop looks every fifteen seconds at least whether its session is gone."""
CATCH_UP_SECONDS_MAX = 20.0
"""A standby that is not the synchronous one may be a little behind."""
ASKED_AGAIN = 20
"""Answered orders that are sent again after each fault: they must be told the same."""
SHOWN_MAX = 10
MISSING = "patroni, etcd-server, etcd-client and haproxy are not all installed"
NOT_INSTALLED = 2


class Settings(Struct, frozen=True, kw_only=True):
    """What a run is made of."""

    rate: float = RATE
    seed: int = 1
    workers: int = 2
    faults: tuple[Fault, ...] = FAULTS


class Round(Struct, frozen=True, kw_only=True):
    """One fault: what customers felt, how long until all was as before, and what does not fit."""

    fault: str
    felt: Window
    whole_seconds: float
    resent: int
    broken_lines: int
    wrong: list[str]


class Run(Struct, frozen=True, kw_only=True):
    """What a run came to."""

    rounds: list[Round]
    findings: Findings
    answered: int
    totals_fen: dict[str, int]
    verdict: Verdict
    wrong: list[str]


def main() -> int:
    """Run, print, write; 1 where something was lost, doubled, is open, or took too long."""
    arguments = _arguments()
    programs = find_programs()
    if programs is None:
        print(f"drill of failovers: {MISSING}", file=sys.stderr)
        return NOT_INSTALLED
    chosen = tuple(one for one in FAULTS if arguments.only in one.name)
    settings = Settings(
        rate=arguments.rate, seed=arguments.seed, workers=arguments.workers, faults=chosen
    )
    base = Path(tempfile.mkdtemp(prefix="drill-ha-"))
    base.chmod(0o711)  # the servers' user passes through
    try:
        figures = figures_of(settings, asyncio.run(run(settings, programs, base)))
    finally:
        if not arguments.keep:
            shutil.rmtree(base, ignore_errors=True)
    figures |= {"machine": dict(describe_machine()), "commit": describe_commit(Path.cwd())}
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(figures, ensure_ascii=False, indent=2) + "\n")
    print("\n".join(table(figures)))
    return 0 if figures["passed"] else 1


async def run(settings: Settings, programs: Programs, base: Path) -> Run:
    """A whole drill below one directory."""
    async with running_cluster(base, programs) as cluster:
        environment = {**os.environ, OWNER_VARIABLE: await cluster.make_database()}
        environment.pop(APP_VARIABLE, None)
        server = Server(
            base / "server", workers=settings.workers, environment=environment,
            log_path=base / "serve.log", options=["--demo-persons", str(PERSONS)],
        )  # fmt: skip
        await asyncio.to_thread(server.__enter__)
        try:
            return await _under_load(settings, cluster, server)
        finally:
            await asyncio.to_thread(server.__exit__, None, None, None)


async def _under_load(settings: Settings, cluster: Cluster, server: Server) -> Run:
    world = await asyncio.to_thread(fetch_world, server.url, persons=PERSONS)
    shop = Shop(world, server.address, seed=settings.seed)
    before = await _booked(cluster)
    processes = _processes(server)
    rounds = [await _round(settings, cluster, shop, fault) for fault in settings.faults]
    wrong = await _nodes_differ(cluster)
    if _processes(server) != processes:
        wrong.append(f"processes of the server: {processes} became {_processes(server)}")
    rows = [row for row in await _booked(cluster) if row not in before]
    shop.hang_up()
    return Run(
        rounds=rounds, findings=compare(shop.orders, rows), wrong=wrong,
        answered=sum(one.answered_at is not None for one in shop.orders),
        totals_fen=dict(totals_fen(shop.orders, rows)),
        verdict=await asyncio.to_thread(server.verify),
    )  # fmt: skip


async def _round(settings: Settings, cluster: Cluster, shop: Shop, fault: Fault) -> Round:
    """Business as usual, the fault, business again; then the rest of what is to be known."""
    first, broken, wrong = len(shop.orders), shop.broken, list[str]()
    stop = asyncio.Event()
    leader, leases = await cluster.leader(), await _leases(cluster)
    customers = asyncio.create_task(shop.serve(settings.rate, stop))
    try:
        await asyncio.sleep(STEADY_SECONDS)
        began = time.monotonic()
        heal = await fault.begin(cluster, wrong)
        await asyncio.sleep(STEADY_SECONDS)
        await heal()
        whole = time.monotonic()
        await asyncio.sleep(STEADY_SECONDS)
    finally:
        stop.set()
        await customers
    if fault.moves and await cluster.leader() == leader:
        wrong.append(f"{leader} still leads")
    orders = shop.orders[first:]
    felt = window(orders, began=began, ended=time.monotonic())
    resent = await shop.resolve()
    answered = [one for one in orders if one.answered_at is not None]
    wrong += await shop.ask_again(answered[:: max(len(answered) // ASKED_AGAIN, 1)])
    if felt.silent_seconds < fault.silences:
        wrong.append("somebody was answered although one server alone had it")
    if not await _held_again(cluster, leases):
        wrong.append(f"leases that nobody took again: {leases - await _leases(cluster)}")
    if felt.back_seconds > BACK_SECONDS_MAX:
        wrong.append(f"nobody was served for {felt.back_seconds:.1f} s")
    round_ = Round(
        fault=fault.name, felt=felt, whole_seconds=whole - began, resent=resent,
        broken_lines=shop.broken - broken, wrong=wrong,
    )  # fmt: skip
    print(_line(round_), flush=True)
    return round_


async def _booked(cluster: Cluster) -> list[Row]:
    """What the ledger has, as the leader tells it."""
    rows = await _fetch(cluster.dsn(user=OWNER, database=DATABASE), "booked_messages")
    return [Row(**dict(row)) for row in rows]


async def _leases(cluster: Cluster) -> set[int]:
    """Which background loops are held by a session of the leader."""
    rows = await _fetch(cluster.dsn(), "leases", LEASE_CLASS)
    return {row["lease"] for row in rows}


async def _held_again(cluster: Cluster, leases: set[int]) -> bool:
    deadline = time.monotonic() + LEASES_SECONDS_MAX
    while not leases <= await _leases(cluster):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True


async def _nodes_differ(cluster: Cluster) -> list[str]:
    """Nothing is being written: every node must soon hold the same."""
    deadline = time.monotonic() + CATCH_UP_SECONDS_MAX
    while True:
        stands = [await _standing(cluster, name) for name in NAMES]
        if all(stand == stands[0] for stand in stands):
            return []
        if time.monotonic() > deadline:
            return [f"nodes hold different things: {stands}"]
        await asyncio.sleep(LOOK_SECONDS)


async def _standing(cluster: Cluster, node: str) -> dict[str, object]:
    dsn = cluster.dsn(user=OWNER, database=DATABASE, node=node)
    return dict((await _fetch(dsn, "standing"))[0])


async def _fetch(dsn: str, block: str, *arguments: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        return list(await connection.fetch(QUERIES[block], *arguments))
    finally:
        await connection.close()


def _processes(server: Server) -> list[int]:
    """The children of the server: none of them is to be started anew by a failover."""
    return sorted(one.pid for one in read_processes() if one.parent == server.pid)


def figures_of(settings: Settings, done: Run) -> dict[str, Figure]:
    """What is written down."""
    findings, wrong = done.findings, [*done.wrong, *(w for one in done.rounds for w in one.wrong)]
    equal = done.totals_fen["book"] == done.totals_fen["ledger"]
    return {
        "passed": findings.clean and done.verdict.ok and equal and not wrong and done.answered > 0,
        "acknowledged": done.answered,
        "lost": len(findings.lost),
        "doubled": len(findings.doubled),
        "unresolved": len(findings.unresolved),
        "books_equal": not findings.differences and equal,
        "verify_ok": done.verdict.ok,
        "rate_per_s": settings.rate,
        "seed": settings.seed,
        "back_s_max": round(max(one.felt.back_seconds for one in done.rounds), 1),
        "faults": {one.fault: _felt(one) for one in done.rounds},
        "findings": [
            *wrong, *findings.lost, *findings.doubled, *findings.unresolved, *findings.differences
        ][: 10 * SHOWN_MAX],
    }  # fmt: skip


def _felt(one: Round) -> dict[str, Figure]:
    felt = {
        name: round(value, 2) if isinstance(value, float) else value
        for name, value in structs.asdict(one.felt).items()
    }
    return {**felt, "whole_seconds": round(one.whole_seconds, 1), "resent": one.resent}


def table(figures: dict[str, Figure]) -> list[str]:
    """For the terminal, below the lines of the faults."""
    names = ("acknowledged", "lost", "doubled", "unresolved", "books_equal", "verify_ok")
    lines = [", ".join(f"{name} {figures[name]}" for name in names)]
    findings = figures["findings"]
    if isinstance(findings, list):
        lines += [f"  {one}" for one in findings[:SHOWN_MAX]]
    lines.append("PASSED" if figures["passed"] else "FAILED")
    return lines


def _line(one: Round) -> str:
    felt = one.felt
    return (
        f"{one.fault:<28} writes back {felt.back_seconds:5.1f} s"
        f", silent {felt.silent_seconds:5.1f} s"
        f", whole {one.whole_seconds:5.1f} s; sent {felt.sent}, slow {felt.slow}"
        f", unanswered {felt.unanswered}, resent {one.resent}"
        + "".join(f"\n  {sentence}" for sentence in one.wrong)
    )


def _arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make drill-ha", description=__doc__)
    parser.add_argument("--rate", type=float, default=RATE, help="customers a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", default="", help="faults whose name has this in it")
    parser.add_argument("--keep", action="store_true", help="keep the directory below /tmp")
    return parser.parse_args(given)


if __name__ == "__main__":
    sys.exit(main())
