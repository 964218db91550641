"""The commands that list something for operators. Everything heavy is imported when they run."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.cli.actions import Action, Commands, Tell, add_data_dir

if TYPE_CHECKING:
    from settlement.said import Said


def add_reports(commands: Commands, tell: Tell, data_dir: Path) -> None:
    """Add `stored`, `traces` and `notices`."""
    stored = commands.add_parser(
        "stored",
        help="count the uploads that are only stored (仅存储)",
        description="Count by transaction what institutions uploaded that is only stored (35xx, "
        "41xx, 43xx to 49xx), and list the settlement lists (4101) whose settlement was undone "
        "since.",
    )
    _add_since(stored)
    _finish(stored, _stored, "one JSON object", tell, data_dir)
    traces = commands.add_parser(
        "traces",
        help="list boxes of drugs that were sold twice (药品追溯码)",
        description="List the drug trace codes that more than one standing sale names, by their "
        "hash. Only a region that looks at trace codes ([drug_trace]) keeps any.",
    )
    _finish(traces, _traces, "a JSON array", tell, data_dir)
    notices = commands.add_parser(
        "notices",
        help="what a person is told of their account that pays for relatives (共济消息)",
        description="List the messages to one person: their account paid for a relative, or got "
        "that back. One a payment; its id never changes.",
    )
    notices.add_argument("person", metavar="PSN_NO", help="whose account it is")
    _add_since(notices)
    _finish(notices, _notices, "a JSON array", tell, data_dir)


def _add_since(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--since", type=_day, metavar="DATE", help="only from that day on, like 2026-11-01"
    )


def _finish(
    parser: argparse.ArgumentParser, report: Action, shape: str, tell: Tell, data_dir: Path
) -> None:
    parser.add_argument("--json", action="store_true", help=f"{shape} on stdout")
    add_data_dir(parser, data_dir)
    parser.set_defaults(command=lambda parsed: tell(report(parsed)))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2026-11-01") from exc


def _stored(parsed: argparse.Namespace) -> Said:
    from settlement.serve.stored import stored

    return stored(parsed.data_dir, since=parsed.since, as_json=parsed.json)


def _traces(parsed: argparse.Namespace) -> Said:
    from settlement.serve.traces import traces

    return traces(parsed.data_dir, as_json=parsed.json)


def _notices(parsed: argparse.Namespace) -> Said:
    from settlement.serve.notices import notices

    return notices(
        parsed.data_dir, person_no=parsed.person, since=parsed.since, as_json=parsed.json
    )
