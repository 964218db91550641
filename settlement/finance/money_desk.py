"""The actions of `settlement income` and `settlement allot`, each opened for one act."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from settlement.books.money_in import Subject
from settlement.finance import money_booking as booking
from settlement.finance import money_files as taking
from settlement.finance import money_interest, money_reports, workbooks
from settlement.finance.money_books import MoneyBooks, run
from settlement.finance.money_files import Sent, told_of
from settlement.finance.office import written
from settlement.said import Said
from settlement.storage import money as store
from settlement.who import Who

Told = tuple[Path, int, date, str | None]
"""A file, its subject, its month, and its format where it is told."""


def files(data_dir: Path, subject: int) -> Said:
    """The files of a kind."""

    async def act(books: MoneyBooks) -> Said:
        found = await store.files(books.connection, Subject(subject))
        return Said(0, "\n".join(map(told_of, found)) or "没有文件 | no files yet")

    return run(data_dir, act, alone=False)


def preview(data_dir: Path, told: Told) -> Said:
    """What a file would book."""
    return run(data_dir, lambda books: taking.preview(books, _sent(told)), alone=False)


def propose(data_dir: Path, told: Told, *, actor: str, reason: str) -> Said:
    """Take a file in."""
    who = Who(actor=actor, reason=reason)
    return run(data_dir, lambda books: taking.propose(books, _sent(told), who), alone=True)


def confirm(data_dir: Path, subject: int, file_no: int, *, actor: str, reason: str) -> Said:
    """Confirm a file and book it."""
    who = Who(actor=actor, reason=reason)
    return run(
        data_dir, lambda books: booking.confirm(books, Subject(subject), file_no, who), alone=True
    )


def reject(data_dir: Path, subject: int, file_no: int, *, actor: str, reason: str) -> Said:
    """Reject a file."""
    who = Who(actor=actor, reason=reason)
    return run(
        data_dir, lambda books: booking.reject(books, Subject(subject), file_no, who), alone=True
    )


def show(data_dir: Path, subject: int, file_no: int) -> Said:
    """A file."""
    return run(
        data_dir, lambda books: booking.show(books, Subject(subject), file_no), alone=False
    )


def report(data_dir: Path, subject: int, month: date, *, as_json: bool) -> Said:
    """A month."""

    async def act(books: MoneyBooks) -> Said:
        if Subject(subject) is Subject.INCOME:
            return await money_reports.funds(books, month, as_json=as_json)
        return await money_reports.allotted(books, month, as_json=as_json)

    return run(data_dir, act, alone=False)


def table(data_dir: Path, subject: int, month: date, out: Path) -> Said:
    """A month as a file: a workbook, or CSV."""

    async def act(books: MoneyBooks) -> Said:
        which = Subject(subject)
        if out.suffix.lower() == ".xlsx":
            content = await workbooks.money_workbook(
                books.connection, which, month, books.moment.at
            )
        else:
            told = await money_reports.month_csv(books.connection, which, month)
            content = f"\ufeff{told}".encode()
        return written(out, content, f"{month:%Y-%m}")

    return run(data_dir, act, alone=False)


def interest(data_dir: Path, year: int, rate_bp: int | None, out: Path) -> Said:
    """A year's interest, as a file."""
    return run(
        data_dir, lambda books: money_interest.compute(books, year, rate_bp, out), alone=False
    )


def _sent(told: Told) -> Sent:
    path, subject, month, kind = told
    return Sent(path=path, subject=Subject(subject), month=month, format=kind)
