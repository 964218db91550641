"""Measures the figures of the design on one machine, with their baselines in the same run.

`python -m loadtest.bench` starts a server on fresh data, takes short windows in turns (echo,
settlements, hot settlements, visits, pgbench, …) so that a drift of the machine meets all of them,
verifies the ledger, compares it with the client's own book, prints a table and writes
build/bench.json. A run whose ledger does not verify, or differs from the client's book, prints VOID
and exits with status 1: its figures do not count.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from loadtest import attach, report
from loadtest.baseline import EchoServer, measure_tpcb, prepare_tpcb
from loadtest.books import compare_books
from loadtest.generator.tally import Tally
from loadtest.machine import describe_commit, describe_machine
from loadtest.report import Figure
from loadtest.server import Server, Verdict, VerifyingAllTheTime, remove_data
from loadtest.signatures import measure_signatures
from loadtest.stage import Costs, Stage
from loadtest.workload import Scenario

BUILD = Path("build")
RESULT = BUILD / "bench.json"
TPCB_DATABASE = "bench_tpcb"
OPEN_LOOP_RATE = 1_000
ROUNDS = 3
PERSONS = 100_000
PERSONS_QUICK = 1_000
SEED = 1


@dataclass
class Windows:
    """Every window taken, by what it measured, in the order it was taken."""

    echo: list[Tally] = field(default_factory=list)
    oneshot: list[Tally] = field(default_factory=list)
    hot: list[Tally] = field(default_factory=list)
    hot_persons: list[Tally] = field(default_factory=list)
    visits: list[Tally] = field(default_factory=list)
    alone: list[Tally] = field(default_factory=list)
    while_verifying: list[Tally] = field(default_factory=list)
    open_loop: list[Tally] = field(default_factory=list)
    tpcb_per_s: list[float] = field(default_factory=list)
    verdicts_under_load: list[Verdict] = field(default_factory=list)

    def troubles(self) -> list[str]:
        """What went wrong in any window, for a person to read."""
        named = {name: value for name, value in vars(self).items() if name != "tpcb_per_s"}
        return [
            f"{name} #{number}: {tally.refused} refused, {tally.http_errors} HTTP errors, "
            f"{tally.connection_errors} broken connections, {tally.dropped} dropped; "
            f"{tally.complaints[:2]}"
            for name, tallies in named.items()
            for number, tally in enumerate(tallies)
            if isinstance(tally, Tally) and not tally.clean
        ]


def main() -> int:
    """Run, print, write; 1 when the run is void."""
    arguments = _arguments()
    if arguments.quick:
        arguments.seconds, arguments.rounds = min(arguments.seconds, 2.0), 1
    BUILD.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=BUILD)).resolve()
    folder.chmod(0o711)  # the embedded servers' user passes through
    try:
        figures = run(arguments, arguments.data_dir or folder / "data")
    finally:
        if not arguments.keep:
            remove_data(folder / "data")
            shutil.rmtree(folder)
    RESULT.write_text(json.dumps(figures, ensure_ascii=False, indent=2) + "\n")
    print(report.table(figures))
    for trouble in _texts(figures, "troubles"):
        print(f"flagged: {trouble}")
    for difference in _texts(figures, "differences"):
        print(f"ledger and client's book differ: {difference}")
    if figures["void"]:
        print("VOID: the ledger does not verify or is not what was acknowledged.")
        return 1
    return 0


def run(arguments: argparse.Namespace, data_dir: Path) -> dict[str, Figure]:
    """The whole bench on one data directory; answers all figures."""
    figures: dict[str, Figure] = {
        "machine": dict(describe_machine()),
        "commit": describe_commit(Path.cwd()),
        "workers": arguments.workers,
        "connections": arguments.connections,
        "window_seconds": arguments.seconds,
        "seed": SEED,
    }
    with Server(
        data_dir, workers=arguments.workers, journals=arguments.journals, environment=os.environ
    ) as server:
        before = asyncio.run(attach.read_booked(data_dir))
        stage = Stage(
            server,
            connections=arguments.connections,
            window_seconds=arguments.seconds,
            persons=PERSONS_QUICK if arguments.quick else PERSONS,
            seed=SEED,
        )
        windows = take_windows(stage, server, arguments)
        verdict = server.verify()
        after = asyncio.run(attach.read_booked(data_dir))
        volume = asyncio.run(attach.read_volume(data_dir))
    figures |= measure_signatures(rounds=arguments.rounds)
    figures |= rates(windows)
    figures |= costs(stage.costs)
    figures |= proof(verdict, volume)
    differences = compare_books(stage.population.codes, stage.book, before, after)
    acknowledged, fees_fen, unknown = stage.book.totals()
    broken = [one for one in windows.verdicts_under_load if not one.ok]
    return figures | {
        "acknowledged": acknowledged,
        "acknowledged_fen": fees_fen,
        "unanswered": unknown,
        "sampled": _sample(stage),
        "troubles": windows.troubles(),
        "differences": differences,
        "void": bool(not verdict.ok or differences or broken or not acknowledged),
    }


def take_windows(stage: Stage, server: Server, arguments: argparse.Namespace) -> Windows:
    """All windows, baselines in turns with ours."""
    windows = Windows()
    reply_bytes = stage.reply_bytes()
    seconds = arguments.seconds
    address = asyncio.run(attach.remake_database(server.data_dir, TPCB_DATABASE))
    prepare_tpcb(address, TPCB_DATABASE)
    with EchoServer(workers=arguments.workers, reply_bytes=reply_bytes) as echo:
        for number in range(arguments.rounds):
            _say(f"round {number + 1} of {arguments.rounds}")
            windows.echo.append(stage.echo_window(echo))
            windows.oneshot.append(stage.costed_window())
            windows.hot.append(stage.window(Scenario.HOT))
            windows.hot_persons.append(stage.window(Scenario.HOT_PERSONS))
            windows.oneshot.append(stage.costed_window())
            windows.visits.append(stage.window(Scenario.VISITS))
            rate = measure_tpcb(address, TPCB_DATABASE, seconds=max(round(seconds), 2))
            windows.tpcb_per_s.append(rate)
    asyncio.run(attach.drop_database(server.data_dir, TPCB_DATABASE))
    _say("open loop")
    windows.open_loop.append(stage.open_window(OPEN_LOOP_RATE, max(3 * seconds, 5)))
    for _ in range(arguments.rounds):
        _say("settling while verify runs")
        windows.alone.append(stage.window(Scenario.ONESHOT))
        with VerifyingAllTheTime(server) as verifying:
            windows.while_verifying.append(stage.window(Scenario.ONESHOT))
        if verifying.error is not None:
            raise verifying.error
        windows.verdicts_under_load += verifying.verdicts
    return windows


def rates(windows: Windows) -> dict[str, Figure]:
    """Rates, latencies and ratios."""
    oneshot = [tally.units_per_second for tally in windows.oneshot]
    pairs = zip(oneshot[::2], oneshot[1::2], strict=True)
    around = [(first + second) / 2 for first, second in pairs]  # the mean of each round
    (open_loop,) = windows.open_loop
    return {
        "oneshot_per_s": report.median_rate(windows.oneshot),
        "oneshot_p50_ms": report.median_of([t.latency.percentile_ms(50) for t in windows.oneshot]),
        "oneshot_p99_ms": report.median_of([t.latency.percentile_ms(99) for t in windows.oneshot]),
        "oneshot_windows_per_s": [f"{one:.0f}" for one in oneshot],
        "echo_per_s": report.median_rate(windows.echo),
        "tpcb_per_s": report.median_of(windows.tpcb_per_s),
        "ratio_echo": report.paired_ratio(around, _rates(windows.echo)),
        "ratio_tpcb": report.paired_ratio(around, windows.tpcb_per_s),
        "visits_per_s": report.median_rate(windows.visits),
        "hot_cold_ratio": report.paired_ratio(_rates(windows.hot), around),
        "hot_persons_ratio": report.paired_ratio(_rates(windows.hot_persons), around),
        "settle_during_verify_ratio": report.paired_ratio(
            _rates(windows.while_verifying), _rates(windows.alone)
        ),
        "open_loop_1000": {
            "p50": open_loop.latency.percentile_ms(50),
            "p99": open_loop.latency.percentile_ms(99),
            "p999": open_loop.latency.percentile_ms(99.9),
            "late": open_loop.late,
            "dropped": open_loop.dropped,
            "requests": open_loop.replies,
        },
    }


def costs(spent: Costs) -> dict[str, Figure]:
    """Processor time, bytes and transfers of one one-shot settlement."""
    booked, units = max(spent.settlements, 1), max(spent.cpu_units, 1)
    per_kind: dict[str, Figure] = {
        kind: round(seconds * 1e6 / units, 1) for kind, seconds in spent.cpu_seconds.items()
    }
    return {
        "bytes_per_settlement": round(spent.stored_bytes / booked),
        "wal_bytes_per_settlement": round(spent.wal_bytes / booked),
        "cpu_us_per_settlement": per_kind,
        "transfers_per_settlement": round(spent.transfers / max(spent.entries, 1), 2),
    }


def proof(verdict: Verdict, volume: attach.Volume) -> dict[str, Figure]:
    """What verify said, and how fast it read."""
    return {
        "journals": verdict.journals,
        "verify_ok": verdict.ok,
        "verify_first_bad": verdict.first_bad,
        "verify_seconds": round(verdict.seconds, 2),
        "verify_per_s": round(volume.transfers / verdict.seconds) if verdict.seconds else None,
        "entries": volume.entries,
        "transfers": volume.transfers,
    }


def _sample(stage: Stage) -> dict[str, Figure]:
    """Who took part in paying, in the replies that were decoded: a poor mix flatters the rate."""
    auditor, count = stage.auditor, max(stage.auditor.settlements, 1)
    return {
        "settlements": auditor.settlements,
        "with_fund": round(auditor.with_fund / count, 3),
        "with_account": round(auditor.with_account / count, 3),
        "with_cash": round(auditor.with_cash / count, 3),
    }


def _rates(tallies: list[Tally]) -> list[float]:
    return [tally.units_per_second for tally in tallies]


def _texts(figures: dict[str, Figure], name: str) -> list[str]:
    value = figures[name]
    return [str(one) for one in value] if isinstance(value, list) else []


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="loadtest.bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=8.0, help="length of a window")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="windows of each kind")
    parser.add_argument("--workers", type=int, default=2, help="gateway processes")
    parser.add_argument("--connections", type=int, default=256, help="in the closed loops")
    parser.add_argument("--journals", type=int, help="instead of the server's own choice")
    parser.add_argument("--data-dir", type=Path, help="instead of fresh data in build/")
    parser.add_argument("--keep", action="store_true", help="keep the data afterwards")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it runs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
