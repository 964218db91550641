"""`settlement close`, `balance`, `account-statement`, `seals`, `seal-key`, `proof` and
`verify-proof`.

Heavy imports happen when the commands run.
"""

from __future__ import annotations

import argparse
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.cli.actions import Commands, Tell, add_data_dir, number

if TYPE_CHECKING:
    from settlement.said import Said
    from settlement.who import Who

ACTS = ("check", "begin", "verify", "close", "seal", "report")


def add_close(commands: Commands, tell: Tell, data_dir: Path) -> None:
    """Add all commands about closed books."""
    close = commands.add_parser(
        "close",
        help="close business days and months (日结, 月结)",
        description="Days are closed by the server when they are over; months by people.",
    )
    what = close.add_subparsers(title="what", metavar="WHAT", required=True)
    _add_day(what, tell, data_dir)
    _add_month(what, tell, data_dir)
    _add_balances(commands, tell, data_dir)
    _add_seals(commands, tell, data_dir)
    _add_proofs(commands, tell, data_dir)


def _add_day(what: Commands, tell: Tell, data_dir: Path) -> None:
    day = what.add_parser(
        "day",
        help="close every business day up to one",
        description="Close every business day up to one that is not closed yet, with its seals. "
        "What is settled later counts on the next open day. A day that is not over is refused.",
    )
    day.add_argument("day", type=_day, help="as 2026-10-31")
    add_data_dir(day, data_dir)
    day.set_defaults(command=lambda parsed: tell(_close_day(parsed)))


def _add_month(what: Commands, tell: Tell, data_dir: Path) -> None:
    month = what.add_parser(
        "month",
        help="what stands in the way of closing a month, and each step of it",
        description="check (the default): what must be true, and who can end what is not. begin, "
        "verify, close (proposed by one, confirmed by another), seal. report: write the closing "
        "report again and say whether it is the same; as a workbook where FILE ends in .xlsx.",
    )
    month.add_argument("month", type=_month, help="as 2026-10")
    month.add_argument("act", nargs="?", choices=ACTS, default="check")
    month.add_argument(
        "--confirm", action="store_true", help="close: confirm what somebody else proposed"
    )
    month.add_argument("--out", type=Path, metavar="FILE", help="report: where to write it")
    month.add_argument("--reason", default="", help="why; kept with the step")
    month.add_argument("--actor", default="", help="who orders it (the login name)")
    add_data_dir(month, data_dir)
    month.set_defaults(command=lambda parsed: tell(_close_month(parsed)))


def _add_balances(commands: Commands, tell: Tell, data_dir: Path) -> None:
    balance = commands.add_parser(
        "balance",
        help="what an account has, or had at a past moment (余额)",
        description="ACCOUNT is a person's number or the number of an account.",
    )
    balance.add_argument("account", metavar="ACCOUNT|PSN_NO")
    balance.add_argument(
        "--at", type=_instant, metavar="TIME", help='local time, as "2026-10-31 23:59:59"'
    )
    balance.add_argument("--json", action="store_true", help="one JSON object on stdout")
    add_data_dir(balance, data_dir)
    balance.set_defaults(command=lambda parsed: tell(_balance(parsed)))
    statement = commands.add_parser(
        "account-statement",
        help="what moved an account over a period, as CSV (账户明细)",
        description="Opening balance, what moved it by business day, closing balance. Of a person "
        "each entry with what it stands for; of a fund or institution a line a day.",
    )
    statement.add_argument("account", metavar="ACCOUNT|PSN_NO")
    statement.add_argument("--from", dest="first", required=True, type=_day, metavar="DATE")
    statement.add_argument("--to", dest="last", required=True, type=_day, metavar="DATE")
    statement.add_argument(
        "--entries", action="store_true", help="of a fund or institution: every entry, too"
    )
    statement.add_argument("--out", type=Path, metavar="FILE", help="a CSV file; else on stdout")
    add_data_dir(statement, data_dir)
    statement.set_defaults(command=lambda parsed: tell(_statement(parsed)))


