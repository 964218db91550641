"""`settlement reconcile-regions`: days with other regions and the hub.

Heavy imports happen when the command runs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.cli.clear import RECEIVABLE, SIDES

if TYPE_CHECKING:
    from settlement.said import Said

Tell = Callable[["Said"], int]
_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers gives


def add_reconcile_regions(
    commands: _Commands[argparse.ArgumentParser], tell: Tell, data_dir: Path
) -> None:
    """Add `reconcile-regions`, which shows the worklist without anything else."""
    parser = commands.add_parser(
        "reconcile-regions",
        help="compare a day with another region and the hub, and work what differs (三方对账)",
        description="Without --day, list what differs and nobody has ended. With --day, ask "
        "--region, or every region, over the line for what it has of the day, and compare our rows "
        "of people treated here; with --lists, compare with files instead. With --out, write our "
        "rows of the day for the other side. With --end, end differences of a day: one person "
        "proposes it, another confirms.",
    )
    parser.add_argument("--day", type=date.fromisoformat, help="as 2026-11-03")
    parser.add_argument(
        "--lists", type=Path, nargs="+", metavar="FILE",
        help="the other region's list of the day, those of the days around it, the hub's",
    )  # fmt: skip
    parser.add_argument(
        "--hub", type=Path, metavar="FILE", help="the hub's list, where --region is asked"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="write our list there")
    parser.add_argument(
        "--end", nargs="+", metavar="CASE",
        help="differences that are explained: one person proposes their end",
    )  # fmt: skip
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--confirm", action="store_true", help="end what somebody else proposed to end"
    )
    which.add_argument(
        "--send-back", action="store_true", help="send the proposal back: it stays open"
    )
    parser.add_argument("--region", help="the other region")
    parser.add_argument(
        "--side", choices=SIDES, default=RECEIVABLE,
        help="receivable: we treated; payable: our people were treated there (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--reason", default="", help="what was found out; kept")
    parser.add_argument("--actor", default="", help="who orders it (the login name)")
    parser.add_argument(
        "--data-dir", type=Path, default=data_dir,
        help="where the embedded services keep their data (%(default)s)",
    )  # fmt: skip
    parser.set_defaults(command=lambda parsed: tell(_run(parsed)))


def _run(parsed: argparse.Namespace) -> Said:
    from settlement.said import UNUSABLE, Said
    from settlement.serve import regional_day

    wanted = [name for name in ("lists", "out", "end") if getattr(parsed, name)]
    if parsed.day is None and not wanted:
        return regional_day.worklist(parsed.data_dir)
    if parsed.day is None or len(wanted) > 1:
        return Said(UNUSABLE, "settlement: give --day, with at most one of --lists, --out, --end")
    if wanted in (["out"], ["end"]) and not parsed.region:
        return Said(UNUSABLE, f"settlement: --{wanted[0]} needs --region")
    if wanted != ["out"] and not (parsed.actor.strip() and parsed.reason.strip()):
        act = f"--{wanted[0]}" if wanted else "comparing"
        return Said(UNUSABLE, f"settlement: {act} needs --actor and --reason")
    if (parsed.confirm or parsed.send_back) and wanted != ["end"]:
        return Said(UNUSABLE, "settlement: --confirm and --send-back go with --end")
    if parsed.hub and wanted:
        return Said(UNUSABLE, "settlement: --hub is for asking; --lists takes the hub's list too")
    if not wanted:
        return _ask(parsed)
    if parsed.lists:
        return regional_day.compare(parsed)
    return regional_day.write(parsed) if parsed.out else regional_day.end(parsed)


def _ask(parsed: argparse.Namespace) -> Said:
    from settlement.said import UNUSABLE, Said
    from settlement.serve import regional_day

    if parsed.side != RECEIVABLE:
        return Said(
            UNUSABLE,
            "settlement: who treated asks who insures; compare what we owe them with --lists",
        )
    if parsed.hub and not parsed.region:
        return Said(UNUSABLE, "settlement: --hub needs --region")
    return regional_day.ask(parsed)
