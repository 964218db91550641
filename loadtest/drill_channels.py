"""Scan-to-pay over channels that fail, at length: afterwards all books must say the same.

`python -m loadtest.drill_channels` starts a server with simulated channels on fresh data, lets
every kind of fault happen that concerns payments, and sells: insured and self-pay, three channels,
payers who confirm late or not, tills that vanish, cancels, refunds, one gateway process killed half
way. The first sales are made one at a time and without faults, to see what a channel leg adds to
one. In the end it waits until nothing is open and compares the tills' books, the ledger and each
channel's own book. Writes build/drill-channels.json, prints a table; exit status 1 where anything
does not fit.
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
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from loadtest import attach
from loadtest.drills import own_time
from loadtest.drills.audit import Findings, compare
from loadtest.drills.bills import reconciled
from loadtest.drills.orders import IMPATIENT, ON_PHONE, Customers
from loadtest.drills.shift import (
    Shift,
    channels_of,
    close_of_business,
    in_no_hurry,
    sell,
    until_resolved,
)
from loadtest.drills.simulators import (
    ChannelBooks,
    mend,
    read_books,
    set_faults,
)
from loadtest.machine import describe_commit, describe_machine
from loadtest.processes import cpu_seconds_by_kind, read_processes
from loadtest.report import Figure
from loadtest.server import Server, Verdict
from loadtest.world import fetch_world
from settlement.clock import local_time, system_clock

BUILD = Path("build")
RESULT = BUILD / "drill-channels.json"
PAYMENTS = 6_000
TILLS = 256
SHARE_PPM = 20_000
PERSONS = 20_000
SEED = 1
SHOWN_MAX = 10


class Settings(Struct, frozen=True, kw_only=True):
    """What a run is made of."""

    payments: int = PAYMENTS
    tills: int = TILLS
    share_ppm: int = SHARE_PPM
    persons: int = PERSONS
    seed: int = SEED
    impatient: float = IMPATIENT
    """of cashiers, who cancel what takes long"""
    kill: bool = True
    workers: int = 2


class Run(Struct, frozen=True, kw_only=True):
    """What a run left to be compared."""

    shift: Shift
    books: Mapping[str, ChannelBooks]
    findings: Findings
    peoples_turn: int
    resolved_seconds: float
    verdict: Verdict
    cpu_seconds: Mapping[str, float]
    """of the crowd's sales"""
    crowd: int
    """how many those were"""
    rows_on_bills: int
    """payments and refunds that the channels' bills have as our books do"""
    own_alone: own_time.Read
    """what channel legs added to sales that were made one at a time"""
    own: own_time.Read
    """to those of the crowd"""


def main() -> int:
    """Run, print, write; 1 where the books do not say the same."""
    arguments = _arguments()
    settings = Settings(
        payments=arguments.payments, tills=arguments.tills, seed=arguments.seed,
        share_ppm=round(arguments.faults * 10_000), kill=not arguments.spare,
        workers=arguments.workers,
    )  # fmt: skip
    BUILD.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="drill-", dir=BUILD)).resolve()
    folder.chmod(0o711)  # the embedded servers' user passes through
    try:
        figures = figures_of(settings, run(settings, folder / "data", os.environ))
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    figures |= {"machine": dict(describe_machine()), "commit": describe_commit(Path.cwd())}
    RESULT.write_text(json.dumps(figures, ensure_ascii=False, indent=2) + "\n")
    print("\n".join(table(figures)))
    return 0 if figures["passed"] else 1


def run(settings: Settings, data_dir: Path, environment: Mapping[str, str]) -> Run:
    """A whole drill on one data directory."""
    began_on = local_time(system_clock()).date()
    with Server(data_dir, workers=settings.workers, environment=environment) as server:
        world = fetch_world(server.url, persons=settings.persons)
        customers = Customers(
            world, seed=settings.seed, stamp=int(time.time()), impatient=settings.impatient,
            on_phone=ON_PHONE,
        )  # fmt: skip
        first = in_no_hurry(customers, payments=settings.payments)
        alone = asyncio.run(
            sell(server, world, customers, orders=first, tills=1, kill=False, name="A")
        )
        over_channels = sum(bool(one.channel) for one in alone.believed)
        own_alone = own_time.read(server.url, at_least=over_channels)
        set_faults(channels_of(server), seed=settings.seed, share_ppm=settings.share_ppm)
        cpu = _cpu(server)
        crowd = asyncio.run(
            sell(
                server, world, customers, tills=settings.tills, kill=settings.kill,
                orders=sorted({*range(settings.payments)} - {*first}),
            )
        )  # fmt: skip
        shift = replace(crowd, tills=[*alone.tills, *crowd.tills])
        spent = {kind: seconds - cpu.get(kind, 0.0) for kind, seconds in _cpu(server).items()}
        mend(channels_of(server))
        still_open, peoples_turn, seconds = asyncio.run(until_resolved(server))
        asyncio.run(close_of_business(shift))
        books = read_books(channels_of(server))
        findings = asyncio.run(_compared(server, shift, books))
        bills = asyncio.run(reconciled(data_dir, channels_of(server), began_on))
        findings.differences += bills.differences
        if still_open:
            findings.unresolved.append(f"{still_open} payments are open after {seconds:.0f} s")
        return Run(
            shift=shift, books=books, findings=findings, peoples_turn=peoples_turn,
            resolved_seconds=seconds, verdict=server.verify(), cpu_seconds=spent,
            crowd=len(crowd.believed), rows_on_bills=bills.agreed, own_alone=own_alone,
            own=own_time.since(own_time.read(server.url), own_alone),
        )  # fmt: skip


