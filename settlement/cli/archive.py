"""`settlement archive` (年度归档) and `settlement db` (分区). Heavy imports wait until they run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.cli.actions import Commands, Tell, add_data_dir, add_who

if TYPE_CHECKING:
    from settlement.said import Said


def add_archive(commands: Commands, tell: Tell, data_dir: Path) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "archive",
        help="年度归档：已封存年度的明细转存为 Parquet (a sealed year's details go to files)",
        description="将一个已封存年度的结算明细写为 Parquet 文件，逐行核对后从库中移出；"
        "账簿与各类键值不动。 "
        "Write a sealed year's settlements with their sealed details as Parquet, hold every row "
        "against the database, and drop the details there. Entries, settlement rows and keys stay "
        "(docs/operating/archiving.md).",
    )
    parser.add_argument("year", type=_year, help="年度 the year, as 2026")
    parser.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="归档目录 the folder of archives"
    )
    add_who(parser)
    add_data_dir(parser, data_dir)
    parser.set_defaults(command=lambda parsed: tell(_archive(parsed)))


def add_db(commands: Commands, tell: Tell, data_dir: Path) -> None:
    """Add the command with its actions."""
    parser = commands.add_parser("db", help="数据库维护 (upkeep of the database)")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    partitions = actions.add_parser(
        "partitions",
        help="建好后续年度的分区；服务自动进行 (make partitions ahead; a server does it itself)",
    )
    add_data_dir(partitions, data_dir)
    partitions.set_defaults(command=lambda parsed: tell(_partitions(parsed)))


def _archive(parsed: argparse.Namespace) -> Said:
    try:
        from settlement.archive import desk
    except ModuleNotFoundError as exc:
        return _not_installed(exc)
    return desk.run(
        parsed.data_dir, parsed.year, parsed.to, actor=parsed.actor, reason=parsed.reason,
        told=lambda line: sys.stderr.write(f"{line}\n"),
    )


def _not_installed(exc: ModuleNotFoundError) -> Said:
    from settlement.archiving import NOT_INSTALLED
    from settlement.said import UNUSABLE, Said

    return Said(UNUSABLE, f"settlement: {NOT_INSTALLED.format(name=exc.name)}")


def _partitions(parsed: argparse.Namespace) -> Said:
    from settlement.serve.operations import make_partitions

    return make_partitions(parsed.data_dir)


def _year(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 2000 <= int(text) <= 2091):
        raise argparse.ArgumentTypeError(f"{text!r} is no year from 2000 to 2091")
    return int(text)
