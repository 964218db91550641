"""`settlement reimburse`: manual reimbursement. Heavy imports happen when the commands run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settlement.said import Said

Tell = Callable[["Said"], int]
_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers gives
_DATA_DIR_HELP = "where the embedded services keep their data"
STATES = (
    "accepted", "calculated", "settled", "ordered", "paid", "returned", "refused", "cancelled",
)  # fmt: skip
"""As settlement.books.reimbursement.State names them."""
_DAYS = 31


def add_reimburse(commands: _Commands[argparse.ArgumentParser], tell: Tell, data_dir: Path) -> None:
    """Add `reimburse`, which lists what something is waited for without an action."""
    parser = commands.add_parser(
        "reimburse",
        help="reimburse persons what they paid themselves (手工报销)",
        description="Without an action, list what something is waited for, what was accepted "
        "lately, and invoices that an institution settled as well.",
    )
    parser.add_argument("--state", choices=STATES, help="only those in this state")
    parser.add_argument("--person", type=_words, metavar="PSN_NO", help="only this person's")
    parser.add_argument(
        "--days", type=int, default=_DAYS, help="also what ended, of so many days (%(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="a JSON array on stdout")
    parser.add_argument(
        "--data-dir", type=Path, default=data_dir, help=f"{_DATA_DIR_HELP} (%(default)s)"
    )
    parser.set_defaults(command=_command("overview", tell))
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    _add_papers(actions, tell)
    _add_deciding(actions, tell)
    _add_money(actions, tell)


def _add_papers(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    accept = actions.add_parser(
        "accept",
        help="take papers in (受理)",
        description="A row a line of an invoice; every invoice gets a number. Of a file with a "
        "fault nothing is taken.",
    )
    accept.add_argument("file", type=Path, help="CSV, .xlsx or NDJSON")
    accept.add_argument(
        "--matter", type=_numbered, default=0, metavar="NO",
        help="the receipt of the online pre-acceptance (线上预受理); then of one invoice",
    )
    _who(accept)
    _finish(accept, "accept", tell)
    amend = actions.add_parser("amend", help="enter papers anew, before they are booked (更正)")
    _number(amend)
    amend.add_argument("file", type=Path, help="one invoice, as for accept")
    _who(amend)
    _finish(amend, "amend", tell)
    refuse = actions.add_parser("refuse", help="send papers back (不予报销)")
    show = actions.add_parser("show", help="one of them, with its steps")
    for parser, act in ((refuse, "refuse"), (show, "show")):
        _number(parser)
        if act == "refuse":
            _who(parser)
        _finish(parser, act, tell)


def _add_deciding(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    for name, about in (
        ("calculate", "what is paid of them; nothing is booked (核算)"),
        ("confirm", "somebody else confirms what was calculated: it is booked (复核)"),
    ):
        parser = actions.add_parser(name, help=about)
        _number(parser)
        _who(parser)
        _finish(parser, name, tell)
    cancel = actions.add_parser("cancel", help="take back what was booked, by two people (撤销)")
    _number(cancel)
    _two_people(cancel)
    _who(cancel)
    _finish(cancel, "cancel", tell)


def _add_money(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    account = actions.add_parser("account", help="pay to another bank account (更换收款账户)")
    _number(account)
    account.add_argument("--name", required=True, type=_words, help="户名")
    account.add_argument("--account", required=True, type=_words, help="账号")
    account.add_argument("--bank", required=True, type=_words, help="开户行")
    _who(account)
    _finish(account, "account", tell)
    order = actions.add_parser(
        "order",
        help="order payments from the bank (下达拨付)",
        description="One person proposes; another orders with --confirm, which books it and writes "
        "the bank's files.",
    )
    order.add_argument("number", nargs="?", type=_numbered, help="without one, all that is owed")
    order.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="for the files")
    order.add_argument(
        "--again", action="store_true", help="only write the files of what is under way again"
    )
    bank = actions.add_parser("bank", help="take a bank statement (银行回单)")
    bank.add_argument("file", type=Path, help="CSV or .xlsx")
    for parser, act in ((order, "order"), (bank, "take_bank")):
        _two_people(parser)
        _who(parser)
        _finish(parser, act, tell)


def _number(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("number", type=_numbered, help="of the reimbursement (受理编号)")


def _two_people(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--confirm", action="store_true", help="confirm what somebody else proposed"
    )


def _who(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", required=True, type=_words, help="why; kept with the step")
    parser.add_argument(
        "--actor", required=True, type=_words, help="who orders it (the login name)"
    )


def _finish(parser: argparse.ArgumentParser, act: str, tell: Tell) -> None:
    # Left out where it is not given, so that one before the action counts.
    parser.add_argument("--data-dir", type=Path, default=argparse.SUPPRESS, help=_DATA_DIR_HELP)
    parser.set_defaults(command=_command(act, tell))


def _command(act: str, tell: Tell) -> Callable[[argparse.Namespace], int]:
    def command(parsed: argparse.Namespace) -> int:
        desk = import_module("settlement.finance.reimbursement_desk")
        said: Said = getattr(desk, act)(parsed)
        return tell(said)

    return command


def _numbered(text: str) -> int:
    if len(text) != 19 or not (text.isdecimal() and text.isascii()):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 19 digits")
    return int(text)


def _words(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it says nothing")
    return text.strip()
