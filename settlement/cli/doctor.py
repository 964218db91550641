"""`settlement doctor` (体检). Heavy imports happen when it runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from settlement.cli.actions import Commands, add_data_dir


def add_doctor(commands: Commands, data_dir: Path) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "doctor",
        help="look whether a deployment is well, and say what to do where it is not (体检)",
        description="Look at clock, keys, permissions, disks, database, rights, Redis, "
        "certificates, backups, leases and open work, and explain each finding in Chinese and "
        "English. Changes nothing. Exit status 0: nothing is wrong, 1: warnings, 2: faults, or "
        "it could not be examined.",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument(
        "--ntp", default="", metavar="HOST[:PORT]",
        help="a time server to hold the clock against as well",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=_count, default=2, metavar="N",
        help="gateway processes on this database, for which connections are counted (%(default)s)",
    )  # fmt: skip
    add_data_dir(parser, data_dir)
    parser.set_defaults(command=_run)


def _run(parsed: argparse.Namespace) -> int:
    from settlement.doctor.desk import examine

    said = examine(
        parsed.data_dir, workers=parsed.workers, time_source=parsed.ntp, json=parsed.json
    )
    sys.stdout.write(f"{said.text}\n")
    return said.status


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 up")
    return int(text)
