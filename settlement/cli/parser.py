"""The `settlement` command. Parses arguments and hands over; everything heavy is imported late."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from settlement.cli.archive import add_archive, add_db
from settlement.cli.backup import add_backup
from settlement.cli.bills import add_bills
from settlement.cli.clear import add_clear
from settlement.cli.clearing_accounts import add_clearing
from settlement.cli.close import add_close
from settlement.cli.doctor import add_doctor
from settlement.cli.hub import add_hub
from settlement.cli.imports import add_import
from settlement.cli.income import add_income
from settlement.cli.institution_files import add_institution_files
from settlement.cli.match import add_match
from settlement.cli.matters import add_matters, add_my
from settlement.cli.outbox import add_mobile, add_outbox
from settlement.cli.payments import add_payments
from settlement.cli.payout import add_payout
from settlement.cli.personal import add_personal
from settlement.cli.policy import add_policy
from settlement.cli.regions import add_reconcile_regions
from settlement.cli.reimburse import add_reimburse
from settlement.cli.rekey import add_rekey
from settlement.cli.reports import add_reports
from settlement.cli.sheets import add_sheets
from settlement.cli.user import add_user
from settlement.telemetry.private_memory import keep_memory_private

if TYPE_CHECKING:
    from settlement.said import Said

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8080
DEFAULT_DATA_DIR = Path("data")
DEMO_PERSONS = 100_000
SUBJECTS = ("person", "institution", "channel", "fund", "credential")

_ABOUT = """\
Real-time settlement core of a medical-insurance pooling area.

