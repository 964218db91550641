"""`settlement policy` (待遇政策). Heavy imports happen when they run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.cli.actions import Commands, Tell, add_data_dir

if TYPE_CHECKING:
    from settlement.said import Said


def add_policy(commands: Commands, tell: Tell, data_dir: Path) -> None:
    """Add the command with its actions."""
    parser = commands.add_parser(
        "policy",
        help="check, load, list and compare benefit policies",
        description="Benefit policies are files (docs/reference/policy.md).",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check",
        help="check policy files; changes nothing",
        description="Check files together with the shipped ones: format, gaps and overlaps in "
        "dates and tables, rules that can never apply. Exit status 1 names file and line.",
    )
    check.add_argument("files", type=Path, nargs="*", help="without any, the shipped files")
    check.set_defaults(command=lambda parsed: tell(_check(parsed)))
    _add_load(actions, tell, data_dir)
    _add_diff(actions, tell, data_dir)
    _add_schema(actions, tell)
    listing = actions.add_parser("list", help="what is in force, and what was loaded when and why")
    add_data_dir(listing, data_dir)
    listing.set_defaults(command=lambda parsed: tell(_list(parsed)))


def _add_load(actions: Commands, tell: Tell, data_dir: Path) -> None:
    parser = actions.add_parser(
        "load",
        help="put policy files in force, in every process, without a restart",
        description="Check files together with all that is in force, then put them in force within "
        "a second, audited. A file replaces the one of its name. One fault and nothing changes.",
    )
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--reason", required=True, help="why, and the document; audited")
    parser.add_argument("--actor", default="", help="who orders it (the login name)")
    add_data_dir(parser, data_dir)
    parser.set_defaults(command=lambda parsed: tell(_load(parsed)))


def _add_diff(actions: Commands, tell: Tell, data_dir: Path) -> None:
    parser = actions.add_parser(
        "diff",
        help="what a policy would have done to claims that were settled",
        description="Compute stored claims again under two policies: how many people, how much "
        "money, who loses most. Changes nothing.",
    )
    parser.add_argument("old", help="a policy's name, a version, or a file")
    parser.add_argument("new", help="the same")
    parser.add_argument(
        "--on", default="sample", metavar="MONTH",
        help="a month like 2026-11, or `sample`: the last 31 days (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    add_data_dir(parser, data_dir)
    parser.set_defaults(command=lambda parsed: tell(_diff(parsed)))


def _add_schema(actions: Commands, tell: Tell) -> None:
    parser = actions.add_parser(
        "schema",
        help="print the JSON Schema of policy files",
        description="Print what may be in a policy file as JSON Schema (2020-12), for editors and "
        "other programs.",
    )
    parser.add_argument("--region", action="store_true", help="of region profiles instead")
    parser.set_defaults(command=lambda parsed: tell(_schema(parsed)))


def _check(parsed: argparse.Namespace) -> Said:
    from settlement.offline import check

    return check(parsed.files)


def _load(parsed: argparse.Namespace) -> Said:
    from settlement.serve.policies import load

    return load(parsed.data_dir, parsed.files, actor=parsed.actor, reason=parsed.reason)


def _list(parsed: argparse.Namespace) -> Said:
    from settlement.serve.policies import listed

    return listed(parsed.data_dir)


def _diff(parsed: argparse.Namespace) -> Said:
    from settlement.serve.policies import diff

    return diff(parsed.data_dir, parsed.old, parsed.new, on=parsed.on, as_json=parsed.json)


def _schema(parsed: argparse.Namespace) -> Said:
    from settlement.offline import policy_schema

    return policy_schema(region=parsed.region)
