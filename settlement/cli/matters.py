"""`settlement matters` and `settlement my`: what persons asked for, and who sends them here.

Heavy imports happen when the commands run.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.numbers import parse
from settlement.people.matter_states import Happening

if TYPE_CHECKING:
    from settlement.said import Said
    from settlement.serve.matter_list import Key

Tell = Callable[["Said"], int]
Action = Callable[[argparse.Namespace], "Said"]
_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers gives
_DATA_DIR_HELP = "where the embedded services keep their data"
RULINGS = {
    "accept": (Happening.ACCEPTED, "accept a filing or a guardian's authorisation (审核通过)"),
    "refuse": (Happening.REFUSED, "refuse what was applied for (不予通过)"),
    "end": (Happening.ENDED, "end a filing or an authorisation that is in force (终止)"),
}
STEPS = {
    "take-out": (Happening.TAKEN_OUT, "take a transfer out of the account (账户扣划)"),
    "paid": (Happening.PAID, "the bank paid a transfer out, or one in arrived (资金到账)"),
    "returned": (Happening.RETURNED, "the bank sent it back, or it is sent back (资金退回)"),
}


def add_matters(commands: _Commands[argparse.ArgumentParser], tell: Tell, data_dir: Path) -> None:
    """Add `matters`, which lists without an action."""
    parser = commands.add_parser(
        "matters",
        help="list what persons asked for and waits for somebody, or act on it (个人办件)",
        description="Without an action, list filings and authorisations that wait for a clerk, "
        "and transfers of personal accounts that are not at their end.",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument(
        "--data-dir", type=Path, default=data_dir, help=f"{_DATA_DIR_HELP} (%(default)s)"
    )
    parser.set_defaults(command=lambda parsed: tell(_list(parsed)))
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    for name, (happening, words) in RULINGS.items():
        ruling = actions.add_parser(name, help=words, description=words)
        _add_number(ruling)
        _finish(ruling, _ruling(happening), tell)
    for name, (happening, words) in STEPS.items():
        step = actions.add_parser(
            name, help=words,
            description=f"{words}. One person proposes it with its amount; another says the same "
            "with --confirm, and it is booked.",
        )  # fmt: skip
        _add_number(step)
        _add_money(step)
        _finish(step, _step(happening), tell)
    brought = actions.add_parser(
        "bring-in", help="open a transfer in that nobody applied for; prints its number",
        description="Open a transfer in that the other region announced.",
    )  # fmt: skip
    brought.add_argument("person", help="psn_no")
    brought.add_argument("--region", required=True, help="where it comes from, six digits")
    _finish(brought, _bring_in, tell)


def add_my(commands: _Commands[argparse.ArgumentParser], tell: Tell, data_dir: Path) -> None:
    """Add `my`: the keys of self-service."""
    parser = commands.add_parser(
        "my", help="apps that send persons to /my, and the key of messages to them (参保人自助)"
    )
    parser.add_argument(
        "--data-dir", type=Path, default=data_dir, help=f"{_DATA_DIR_HELP} (%(default)s)"
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    app = actions.add_parser(
        "app",
        help="let an app send persons here",
        description="Register the city's app: tokens that it signs with the secret (HS256) name "
        "who was signed in. `settlement suspend credential` stops it, and its sessions.",
    )
    app.add_argument("name", help="what events call it, as city")
    _add_key(app)
    _finish(app, _app, tell)
    token = actions.add_parser(
        "token",
        help="print a token, as the app would sign it, for trying out",
        description="Sign a token that names a person, good once within five minutes: behind "
        "`Authorization: Bearer`, or as /my/?ticket=… in a browser. It needs no database.",
    )
    token.add_argument("person", help="psn_no")
    _add_key(token)
    token.set_defaults(command=lambda parsed: tell(_token(parsed)))
    sms = actions.add_parser(
        "sms",
        help="the key that messages to persons are signed with",
        description="Register the key of the SMS gateway. Then `settlement outbox receiver SMS sms "
        "--url … --access-key …` says where messages go.",
    )
    _add_key(sms)
    _finish(sms, _sms, tell)


def _add_number(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("matter_no", type=_matter_no, metavar="NUMBER", help="as the list names it")


def _add_money(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--amount", type=_fen, required=True, help="yuan; 0: coverage alone")
    parser.add_argument("--reference", required=True, help="contact letter or bank's number")
    parser.add_argument("--months", type=_months, default=0, help="months of coverage (缴费年限)")
    parser.add_argument("--confirm", action="store_true", help="confirm what another proposed")


def _add_key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--access-key", required=True, help="how the key is named")
    parser.add_argument("--secret-file", type=Path, required=True, help="file with the secret")


def _finish(parser: argparse.ArgumentParser, action: Action, tell: Tell) -> None:
    parser.add_argument("--reason", required=True, help="why; audited, and shown to the person")
    parser.add_argument("--actor", required=True, help="who orders it (the login name)")
    # Left out where it is not given, so that one before the action counts.
    parser.add_argument("--data-dir", type=Path, default=argparse.SUPPRESS, help=_DATA_DIR_HELP)
    parser.set_defaults(command=lambda parsed: tell(action(parsed)))


def _matter_no(text: str) -> int:
    number = parse(text)
    if number is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of 19 digits")
    return number


def _fen(text: str) -> int:
    try:
        fen = Decimal(text) * 100
    except InvalidOperation as exc:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount") from exc
    if not fen.is_finite() or fen != int(fen) or not 0 <= fen <= 10**11:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount in yuan with two decimals")
    return int(fen)


def _months(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 1_200):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of months")
    return int(text)


def _list(parsed: argparse.Namespace) -> Said:
    from settlement.serve.matter_list import matters

    return matters(parsed.data_dir, as_json=parsed.json)


def _ruling(happening: Happening) -> Action:
    def act(parsed: argparse.Namespace) -> Said:
        from settlement.serve.clerk import Ruling, run

        ruling = Ruling(
            matter_no=parsed.matter_no, happening=happening, actor=parsed.actor.strip(),
            reason=parsed.reason,
        )  # fmt: skip
        return run(parsed.data_dir, lambda clerk: clerk.rule(ruling))

    return act


def _step(happening: Happening) -> Action:
    def act(parsed: argparse.Namespace) -> Said:
        from settlement.serve.clerk import Step, run

        step = Step(
            matter_no=parsed.matter_no, happening=happening, amount_fen=parsed.amount,
            reference=parsed.reference, coverage_months=parsed.months,
            actor=parsed.actor.strip(), reason=parsed.reason,
        )  # fmt: skip
        if parsed.confirm:
            return run(parsed.data_dir, lambda clerk: clerk.confirm(step))
        return run(parsed.data_dir, lambda clerk: clerk.propose(step))

    return act


def _bring_in(parsed: argparse.Namespace) -> Said:
    from settlement.serve.clerk import BroughtIn, run

    told = BroughtIn(
        person_no=parsed.person, region=parsed.region, actor=parsed.actor.strip(),
        reason=parsed.reason,
    )  # fmt: skip
    return run(parsed.data_dir, lambda clerk: clerk.bring_in(told))


def _key(parsed: argparse.Namespace) -> Key:
    from settlement.serve.matter_list import Key

    return Key(access_key=parsed.access_key, secret_file=parsed.secret_file)


def _app(parsed: argparse.Namespace) -> Said:
    from settlement.serve.matter_list import app

    return app(
        parsed.data_dir, parsed.name, _key(parsed), reason=parsed.reason, actor=parsed.actor
    )


def _token(parsed: argparse.Namespace) -> Said:
    from settlement.serve.matter_list import token

    return token(parsed.person, _key(parsed))


def _sms(parsed: argparse.Namespace) -> Said:
    from settlement.serve.matter_list import gateway

    return gateway(parsed.data_dir, _key(parsed), reason=parsed.reason, actor=parsed.actor)
