"""Care in another region over a hub that fails, at length: afterwards all books must say the same.

`python -m loadtest.drill_regions` starts two regions and a hub on fresh data. People of each are
treated in the other one: pharmacy sales, visits, cancels, reversals, counters that give up or lose
their connection; one question in fifty meets a fault at the hub, and one region cannot be reached
for a part of the time. Then it waits until nothing is open and compares the counters' book, both
ledgers and the hub's own; and has each region compare the days row by row with the other one and
with what the hub answers over the wire. Writes build/drill-regions.json, prints a table; exit
status 1 where anything does not fit.
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
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import date
from itertools import chain
from pathlib import Path

from msgspec import Struct

from loadtest import attach
from loadtest.drills.audit import Findings
from loadtest.drills.away_counter import Believed, Counters
from loadtest.drills.hub_director import HubSays
from loadtest.drills.region_audit import compare, three_ways
from loadtest.drills.travellers import Travellers
from loadtest.drills.two_regions import OURS, PAY_PHARMACIES, TwoRegions, two_regions
from loadtest.institution_client import open_clients
from loadtest.machine import describe_commit, describe_machine
from loadtest.report import Figure
from loadtest.server import Server, Verdict
from loadtest.world import fetch_world
from settlement.clock import local_time, system_clock

BUILD = Path("build")
RESULT = BUILD / "drill-regions.json"
CASES = 2_000
COUNTERS = 128
SHARE_PPM = 20_000
PERSONS = 6_000
SEED = 1
DOWN_SECONDS = 60.0
"""Longer than a case may be unclear before it is given up."""
RESOLVED_SECONDS_MAX = 900.0
LOOK_SECONDS = 0.5
LATE_SECONDS = 240.0
"""So far the hub's clock is moved ahead at the end: what is late has come by then. Less than the
five minutes by which a message's time may be off."""
SHOWN_MAX = 10


class Settings(Struct, frozen=True, kw_only=True):
    """What a run is made of."""

    cases: int = CASES
    counters: int = COUNTERS
    share_ppm: int = SHARE_PPM
    persons: int = PERSONS
    """of each region"""
    seed: int = SEED
    down_seconds: float = DOWN_SECONDS
    workers: int = 1
    """of each region"""


class Run(Struct, frozen=True, kw_only=True):
    """What a run left to be compared."""

    believed: Sequence[Believed]
    seconds: float
    hub: HubSays
    happened: Mapping[str, int]
    findings: Findings
    resolved_seconds: float
    verdicts: Mapping[str, Verdict]
    cpu_seconds: Mapping[str, float]
    compared: Mapping[str, Sequence[str]]
    """what each region's comparison of each day said"""


def main() -> int:
    """Run, print, write; 1 where the books do not say the same."""
    arguments = _arguments()
    settings = Settings(
        cases=arguments.cases, counters=arguments.counters, seed=arguments.seed,
        share_ppm=round(arguments.faults * 10_000), down_seconds=arguments.down,
        workers=arguments.workers,
    )  # fmt: skip
    BUILD.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="drill-", dir=BUILD)).resolve()
    folder.chmod(0o711)  # the embedded servers' user passes through
    try:
        figures = figures_of(settings, run(settings, folder, os.environ))
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    figures |= {"machine": dict(describe_machine()), "commit": describe_commit(Path.cwd())}
    RESULT.write_text(json.dumps(figures, ensure_ascii=False, indent=2) + "\n")
    print("\n".join(table(figures)))
    return 0 if figures["passed"] else 1


def run(settings: Settings, folder: Path, environment: Mapping[str, str]) -> Run:
    """A whole drill in one folder."""
    with two_regions(
        folder, environment, workers=settings.workers, persons=settings.persons, keep_book=True
    ) as regions:
        return asyncio.run(_played(settings, regions))


async def _played(settings: Settings, regions: TwoRegions) -> Run:
    first_day = local_time(system_clock()).date()
    worlds = {
        region: await asyncio.to_thread(fetch_world, server.url, persons=settings.persons)
        for region, server in regions.servers.items()
    }
    hub = regions.hub
    await asyncio.to_thread(hub.fail, seed=settings.seed, share_ppm=settings.share_ppm)
    async with AsyncExitStack() as stack:
        clients = {
            region: await stack.enter_async_context(open_clients(server.url, region))
            for region, server in regions.servers.items()
        }
        travellers = Travellers(worlds, seed=settings.seed, pharmacies_for=PAY_PHARMACIES)
        counters = Counters(worlds, clients, travellers)
        cpu, began = regions.cpu_seconds(), time.monotonic()
        await _work(settings, regions, counters)
        seconds = time.monotonic() - began
        spent = {
            kind: value - cpu.get(kind, 0.0) for kind, value in regions.cpu_seconds().items()
        }
        await asyncio.to_thread(hub.mend)
        ended = time.monotonic()
        await counters.close_of_business()
    still_open = await _until_resolved(regions)
    resolved_seconds = time.monotonic() - ended
    said = await asyncio.to_thread(hub.book)
    findings = compare(
        counters.believed, said,
        {
            region: await attach.read_region_balances(server.data_dir)
            for region, server in regions.servers.items()
        },
    )  # fmt: skip
    if still_open:
        findings.unresolved.append(f"{still_open} cases are open after {resolved_seconds:.0f} s")
    compared = {
        region: await asyncio.to_thread(_compared, server, first_day)
        for region, server in regions.servers.items()
    }
    findings.differences += filter(None, map(three_ways, chain(*compared.values())))
    return Run(
        believed=counters.believed, seconds=seconds, hub=said, findings=findings,
        happened=await asyncio.to_thread(hub.happened), resolved_seconds=resolved_seconds,
        verdicts={
            region: await asyncio.to_thread(server.verify)
            for region, server in regions.servers.items()
        },
        cpu_seconds=spent, compared=compared,
    )  # fmt: skip


