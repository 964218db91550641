"""`settlement outbox` and `settlement mobile`: what we owe others, and who confirms orders.

Heavy imports happen when the commands run.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.cli.actions import (
    Commands,
    Tell,
    add_data_dir,
    add_json,
    add_listing,
    add_who,
    finish,
    number,
)

if TYPE_CHECKING:
    from settlement.said import Said

KINDS = ("mobile", "webhook", "sms")


def add_outbox(commands: Commands, tell: Tell, data_dir: Path) -> None:
    """Add `outbox`, which lists without an action."""
    parser = commands.add_parser(
        "outbox",
        help="list notices to institutions that are not delivered, or act on them (待发通知)",
        description="Without an action, list what institutions are owed and were not told yet: "
        "since when, how often it was tried, when next, and what they said.",
    )
    add_listing(parser, data_dir, _list, tell)
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    _add_log(actions, tell)
    _add_resend(actions, tell)
    _add_receivers(actions, tell)
    _add_receiver(actions, tell)


def add_mobile(commands: Commands, tell: Tell, data_dir: Path) -> None:
    """Add `mobile`: the centre's key and its wallets."""
    parser = commands.add_parser(
        "mobile", help="the mobile-payment centre's key, and wallets that confirm (移动支付)"
    )
    add_data_dir(parser, data_dir)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    key = actions.add_parser(
        "key", help="print the SM2 public key that our signatures are checked with, in hex"
    )
    finish(key, _key, tell)
    wallet = actions.add_parser(
        "wallet",
        help="let a wallet confirm the orders that name it",
        description="Register a wallet (第三方支付): the name is thdPayType of its orders. It "
        "signs with its SM2 key under appId and secret, and can confirm and close its own orders "
        "only. `settlement suspend credential` stops it.",
    )
    wallet.add_argument("name", type=str.upper, help="thdPayType, as WECHAT")
    wallet.add_argument("--access-key", required=True, help="appId, 16 characters or more")
    wallet.add_argument("--secret-file", type=Path, required=True, help="file with appSecret")
    wallet.add_argument("--sm2-public", type=Path, required=True, help="file with its public key")
    add_who(wallet)
    finish(wallet, _wallet, tell)


def _add_log(actions: Commands, tell: Tell) -> None:
    parser = actions.add_parser(
        "log",
        help="every attempt to tell of a case",
        description="Print the delivery log of an order or payment: when, how long it took, the "
        "HTTP status, what came of it and what was said.",
    )
    parser.add_argument("case_no", type=number, metavar="CASE", help="as the list names it")
    add_json(parser)
    finish(parser, _log, tell)


def _add_resend(actions: Commands, tell: Tell) -> None:
    parser = actions.add_parser(
        "resend",
        help="have notices sent at once, also delivered ones",
        description="Have the notices of a case tried at once, all of them or one; also those "
        "that were delivered. The receiver knows them by their number.",
    )
    parser.add_argument("case_no", type=number, metavar="CASE", help="as the list names it")
    parser.add_argument("--notice", type=int, help="only this one")
    add_who(parser)
    finish(parser, _resend, tell)


def _add_receivers(actions: Commands, tell: Tell) -> None:
    parser = actions.add_parser("receivers", help="list who is told where")
    add_json(parser)
    finish(parser, _receivers, tell)


def _add_receiver(actions: Commands, tell: Tell) -> None:
    parser = actions.add_parser(
        "receiver",
        help="set where an institution is told, or --remove it (回调地址)",
        description="Set the address to which an institution's notices go and the credential "
        "whose secret signs them; its SM2 key, registered by `settlement keys`, checks its "
        "answers. In force in every process within a second.",
    )
    parser.add_argument("institution", help="fixmedins_code")
    parser.add_argument(
        "kind", choices=KINDS,
        help="mobile: 6204 and 6302; webhook: results of scan-to-pay; sms: messages to persons, of "
        "the institution SMS",
    )
    parser.add_argument("--url", help="http or https, without a query string")
    parser.add_argument("--access-key", help="appId of the credential that signs")
    parser.add_argument("--remove", action="store_true", help="tell it nothing any more")
    add_who(parser)
    finish(parser, _receiver, tell)


def _list(parsed: argparse.Namespace) -> Said:
    from settlement.serve.outbox_list import outbox

    return outbox(parsed.data_dir, as_json=parsed.json)


def _log(parsed: argparse.Namespace) -> Said:
    from settlement.serve.outbox_list import log

    return log(parsed.data_dir, parsed.case_no, as_json=parsed.json)


def _resend(parsed: argparse.Namespace) -> Said:
    from settlement.serve.outbox_list import send_again

    return send_again(
        parsed.data_dir, parsed.case_no, parsed.notice, reason=parsed.reason, actor=parsed.actor
    )


def _receivers(parsed: argparse.Namespace) -> Said:
    from settlement.serve.outbox_list import receivers

    return receivers(parsed.data_dir, as_json=parsed.json)


def _receiver(parsed: argparse.Namespace) -> Said:
    from settlement.outbox import Kind
    from settlement.said import UNUSABLE, Said
    from settlement.serve.outbox_list import receiver

    given = parsed.url, parsed.access_key
    if parsed.remove == any(given) or (not parsed.remove and not all(given)):
        return Said(UNUSABLE, "settlement: give --url and --access-key, or --remove")
    return receiver(
        parsed.data_dir, parsed.institution, Kind(parsed.kind), None if parsed.remove else given,
        reason=parsed.reason, actor=parsed.actor,
    )  # fmt: skip


def _key(parsed: argparse.Namespace) -> Said:
    from settlement.serve.wallets import platform_key

    return platform_key(parsed.data_dir)


def _wallet(parsed: argparse.Namespace) -> Said:
    from settlement.serve.wallets import WalletKeys, wallet

    keys = WalletKeys(
        access_key=parsed.access_key, secret_file=parsed.secret_file,
        sm2_public=parsed.sm2_public,
    )  # fmt: skip
    return wallet(parsed.data_dir, parsed.name, keys, reason=parsed.reason, actor=parsed.actor)
