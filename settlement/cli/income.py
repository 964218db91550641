"""`settlement income` and `settlement allot`: money in. Heavy imports happen when they run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settlement.said import Said

Tell = Callable[["Said"], int]
Action = Callable[[argparse.Namespace], "Said"]
_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers gives
_DATA_DIR_HELP = "where the embedded services keep their data"
_KINDS = (
    ("income", 1, "income of funds and what they bring along, by file (基金收入)",
     "insutype, fund_pay_type, amount, source, reference"),
    ("allot", 2, "money into personal accounts and out of them, by file (个人账户划拨)",
     "psn_no, amount, source, fund_pay_type, reference"),
)  # fmt: skip


def add_income(commands: _Commands[argparse.ArgumentParser], tell: Tell, data_dir: Path) -> None:
    """Add both commands; each lists its files without an action."""
    for name, subject, about, columns in _KINDS:
        parser = commands.add_parser(
            name, help=about,
            description=f"{about.capitalize()}. Without an action, list the files. A file is "
            f"proposed by one person and booked once another confirms it. Columns: {columns}.",
        )  # fmt: skip
        parser.add_argument(
            "--data-dir", type=Path, default=data_dir, help=f"{_DATA_DIR_HELP} (%(default)s)"
        )
        parser.set_defaults(subject=subject, command=lambda parsed: tell(_files(parsed)))
        actions = parser.add_subparsers(title="actions", metavar="ACTION")
        _add_files(actions, tell)
        _add_acts(actions, tell)
        _add_report(actions, tell)
        if subject == 2:
            _add_interest(actions, tell)


def _add_files(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    for name, action, about in (
        ("preview", _preview, "say what a file would book; write nothing (预览)"),
        ("propose", _propose, "take a file in, for somebody else to confirm (提出)"),
    ):
        parser = actions.add_parser(name, help=about)
        parser.add_argument("file", type=Path, help="CSV or .xlsx with a header, NDJSON; UTF-8")
        parser.add_argument("--month", required=True, type=_month, help="as 2026-11")
        parser.add_argument(
            "--format", choices=("csv", "ndjson", "xlsx"), help="by default what the name says"
        )
        if action is _propose:
            _who(parser)
        _finish(parser, action, tell)


def _add_acts(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    for name, action, about in (
        ("confirm", _confirm, "confirm a file of somebody else and book it; or go on (确认入账)"),
        ("reject", _reject, "a proposed file is not to be booked (否决)"),
        ("show", _show, "a file: totals, steps, how far it is booked, what found too little"),
    ):
        parser = actions.add_parser(name, help=about)
        parser.add_argument("file_no", type=int, metavar="NUMBER", help="as the list has it")
        if action is not _show:
            _who(parser)
        _finish(parser, action, tell)


def _add_report(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    parser = actions.add_parser(
        "report",
        help="a month: income and expenditure of each fund, or what was allotted (收支表)",
    )
    parser.add_argument("--month", required=True, type=_month, help="as 2026-11")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="as a table: a workbook where it ends in .xlsx, "
        "else CSV",
    )  # fmt: skip
    _finish(parser, _report, tell)


def _add_interest(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    parser = actions.add_parser(
        "interest",
        help="compute a year's interest on the accounts, as a file to propose (计息)",
        description="From the ledger: each account's balance at the end of each day of the year "
        "times the rate, half up to the fen. Writes a file; nothing is booked.",
    )
    parser.add_argument("--year", required=True, type=int)
    parser.add_argument("--rate-bp", type=int, help="instead of the profile's, basis points a year")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="a new CSV file")
    _finish(parser, _interest, tell)


def _who(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", required=True, type=_words, help="why; kept with the step")
    parser.add_argument(
        "--actor", required=True, type=_words, help="who orders it (the login name)"
    )


def _finish(parser: argparse.ArgumentParser, action: Action, tell: Tell) -> None:
    # Left out where it is not given, so that one before the action counts.
    parser.add_argument("--data-dir", type=Path, default=argparse.SUPPRESS, help=_DATA_DIR_HELP)
    parser.set_defaults(command=lambda parsed: tell(action(parsed)))


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no month like 2026-11") from exc


def _words(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it says nothing")
    return text.strip()


def _files(parsed: argparse.Namespace) -> Said:
    from settlement.finance import money_desk

    return money_desk.files(parsed.data_dir, parsed.subject)


def _preview(parsed: argparse.Namespace) -> Said:
    from settlement.finance import money_desk

    return money_desk.preview(parsed.data_dir, _sent(parsed))


def _propose(parsed: argparse.Namespace) -> Said:
    from settlement.finance import money_desk

    return money_desk.propose(
        parsed.data_dir, _sent(parsed), actor=parsed.actor, reason=parsed.reason
    )


def _sent(parsed: argparse.Namespace) -> tuple[Path, int, date, str | None]:
    return parsed.file, parsed.subject, parsed.month, parsed.format


def _confirm(parsed: argparse.Namespace) -> Said:
    from settlement.finance import money_desk

    return money_desk.confirm(
        parsed.data_dir, parsed.subject, parsed.file_no, actor=parsed.actor, reason=parsed.reason
    )


def _reject(parsed: argparse.Namespace) -> Said:
    from settlement.finance import money_desk

    return money_desk.reject(
        parsed.data_dir, parsed.subject, parsed.file_no, actor=parsed.actor, reason=parsed.reason
    )


def _show(parsed: argparse.Namespace) -> Said:
    from settlement.finance import money_desk

    return money_desk.show(parsed.data_dir, parsed.subject, parsed.file_no)


def _report(parsed: argparse.Namespace) -> Said:
    from settlement.finance import money_desk

    if parsed.out is not None:
        return money_desk.table(parsed.data_dir, parsed.subject, parsed.month, parsed.out)
    return money_desk.report(
        parsed.data_dir, parsed.subject, parsed.month, as_json=parsed.json
    )


def _interest(parsed: argparse.Namespace) -> Said:
    from settlement.finance import money_desk

    return money_desk.interest(parsed.data_dir, parsed.year, parsed.rate_bp, parsed.out)
