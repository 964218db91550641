"""`settlement payout`: paying institutions. Heavy imports happen when the commands run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.numbers import parse

if TYPE_CHECKING:
    from settlement.said import Said

Tell = Callable[["Said"], int]
_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers gives
_DATA_DIR_HELP = "where the embedded services keep their data"
KINDS = (
    "deduction", "deposit", "deposit-return", "deposit-forfeit", "reward", "prepaid",
    "prepaid-used", "surplus", "overrun", "repaid",
)  # fmt: skip
"""As settlement.payout.Kind names them."""


def add_payout(commands: _Commands[argparse.ArgumentParser], tell: Tell, data_dir: Path) -> None:
    """Add `payout`, which shows the period without an action."""
    parser = commands.add_parser(
        "payout",
        help="pay institutions for a period (拨付定点机构)",
        description="Without an action, show everybody's period: what is owed, what is to be paid, "
        "where each stands and what is next.",
    )
    parser.add_argument(
        "--period", type=_period, help="a month as 2026-11, or the first day as 2026-11-01"
    )
    parser.add_argument("--json", action="store_true", help="a JSON array on stdout")
    parser.add_argument(
        "--data-dir", type=Path, default=data_dir, help=f"{_DATA_DIR_HELP} (%(default)s)"
    )
    parser.set_defaults(command=_with_period("overview", tell))
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    _add_period_steps(actions, tell)
    _add_adjusting(actions, tell)
    _add_money(actions, tell)
    _add_reading(actions, tell)


def _add_period_steps(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    state = actions.add_parser(
        "state",
        help="fix what the period owes (核定)",
        description="Fix what the settlements of the period's business days owe every institution, "
        "held against the ledger. Stated again it is the same statement.",
    )
    _who(state)
    _finish(state, "state", tell)
    for name, about in (
        ("confirm", "fix what is to be paid (确认)"), ("close", "close what is paid (关闭)"),
    ):  # fmt: skip
        parser = actions.add_parser(name, help=about)
        _one_or_all(parser)
        _who(parser)
        _finish(parser, name, tell)


def _add_adjusting(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    adjust = actions.add_parser(
        "adjust", help="deductions, deposits, prepayments, differences, from a file (调整)"
    )
    adjust.add_argument("file", type=Path, help="CSV, .xlsx or NDJSON")
    typed = actions.add_parser("add", help="one of them, typed")
    typed.add_argument("institution", type=_words, help="its code")
    typed.add_argument("kind", choices=KINDS)
    typed.add_argument("--amount", required=True, type=_fen, help="yuan")
    typed.add_argument("--source", required=True, type=_words, help="number of the document")
    typed.add_argument("--note", default="", help="what it says there")
    typed.add_argument("--setl-id", type=_settlement, help="the settlement that it is about (个案)")
    deposits = actions.add_parser(
        "deposits", help="give deposits back by a year's scores (质保金返还)"
    )
    deposits.add_argument("file", type=Path, help="institution, deposit, score")
    deposits.add_argument("--source", required=True, type=_words, help="number of the document")
    for parser, act in ((adjust, "adjust"), (typed, "typed"), (deposits, "deposits")):
        _two_people(parser)
        _who(parser)
        _finish(parser, act, tell)
    withdraw = actions.add_parser("withdraw", help="take a proposed adjustment back (撤回)")
    withdraw.add_argument("institution", type=_words, help="its code")
    withdraw.add_argument("number", type=int, help="as `show` has it")
    _who(withdraw)
    _finish(withdraw, "withdraw", tell)


def _add_money(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    order = actions.add_parser(
        "order",
        help="order payments from the bank (下达拨付)",
        description="One person proposes; another orders with --confirm, which books it and writes "
        "the bank's files.",
    )
    _one_or_all(order)
    order.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="for the files")
    order.add_argument(
        "--again", action="store_true", help="only write the files of what is under way again"
    )
    bank = actions.add_parser("bank", help="take a bank statement (银行回单)")
    bank.add_argument("file", type=Path, help="CSV or .xlsx")
    account = actions.add_parser(
        "account",
        help="where an institution is paid to (收款账户)",
        description="Without --account, show who proposed and confirmed which.",
    )
    account.add_argument("institution", type=_words, help="its code")
    account.add_argument("--name", default="", help="户名")
    account.add_argument("--account", type=_words, help="账号")
    account.add_argument("--bank", default="", help="开户行")
    account.add_argument("--confirm", action="store_true", help="confirm exactly what was proposed")
    account.add_argument("--reason", default="", help="why; kept")
    account.add_argument("--actor", default="", help="who orders it (the login name)")
    for parser, act in ((order, "order"), (bank, "take_bank")):
        _two_people(parser)
        _who(parser)
        _finish(parser, act, tell)
    _finish(account, "account", tell, needs_period=False)


def _add_reading(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    show = actions.add_parser("show", help="how one payment is made up, and its steps")
    show.add_argument("institution", type=_words, help="its code")
    _finish(show, "show", tell)
    notice = actions.add_parser("notice", help="write notices of payment (拨付通知)")
    _one_or_all(notice)
    notice.add_argument("--out", type=Path, default=Path(), metavar="DIR")
    notice.add_argument("--format", choices=("csv", "xlsx"), default="csv", help="(%(default)s)")
    _finish(notice, "notices", tell)
    payers = actions.add_parser(
        "payers",
        help="what others owe for funds that are theirs, as medical aid (付款单位)",
        description="Without --period, every fund that has a payer: what was due, what came, what "
        "is owed. With it, what was due for that period, by institution.",
    )
    _finish(payers, "payers", tell, needs_period=False)
    vouchers = actions.add_parser("vouchers", help="vouchers for the accounting system (凭证)")
    vouchers.add_argument("--since", required=True, type=date.fromisoformat, help="first day")
    vouchers.add_argument("--until", required=True, type=date.fromisoformat, help="last day")
    vouchers.add_argument("--out", required=True, type=Path, metavar="FILE")
    _finish(vouchers, "vouchers", tell, needs_period=False)


def _one_or_all(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("institution", nargs="?", type=_words, help="its code; without one, all")


def _two_people(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--confirm", action="store_true", help="confirm what somebody else proposed"
    )


def _who(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", required=True, type=_words, help="why; kept with the step")
    parser.add_argument(
        "--actor", required=True, type=_words, help="who orders it (the login name)"
    )


def _finish(
    parser: argparse.ArgumentParser, act: str, tell: Tell, *, needs_period: bool = True
) -> None:
    # Left out where it is not given, so that one before the action counts.
    parser.add_argument("--data-dir", type=Path, default=argparse.SUPPRESS, help=_DATA_DIR_HELP)
    command = _with_period(act, tell) if needs_period else _command(act, tell)
    parser.set_defaults(command=command)


def _with_period(act: str, tell: Tell) -> Callable[[argparse.Namespace], int]:
    def command(parsed: argparse.Namespace) -> int:
        from settlement.said import UNUSABLE, Said

        if parsed.period is None:
            return tell(Said(UNUSABLE, "settlement: payout needs --period, as 2026-11"))
        return _command(act, tell)(parsed)

    return command


def _command(act: str, tell: Tell) -> Callable[[argparse.Namespace], int]:
    def command(parsed: argparse.Namespace) -> int:
        desk = import_module("settlement.finance.payout_desk")
        said: Said = getattr(desk, act)(parsed)
        return tell(said)

    return command


def _period(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01" if len(text) == 7 else text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no month like 2026-11, and no day") from exc


def _fen(text: str) -> int:
    whole, _, cents = text.partition(".")
    told = whole + cents
    if not whole or len(cents) > 2 or len(whole) > 13 or not (told.isdecimal() and told.isascii()):
        raise argparse.ArgumentTypeError(f"{text!r} is no amount in yuan like 1234.50")
    fen = int(whole) * 100 + int(f"{cents:<02}" if cents else "0")
    if not fen:
        raise argparse.ArgumentTypeError("nothing is adjusted by 0.00")
    return fen


def _settlement(text: str) -> int:
    number = parse(text.strip())
    if number is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no settlement number of 19 digits")
    return number


def _words(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it says nothing")
    return text.strip()
