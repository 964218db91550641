"""`settlement payments`, and what people do about one. Heavy imports happen when they run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.cli.actions import (
    Action,
    Commands,
    Tell,
    add_json,
    add_listing,
    add_who,
    finish,
    number,
)

if TYPE_CHECKING:
    from settlement.said import Said
    from settlement.serve.by_hand import Order


def add_payments(commands: Commands, tell: Tell, data_dir: Path) -> None:
    """Add `payments`, which lists without an action."""
    parser = commands.add_parser(
        "payments",
        help="list payments over channels that are not at their end, or act on one (未完结收款)",
        description="Without an action, list payments over channels that are in doubt, wait for "
        "the payer, are being undone or refunded, or were refused by the channel and must be given "
        "back by people.",
    )
    add_listing(parser, data_dir, _list, tell)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    _add_show(actions, tell)
    _add_retry(actions, tell)
    _add_given_back(actions, tell)


def _add_show(actions: Commands, tell: Tell) -> None:
    parser = actions.add_parser(
        "show",
        help="everything that happened to a payment",
        description="Print every event of a payment with its time, attempt, what was learnt, and "
        "the request and reply it came of (codes, keys and signatures masked), and what operators "
        "did.",
    )
    add_json(parser)
    _finish(parser, _show, tell)


def _add_retry(actions: Commands, tell: Tell) -> None:
    parser = actions.add_parser(
        "retry",
        help="have a refund tried again that its channel refused",
        description="Have the resolver try a refund again, at once: under the same refund number, "
        "at UnionPay under a new one, since a refused number stays refused there.",
    )
    add_who(parser)
    _finish(parser, _retry, tell)


def _add_given_back(actions: Commands, tell: Tell) -> None:
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
    add_who(parser)
    _finish(parser, _given_back, tell)


def _finish(parser: argparse.ArgumentParser, action: Action, tell: Tell) -> None:
    parser.add_argument("pay_no", type=number, metavar="PAY_NO", help="as the list names it")
    finish(parser, action, tell)


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
