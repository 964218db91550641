"""The actions of `settlement reimburse`, each opened on a data directory for one act."""

from __future__ import annotations

import argparse

from settlement.bank_account import BankAccount
from settlement.books.reimbursement import State
from settlement.books.reimbursement_intake import PAPER_COLUMNS, read_papers
from settlement.finance import reimbursement_deciding as deciding
from settlement.finance import reimbursement_papers as papers
from settlement.finance import reimbursement_paying as paying
from settlement.finance import reimbursement_reports as reports
from settlement.finance.payout_books import run
from settlement.finance.payout_desk import bank_statement, read_rows
from settlement.finance.reimbursement_reports import Chosen
from settlement.said import Said
from settlement.who import Who


def overview(parsed: argparse.Namespace) -> Said:
    """All that something is waited for, and what came lately."""
    chosen = Chosen(
        days=parsed.days, state=None if parsed.state is None else State(parsed.state),
        person_no=parsed.person, as_json=parsed.json,
    )  # fmt: skip
    return run(parsed.data_dir, lambda books: reports.overview(books, chosen))


def show(parsed: argparse.Namespace) -> Said:
    """One of them."""
    return run(parsed.data_dir, lambda books: reports.show(books, parsed.number))


def accept(parsed: argparse.Namespace) -> Said:
    """Papers are taken in."""
    entered = read_rows(parsed.file, PAPER_COLUMNS, read_papers)
    if isinstance(entered, Said):
        return entered
    if not entered:
        return Said(1, "没有一行 | there is no row")
    return run(
        parsed.data_dir,
        lambda books: papers.accept(books, entered, _who(parsed), matter_no=parsed.matter),
    )


def amend(parsed: argparse.Namespace) -> Said:
    """Papers are entered anew."""
    entered = read_rows(parsed.file, PAPER_COLUMNS, read_papers)
    if isinstance(entered, Said):
        return entered
    return run(
        parsed.data_dir,
        lambda books: papers.amend(books, parsed.number, entered, _who(parsed)),
    )


def refuse(parsed: argparse.Namespace) -> Said:
    """Papers are sent back."""
    return run(
        parsed.data_dir, lambda books: papers.refuse(books, parsed.number, _who(parsed))
    )


def calculate(parsed: argparse.Namespace) -> Said:
    """What is paid of them."""
    return run(
        parsed.data_dir, lambda books: deciding.calculate(books, parsed.number, _who(parsed))
    )


def confirm(parsed: argparse.Namespace) -> Said:
    """Another person confirms and books."""
    return run(
        parsed.data_dir, lambda books: deciding.confirm(books, parsed.number, _who(parsed))
    )


def cancel(parsed: argparse.Namespace) -> Said:
    """Ask for it to be taken back, or take it back."""
    one_of_two = deciding.cancel if parsed.confirm else deciding.ask_cancel
    return run(
        parsed.data_dir, lambda books: one_of_two(books, parsed.number, _who(parsed))
    )


def account(parsed: argparse.Namespace) -> Said:
    """Another bank account."""
    told = BankAccount(name=parsed.name, account=parsed.account, bank=parsed.bank)
    return run(
        parsed.data_dir,
        lambda books: papers.change_account(books, parsed.number, told, _who(parsed)),
    )


def order(parsed: argparse.Namespace) -> Said:
    """Propose to pay, or order it; or only write the files again."""
    number = parsed.number
    if parsed.again:
        return run(
            parsed.data_dir, lambda books: paying.write_orders(books, number, parsed.out)
        )
    if parsed.confirm:
        return run(
            parsed.data_dir,
            lambda books: paying.order(books, number, _who(parsed), parsed.out),
        )
    return run(parsed.data_dir, lambda books: paying.propose(books, number, _who(parsed)))


def take_bank(parsed: argparse.Namespace) -> Said:
    """A bank statement."""
    statement = bank_statement(parsed.file)
    if isinstance(statement, Said):
        return statement
    return run(
        parsed.data_dir,
        lambda books: paying.take(books, statement, _who(parsed), confirm=parsed.confirm),
    )


def _who(parsed: argparse.Namespace) -> Who:
    return Who(actor=parsed.actor, reason=parsed.reason)
