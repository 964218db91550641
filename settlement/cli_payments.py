"""`settlement payments`, and what people do about one. Heavy imports happen when they run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.numbers import parse

if TYPE_CHECKING:
    from settlement.said import Said
    from settlement.serve.by_hand import Order

Tell = Callable[["Said"], int]
Action = Callable[[argparse.Namespace], "Said"]
_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers gives
_DATA_DIR_HELP = "where the embedded services keep their data"


def add_payments(
    commands: _Commands[argparse.ArgumentParser], tell: Tell, data_dir: Path
) -> None:
    """Add `payments`, which lists without an action."""
    parser = commands.add_parser(
        "payments",
        help="list payments over channels that are not at their end, or act on one (未完结收款)",
        description="Without an action, list payments over channels that are in doubt, wait for "
        "the payer, are being undone or refunded, or were refused by the channel and must be given "
        "back by people.",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument(
        "--data-dir", type=Path, default=data_dir, help=f"{_DATA_DIR_HELP} (%(default)s)"
    )
    parser.set_defaults(command=lambda parsed: tell(_list(parsed)))
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    _add_show(actions, tell)
    _add_retry(actions, tell)
    _add_given_back(actions, tell)


def _add_show(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    parser = actions.add_parser(
        "show",
        help="everything that happened to a payment",
        description="Print every event of a payment with its time, attempt, what was learnt, and "
        "the request and reply it came of (codes, keys and signatures masked), and what operators "
        "did.",
    )
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="one JSON object on stdout"
    )
    _finish(parser, _show, tell)


def _add_retry(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    parser = actions.add_parser(
        "retry",
        help="have a refund tried again that its channel refused",
        description="Have the resolver try a refund again, at once: under the same refund number, "
        "at UnionPay under a new one, since a refused number stays refused there.",
    )
    _add_who(parser)
    _finish(parser, _retry, tell)


def _add_given_back(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    parser = actions.add_parser(
        "given-back",
        help="record that a refund was given back outside the channel (线下退款)",
        description="Propose that a refund which its channel refused was given back in cash or by "
        "bank; another person confirms with --confirm, and it is booked: against the institution's "
        "own takings, under the agency's custody against the agency's bank.",
    )
    parser.add_argument(
        "--confirm", action="store_true", help="confirm what somebody else proposed"
    )
    _add_who(parser)
    _finish(parser, _given_back, tell)


def _add_who(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", required=True, type=_words, help="why; audited")
    parser.add_argument(
        "--actor", required=True, type=_words, help="who orders it (the login name)"
    )


def _finish(parser: argparse.ArgumentParser, action: Action, tell: Tell) -> None:
    parser.add_argument("pay_no", type=_pay_no, metavar="PAY_NO", help="as the list names it")
    # Left out where it is not given, so that one before the action counts.
    parser.add_argument(
        "--data-dir", type=Path, default=argparse.SUPPRESS, help=_DATA_DIR_HELP
    )
    parser.set_defaults(command=lambda parsed: tell(action(parsed)))


def _pay_no(text: str) -> int:
    number = parse(text)
    if number is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no payment number of 19 digits")
    return number


def _words(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it says nothing")
    return text.strip()


def _list(parsed: argparse.Namespace) -> Said:
    from settlement.serve.worklist import payments

    return payments(parsed.data_dir, as_json=parsed.json)


def _show(parsed: argparse.Namespace) -> Said:
    from settlement.serve.payment_history import show

    return show(parsed.data_dir, parsed.pay_no, as_json=parsed.json)


def _retry(parsed: argparse.Namespace) -> Said:
    from settlement.serve.by_hand import retry

    return retry(parsed.data_dir, _order(parsed))


def _given_back(parsed: argparse.Namespace) -> Said:
    from settlement.serve.by_hand import given_back

    return given_back(parsed.data_dir, _order(parsed), confirm=parsed.confirm)


def _order(parsed: argparse.Namespace) -> Order:
    from settlement.serve.by_hand import Order

    return Order(pay_no=parsed.pay_no, actor=parsed.actor, reason=parsed.reason)
