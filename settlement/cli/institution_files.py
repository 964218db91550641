"""`settlement institution-files`: what institutions say that they settled.

Heavy imports happen when the commands run.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.cli.actions import Commands, Tell, add_data_dir, add_who, finish
from settlement.cli.match import last_of, one_day, one_month

if TYPE_CHECKING:
    from settlement.said import Said


def add_institution_files(commands: Commands, tell: Tell, data_dir: Path) -> None:
    """Add `institution-files`."""
    parser = commands.add_parser(
        "institution-files",
        help="take and match what institutions say that they settled (机构对账文件)",
        description="Files of institutions by day or month: the form of 3202, CSV or Excel. A file "
        "is proven before anything of it is kept; the same file again changes nothing; a corrected "
        "one of the same institution and days takes the former's place.",
    )
    add_data_dir(parser, data_dir)
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    take = actions.add_parser(
        "import",
        help="take a file (导入)",
        description="Columns are found by their names; with a header: 结算ID, 医疗费总额, "
        "基金支付总额, 个人账户支出, 退费结算标志, others are passed over.",
    )
    take.add_argument("file", type=Path, metavar="FILE")
    take.add_argument("--institution", required=True, help="fixmedins_code")
    _add_days(take)
    take.add_argument("--preview", action="store_true", help="prove it; keep nothing")
    add_who(take)
    finish(take, _import, tell)
    match = actions.add_parser(
        "match",
        help="match our settlements with the files (机构对账)",
        description="Compare what we settled with what the files of a day or a month say, and keep "
        "what differs in the worklist of `settlement differences`.",
    )
    match.add_argument("--institution", help="only this one")
    _add_days(match)
    finish(match, _match, tell)
    listed = actions.add_parser("list", help="files of a day or a month")
    listed.add_argument("--institution", help="only of this one")
    _add_days(listed)
    finish(listed, _list, tell)


def _add_days(parser: argparse.ArgumentParser) -> None:
    days = parser.add_mutually_exclusive_group(required=True)
    days.add_argument("--day", type=one_day, help="as 2026-11-16")
    days.add_argument("--month", type=one_month, help="as 2026-11")


def _days(parsed: argparse.Namespace) -> tuple[date, date]:
    first = parsed.day or parsed.month
    return first, parsed.day or last_of(first)


def _import(parsed: argparse.Namespace) -> Said:
    from settlement.finance import institution_desk as desk
    from settlement.finance.bill_import import Order
    from settlement.finance.institution_import import Claim

    first, last = _days(parsed)
    claim = Claim(institution=parsed.institution, first=first, last=last)
    order = Order(actor=parsed.actor, reason=parsed.reason, preview=parsed.preview)
    return desk.take_file(parsed.data_dir, parsed.file, claim, order)


def _match(parsed: argparse.Namespace) -> Said:
    from settlement.finance import institution_desk as desk

    return desk.match_files(parsed.data_dir, *_days(parsed), parsed.institution)


def _list(parsed: argparse.Namespace) -> Said:
    from settlement.finance import institution_desk as desk

    return desk.listing(parsed.data_dir, *_days(parsed), parsed.institution)
