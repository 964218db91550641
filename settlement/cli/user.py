"""`settlement user`: who may sign in at the console. Heavy imports happen when they run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.cli.actions import Commands, Tell, add_listing, add_who, finish

if TYPE_CHECKING:
    from settlement.said import Said

ROLES = ("clerk", "supervisor", "auditor", "operator", "institution")


def add_user(commands: Commands, tell: Tell, data_dir: Path) -> None:
    """Add `user`, which lists without an action."""
    parser = commands.add_parser(
        "user",
        help="who may sign in at the console (控制台用户)",
        description="Without an action, list the console's users. The first supervisor is made "
        "here; a supervisor makes the others in the console.",
    )
    add_listing(parser, data_dir, _list, tell)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    _add_list(actions, data_dir, tell)
    _add_add(actions, tell)
    _add_role(actions, tell)
    for action, about in (
        ("lock", "sign a user out everywhere and let nobody sign in with the name"),
        ("unlock", "let a locked user sign in again, and forget failed attempts"),
        ("reset", "give a new first password and put the second factor away"),
    ):
        _add_change(actions, action, about, tell)


def _add_list(actions: Commands, data_dir: Path, tell: Tell) -> None:
    add_listing(actions.add_parser("list", help="everybody"), data_dir, _list, tell)


def _add_add(actions: Commands, tell: Tell) -> None:
    parser = actions.add_parser(
        "add",
        help="add a user and print a first password",
        description="Add a user and print a first password, once; it has to be changed at the "
        "first sign-in.",
    )
    parser.add_argument("--display-name", required=True, help="what colleagues call them")
    _add_role_arguments(parser)
    add_who(parser)
    _finish(parser, "add", tell)


def _add_role(actions: Commands, tell: Tell) -> None:
    parser = actions.add_parser("role", help="change what a user may do, at once")
    _add_role_arguments(parser)
    add_who(parser)
    _finish(parser, "role", tell)


def _add_change(actions: Commands, action: str, about: str, tell: Tell) -> None:
    parser = actions.add_parser(action, help=about, description=about[0].upper() + about[1:] + ".")
    add_who(parser)
    _finish(parser, action, tell)


def _add_role_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--role", required=True, choices=ROLES)
    parser.add_argument(
        "--institution", default="", metavar="CODE",
        help="whose cases the finance of an institution sees; for that role alone",
    )  # fmt: skip


def _finish(parser: argparse.ArgumentParser, action: str, tell: Tell) -> None:
    parser.add_argument("name", help="login name: small letters, digits, dots, dashes")
    finish(parser, lambda parsed: _change(parsed, action), tell)


def _list(parsed: argparse.Namespace) -> Said:
    from settlement.serve.users import listed

    return listed(parsed.data_dir, as_json=parsed.json)


def _change(parsed: argparse.Namespace, action: str) -> Said:
    from settlement.serve.users import Wanted, change

    wanted = Wanted(
        name=parsed.name, actor=parsed.actor, reason=parsed.reason,
        role=getattr(parsed, "role", ""), institution=getattr(parsed, "institution", ""),
        display_name=getattr(parsed, "display_name", ""),
    )  # fmt: skip
    return change(parsed.data_dir, action, wanted)
