"""`settlement match` and `settlement differences`: what channels' bills say against our books.

Heavy imports happen when the commands run.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from settlement.said import Said

Tell = Callable[["Said"], int]
Action = Callable[[argparse.Namespace], "Said"]
_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers gives
_DATA_DIR_HELP = "where the embedded services keep their data"
CLASSES = (
    "only_ours", "only_theirs", "amount", "status", "duplicate", "day_edge", "fee",
    "refund_missing", "late", "reversed_at_ours_only", "custody_mismatch",
    "cancelled_after_clearing",
)  # fmt: skip
CORRECTIONS = ("make-up", "refund", "void", "write-off", "note")
CHANNELS = ("wechat", "alipay", "unionpay", "onecode")
SIDES = (*CHANNELS, "institution")


def add_match(commands: _Commands[argparse.ArgumentParser], tell: Tell, data_dir: Path) -> None:
    """Add both commands."""
    parser = commands.add_parser(
        "match",
        help="match payments with channels' bills (渠道对账)",
        description="Compare what we have with what the bills of a day or a month say, lane by "
        "lane, and keep what differs. Matched again, nothing is kept twice.",
    )
    when = parser.add_mutually_exclusive_group(required=True)
    when.add_argument("--day", type=one_day, help="as 2026-11-16")
    when.add_argument("--month", type=one_month, help="as 2026-11")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument(
        "--data-dir", type=Path, default=data_dir, help=f"{_DATA_DIR_HELP} (%(default)s)"
    )
    parser.set_defaults(command=lambda parsed: tell(_match(parsed)))
    _add_differences(commands, tell, data_dir)


def _add_differences(
    commands: _Commands[argparse.ArgumentParser], tell: Tell, data_dir: Path
) -> None:
    parser = commands.add_parser(
        "differences",
        help="what we and the channels do not agree on (差异)",
        description="Without an action, list what is under way, the oldest first.",
    )
    parser.add_argument("--class", dest="found", choices=CLASSES, help="only of this class")
    parser.add_argument("--channel", choices=SIDES, help="only of this channel, or of institutions")
    parser.add_argument("--institution", help="only of this institution")
    parser.add_argument("--age", type=_days, metavar="DAYS", help="only so old, or older")
    parser.add_argument("--owner", help="only of this person")
    parser.add_argument("--all", action="store_true", help="also what is done with")
    parser.add_argument("--json", action="store_true", help="a JSON array on stdout")
    parser.add_argument(
        "--data-dir", type=Path, default=data_dir, help=f"{_DATA_DIR_HELP} (%(default)s)"
    )
    parser.set_defaults(command=lambda parsed: tell(_list(parsed)))
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    _add_show(actions, tell)
    _add_acts(actions, tell)
    _add_fee(actions, tell)


def _add_show(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    show = actions.add_parser(
        "show", help="a difference, its steps, and what each correction would book"
    )
    show.add_argument("number", type=_number)
    _finish(show, _show, tell)


def _add_acts(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    assign = actions.add_parser("assign", help="somebody looks after it (分派)")
    assign.add_argument("number", type=_number)
    assign.add_argument("--owner", dest="to", required=True, type=_words, help="who")
    assign.add_argument("--from", dest="taken_from", default="", help="who has it now, if any")
    propose = actions.add_parser("propose", help="propose a correction (提出更正)")
    propose.add_argument("number", type=_number)
    propose.add_argument("--as", dest="correction", required=True, choices=CORRECTIONS)
    confirm = actions.add_parser("confirm", help="confirm what another proposed (确认)")
    confirm.add_argument("number", type=_number)
    confirm.add_argument("--confirm", action="store_true", required=True, help="yes: book it")
    reject = actions.add_parser("reject", help="send a proposal back (退回)")
    reject.add_argument("number", type=_number)
    note = actions.add_parser("note", help="say something about it (备注)")
    note.add_argument("number", type=_number)
    for parser, action in (
        (assign, _assign), (propose, _propose), (confirm, _confirm), (reject, _reject),
        (note, _note),
    ):  # fmt: skip
        _who(parser)
        _finish(parser, action, tell)


def _add_fee(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    fee = actions.add_parser("fee", help="tell what a channel keeps of payments (手续费率)")
    fee.add_argument("--channel", dest="of", choices=CHANNELS, required=True)
    fee.add_argument("--merchant", required=True, type=_words, help="its number there")
    fee.add_argument("--since", required=True, type=one_day, help="from this day of bills")
    fee.add_argument("--bp", required=True, type=int, help="basis points: 60 is 0.60 %%")
    fee.add_argument("--tolerance", type=int, default=0, metavar="FEN", help="(%(default)s)")
    _who(fee)
    _finish(fee, _fee, tell)


def _who(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reason", required=True, type=_words, help="why; kept with the step")
    parser.add_argument(
        "--actor", required=True, type=_words, help="who orders it (the login name)"
    )


def _finish(parser: argparse.ArgumentParser, action: Action, tell: Tell) -> None:
    # Left out where it is not given, so that one before the action counts.
    parser.add_argument("--data-dir", type=Path, default=argparse.SUPPRESS, help=_DATA_DIR_HELP)
    parser.set_defaults(command=lambda parsed: tell(action(parsed)))


def one_day(text: str) -> date:
    """A day of the command line."""
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no day like 2026-11-16") from exc


def one_month(text: str) -> date:
    """The first day of a month of the command line."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no month like 2026-11") from exc