def _add_seals(commands: Commands, tell: Tell, data_dir: Path) -> None:
    seals = commands.add_parser(
        "seals", help="write the seals of a month, to be published (封存公布)"
    )
    seals.add_argument("--month", required=True, type=_month, help="as 2026-10")
    seals.add_argument("--out", required=True, type=Path, metavar="DIR")
    add_data_dir(seals, data_dir)
    seals.set_defaults(command=lambda parsed: tell(_seals(parsed)))
    key = commands.add_parser(
        "seal-key",
        help="list the keys that sign seals, or make a new one (封存签名密钥)",
        description="Without --new, list them. A new key signs from then on (a running server "
        "after its next start); the one before it still checks what it signed.",
    )
    key.add_argument("--new", action="store_true", help="make one")
    key.add_argument(
        "--algorithm", choices=("ed25519", "sm2"), default="ed25519", help="(%(default)s)"
    )
    add_data_dir(key, data_dir)
    key.set_defaults(command=lambda parsed: tell(_seal_key(parsed)))


def _add_proofs(commands: Commands, tell: Tell, data_dir: Path) -> None:
    proof = commands.add_parser(
        "proof",
        help="write what an institution needs to check its sealed month (结算证明)",
        description="The institution's own settlements, opened as far as accounting goes, and the "
        "signed root. Nothing of anybody else's, and no personal data.",
    )
    proof.add_argument("--institution", required=True, metavar="CODE", help="fixmedins_code")
    proof.add_argument("--month", required=True, type=_month, help="as 2026-10")
    proof.add_argument("--setl-id", type=number, metavar="N", help="of one settlement alone")
    proof.add_argument("--out", required=True, type=Path, metavar="FILE")
    add_data_dir(proof, data_dir)
    proof.set_defaults(command=lambda parsed: tell(_proof(parsed)))
    check = commands.add_parser(
        "verify-proof",
        help="check a proof, without any database (验证证明)",
        description="Say of each settlement whether it is in what was sealed, and unchanged. Exit "
        "status 1 where something does not hold.",
    )
    check.add_argument("file", type=Path)
    check.add_argument(
        "--key", metavar="PUB",
        help="the published key: hex, or the file that `settlement seals` wrote",
    )  # fmt: skip
    check.set_defaults(command=lambda parsed: tell(_verify_proof(parsed)))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2026-11-01") from exc


def _month(text: str) -> date:
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no month like 2026-11") from exc


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no time like 2026-10-31 23:59:59") from exc
    if found.tzinfo is not None:
        raise argparse.ArgumentTypeError("local time of the region, without an offset")
    return found


def _who(parsed: argparse.Namespace) -> Who | None:
    from settlement.who import Who

    actor, reason = parsed.actor.strip(), parsed.reason.strip()
    return Who(actor=actor, reason=reason) if actor and reason else None


def _close_day(parsed: argparse.Namespace) -> Said:
    from settlement.finance import desk

    return desk.close_through(parsed.data_dir, parsed.day)


def _close_month(parsed: argparse.Namespace) -> Said:
    from settlement.finance import desk

    return desk.month(
        parsed.data_dir, parsed.month, parsed.act, confirm=parsed.confirm, who=_who(parsed),
        out=parsed.out,
    )  # fmt: skip


def _balance(parsed: argparse.Namespace) -> Said:
    from settlement.finance import desk

    return desk.balance(parsed.data_dir, parsed.account, parsed.at, as_json=parsed.json)


def _statement(parsed: argparse.Namespace) -> Said:
    from settlement.finance import desk

    return desk.statement(
        parsed.data_dir, parsed.account, parsed.first, parsed.last, parsed.out,
        entries=parsed.entries,
    )  # fmt: skip


def _seals(parsed: argparse.Namespace) -> Said:
    from settlement.finance import desk

    return desk.publish(parsed.data_dir, parsed.month, parsed.out)


def _seal_key(parsed: argparse.Namespace) -> Said:
    from settlement.finance import desk

    if parsed.new:
        return desk.new_key(parsed.data_dir, parsed.algorithm)
    return desk.known_keys(parsed.data_dir)


def _proof(parsed: argparse.Namespace) -> Said:
    from settlement.finance import desk

    return desk.prove(
        parsed.data_dir, parsed.institution, parsed.month, parsed.setl_id, parsed.out
    )


def _verify_proof(parsed: argparse.Namespace) -> Said:
    from settlement.finance import desk

    return desk.verify_proof(parsed.file, parsed.key)
