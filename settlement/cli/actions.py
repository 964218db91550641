"""What commands with actions have in common: who orders it, where the data is, how they end."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from settlement.numbers import parse

if TYPE_CHECKING:
    from settlement.said import Said

Tell = Callable[["Said"], int]
"""prints what was said and gives the exit status"""
Action = Callable[[argparse.Namespace], "Said"]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
# argparse has no public name for what add_subparsers gives
DATA_DIR_HELP = "where the embedded services keep their data"


def add_listing(
    parser: argparse.ArgumentParser, data_dir: Path, action: Action, tell: Tell
) -> None:
    """What the command does without an action: it lists, for people or as JSON."""
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    add_data_dir(parser, data_dir)
    parser.set_defaults(command=lambda parsed: tell(action(parsed)))


def add_data_dir(parser: argparse.ArgumentParser, data_dir: Path) -> None:
    """Where the data is, said before the action."""
    parser.add_argument(
        "--data-dir", type=Path, default=data_dir, help=f"{DATA_DIR_HELP} (%(default)s)"
    )


def add_who(parser: argparse.ArgumentParser) -> None:
    """Who orders it and why: both are audited."""
    parser.add_argument("--reason", required=True, type=_words, help="why; audited")
    parser.add_argument(
        "--actor", required=True, type=_words, help="who orders it (the login name)"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """For people or as JSON; one before the action counts as well."""
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="one JSON object on stdout"
    )


def finish(parser: argparse.ArgumentParser, action: Action, tell: Tell) -> None:
    """What an action does."""
    # Left out where it is not given, so that one before the action counts.
    parser.add_argument("--data-dir", type=Path, default=argparse.SUPPRESS, help=DATA_DIR_HELP)
    parser.set_defaults(command=lambda parsed: tell(action(parsed)))


def number(text: str) -> int:
    """A number of ours as an argument."""
    found = parse(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 19 digits")
    return found


def _words(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it says nothing")
    return text.strip()
