"""`make load`: a city, a province or the country at work against `serve`, and a report of it.

Starts a demonstration server on fresh data (or takes a running one, with --target), plays a month,
a day or the fullest hour of a preset in as many hours as asked, compares all books, verifies the
chains, and writes build/load.json, build/load.html and build/load.md. A run whose books differ is
void: it says so, and exits with status 1. What the load stands for is told in `loadtest.load`.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from loadtest.load import pages, target
from loadtest.load.figures import Report, report_of
from loadtest.load.guards import LoadRefusedError
from loadtest.load.presets import Pace, Period, Season, UnknownPresetError, preset_named
from loadtest.load.run import Plan, Played, Sender, play
from loadtest.load.under_locust import locust
from loadtest.machine import describe_commit, describe_machine

BUILD = Path("build")
RESULT = BUILD / "load.json"
PUBLISHED = Path("loadtest/results")
REFUSED, VOID = 2, 1


def main() -> int:
    """Run, print, write; 1 where the run is void, 2 where it was refused."""
    arguments = _arguments()
    BUILD.mkdir(exist_ok=True)
    for ending in ("json", "html", "md"):  # what is there afterwards is of this run
        RESULT.with_suffix(f".{ending}").unlink(missing_ok=True)
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        plan = plan_of(arguments)
        _say(
            f"{plan.preset.name}, {plan.period.value} in {plan.seconds:,.0f} s, seed {plan.seed}: "
            f"about {plan.expected:,.0f} settlements"
        )
        machine = describe_machine()
        played = _played(arguments, plan)
    except (LoadRefusedError, UnknownPresetError) as refused:
        _say(f"VOID, nothing was played: {refused}")
        RESULT.write_text(msgspec.json.encode({"void": True, "why": [str(refused)]}).decode())
        return REFUSED
    report = report_of(
        played, machine=machine, commit=describe_commit(Path.cwd()), started_at=started_at,
        runner=arguments.runner,
    )  # fmt: skip
    pages.write(report, BUILD, "load")
    if arguments.publish:
        pages.write(report, PUBLISHED, _published_name(report), whole=False)
    print("\n".join(pages.table(report)))
    for limit in report.limits:
        print(f"瓶颈 limit: {limit}")
    for reason in report.why:
        print(f"VOID: {reason}")
    return VOID if report.void else 0


def plan_of(arguments: argparse.Namespace) -> Plan:
    """What was asked for. Raises UnknownPresetError and LoadRefusedError."""
    preset = preset_named(arguments.preset)
    if arguments.hours <= 0 or arguments.scale <= 0:
        raise LoadRefusedError("--hours and --scale must be more than nothing")
    if arguments.runner == "locust" and arguments.pace != Pace.LIFE:
        raise LoadRefusedError("Locust's people follow the hours: --pace is for the lean runner")
    return Plan(
        preset=preset, period=Period(arguments.period or preset.period),
        season=Season(arguments.season), pace=Pace(arguments.pace), scale=arguments.scale,
        seconds=arguments.hours * 3600, seed=arguments.seed, persons=arguments.persons,
        connections=arguments.connections,
    )  # fmt: skip


def _played(arguments: argparse.Namespace, plan: Plan) -> Played:
    if arguments.target:
        found = target.running(
            arguments.target, arguments.data_dir, is_mine=arguments.i_own_this_target
        )
        return play(plan, found, BUILD / "load-book.jsonl", send=_sender(arguments))
    folder = Path(tempfile.mkdtemp(prefix="load-", dir=BUILD)).resolve()
    folder.chmod(0o711)  # the embedded servers' user passes through
    data_dir = arguments.data_dir or folder / "data"
    try:
        if arguments.runner == "locust":  # its people are all from here
            starting = target.started(
                data_dir, workers=arguments.workers, persons=arguments.persons,
                environment=os.environ, log=folder / "server.log",
            )  # fmt: skip
        else:
            starting = target.started_with_neighbour(
                folder, data_dir, workers=arguments.workers, persons=arguments.persons,
                environment=os.environ,
            )  # fmt: skip
        with starting as found:
            return play(plan, found, folder / "book.jsonl", send=_sender(arguments))
    finally:
        if arguments.keep:
            _say(f"kept: {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _sender(arguments: argparse.Namespace) -> Sender | None:
    return None if arguments.runner == "lean" else locust(
        users=arguments.users, is_mine=arguments.i_own_this_target
    )  # fmt: skip


def _published_name(report: Report) -> str:
    pace = "" if report.pace == Pace.LIFE else f"-{report.pace}"
    return f"{report.started_at[:10]}-{report.preset}-{report.period}{pace}-{report.commit[:8]}"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make load", description=__doc__)
    parser.add_argument("--preset", default="dongguan", help="dongguan, guangdong or nation")
    parser.add_argument("--hours", type=float, default=0.5, help="by the clock on the wall")
    parser.add_argument(
        "--period", choices=[one.value for one in Period], help="instead of the preset's own"
    )
    parser.add_argument("--season", choices=[one.value for one in Season], default="ordinary")
    parser.add_argument(
        "--pace", choices=[one.value for one in Pace], default=Pace.LIFE.value,
        help="even: no nights and no mornings",
    )  # fmt: skip
    parser.add_argument("--scale", type=float, default=1.0, help="times as many settlements")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runner", choices=("lean", "locust"), default="lean")
    parser.add_argument("--workers", type=int, default=2, help="gateway processes")
    parser.add_argument("--persons", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--users", type=int, default=60, help="of Locust, in the fullest hour")
    parser.add_argument("--target", help="a running demonstration server, by its address")
    parser.add_argument("--data-dir", type=Path, help="of the server: fresh, or the target's")
    parser.add_argument(
        "--i-own-this-target", action="store_true", help="allow one that is not this machine"
    )
    parser.add_argument("--publish", action="store_true", help="also write loadtest/results/")
    parser.add_argument("--keep", action="store_true", help="keep data, book and log")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
