"""The actions of `settlement payout`, each opened on a data directory for one act."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import msgspec

from settlement.bank_account import BankAccount
from settlement.books.payout import WORD, Kind
from settlement.books.payout_deposits import Assessed, Returned, returns
from settlement.books.payout_intake import (
    ADJUSTMENT_COLUMNS,
    BANK_COLUMNS,
    SCORE_COLUMNS,
    Asked,
    read_adjustments,
    read_bank,
    read_scores,
)
from settlement.finance import fund_payer_reports, workbooks
from settlement.finance import payout_accounts as accounts
from settlement.finance import payout_adjusting as adjusting
from settlement.finance import payout_bank as bank
from settlement.finance import payout_paying as paying
from settlement.finance import payout_reports as reports
from settlement.finance.payout_books import run
from settlement.finance.payout_paying import Chosen
from settlement.finance.payout_stating import state as state_period
from settlement.intake.cells import Column
from settlement.intake.faults import Fault, FileError, faults_text
from settlement.intake.source import Row, format_of, rows_of
from settlement.said import UNUSABLE, Said
from settlement.who import Who

T = TypeVar("T")
Reader = Callable[[Iterable[Row], list[Fault]], list[T]]


def overview(parsed: argparse.Namespace) -> Said:
    """The period at a glance."""
    return run(
        parsed.data_dir,
        lambda books: reports.overview(books, parsed.period, as_json=parsed.json),
    )


def state(parsed: argparse.Namespace) -> Said:
    """Fix what the period owes."""
    return run(parsed.data_dir, lambda books: state_period(books, parsed.period, _who(parsed)))


def show(parsed: argparse.Namespace) -> Said:
    """One institution's period."""
    return run(parsed.data_dir, lambda books: reports.show(books, _chosen(parsed)))


def adjust(parsed: argparse.Namespace) -> Said:
    """A file of adjustments."""
    rows = read_rows(parsed.file, ADJUSTMENT_COLUMNS, read_adjustments)
    return rows if isinstance(rows, Said) else _adjust(parsed, rows)


def typed(parsed: argparse.Namespace) -> Said:
    """One adjustment, typed."""
    one = Asked(
        row=1, institution=parsed.institution, kind=WORD[parsed.kind], amount_fen=parsed.amount,
        source=parsed.source, note=parsed.note, setl_id=parsed.setl_id,
    )  # fmt: skip
    return _adjust(parsed, [one])


def deposits(parsed: argparse.Namespace) -> Said:
    """Deposits come to their end by a year's scores."""
    scores = read_rows(parsed.file, SCORE_COLUMNS, read_scores)
    if isinstance(scores, Said):
        return scores
    return _adjust(parsed, deposit_rows(scores, parsed.source))


def deposit_rows(scores: Sequence[Assessed], source: str) -> list[Asked]:
    """What a year's scores make of deposits, as adjustments."""
    return [
        Asked(
            row=number, institution=one.institution, kind=kind, amount_fen=fen, source=source,
            note="",
        )
        for number, one in enumerate(returns(scores), 2)
        for kind, fen in _ends(one)
        if fen
    ]  # fmt: skip


def withdraw(parsed: argparse.Namespace) -> Said:
    """Take a proposed adjustment back."""
    return run(
        parsed.data_dir,
        lambda books: adjusting.withdraw(
            books, parsed.period, parsed.institution, parsed.number, _who(parsed)
        ),
    )


def confirm(parsed: argparse.Namespace) -> Said:
    """Fix what is to be paid."""
    return run(
        parsed.data_dir, lambda books: paying.confirm(books, _chosen(parsed), _who(parsed))
    )


def order(parsed: argparse.Namespace) -> Said:
    """Propose to pay, or order it; or only write the files again."""
    chosen = _chosen(parsed)
    if parsed.again:
        return run(
            parsed.data_dir, lambda books: paying.write_orders(books, chosen, parsed.out)
        )
    if parsed.confirm:
        return run(
            parsed.data_dir,
            lambda books: paying.order(books, chosen, _who(parsed), parsed.out),
        )
    return run(parsed.data_dir, lambda books: paying.propose(books, chosen, _who(parsed)))