def _days(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 4):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of days")
    return int(text)


def _number(text: str) -> int:
    from settlement.numbers import parse

    number = parse(text)
    if number is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of a difference (19 digits)")
    return number


def _words(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it says nothing")
    return text.strip()


def last_of(month: date) -> date:
    """The last day of a month."""
    return (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _match(parsed: argparse.Namespace) -> Said:
    from settlement.finance import difference_desk as desk

    first = parsed.day or parsed.month
    last = parsed.day or last_of(parsed.month)
    return desk.match_days(parsed.data_dir, first, last, as_json=parsed.json)


def _list(parsed: argparse.Namespace) -> Said:
    from settlement.finance import difference_desk as desk
    from settlement.storage.differences import Filter

    which = Filter(
        found=parsed.found, channel=parsed.channel, institution=parsed.institution,
        owner=parsed.owner, all_states=parsed.all,
    )  # fmt: skip
    return desk.list_all(parsed.data_dir, which, age_days=parsed.age, as_json=parsed.json)


def _show(parsed: argparse.Namespace) -> Said:
    from settlement.finance import difference_desk as desk

    return desk.show(parsed.data_dir, parsed.number)


def _assign(parsed: argparse.Namespace) -> Said:
    from settlement.finance import difference_desk as desk

    return desk.assign(
        parsed.data_dir, parsed.number, parsed.to, desk.who(parsed), taken_from=parsed.taken_from
    )


def _propose(parsed: argparse.Namespace) -> Said:
    from settlement.finance import difference_desk as desk

    return desk.propose(parsed.data_dir, parsed.number, parsed.correction, desk.who(parsed))


def _confirm(parsed: argparse.Namespace) -> Said:
    from settlement.finance import difference_desk as desk

    return desk.confirm(parsed.data_dir, parsed.number, desk.who(parsed))


def _reject(parsed: argparse.Namespace) -> Said:
    from settlement.finance import difference_desk as desk

    return desk.reject(parsed.data_dir, parsed.number, desk.who(parsed))


def _note(parsed: argparse.Namespace) -> Said:
    from settlement.finance import difference_desk as desk

    return desk.note(parsed.data_dir, parsed.number, desk.who(parsed))


def _fee(parsed: argparse.Namespace) -> Said:
    from settlement.finance import difference_desk as desk
    from settlement.said import UNUSABLE, Said

    if not (0 <= parsed.bp <= 10_000 and 0 <= parsed.tolerance <= 100):
        return Said(UNUSABLE, "settlement: --bp is 0 to 10000, --tolerance 0 to 100")
    return desk.fee(
        parsed.data_dir, parsed.of, parsed.merchant, parsed.since, rate_bp=parsed.bp,
        tolerance_fen=parsed.tolerance, who=desk.who(parsed),
    )  # fmt: skip
