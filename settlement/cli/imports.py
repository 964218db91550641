"""The arguments of `settlement import`. Everything heavy is imported when it runs."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settlement.said import Said

Tell = Callable[["Said"], int]
_ABOUT = {
    "persons": "insured persons with enrolments, qualifications and relatives (参保人)",
    "institutions": "designated institutions and their credentials (定点医药机构)",
    "staff": "doctors, pharmacists and nurses of institutions, with their terms (医护人员)",
    "items": "catalogue items with their versions (医保目录)",
    "lists": "lists of codes that institutions download: diagnoses, operations … (编码目录)",
    "counterparts": "other regions, the way to them, and their certificates (对方统筹区)",
    "openings": "running accumulators and balances of accounts, once at the cut-over (期初)",
    "payables": "what institutions are owed at the cut-over (应付定点机构期初)",
    "stays": "stays that are open at the cut-over (在院期初)",
    "settlements": "old settlements that can still be cancelled (期初可撤销结算)",
}
_CUT_OVER = ("openings", "payables", "stays", "settlements")


def add_import(parser: argparse.ArgumentParser, tell: Tell, data_dir: Path) -> None:
    """Fill in the command `import`."""
    kinds = parser.add_subparsers(title="kinds", metavar="KIND", required=True)
    for kind, about in _ABOUT.items():
        parser_of_kind = kinds.add_parser(kind, help=about, description=_long(about))
        _add_kind(parser_of_kind, kind, tell, data_dir)
    _add_key(kinds.add_parser("key", help="a key for imports over HTTP (导入密钥)"), tell, data_dir)


def _add_key(parser: argparse.ArgumentParser, tell: Tell, data_dir: Path) -> None:
    parser.description = (
        "Issue a key that signs imports over HTTP (docs/operating/importing.md), into a new "
        "private file. `settlement suspend credential` stops it."
    )
    parser.add_argument("operator", help="whose it is: the actor of the audit")
    parser.add_argument("--issue", type=Path, metavar="FILE", required=True)
    parser.add_argument(
        "--kind", action="append", choices=tuple(_ABOUT), help="may be repeated; all by default"
    )
    parser.add_argument("--reason", required=True, help="why; audited")
    parser.add_argument("--actor", default="", help="who orders it (the login name)")
    _add_data_dir(parser, data_dir)
    parser.set_defaults(command=lambda parsed: _issue_key(parsed, tell))


def _issue_key(parsed: argparse.Namespace, tell: Tell) -> int:
    import getpass

    from settlement.serve.import_keys import issue

    return tell(
        issue(
            parsed.data_dir, operator=parsed.operator, kinds=parsed.kind or tuple(_ABOUT),
            path=parsed.issue, reason=parsed.reason, actor=parsed.actor or getpass.getuser(),
        )
    )  # fmt: skip


def _add_data_dir(parser: argparse.ArgumentParser, data_dir: Path) -> None:
    parser.add_argument(
        "--data-dir", type=Path, default=data_dir,
        help="where the embedded services keep their data (%(default)s)",
    )  # fmt: skip


def _long(about: str) -> str:
    return (
        f"Import {about} from a file; docs/operating/importing.md has the columns. Nothing is "
        "written if any row is bad. The same file again changes nothing. Exit status 1 lists what "
        "is wrong."
    )


def _add_kind(
    parser: argparse.ArgumentParser, kind: str, tell: Tell, data_dir: Path
) -> None:
    parser.add_argument("file", type=Path, help="CSV or .xlsx with a header, NDJSON or TOML; UTF-8")
    parser.add_argument(
        "--format", choices=("csv", "ndjson", "xlsx", "toml"),
        help="by default what the file's name says",
    )  # fmt: skip
    parser.add_argument(
        "--preview", action="store_true", help="say what would change; write nothing"
    )
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument(
        "--skip-bad", action="store_true", help="leave out rows that are bad, and list them"
    )
    if kind in _CUT_OVER:
        parser.add_argument(
            "--confirm", default="", metavar="SHA256",
            help="a second person confirms what another proposed; only then it is booked",
        )  # fmt: skip
    else:
        extent.add_argument(
            "--whole", action="store_true", help="the file says everything: what it leaves out ends"
        )
        parser.add_argument(
            "--ends-on", type=date.fromisoformat, metavar="DATE",
            help="with --whole: from when what is left out is no more (today)",
        )  # fmt: skip
    parser.add_argument("--reason", required=True, help="why, and the document; audited")
    parser.add_argument("--actor", default="", help="who orders it (the login name)")
    issued = {
        "institutions": "issue credentials to those without any, into a new private file",
        "stays": "write what each stay is called here into a new private file, for the hospitals",
        "settlements": "write what each is called here into a new private file, for institutions",
    }.get(kind)
    if issued is not None:
        parser.add_argument("--issue", type=Path, metavar="FILE", help=issued)
    _add_data_dir(parser, data_dir)
    parser.set_defaults(command=lambda parsed: _import(kind, parsed, tell))


def _import(kind: str, parsed: argparse.Namespace, tell: Tell) -> int:
    import getpass

    from settlement.clock import local_time, system_clock
    from settlement.intake.faults import FileError
    from settlement.intake.order import Order
    from settlement.intake.source import format_of
    from settlement.said import UNUSABLE, Said
    from settlement.serve.imports import run

    try:
        file_format = format_of(parsed.file, parsed.format)
    except FileError as exc:
        return tell(Said(UNUSABLE, f"settlement: {exc}"))
    order = Order(
        path=parsed.file, format=file_format, preview=parsed.preview,
        whole=getattr(parsed, "whole", False),
        skip_bad=parsed.skip_bad, reason=parsed.reason, actor=parsed.actor or getpass.getuser(),
        confirms=getattr(parsed, "confirm", ""),
        ends_on=getattr(parsed, "ends_on", None) or local_time(system_clock()).date(),
    )  # fmt: skip
    return tell(run(kind, parsed.data_dir, order, issue_to=getattr(parsed, "issue", None)))
