"""`settlement clearing`: what should reach zero with payment channels (渠道清算账户).

Heavy imports happen when the command runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.cli.match import CHANNELS, last_of, one_day, one_month

if TYPE_CHECKING:
    from settlement.said import Said

Tell = Callable[["Said"], int]
_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers gives


def add_clearing(
    commands: _Commands[argparse.ArgumentParser], tell: Tell, data_dir: Path
) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "clearing",
        help="clearing accounts of payment channels (渠道清算账户)",
        description="What was booked as due from channels, what bills and fund bills have of it, "
        "what is open and since when, and how soon it reached zero. Exit status 1 where something "
        "is open for more than a day.",
    )
    when = parser.add_mutually_exclusive_group(required=True)
    when.add_argument("--day", type=one_day, help="as 2026-11-16")
    when.add_argument("--month", type=one_month, help="as 2026-11")
    parser.add_argument("--institution", help="only of this institution")
    parser.add_argument("--channel", choices=CHANNELS, help="only of this channel")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument(
        "--data-dir", type=Path, default=data_dir,
        help="where the embedded services keep their data (%(default)s)",
    )  # fmt: skip
    parser.set_defaults(command=lambda parsed: tell(_show(parsed)))


def _show(parsed: argparse.Namespace) -> Said:
    from settlement.finance import clearing_reports
    from settlement.storage.clearing_accounts import Group

    first = parsed.day or parsed.month
    which = Group(
        first=first, last=parsed.day or last_of(parsed.month), institution=parsed.institution,
        channel=parsed.channel,
    )  # fmt: skip
    return clearing_reports.show(parsed.data_dir, which, as_json=parsed.json)