Without configuration PostgreSQL and Redis are started from their Python wheels under --data-dir.
SETTLEMENT_DATABASE_URL and SETTLEMENT_REDIS_URL name servers of your own instead.
"""
_EXAMPLES = """\
examples:
  settlement serve --demo                        a server with the demo region, for trying out
  settlement serve --host 0.0.0.0 --workers 4    a server for others
  settlement verify --json                       recompute every hash and balance
  settlement suspend person 4419… --reason "…"   stop settlements of a person within a second
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status (0 done, 1 failed, 2 wrong usage)."""
    keep_memory_private()
    parsed = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    return command(parsed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="settlement",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_serve(commands)
    _add_verify(commands)
    _add_readjudication(commands)
    _add_adjudicate(commands)
    _add_explain(commands)
    add_policy(commands, _tell, DEFAULT_DATA_DIR)
    add_backup(commands, _tell, DEFAULT_DATA_DIR)
    add_doctor(commands, DEFAULT_DATA_DIR)
    add_payments(commands, _tell, DEFAULT_DATA_DIR)
    add_outbox(commands, _tell, DEFAULT_DATA_DIR)
    add_mobile(commands, _tell, DEFAULT_DATA_DIR)
    add_reports(commands, _tell, DEFAULT_DATA_DIR)
    add_hub(commands, _tell, DEFAULT_DATA_DIR)
    add_matters(commands, _tell, DEFAULT_DATA_DIR)
    add_my(commands, _tell, DEFAULT_DATA_DIR)
    add_clear(commands, _tell, DEFAULT_DATA_DIR)
    add_bills(commands, _tell, DEFAULT_DATA_DIR)
    add_institution_files(commands, _tell, DEFAULT_DATA_DIR)
    add_close(commands, _tell, DEFAULT_DATA_DIR)
    add_match(commands, _tell, DEFAULT_DATA_DIR)
    add_clearing(commands, _tell, DEFAULT_DATA_DIR)
    add_income(commands, _tell, DEFAULT_DATA_DIR)
    add_reconcile_regions(commands, _tell, DEFAULT_DATA_DIR)
    add_payout(commands, _tell, DEFAULT_DATA_DIR)
    add_reimburse(commands, _tell, DEFAULT_DATA_DIR)
    add_sheets(commands, _tell, DEFAULT_DATA_DIR)
    add_rekey(commands, _tell, DEFAULT_DATA_DIR)
    add_personal(commands, _tell, DEFAULT_DATA_DIR)
    add_archive(commands, _tell, DEFAULT_DATA_DIR)
    add_db(commands, _tell, DEFAULT_DATA_DIR)
    add_user(commands, _tell, DEFAULT_DATA_DIR)
    _add_certify(commands)
    add_import(
        commands.add_parser("import", help="persons, institutions, items … from files (导入)"),
        _tell, DEFAULT_DATA_DIR,
    )  # fmt: skip
    _add_story(commands)
    _add_switch(commands, "suspend", "stop settlements of a subject, in every process")
    _add_switch(commands, "resume", "let a suspended subject settle again")
    _add_approval(commands, "approve-cancel", "record an approval of a cancel (退费备案)")
    _add_approval(commands, "withdraw-approval", "take an unused approval back")
    _add_keys(commands)
    _add_token(commands)
    return parser


_Commands = argparse._SubParsersAction  # argparse has no public name for what add_subparsers gives


def _add_serve(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "serve",
        help="start the server",
        description="Start the services, the gateway processes and the background process. Prints "
        'one JSON line {"event":"ready","url":…} on stdout when requests are accepted; logs go to '
        "stderr. SIGTERM or Ctrl-C stops in good order, a second one faster.",
    )
    parser.add_argument("--host", default=DEFAULT_HOST, help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help="port, 0 for any free one (%(default)s)"
    )
    parser.add_argument(
        "--workers", type=_positive, default=2, help="gateway processes (%(default)s)"
    )
    _add_data_dir(parser)
    parser.add_argument(
        "--demo",
        action="store_true",
        help="load the demo region and population; refuses a database that it did not make",
    )
    parser.add_argument(
        "--demo-persons", type=_positive, default=DEMO_PERSONS, metavar="N",
        help="how many people the demo region has when it is made (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--demo-first", type=_positive, default=1, metavar="N",
        help="number of the first of them; two regions with other numbers share nobody",
    )
    parser.add_argument(
        "--journals", type=_positive, help="ordered journals; by default what the bench chose"
    )
    parser.add_argument(
        "--shape",
        choices=("one_machine", "cluster"),
        help="of a new database: for one machine (the default), or with a journal for each lane, "
        "as a cluster needs it",
    )
    parser.add_argument(
        "--requests-per-second", type=_positive, metavar="N",
        help="let in no more requests of institutions than so many a second, shared out fairly; "
        "without it as many as the machine carries",
    )  # fmt: skip
    parser.add_argument(
        "--tls-certificate", type=Path, metavar="FILE",
        help="speak TLS with this certificate and those up to its authority (PEM); without it "
        "plain HTTP. Another one in its place is taken without a restart",
    )  # fmt: skip
    parser.add_argument("--tls-key", type=Path, metavar="FILE", help="its key (PEM, no password)")
    parser.add_argument(
        "--tls-client-ca", type=Path, metavar="FILE",
        help="let in only who shows a certificate of these authorities (PEM)",
    )  # fmt: skip
    parser.set_defaults(command=_serve)


def _add_verify(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "verify",
        help="recompute the ledger and name the first entry that was touched",
        description="Recompute every hash, balance and total. Attaches to a running server or "
        "starts a stopped one's database. Exit status 0 when everything is right, 1 when not.",
    )
    _add_data_dir(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    parser.add_argument(
        "--hurry", action="store_true", help="at full speed even while others settle"
    )
    parser.add_argument(
        "--archive", type=Path, metavar="DIR",
        help="hold what was archived into this folder against the database, too",
    )  # fmt: skip
    parser.set_defaults(command=_verify)


def _add_readjudication(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "readjudication",
        help="list the claims to be decided again",
        description="List the claims to be decided again (待重算), each with the reason: an "
        "earlier one of the same person and year was undone after it (only where cancel_order = "
        '"free"), or an import changed the person\'s membership for one of its days after it.',
    )
    _add_data_dir(parser)
    parser.add_argument("--json", action="store_true", help="a JSON array on stdout")
    parser.set_defaults(command=_readjudication)


def _add_adjudicate(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "adjudicate",
        help="compute who pays what for cases given as JSON (待遇试算)",
        description="Read a case, or an array of cases, as JSON from stdin and print who pays "
        "what, by the same code as a live settlement; no server and no database is needed. "
        "docs/reference/calculator.md has the fields. Exit status 1 where a case could not be "
        "computed.",
    )
    parser.add_argument("--json", action="store_true", help="the answer as JSON, else as text")
    parser.add_argument(
        "--policy", type=Path, action="append", default=[], metavar="FILE",
        help="a policy file beside the shipped ones; may be repeated",
    )  # fmt: skip
    parser.set_defaults(command=_adjudicate)


def _add_explain(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "explain",
        help="say how every fen of a settlement came about (结算说明)",
        description="Print the steps of a settlement in Chinese and English, and whether computing "
        "it again gives the same fen (exit status 1 where it does not).",
    )
    parser.add_argument("setl_id", type=_settlement_number, help="number of the settlement")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
    _add_data_dir(parser)
    parser.set_defaults(command=_explain)


def _add_certify(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "certify",
        help="run the onboarding checklist of an institution and write its report (接入认证)",
        description="Send what a new institution must be able to send, and what a server must "
        "refuse, and write a report in HTML and JSON. Everything it settles it cancels again. Exit "
        "status 0 passed, 1 not passed, 2 could not be examined.",
    )
    parser.add_argument("--url", required=True, help="address of the server")
    parser.add_argument("--institution", required=True, metavar="CODE", help="fixmedins_code")
    parser.add_argument("--report", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--demo", action="store_true",
        help="credential, persons and items from the demo server's world.json",
    )  # fmt: skip
    parser.add_argument("--paasid", default="", help="access key")
    parser.add_argument("--secret-file", type=Path, help="a file that holds the secret alone")
    parser.add_argument("--person-file", type=Path, help="test persons and items as JSON")
    parser.add_argument("--name", default="", help="fixmedins_name")
    parser.add_argument(
        "--kind", choices=("pharmacy", "hospital"), default="",
        help="by default by the first letter of the code",
    )  # fmt: skip
    parser.add_argument("--counter-file", type=Path, help="keeps the counter of message ids")
    parser.set_defaults(command=_certify)


def _add_story(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "story",
        help="serve the demo region, play the demo story, then keep serving",
        description="Start a demo server, play a few settlements and print what happened and the "
        "trial balance, then serve until Ctrl-C.",
    )
    parser.add_argument("--host", default=DEFAULT_HOST, help="address to listen on (%(default)s)")
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help="port, 0 for any free one (%(default)s)"
    )
    _add_data_dir(parser)
    parser.add_argument("--exit", action="store_true", help="stop after the story")
    parser.set_defaults(command=_story)


def _add_switch(commands: _Commands[argparse.ArgumentParser], name: str, about: str) -> None:
    parser = commands.add_parser(
        name, help=about, description=about[0].upper() + about[1:] + " within a second."
    )
    parser.add_argument("kind", choices=SUBJECTS, help="what kind of subject")
    parser.add_argument(
        "subject",
        help="person number, institution code, channel (wechat, alipay, unionpay, onecode), fund "
        "code or access key",
    )
    parser.add_argument("--reason", required=True, help="why; shown to callers and audited")
    parser.add_argument("--actor", default="", help="who orders it (the login name)")
    _add_data_dir(parser)
    parser.set_defaults(command=_switch, suspended=name == "suspend")


def _add_approval(commands: _Commands[argparse.ArgumentParser], name: str, about: str) -> None:
    parser = commands.add_parser(
        name,
        help=about,
        description=about[0].upper() + about[1:] + ", where the region's cancels need one "
        '(cancel_window = "approval"); in force within a second.',
    )
    parser.add_argument("setl_id", type=_settlement_number, help="number of the settlement")
    parser.add_argument("--reason", required=True, help="why, and the number of the file; audited")
    parser.add_argument("--actor", default="", help="who orders it (the login name)")
    _add_data_dir(parser)
    parser.set_defaults(command=_approval, approved=name == "approve-cancel")


def _add_keys(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "keys",
        help="register an institution's keys for signed and encrypted messages (国密)",
        description="Replace the keys of a credential by those given, in every process within a "
        "second. From then on a cainfo is checked, and enc_type SM4 "
        "is answered encrypted. Files hold one key as PEM, hex or Base64.",
    )
    parser.add_argument("access_key", help="the credential's x-tif-paasid or _api_access_key")
    parser.add_argument("--sm2-public", type=Path, metavar="FILE", help="its SM2 public key")
    parser.add_argument("--sm4", type=Path, metavar="FILE", help="the SM4 key shared with it")
    parser.add_argument(
        "--required", action="store_true", help="refuse its messages that are not signed"
    )
    parser.add_argument("--remove", action="store_true", help="register none")
    parser.add_argument("--reason", required=True, help="why; audited")
    parser.add_argument("--actor", default="", help="who orders it (the login name)")
    _add_data_dir(parser)
    parser.set_defaults(command=_keys)


def _add_token(commands: _Commands[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "token",
        help="issue an e-credential token for a test person",
        description="Issue an e-credential token (电子凭证) that 01 credentials can present. For "
        "demo data only.",
    )
    parser.add_argument("person", help="person number")
    parser.add_argument("institution", help="code of the institution that scans it")
    parser.add_argument("--seconds", type=_positive, default=300, help="time to live (%(default)s)")
    _add_data_dir(parser)
    parser.set_defaults(command=_token)


def _add_data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=DEFAULT_DATA_DIR,
        help="where the embedded services keep their data (%(default)s)",
    )


def _serve(parsed: argparse.Namespace) -> int:
    from msgspec.structs import replace

    from ledger.postgres.shape import Shape
    from settlement.embedded.errors import ServiceError
    from settlement.limits import DEFAULT_LIMITS, LimitsError
    from settlement.serve.keeper import ChildError
    from settlement.serve.supervisor import ServeError, ServeSettings, run
    from settlement.web.tls import TlsError, tls_files

    try:
        tls = tls_files(
            parsed.tls_certificate, parsed.tls_key, parsed.tls_client_ca, os.environ
        )
    except TlsError as exc:
        print(f"settlement: {exc}", file=sys.stderr)
        return 1
    settings = ServeSettings(
        host=parsed.host,
        port=parsed.port,
        workers=parsed.workers,
        data_dir=parsed.data_dir,
        demo=parsed.demo,
        demo_persons=parsed.demo_persons,
        demo_first=parsed.demo_first,
        journals=parsed.journals,
        shape=Shape(parsed.shape) if parsed.shape else None,
        limits=replace(DEFAULT_LIMITS, requests_per_second_max=parsed.requests_per_second),
        tls=tls,
    )
    try:
        run(settings, os.environ, lambda line: print(line, flush=True))
    except (ServeError, ServiceError, ChildError, LimitsError) as exc:
        print(f"settlement: {exc}", file=sys.stderr)
        return 1
    return 0


def _verify(parsed: argparse.Namespace) -> int:
    from settlement.serve.operations import verify

    return _tell(
        verify(
            parsed.data_dir, as_json=parsed.json, hurried=parsed.hurry, archive=parsed.archive
        )
    )


def _readjudication(parsed: argparse.Namespace) -> int:
    from settlement.serve.operations import readjudication

    return _tell(readjudication(parsed.data_dir, as_json=parsed.json))


def _adjudicate(parsed: argparse.Namespace) -> int:
    from settlement.offline import adjudicate

    return _tell(adjudicate(sys.stdin.buffer.read(), parsed.policy, as_json=parsed.json))


def _explain(parsed: argparse.Namespace) -> int:
    from settlement.serve.operations import explain

    return _tell(explain(parsed.data_dir, setl_id=parsed.setl_id, as_json=parsed.json))


def _certify(parsed: argparse.Namespace) -> int:
    from settlement.certify.command import certify

    return _tell(
        certify(
            parsed.url,
            parsed.institution,
            report_dir=parsed.report,
            tell=lambda line: print(line, flush=True),
            demo=parsed.demo,
            kind=parsed.kind,
            name=parsed.name,
            paasid=parsed.paasid,
            secret_file=parsed.secret_file,
            person_file=parsed.person_file,
            counter_file=parsed.counter_file,
        )
    )


def _story(parsed: argparse.Namespace) -> int:
    from settlement.demo.story import run

    return run(parsed.data_dir, host=parsed.host, port=parsed.port, serve=not parsed.exit)


def _switch(parsed: argparse.Namespace) -> int:
    from settlement.serve.operations import suspend

    return _tell(
        suspend(
            parsed.data_dir,
            kind=parsed.kind,
            subject=parsed.subject,
            reason=parsed.reason,
            actor=parsed.actor,
            suspended=parsed.suspended,
        )
    )


def _approval(parsed: argparse.Namespace) -> int:
    from settlement.serve.operations import approve_cancel

    return _tell(
        approve_cancel(
            parsed.data_dir,
            setl_id=parsed.setl_id,
            reason=parsed.reason,
            actor=parsed.actor,
            approved=parsed.approved,
        )
    )


def _keys(parsed: argparse.Namespace) -> int:
    from settlement.serve.body_keys import KeyFiles, register_keys

    given = KeyFiles(sm2_public=parsed.sm2_public, sm4=parsed.sm4, required=parsed.required)
    if parsed.remove == bool(given.sm2_public or given.sm4 or given.required):
        print("settlement keys: give either keys or --remove", file=sys.stderr)
        return 2
    return _tell(
        register_keys(
            parsed.data_dir,
            access_key=parsed.access_key,
            files=None if parsed.remove else given,
            reason=parsed.reason,
            actor=parsed.actor,
        )
    )


def _token(parsed: argparse.Namespace) -> int:
    from settlement.serve.operations import issue_token

    return _tell(
        issue_token(
            parsed.data_dir,
            person_no=parsed.person,
            institution_code=parsed.institution,
            seconds=parsed.seconds,
        )
    )


def _tell(said: Said) -> int:
    """Results go to stdout, also that something was touched; a command that could not work, to
    stderr."""
    print(said.text, file=sys.stderr if said.status > 1 else sys.stdout)
    return said.status


def _port(text: str) -> int:
    return _whole(text, 0, 65_535)


def _positive(text: str) -> int:
    return _whole(text, 1, 1_000_000)


def _settlement_number(text: str) -> int:
    if len(text) != 19 or not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no settlement number of 19 digits")
    return int(text)


def _whole(text: str, least: int, most: int) -> int:
    if not text.isdecimal() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {least} to {most}")
    return int(text)
