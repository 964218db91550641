"""`settlement bills`: what payment channels say of a day. Heavy imports happen when they run."""

from __future__ import annotations

import argparse
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.cli.actions import (
    Commands,
    Tell,
    add_data_dir,
    add_who,
    finish,
    number,
)

if TYPE_CHECKING:
    from settlement.said import Said

_CHANNELS = ("wechat", "alipay", "unionpay", "onecode")


def add_bills(commands: Commands, tell: Tell, data_dir: Path) -> None:
    """Add `bills`."""
    parser = commands.add_parser(
        "bills",
        help="take bills of payment channels, say what came and what is missing (渠道账单)",
        description="Bills of WeChat, Alipay and UnionPay: from files or from the channels. A bill "
        "is proven against its own summary before anything of it is kept; the same file again "
        "changes nothing; a corrected one of the same merchant and day takes the former's place.",
    )
    add_data_dir(parser, data_dir)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_import(actions, tell)
    _add_fetch(actions, tell)
    _add_list(actions, tell)
    _add_show(actions, tell)


def _add_import(actions: Commands, tell: Tell) -> None:
    parser = actions.add_parser(
        "import",
        help="take bills from files (导入)",
        description="Take files as the channels gave them: WeChat CSV or .gz, Alipay ZIP, UnionPay "
        "ZIP or ZM, ZME. What a file says of itself need not be said; what is said must be true.",
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--channel", choices=_CHANNELS, default="", help="whose bills they are")
    parser.add_argument("--merchant", default="", help="the channel's number of the merchant")
    parser.add_argument("--day", type=_day, help="of which day they are, like 2026-11-25")
    parser.add_argument(
        "--preview", action="store_true", help="prove them and say what they come to; keep nothing"
    )
    add_who(parser)
    finish(parser, _import, tell)


def _add_fetch(actions: Commands, tell: Tell) -> None:
    parser = actions.add_parser(
        "fetch",
        help="ask the channels for the bills of a day (下载)",
        description="Ask for every bill of that day that a configured merchant has and that is not "
        "there yet. Status 1 where one did not come; `bills list` says why.",
    )
    parser.add_argument("--day", required=True, type=_day, help="like 2026-11-25")
    parser.add_argument("--channel", choices=_CHANNELS, default="", help="only of this channel")
    parser.add_argument("--merchant", default="", help="only of this merchant")
    parser.add_argument(
        "--again", action="store_true", help="also those that are there: they may be corrected"
    )
    add_who(parser)
    finish(parser, _fetch, tell)


def _add_list(actions: Commands, tell: Tell) -> None:
    parser = actions.add_parser(
        "list",
        help="what came, and what is missing for whom (账单清单)",
        description="Files of a day or month with their totals, and bills that a configured "
        "merchant should have. Status 1 where any is missing.",
    )
    span = parser.add_mutually_exclusive_group(required=True)
    span.add_argument("--day", type=_day, help="like 2026-11-25")
    span.add_argument("--month", type=_month, help="like 2026-11")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    finish(parser, _list, tell)


def _add_show(actions: Commands, tell: Tell) -> None:
    parser = actions.add_parser("show", help="one file, and rows that could not be read")
    parser.add_argument("file_no", type=number, metavar="FILE_NO", help="as `bills list` has it")
    parser.add_argument("--faults", action="store_true", help="every row that could not be read")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the file as it came")
    finish(parser, _show, tell)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2026-11-25") from exc


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no month like 2026-11") from exc


def _import(parsed: argparse.Namespace) -> Said:
    from settlement.finance import bill_desk
    from settlement.finance.bill_import import Order
    from settlement.finance.bill_sources import Claimed

    claimed = Claimed(channel=parsed.channel, merchant=parsed.merchant, day=parsed.day)
    order = Order(actor=parsed.actor, reason=parsed.reason, preview=parsed.preview)
    return bill_desk.take_files(parsed.data_dir, parsed.files, claimed, order)


def _fetch(parsed: argparse.Namespace) -> Said:
    from settlement.finance import bill_desk
    from settlement.finance.bill_fetch import Wanted
    from settlement.finance.bill_import import Order

    wanted = Wanted(
        day=parsed.day, channel=parsed.channel, merchant=parsed.merchant, again=parsed.again
    )
    order = Order(actor=parsed.actor, reason=parsed.reason, fetched=True)
    return bill_desk.fetch(parsed.data_dir, wanted, order)


def _list(parsed: argparse.Namespace) -> Said:
    from settlement.finance import bill_desk

    first = parsed.day or parsed.month
    last = parsed.day or (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return bill_desk.listing(parsed.data_dir, first, last, as_json=parsed.json)


def _show(parsed: argparse.Namespace) -> Said:
    from settlement.finance import bill_desk

    return bill_desk.show(
        parsed.data_dir, parsed.file_no, with_faults=parsed.faults, out=parsed.out
    )
