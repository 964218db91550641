"""Whatever may fail of one server fails under load; afterwards all books must say the same.

`make drill` starts a server with a demonstration world and its simulators, and puts mixed work on
it over HTTP at a constant rate, whatever it does. A director, by seed, kills, stops, cuts and slows
one part after the other: gateways, background, importer, console, simulators, supervisor,
PostgreSQL and single backends, Redis, and the lines between them. Then, on servers of their own, a
disk is filled and a clock is set wrong. After each: what was answered is booked once, what was not
is resolved by sending it again (or taking it back), and the ledger verifies. In the end all books
are compared to the fen. Writes build/drill.json, prints a table; exit status 1 where anything does
not fit, or recovered later than was asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from loadtest.drills import fault_report
from loadtest.drills.fault_list import (
    AFTER_CHANNELS,
    BRIEF,
    SUPERVISOR_KILLED,
    WITH_CHANNELS,
    clock_wrong,
    disk_full,
)
from loadtest.drills.fault_report import StageDone
from loadtest.drills.fault_stage import Settings, play
from loadtest.drills.small_disk import NoDiskError, small_disk
from loadtest.machine import describe_commit, describe_machine
from loadtest.server import Server

BUILD = Path("build")
RESULT = BUILD / "drill.json"
FORMS = {
    "minute": Settings(
        form="minute", rate_per_second=25.0, hold_seconds=2.0, persons=3_000, tills=0,
        faults=BRIEF, afterwards=(SUPERVISOR_KILLED,), times_count=False,
    ),
    "ten": Settings(
        form="ten", rate_per_second=50.0, hold_seconds=20.0, persons=20_000, tills=4,
        faults=WITH_CHANNELS, afterwards=AFTER_CHANNELS, apart=True,
    ),
    "long": Settings(
        form="long", rate_per_second=300.0, hold_seconds=20.0, persons=100_000, tills=4,
        faults=WITH_CHANNELS, afterwards=AFTER_CHANNELS, apart=True, settlements=1_000_000,
        faults_per_verify=6,
    ),
}  # fmt: skip
APART = Settings(
    form="apart", rate_per_second=30.0, hold_seconds=20.0, persons=3_000, tills=0, faults=(),
    afterwards=(),
)  # fmt: skip
"""What has a server of its own."""
DISK_SIZE = "1200m"
CLOCK_SECONDS = 200
"""Less than the five minutes that a signature's time may be off."""
ELSEWHERE = (
    "SETTLEMENT_DATABASE_URL", "SETTLEMENT_APP_DATABASE_URL", "SETTLEMENT_REDIS_URL",
    "SETTLEMENT_REGION",
)  # fmt: skip
"""Servers of the site's own are not harmed: those of a drill are embedded whatever is named."""
WRONG_CLOCK = (sys.executable, "-m", "loadtest.drills.wrong_clock")


def main() -> int:
    """Run, print, write; 1 where anything does not fit."""
    arguments = _arguments()
    chosen = FORMS[arguments.form]
    settings = replace(
        chosen, seed=arguments.seed, rate_per_second=arguments.rate or chosen.rate_per_second,
        settlements=arguments.settlements or chosen.settlements,
    )  # fmt: skip
    BUILD.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="drill-", dir=BUILD)).resolve()
    folder.chmod(0o711)  # the embedded servers' user passes through
    print(f"form {settings.form}, seed {settings.seed}\n{fault_report.HEAD}", flush=True)
    began = time.monotonic()
    try:
        stages, skipped = run(settings, folder, os.environ)
    finally:
        if not arguments.keep:
            shutil.rmtree(folder, ignore_errors=True)
    figures = fault_report.figures_of(
        stages, form=settings.form, seed=settings.seed, seconds=time.monotonic() - began,
        skipped=skipped,
    ) | {"machine": dict(describe_machine()), "commit": describe_commit(Path.cwd())}  # fmt: skip
    RESULT.write_text(json.dumps(figures, ensure_ascii=False, indent=2) + "\n")
    print("\n".join(fault_report.table(figures)))
    in_time = not figures["missed"] or not settings.times_count
    return 0 if figures["passed"] and in_time else 1


def run(
    settings: Settings, folder: Path, environment: Mapping[str, str]
) -> tuple[list[StageDone], list[str]]:
    """All stages, one after another, in one folder; and what could not be done here, with why."""
    environment = {name: one for name, one in environment.items() if name not in ELSEWHERE}
    chance = random.Random(settings.seed)
    shuffled = replace(settings, faults=chance.sample(settings.faults, len(settings.faults)))
    stages = [_stage("server", shuffled, folder, environment)]
    if not settings.apart:
        return stages, []
    apart, skipped = replace(APART, seed=settings.seed), list[str]()
    clocks = replace(apart, faults=(clock_wrong(CLOCK_SECONDS), clock_wrong(-CLOCK_SECONDS)))
    stages.append(_stage("clock", clocks, folder, environment, command=WRONG_CLOCK))
    try:
        with small_disk(folder / "disk", size=DISK_SIZE) as disk:
            full = replace(apart, faults=(disk_full(disk),))
            stages.append(_stage("disk", full, folder, environment, data_dir=disk.path / "data"))
    except NoDiskError as exc:
        skipped.append(f"disk full: {exc}")
    return stages, skipped


def _stage(
    name: str, settings: Settings, folder: Path, environment: Mapping[str, str], *,
    command: Sequence[str] | None = None, data_dir: Path | None = None,
) -> StageDone:  # fmt: skip
    server = Server(
        data_dir or folder / name, workers=settings.workers, environment=environment,
        port=_free_port(), options=("--demo-persons", str(settings.persons)),
        log_path=folder / f"{name}.log", command=command,
    )  # fmt: skip
    with server:
        return asyncio.run(play(name, settings, server, folder / f"{name}.jsonl"))


def _free_port() -> int:
    """One that stays the server's when it is started again."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make drill", description=__doc__)
    parser.add_argument("--form", choices=FORMS, default="ten")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, help="units of work a second")
    parser.add_argument("--settlements", type=int, help="go on until so many were booked")
    parser.add_argument("--keep", action="store_true", help="keep data, books and logs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
