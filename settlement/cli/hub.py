"""`settlement regions` and `settlement hub`: other regions, and our keys for speaking with them.

Heavy imports happen when the commands run.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.cli.actions import add_json, finish, number

if TYPE_CHECKING:
    from settlement.said import Said

Tell = Callable[["Said"], int]
Action = Callable[[argparse.Namespace], "Said"]
_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers gives
_DATA_DIR_HELP = "where the embedded services keep their data"


def add_hub(commands: _Commands[argparse.ArgumentParser], tell: Tell, data_dir: Path) -> None:
    """Add both commands."""
    listing = commands.add_parser(
        "regions",
        help="list other regions, the way to them and their certificates (对方统筹区)",
        description="List other regions with route and certificates: from when to when each holds, "
        "how many days are left, and which were withdrawn; ours as well. Exit status 1 where a "
        "region that is active has no certificate that holds.",
    )
    listing.add_argument("--json", action="store_true", help="one JSON object on stdout")
    _finish(listing, _regions, tell, data_dir)
    _add_cases(listing.add_subparsers(title="actions", metavar="ACTION"), tell)
    parser = commands.add_parser(
        "hub", help="our keys for the wire between regions, and certificates (省际平台)"
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    _add_identity(actions, tell, data_dir)
    _add_certificate(actions, tell, data_dir)
    _add_withdraw(actions, tell, data_dir)


def _add_cases(actions: _Commands[argparse.ArgumentParser], tell: Tell) -> None:
    open_ = actions.add_parser(
        "cases",
        help="cases of people insured elsewhere that are not at their end (未完结异地业务)",
        description="Cases that another region was asked about and that are not at their end: "
        "since when, what is awaited, what is asked next, and what people can do.",
    )
    open_.add_argument("--region", help="only those insured there")
    open_.add_argument(
        "--after", type=number, metavar="CASE_NO", help="go on after this case of the page before"
    )
    add_json(open_)
    finish(open_, _cases, tell)
    one = actions.add_parser(
        "case",
        help="one case between regions by its number, of either direction",
        description="A case by the number that both regions and the hub have: what happened to "
        "one of ours, or the settlements of somebody of ours who was treated elsewhere.",
    )
    one.add_argument("number", help="as 611000-2611001600002000001")
    finish(one, _case, tell)


def _add_identity(
    actions: _Commands[argparse.ArgumentParser], tell: Tell, data_dir: Path
) -> None:
    parser = actions.add_parser(
        "new-identity",
        help="make keys, and print the request to send to the hub's authority",
        description="Make a pair of keys for this region, encrypted in the database, and print "
        "the request that the hub's authority issues their certificate for. Those in use stay.",
    )
    _finish_audited(parser, _new_identity, tell, data_dir)


def _add_certificate(
    actions: _Commands[argparse.ArgumentParser], tell: Tell, data_dir: Path
) -> None:
    parser = actions.add_parser(
        "certificate",
        help="put the certificate in force that the authority issued for our keys",
        description="Put a certificate in force, in every process within a second. Of several "
        "that hold, the one that began last signs; messages sealed for any of them are read.",
    )
    parser.add_argument("file", type=Path, help="the HUBCERT1 text")
    _finish_audited(parser, _certificate, tell, data_dir)


def _add_withdraw(
    actions: _Commands[argparse.ArgumentParser], tell: Tell, data_dir: Path
) -> None:
    parser = actions.add_parser(
        "withdraw",
        help="trust a certificate no more, ours or another region's (撤销证书)",
        description="Trust a certificate no more, in every process within a second and for ever. "
        "A withdrawal that the authority signed comes with `settlement import counterparts`.",
    )
    parser.add_argument("serial", help="as `settlement regions` names it")
    _finish_audited(parser, _withdraw, tell, data_dir)


def _finish_audited(
    parser: argparse.ArgumentParser, action: Action, tell: Tell, data_dir: Path
) -> None:
    parser.add_argument("--reason", required=True, help="why; audited")
    parser.add_argument("--actor", default="", help="who orders it (the login name)")
    _finish(parser, action, tell, data_dir)


def _finish(
    parser: argparse.ArgumentParser, action: Action, tell: Tell, data_dir: Path
) -> None:
    parser.add_argument(
        "--data-dir", type=Path, default=data_dir, help=f"{_DATA_DIR_HELP} (%(default)s)"
    )
    parser.set_defaults(command=lambda parsed: tell(action(parsed)))


def _regions(parsed: argparse.Namespace) -> Said:
    from settlement.serve.region_list import regions

    return regions(parsed.data_dir, as_json=parsed.json)


def _cases(parsed: argparse.Namespace) -> Said:
    from settlement.serve.region_cases import cases

    return cases(parsed.data_dir, parsed.region, after=parsed.after, as_json=parsed.json)


def _case(parsed: argparse.Namespace) -> Said:
    from settlement.serve.region_cases import case

    return case(parsed.data_dir, parsed.number)


def _new_identity(parsed: argparse.Namespace) -> Said:
    from settlement.serve.hub_keys import new_identity

    return new_identity(parsed.data_dir, actor=_actor(parsed), reason=parsed.reason)


def _certificate(parsed: argparse.Namespace) -> Said:
    from settlement.serve.hub_keys import certify

    return certify(
        parsed.data_dir, parsed.file, actor=_actor(parsed), reason=parsed.reason
    )


def _withdraw(parsed: argparse.Namespace) -> Said:
    from settlement.serve.hub_keys import withdraw

    return withdraw(
        parsed.data_dir, parsed.serial, actor=_actor(parsed), reason=parsed.reason
    )


def _actor(parsed: argparse.Namespace) -> str:
    import getpass

    return parsed.actor or getpass.getuser()