def take_bank(parsed: argparse.Namespace) -> Said:
    """A bank statement."""
    statement = bank_statement(parsed.file)
    if isinstance(statement, Said):
        return statement
    return run(
        parsed.data_dir,
        lambda books: bank.take(books, statement, _who(parsed), confirm=parsed.confirm),
    )


def bank_statement(path: Path) -> bank.Statement | Said:
    """A bank statement of a file; what is wrong with it, where anything is."""
    rows = read_rows(path, BANK_COLUMNS, read_bank)
    if isinstance(rows, Said):
        return rows
    digest = sha256(path.read_bytes()).digest()
    return bank.Statement(digest=digest, name=path.name, rows=tuple(rows))


def close(parsed: argparse.Namespace) -> Said:
    """Close what is paid."""
    return run(
        parsed.data_dir, lambda books: paying.close(books, _chosen(parsed), _who(parsed))
    )


def notices(parsed: argparse.Namespace) -> Said:
    """Notices of payment."""
    make = workbooks.notice_workbook if parsed.format == "xlsx" else None
    return run(
        parsed.data_dir,
        lambda books: reports.notices(books, _chosen(parsed), parsed.out, make=make),
    )


def payers(parsed: argparse.Namespace) -> Said:
    """Who owes what funds paid that are theirs."""
    return run(
        parsed.data_dir,
        lambda books: fund_payer_reports.show(books, parsed.period, as_json=parsed.json),
    )


def vouchers(parsed: argparse.Namespace) -> Said:
    """Vouchers for the accounting system."""
    return run(
        parsed.data_dir,
        lambda books: reports.vouchers(books, parsed.since, parsed.until, parsed.out),
    )


def account(parsed: argparse.Namespace) -> Said:
    """Where an institution is paid to."""
    if parsed.account is None:
        return run(parsed.data_dir, lambda books: accounts.show(books, parsed.institution))
    if not (parsed.actor.strip() and parsed.reason.strip() and parsed.name and parsed.bank):
        return Said(UNUSABLE, "settlement: --account needs --name, --bank, --actor and --reason")
    told = BankAccount(name=parsed.name, account=parsed.account, bank=parsed.bank)
    one_of_two = accounts.confirm if parsed.confirm else accounts.propose
    return run(
        parsed.data_dir, lambda books: one_of_two(books, parsed.institution, told, _who(parsed))
    )


def _adjust(parsed: argparse.Namespace, rows: Sequence[Asked]) -> Said:
    if not rows:
        return Said(1, "没有一行 | there is no row")
    batch = adjusting.Batch(digest=digest_of(rows), rows=tuple(rows))
    return run(
        parsed.data_dir,
        lambda books: adjusting.adjust(
            books, parsed.period, batch, _who(parsed), confirm=parsed.confirm
        ),
    )


def digest_of(rows: Sequence[Asked]) -> bytes:
    """What a batch is known by: its rows, whatever file or command they came in."""
    return sha256(msgspec.json.encode(rows)).digest()


def read_rows(path: Path, columns: Sequence[Column], reader: Reader[T]) -> list[T] | Said:
    """The rows of a file, or what is wrong with it: then none is taken."""
    faults: list[Fault] = []
    try:
        rows = reader(rows_of(path, format_of(path, None), columns, faults), faults)
    except (OSError, FileError) as exc:
        return Said(1, f"{path} 读不出 | cannot be read: {exc}")
    if faults:
        return Said(1, f"{path.name} 未入账 | nothing was booked:\n{faults_text(faults)}")
    return rows


def _ends(one: Returned) -> tuple[tuple[Kind, int], ...]:
    return (
        (Kind.DEPOSIT_RETURN, one.returned_fen), (Kind.DEPOSIT_FORFEIT, one.forfeited_fen),
        (Kind.REWARD, one.reward_fen),
    )  # fmt: skip


def _who(parsed: argparse.Namespace) -> Who:
    return Who(actor=parsed.actor, reason=parsed.reason)


def _chosen(parsed: argparse.Namespace) -> Chosen:
    return Chosen(first_on=parsed.period, institution=parsed.institution)