def _compared(server: Server, first_day: date) -> list[str]:
    """The days of the drill, each compared with the other region and the hub as an operator would
    have it done."""
    days = {first_day, local_time(system_clock()).date()}
    return [
        server.operate(
            ["reconcile-regions", "--day", f"{day}", "--actor", "测试操作员", "--reason", "演练"]
        )
        for day in sorted(days)
    ]


async def _work(settings: Settings, regions: TwoRegions, counters: Counters) -> None:
    """All cases; once a third of those are begun that ask our region, it is not reached for a
    while, and nobody there waits for the others."""
    third = asyncio.Event()
    places = len(regions.servers)
    async with asyncio.TaskGroup() as group:
        for place, treated in enumerate(regions.servers):
            begun = None if treated == OURS else third
            numbers = _numbers(range(place, settings.cases, places), begun)
            for _ in range(settings.counters // places):
                group.create_task(counters.work(numbers))
        if settings.down_seconds:
            await third.wait()
            await asyncio.to_thread(regions.hub.take_down, OURS, settings.down_seconds)


def _numbers(numbers: Sequence[int], third: asyncio.Event | None) -> Iterator[int]:
    """All of them, for whichever counter is free; tells when a third of them are taken."""
    for taken, number in enumerate(numbers):
        if third is not None and taken == len(numbers) // 3:
            third.set()
        yield number


async def _until_resolved(regions: TwoRegions) -> int:
    """Cases that are still open when nothing is, or time is over, also after everything came that
    was late."""
    late, until = False, time.monotonic() + RESOLVED_SECONDS_MAX
    while True:
        still_open = sum(
            [await attach.read_open_cases(one.data_dir) for one in regions.servers.values()]
        )
        if time.monotonic() > until or (not still_open and late):
            return still_open
        if not still_open:
            await asyncio.to_thread(regions.hub.advance, LATE_SECONDS)
            late = True
        await asyncio.sleep(LOOK_SECONDS)


def figures_of(settings: Settings, done: Run) -> dict[str, Figure]:
    """What is written down. The first names are the contract's."""
    believed, findings = done.believed, done.findings
    statuses = Counter(one.status for one in believed)
    told = [one for one in believed if one.settled_seconds is not None]
    certain = sorted(one.settled_seconds or 0.0 for one in told)
    unclear = sorted(one.settled_seconds or 0.0 for one in told if one.was_unclear)
    said = sum((one.said for one in believed), Counter[str]())
    verified = all(one.ok for one in done.verdicts.values())
    return {
        "operations": sum(one.messages - one.resends for one in believed),
        "acknowledged": len(believed) - statuses["refused"] - statuses["open"],
        "lost": len(findings.lost),
        "doubled": len(findings.doubled),
        "unresolved": len(findings.unresolved),
        "books_equal": not findings.differences,
        "verify_ok": verified,
        "certainty_p50_s": _percentile(certain, 50),
        "certainty_p99_s": _percentile(certain, 99),
        "recovery_s": {
            "unclear_p50": _percentile(unclear, 50),
            "unclear_max": _percentile(unclear, 100),
            "all_resolved": round(done.resolved_seconds, 2),
        },
        "seed": settings.seed,
        "passed": findings.clean and verified and statuses["settled"] > 0,
        "cases": dict(statuses),
        "by_region_of_treatment": dict(Counter(one.treated for one in believed)),
        "unclear": sum(one.was_unclear for one in believed),
        "resends": sum(one.resends for one in believed),
        "refusals": dict(Counter(one.refusal for one in believed if one.refusal)),
        "said_meanwhile": dict(said.most_common()),
        "faults": dict(sorted(done.happened.items())),
        "region_down_s": settings.down_seconds,
        "owed": {pair: dict[str, Figure](counted) for pair, counted in done.hub.totals.items()},
        "seconds": round(done.seconds, 1),
        "cases_per_s": round(len(believed) / done.seconds, 1),
        "cpu_ms_per_case": {
            kind: round(seconds * 1e3 / max(len(believed), 1), 2)
            for kind, seconds in done.cpu_seconds.items()
        },
        "rows_compared_three_ways": {
            region: [said.splitlines()[0] for said in texts]
            for region, texts in done.compared.items()
        },
        "findings": [
            *findings.differences, *findings.doubled, *findings.lost, *findings.unresolved,
        ][: 10 * SHOWN_MAX],
    }  # fmt: skip


def table(figures: Mapping[str, Figure]) -> list[str]:
    """For the terminal."""
    lines = []
    for name, value in figures.items():
        if name in ("machine", "owed", "findings", "rows_compared_three_ways"):
            continue
        if isinstance(value, dict):
            value = ", ".join(f"{key} {shown}" for key, shown in value.items())
        lines.append(f"{name:<24}{value}")
    findings = figures["findings"]
    if isinstance(findings, list):
        lines += [f"  {one}" for one in findings[:SHOWN_MAX]]
    lines.append("PASSED" if figures["passed"] else "FAILED: the books do not say the same")
    return lines


def _percentile(ordered: Sequence[float], percent: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)], 3)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make drill-regions", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--counters", type=int, default=COUNTERS, help="of both regions together")
    parser.add_argument("--faults", type=float, default=SHARE_PPM / 10_000, help="percent")
    parser.add_argument("--down", type=float, default=DOWN_SECONDS, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--workers", type=int, default=1, help="gateways of each region")
    parser.add_argument("--keep", action="store_true", help="keep the data directories")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
