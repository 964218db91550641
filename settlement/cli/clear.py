"""`settlement clear`: months with other regions. Heavy imports happen when the commands run."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.numbers import parse

if TYPE_CHECKING:
    from settlement.said import Said

Tell = Callable[["Said"], int]
Action = Callable[[argparse.Namespace], "Said"]
_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers gives
_DATA_DIR_HELP = "where the embedded services keep their data"
RECEIVABLE = "receivable"
SIDES = (RECEIVABLE, "payable")
"""As settlement.elsewhere.regional_clearing.SIDES calls them."""


def add_clear(commands: _Commands[argparse.ArgumentParser], tell: Tell, data_dir: Path) -> None:
    """Add `clear`, which shows the month without an action."""
    parser = commands.add_parser(
        "clear",
        help="clear a month with other regions (异地清算)",
        description="Without an action, show every party's month: what is owed to us and by us, "
        "where each stands, what is due when, and how much of a prepayment is in use.",
    )
    parser.add_argument("--month", required=True, type=_month, help="as 2026-11")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument(
        "--data-dir", type=Path, default=data_dir, help=f"{_DATA_DIR_HELP} (%(default)s)"
    )
    parser.set_defaults(command=lambda parsed: tell(_overview(parsed)))
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    _add_stating(actions, tell)
    _add_reading(actions, tell)
    _add_files(actions, tell)
    _add_marks(actions, tell)
    _add_money(actions, tell)
    _add_prepay(actions, tell)


def _add_stating(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    state = actions.add_parser(
        "state",
        help="state what other regions owe us (申报)",
        description="Fix the rows that other regions owe us for the month: one party, or all. "
        "Stated again it is the same statement.",
    )
    state.add_argument("party", nargs="?", type=_region, help="region code; without one, all")
    state.add_argument("--out", type=Path, metavar="DIR", help="write the files to send there")
    _who(state)
    _finish(state, _state, tell)
    take = actions.add_parser(
        "take",
        help="take a statement, an answer to ours or a notice from a file (收表)",
        description="Take what the other side sent for the month. What does not add up is refused "
        "as a whole and the reason is kept; rows that we do not have are disputed at once.",
    )
    take.add_argument("file", type=Path)
    _who(take)
    _finish(take, _take, tell)


def _add_reading(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    show = actions.add_parser("show", help="the steps and sums of a party's month")
    _period(show)
    _finish(show, _show, tell)
    legs = actions.add_parser("legs", help="the rows of a party's month, as CSV (明细)")
    _period(legs)
    legs.add_argument("--institution", help="only rows of this institution")
    _finish(legs, _legs, tell)


def _add_files(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    files = actions.add_parser(
        "files",
        help="files that were taken, as they came (原始文件)",
        description="List the statements, answers and notices of the month, and the lists of its "
        "days, that were taken as files; with --number and --out, write one as it came.",
    )
    files.add_argument("--number", type=_number, help="which file, as listed")
    files.add_argument("--out", type=Path, metavar="FILE", help="write it there")
    _finish(files, _files, tell)


def _add_marks(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    for name, about in (
        ("object", "dispute single rows (异议)"),
        ("withdraw", "withdraw objections (撤回异议)"),
        ("postpone", "move rows to a later month (延期)"),
    ):
        parser = actions.add_parser(name, help=about)
        _period(parser)
        parser.add_argument("cases", nargs="+", metavar="CASE", help="case numbers, as `legs`")
        if name == "postpone":
            parser.add_argument(
                "--months", type=int, choices=(1, 2), default=1, help="by so many (%(default)s)"
            )
        _who(parser)
        parser.set_defaults(mark=name)
        _finish(parser, _mark, tell)


def _add_money(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    confirm = actions.add_parser("confirm", help="confirm what was not postponed (确认)")
    answer = actions.add_parser("answer", help="write our answer to their statement (答复)")
    notify = actions.add_parser("notify", help="keep a notice of payment or receipt (通知)")
    notify.add_argument("--notice", required=True, help="its number")
    notify.add_argument("--amount", required=True, type=_fen, help="yuan, as it says")
    close = actions.add_parser("close", help="close a paid month (关闭)")
    send = actions.add_parser(
        "send",
        help="hand our statement, answer or notice over by the wire (经平台交付)",
        description="Put our papers of the period into the box: the server hands them over, signed "
        "and sealed, until the other side has decided. Sent again they are the same.",
    )
    papers = actions.add_parser("papers", help="papers sent and received by the wire (收发文件)")
    _finish(papers, _papers, tell)
    answer.add_argument("--out", type=Path, required=True, metavar="DIR")
    for parser, action in (
        (confirm, _confirm), (answer, _answer), (notify, _notify), (close, _close), (send, _send),
    ):  # fmt: skip
        _period(parser)
        if parser is not answer:
            _who(parser)
        _finish(parser, action, tell)
    for name, side, about in (
        ("pay", "payable", "we paid: one person says so, another confirms it (付款)"),
        ("receive", "receivable", "we were paid: the same (收款)"),
    ):
        parser = actions.add_parser(name, help=about)
        parser.add_argument("party", type=_region, help="region code")
        parser.add_argument("--voucher", required=True, help="the bank's number")
        parser.add_argument(
            "--confirm", action="store_true", help="confirm what somebody else proposed"
        )
        _who(parser)
        parser.set_defaults(side=side)
        _finish(parser, _settle, tell)


def _add_prepay(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    parser = actions.add_parser(
        "prepay",
        help="quota of a prepayment, money in and back (预付金)",
        description="quota: fix the quota of the month's year by the year before. in, back: money "
        "left in advance or returned; one person proposes, another confirms.",
    )
    parser.add_argument("party", type=_region, help="region code")
    parser.add_argument("act", choices=("quota", "in", "back"))
    parser.add_argument(
        "--side", required=True, choices=SIDES,
        help="receivable: what lies with us; payable: what of ours lies there",
    )  # fmt: skip
    parser.add_argument("--amount", type=_fen, help="yuan")
    parser.add_argument("--voucher", default="", help="the bank's number")
    parser.add_argument(
        "--confirm", action="store_true", help="confirm what somebody else proposed"
    )
    _who(parser)
    _finish(parser, _prepay, tell)


def _period(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("party", type=_region, help="region code, as the overview has it")
    parser.add_argument(
        "--side", choices=SIDES, help="needed where both sides are stated"
    )


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


def _region(text: str) -> str:
    if len(text) != 6 or not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no region code of six digits")
    return text


def _fen(text: str) -> int:
    whole, _, cents = text.removeprefix("-").partition(".")
    if not whole.isdecimal() or not whole.isascii() or len(cents) > 2 or len(whole) > 13:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount in yuan like 1234.50")
    if cents and not (cents.isdecimal() and cents.isascii()):
        raise argparse.ArgumentTypeError(f"{text!r} is no amount in yuan like 1234.50")
    fen = int(whole) * 100 + int(f"{cents:<02}" if cents else "0")
    return -fen if text.startswith("-") else fen


def _number(text: str) -> int:
    number = parse(text.strip())
    if number is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 19 digits")
    return number


def _words(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it says nothing")
    return text.strip()


def _overview(parsed: argparse.Namespace) -> Said:
    from settlement.serve import regional_desk

    return regional_desk.overview(parsed.data_dir, parsed.month, as_json=parsed.json)


def _state(parsed: argparse.Namespace) -> Said:
    from settlement.serve import regional_desk

    return regional_desk.state(
        parsed.data_dir, parsed.month, parsed.party, regional_desk.who(parsed), parsed.out
    )


def _take(parsed: argparse.Namespace) -> Said:
    from settlement.serve import regional_desk

    return regional_desk.take(
        parsed.data_dir, parsed.month, parsed.file, regional_desk.who(parsed)
    )


def _files(parsed: argparse.Namespace) -> Said:
    from settlement.said import UNUSABLE, Said
    from settlement.serve import regional_files

    if (parsed.number is None) is not (parsed.out is None):
        return Said(UNUSABLE, "settlement: --number and --out go together")
    if parsed.number is None:
        return regional_files.listing(parsed.data_dir, parsed.month)
    return regional_files.write(parsed.data_dir, parsed.number, parsed.out)


def _show(parsed: argparse.Namespace) -> Said:
    from settlement.serve import regional_desk

    return regional_desk.show(parsed.data_dir, regional_desk.named(parsed))


def _legs(parsed: argparse.Namespace) -> Said:
    from settlement.serve import regional_desk

    return regional_desk.legs(parsed.data_dir, regional_desk.named(parsed), parsed.institution)


def _mark(parsed: argparse.Namespace) -> Said:
    from settlement.serve import regional_desk

    return regional_desk.mark(
        parsed.data_dir, regional_desk.named(parsed), parsed.mark, parsed.cases,
        months=getattr(parsed, "months", 0), who=regional_desk.who(parsed),
    )  # fmt: skip


def _confirm(parsed: argparse.Namespace) -> Said:
    from settlement.serve import regional_desk

    return regional_desk.confirm(
        parsed.data_dir, regional_desk.named(parsed), regional_desk.who(parsed)
    )


def _answer(parsed: argparse.Namespace) -> Said:
    from settlement.serve import regional_desk

    return regional_desk.answer(parsed.data_dir, regional_desk.named(parsed), parsed.out)


def _send(parsed: argparse.Namespace) -> Said:
    from settlement.serve import regional_desk

    return regional_desk.send(
        parsed.data_dir, regional_desk.named(parsed), regional_desk.who(parsed)
    )


def _papers(parsed: argparse.Namespace) -> Said:
    from settlement.serve import regional_desk

    return regional_desk.sent_and_received(parsed.data_dir)


def _notify(parsed: argparse.Namespace) -> Said:
    from settlement.serve import regional_desk

    return regional_desk.notify(
        parsed.data_dir, regional_desk.named(parsed), parsed.notice, parsed.amount,
        regional_desk.who(parsed),
    )  # fmt: skip


def _settle(parsed: argparse.Namespace) -> Said:
    from settlement.serve import regional_desk

    return regional_desk.settle(
        parsed.data_dir, regional_desk.named(parsed), parsed.voucher,
        confirm=parsed.confirm, who=regional_desk.who(parsed),
    )  # fmt: skip


def _close(parsed: argparse.Namespace) -> Said:
    from settlement.serve import regional_desk

    return regional_desk.close(
        parsed.data_dir, regional_desk.named(parsed), regional_desk.who(parsed)
    )


def _prepay(parsed: argparse.Namespace) -> Said:
    from settlement.said import UNUSABLE, Said
    from settlement.serve import regional_desk

    moves = parsed.act != "quota"
    if moves != (parsed.amount is not None and bool(parsed.voucher)):
        return Said(
            UNUSABLE, "settlement: in and back need --amount and --voucher, quota takes neither"
        )
    return regional_desk.prepay(
        parsed.data_dir, regional_desk.named(parsed), parsed.act, parsed.amount or 0,
        parsed.voucher, confirm=parsed.confirm, who=regional_desk.who(parsed),
    )  # fmt: skip
