"""`settlement backup` and `settlement restore` (备份, 恢复). Heavy imports happen when they run."""

from __future__ import annotations

import argparse
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.backup import KEEP
from settlement.cli.actions import Commands, Tell, add_data_dir, add_json

if TYPE_CHECKING:
    from settlement.said import Said


def add_backup(commands: Commands, tell: Tell, data_dir: Path) -> None:
    """Add both commands."""
    backup = commands.add_parser(
        "backup",
        help="base backups and the archive of what came since (备份)",
        description="What a store of backups holds is enough to restore the database to any second "
        "since its oldest base backup. Keys are kept apart (docs/operating/backups.md).",
    )
    acts = backup.add_subparsers(title="actions", metavar="ACTION", required=True)
    enable = acts.add_parser("enable", help="name the store; WAL goes there from now on")
    enable.add_argument("--to", type=Path, required=True, metavar="FOLDER")
    add_data_dir(enable, data_dir)
    enable.set_defaults(command=lambda parsed: tell(_enable(parsed)))
    base = acts.add_parser("base", help="make a base backup; drop what is too old")
    base.add_argument(
        "--keep", type=_count, default=KEEP, metavar="N",
        help="base backups that stay; WAL that only older ones need goes (%(default)s)",
    )  # fmt: skip
    _add_programs(base)
    add_data_dir(base, data_dir)
    base.set_defaults(command=lambda parsed: tell(_base(parsed)))
    mark = acts.add_parser(
        "mark",
        help="archive what was settled until now, and note the ends of the chains",
        description="Each minute, by cron: nothing that was answered before is lost with the "
        "server's disk, and a restore can name what it lacks.",
    )
    add_data_dir(mark, data_dir)
    mark.set_defaults(command=lambda parsed: tell(_mark(parsed)))
    status = acts.add_parser("status", help="what there is, and what must be kept elsewhere")
    add_json(status)
    add_data_dir(status, data_dir)
    status.set_defaults(command=lambda parsed: tell(_status(parsed)), json=False)
    compare = acts.add_parser(
        "compare",
        help="hold the books against what the store knows, and against published seals",
        description="Newest rows that were cut off as if they had never been are in no chain. The "
        "store knows them by its marks, and published seals by their roots. Exit status 1 where "
        "anything is missing or otherwise.",
    )
    _add_published(compare)
    add_data_dir(compare, data_dir)
    compare.set_defaults(command=lambda parsed: tell(_compare(parsed)))
    _add_restore(commands, tell)


def _add_restore(commands: Commands, tell: Tell) -> None:
    restore = commands.add_parser(
        "restore",
        help="restore a backup to a second, verify it and say what it lacks (恢复)",
        description="Into a new data directory; nothing else is changed. Exit status 0: restored "
        "and right, whatever is missing since that second; 1: the books are not right; 2: it could "
        "not be restored, and nothing is left of the attempt.",
    )
    restore.add_argument("--from", dest="store", type=Path, required=True, metavar="STORE")
    restore.add_argument("--data-dir", type=Path, required=True, metavar="NEW")
    restore.add_argument(
        "--to-time", type=_instant, metavar="TIME",
        help='China time, as "2026-10-31 23:59:59", or with a zone of its own (…+00:00); without '
        "it, all that the archive has",
    )  # fmt: skip
    restore.add_argument(
        "--secrets", type=Path, metavar="DIR", help="a kept copy of the secrets, for the key file"
    )
    _add_programs(restore)
    _add_published(restore)
    add_json(restore)
    restore.set_defaults(command=lambda parsed: tell(_restore(parsed)), json=False)


def _add_programs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--programs", type=Path, metavar="DIR",
        help="PostgreSQL's bin folder, where the server is a site's own of another version",
    )  # fmt: skip


def _add_published(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seals", type=Path, action="append", default=[], metavar="FILE",
        help="published seals of a month (settlement seals); may be repeated",
    )  # fmt: skip


def _compare(parsed: argparse.Namespace) -> Said:
    from settlement.backup.desk import compare

    return compare(parsed.data_dir, seals=parsed.seals)


def _enable(parsed: argparse.Namespace) -> Said:
    from settlement.backup.desk import enable

    return enable(parsed.data_dir, parsed.to)


def _base(parsed: argparse.Namespace) -> Said:
    from settlement.backup.desk import base

    return base(parsed.data_dir, keep=parsed.keep, programs=parsed.programs)


def _mark(parsed: argparse.Namespace) -> Said:
    from settlement.backup.desk import mark

    return mark(parsed.data_dir)


def _status(parsed: argparse.Namespace) -> Said:
    from settlement.backup.desk import status

    return status(parsed.data_dir, as_json=parsed.json)


def _restore(parsed: argparse.Namespace) -> Said:
    from settlement.backup.desk import restore_to

    return restore_to(
        parsed.store, parsed.data_dir, to=parsed.to_time, secrets=parsed.secrets,
        programs=parsed.programs, as_json=parsed.json, seals=parsed.seals,
    )  # fmt: skip


def _instant(text: str) -> datetime:
    """A moment: China's time unless it says its zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no time like 2026-10-31 23:59:59") from exc
    from settlement.clock import CHINA

    return found if found.tzinfo is not None else found.replace(tzinfo=CHINA)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 up")
    return int(text)
