"""`settlement statement`, `sheet` and `sheet-check`. Heavy imports happen when the commands run."""

from __future__ import annotations

import argparse
import getpass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.cli.actions import Action, Commands, Tell, add_data_dir
from settlement.numbers import parse

if TYPE_CHECKING:
    from settlement.said import Said

KINDS = ("csv", "xlsx", "pdf")


def add_sheets(commands: Commands, tell: Tell, data_dir: Path) -> None:
    """Add the three commands."""
    statement = commands.add_parser(
        "statement",
        help="write an institution's month (月度结算对账单)",
        description="Write the statement of an institution's month: summary, 发生数, 应结算 and "
        "the details as CSV (a file each) or Excel; as PDF without the details, to be stamped.",
    )
    statement.add_argument("--institution", required=True, metavar="CODE", help="fixmedins_code")
    statement.add_argument("--month", required=True, type=_month, help="as 2026-10")
    statement.add_argument("--out", required=True, type=Path, metavar="DIR", help="the folder")
    statement.add_argument("--format", choices=KINDS, default="xlsx", help="(%(default)s)")
    _finish(statement, _statement, tell, data_dir)
    sheet = commands.add_parser(
        "sheet",
        help="print the settlement sheet of one case (结算单)",
        description="Write the settlement sheet of one settlement as PDF. Every print is counted "
        "and kept with who printed it.",
    )
    sheet.add_argument("setl_id", type=_number, metavar="SETL_ID")
    sheet.add_argument("--out", required=True, type=Path, metavar="FILE", help="the PDF")
    _finish(sheet, _sheet, tell, data_dir)
    check = commands.add_parser(
        "sheet-check",
        help="check the verification code of a settlement sheet (结算单核验)",
        description="Say whether a verification code is that of the settlement, whether it still "
        "stands, and which amounts its sheet must show. Exit status 1 where the code is wrong.",
    )
    check.add_argument("setl_id", type=_number, metavar="SETL_ID")
    check.add_argument("code", metavar="CODE", help="as printed; case and hyphens do not matter")
    add_data_dir(check, data_dir)
    check.set_defaults(command=lambda parsed: tell(_check(parsed)))


def _finish(parser: argparse.ArgumentParser, action: Action, tell: Tell, data_dir: Path) -> None:
    parser.add_argument("--actor", default="", help="who prints it (the login name)")
    add_data_dir(parser, data_dir)
    parser.set_defaults(command=lambda parsed: tell(action(parsed)))


def _actor(parsed: argparse.Namespace) -> str:
    """Asked for when it is needed: in a container its user may have no name."""
    return parsed.actor or getpass.getuser()


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no month like 2026-10") from exc


def _number(text: str) -> int:
    number = parse(text)
    if number is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no settlement number of 19 digits")
    return number


def _statement(parsed: argparse.Namespace) -> Said:
    from settlement.serve import sheets

    asked = sheets.asked_for(parsed.institution, parsed.month)
    return sheets.statement(parsed.data_dir, asked, parsed.format, parsed.out, by=_actor(parsed))


def _sheet(parsed: argparse.Namespace) -> Said:
    from settlement.serve import sheets

    return sheets.sheet(parsed.data_dir, parsed.setl_id, parsed.out, by=_actor(parsed))


def _check(parsed: argparse.Namespace) -> Said:
    from settlement.serve import sheets

    return sheets.sheet_check(parsed.data_dir, parsed.setl_id, parsed.code)