async def _compared(
    server: Server, shift: Shift, books: Mapping[str, ChannelBooks]
) -> Findings:
    attempts = await attach.read_attempts(server.data_dir)
    ledger = await attach.read_clearing(server.data_dir)
    return compare(shift.believed, books, attempts, ledger)


def figures_of(settings: Settings, done: Run) -> dict[str, Figure]:
    """What is written down. The first names are the contract's."""
    shift, findings = done.shift, done.findings
    certain = sorted(
        one.certain_seconds
        for one in shift.believed
        if one.channel and not one.confirmed and one.certain_seconds is not None
    )
    statuses = Counter(one.status for one in shift.believed)
    faults = Counter[str]()
    for book in done.books.values():
        faults.update(book.happened)
    return {
        "operations": sum(1 + one.refunds + one.cancels for one in shift.believed),
        "acknowledged": statuses["settled"],
        "lost": len(findings.lost),
        "doubled": len(findings.doubled),
        "unresolved": len(findings.unresolved),
        "books_equal": not findings.differences,
        "verify_ok": done.verdict.ok,
        "certainty_p50_s": _percentile(certain, 50),
        "certainty_p99_s": _percentile(certain, 99),
        "recovery_s": {
            "till_after_kill_max": round(max(shift.outages, default=0.0), 2),
            "all_resolved": round(done.resolved_seconds, 2),
        },
        "own_alone_ms": dict[str, Figure](own_time.figures(done.own_alone)),
        "own_ms": dict[str, Figure](own_time.figures(done.own)),
        "seed": settings.seed,
        "passed": findings.clean and done.verdict.ok and statuses["settled"] > 0,
        "refused": statuses["refused"],
        "by_channel": dict(Counter(one.channel or "none" for one in shift.believed)),
        "on_phones": sum(one.on_phone for one in shift.believed),
        "settled_on_phones": sum(
            one.on_phone and one.status == "settled" for one in shift.believed
        ),
        "confirmed_by_payer": sum(one.confirmed for one in shift.believed),
        "resends": sum(one.resends for one in shift.believed),
        "refunds": sum(one.refunds for one in shift.believed),
        "cancels": sum(one.cancels for one in shift.believed),
        "refund_due": done.peoples_turn,
        "rows_on_bills": done.rows_on_bills,
        "refusals": dict(Counter(one.refusal for one in shift.believed if one.refusal)),
        "faults": dict(sorted(faults.items())),
        "gateway_killed": shift.killed_pid is not None,
        "seconds": round(shift.seconds, 1),
        "orders_per_s": round(done.crowd / shift.seconds, 1),
        "cpu_ms_per_order": {
            kind: round(seconds * 1e3 / max(done.crowd, 1), 2)
            for kind, seconds in done.cpu_seconds.items()
        },
        "channel_books": {name: dict(book.totals) for name, book in done.books.items()},
        "findings": [
            *findings.differences, *findings.doubled, *findings.lost, *findings.unresolved,
        ][: 10 * SHOWN_MAX],
    }  # fmt: skip


def table(figures: Mapping[str, Figure]) -> list[str]:
    """For the terminal."""
    left_out = ("machine", "channel_books", "findings", "faults")
    lines = []
    for name, value in figures.items():
        if name in left_out:
            continue
        if isinstance(value, dict):
            value = ", ".join(f"{key} {shown}" for key, shown in value.items())
        lines.append(f"{name:<20} {value}")
    faults = figures["faults"]
    happened = sum(faults.values()) if isinstance(faults, dict) else 0  # type: ignore[arg-type]
    lines.append(f"{'faults':<20} {happened} of {len(faults) if isinstance(faults, dict) else 0}"
                 " kinds")  # fmt: skip
    findings = figures["findings"]
    if isinstance(findings, list):
        lines += [f"  {one}" for one in findings[:SHOWN_MAX]]
    lines.append("PASSED" if figures["passed"] else "FAILED: the books do not say the same")
    return lines


def _percentile(ordered: Sequence[float], percent: float) -> float | None:
    if not ordered:
        return None
    return round(ordered[min(int(len(ordered) * percent / 100), len(ordered) - 1)], 3)


def _cpu(server: Server) -> dict[str, float]:
    places = attach.places_of(server.data_dir)
    return cpu_seconds_by_kind(read_processes(), server_pid=server.pid, places=places)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make drill-channels", description=__doc__)
    parser.add_argument("--payments", type=int, default=PAYMENTS)
    parser.add_argument("--tills", type=int, default=TILLS, help="connections")
    parser.add_argument("--faults", type=float, default=SHARE_PPM / 10_000, help="percent of calls")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--spare", action="store_true", help="kill no gateway process")
    parser.add_argument("--keep", action="store_true", help="keep the data directory")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
