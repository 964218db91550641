"""A paper of finance as a download, in a process of its own (`python -m
settlement.finance.paper_job`): proofs, published seals, reports, bank files, notices, vouchers,
papers for other regions.

What is wanted comes as JSON on stdin, its bytes go to stdout and nothing else does. It reads as the
application, which may change nothing there, at a low priority; whoever stops reading ends it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import assert_never
from zipfile import ZIP_DEFLATED, ZipFile

import msgspec
from msgspec import Struct

from settlement.books.money_in import Subject
from settlement.books.month_report import report_bytes
from settlement.books.payout_files import Order, bank_files
from settlement.elsewhere.regional_clearing import Side
from settlement.elsewhere.regional_rules import RegionalRules
from settlement.finance import money_reports, reimbursement_paying, workbooks
from settlement.finance.errands import clock_from
from settlement.finance.months import report_of
from settlement.finance.office import Office, open_office
from settlement.finance.payout_books import PayoutBooks, open_books
from settlement.finance.payout_paying import Chosen, under_way
from settlement.finance.payout_reports import all_of, notice_bytes, voucher_text
from settlement.finance.proofs import proof_of, published
from settlement.said import Said
from settlement.serve.regional_books import books_to_read
from settlement.serve.regional_paying import answers_of
from settlement.serve.regional_periods import the_period
from settlement.serve.regional_stating import content_of, statement_of
from settlement.storage.keyfile import key_file, load_keyring
from settlement.storage.lease import PlainConnection, connection_for
from settlement.telemetry.private_memory import keep_memory_private

NICENESS = 10
MARK = "\ufeff"
"""So that spreadsheets take CSV for UTF-8."""
NOT_THERE = 3
"""Exit status where there is no such paper; whoever asked was told so before."""


class Seals(Struct, frozen=True, kw_only=True, tag="seals"):
    """The seals of a month, as they are published."""

    month: date


class Report(Struct, frozen=True, kw_only=True, tag="report"):
    """The report that a month is closed by."""

    month: date
    as_workbook: bool = False
    """with names, for people; else the bytes that were signed"""


class Proof(Struct, frozen=True, kw_only=True, tag="proof"):
    """What an institution checks its month by."""

    month: date
    institution: str


class BankFiles(Struct, frozen=True, kw_only=True, tag="bank"):
    """Orders of a period that are under way, as the banks' files, in a ZIP."""

    first_on: date


class PersonFiles(Struct, frozen=True, kw_only=True, tag="persons-bank"):
    """Orders of reimbursements that are under way, as the banks' files, in a ZIP."""


class Notice(Struct, frozen=True, kw_only=True, tag="notice"):
    """How an institution's payment is made up."""

    first_on: date
    institution: str
    as_workbook: bool = False


class Vouchers(Struct, frozen=True, kw_only=True, tag="vouchers"):
    """Vouchers of business days for the accounting system."""

    first_on: date
    last_on: date


class MoneyMonth(Struct, frozen=True, kw_only=True, tag="money"):
    """Income and expenditure of funds in a month, or what was allotted to personal accounts."""

    subject: Subject
    month: date
    as_workbook: bool = False


class RegionPapers(Struct, frozen=True, kw_only=True, tag="region-papers"):
    """Our statement of a month with another region; or our answers to theirs, in a ZIP."""

    party: str
    month: date
    side: Side


Paper = (
    Seals | Report | Proof | BankFiles | PersonFiles | Notice | Vouchers | MoneyMonth
    | RegionPapers
)


class PaperJob(Struct, frozen=True, kw_only=True):
    """What is wanted, and where it is read."""

    dsn: str
    data_dir: str
    paper: Paper
    at: datetime


async def write(job: PaperJob) -> bytes | Said:
    """The paper; or why there is none."""
    async with connection_for(job.dsn, "settlement-paper") as connection:
        paper = job.paper
        match paper:
            case Seals() | Report() | Proof():
                office = await open_office(
                    connection, job.dsn, Path(job.data_dir), clock=clock_from(job.at)
                )
                return await _of_month(office, paper)
            case BankFiles() | PersonFiles() | Notice():
                keyring = load_keyring(key_file(Path(job.data_dir) / "secrets", os.environ))
                books = await open_books(connection, keyring, clock=clock_from(job.at))
                return await _of_payouts(books, paper)
            case Vouchers():
                text, _, _ = await voucher_text(connection, paper.first_on, paper.last_on)
                return (MARK + text).encode()
            case MoneyMonth(as_workbook=True):
                return await workbooks.money_workbook(
                    connection, paper.subject, paper.month, job.at
                )
            case RegionPapers():
                return await _with_region(connection, job, paper)
            case MoneyMonth():
                text = await money_reports.month_csv(connection, paper.subject, paper.month)
                return (MARK + text).encode()
            case _:
                assert_never(paper)


async def _of_month(office: Office, paper: Seals | Report | Proof) -> bytes | Said:
    match paper:
        case Seals():
            found = await published(office, paper.month)
            return found if isinstance(found, Said) else found[0]
        case Report(as_workbook=True):
            return await workbooks.month_workbook(office, paper.month)
        case Report():
            return report_bytes(await report_of(office, paper.month))
        case Proof():
            proof = await proof_of(office, paper.institution, paper.month, None)
            return proof if isinstance(proof, Said) else msgspec.json.encode(proof)
        case _:
            assert_never(paper)


async def _of_payouts(
    books: PayoutBooks, paper: BankFiles | PersonFiles | Notice
) -> bytes | Said:
    match paper:
        case BankFiles():
            chosen = Chosen(first_on=paper.first_on, institution=None)
            orders = await under_way(books, chosen)
            return _zipped(books, f"payout-{paper.first_on:%Y%m%d}", orders)
        case PersonFiles():
            orders = await reimbursement_paying.under_way(books, None)
            return _zipped(books, "reimburse", orders)
        case Notice():
            chosen = Chosen(first_on=paper.first_on, institution=paper.institution)
            found = await all_of(books, chosen)
            if isinstance(found, Said):
                return found
            if paper.as_workbook:
                return workbooks.notice_workbook(books, found[0])
            return notice_bytes(books, found[0])
        case _:
            assert_never(paper)


async def _with_region(
    connection: PlainConnection, job: PaperJob, paper: RegionPapers
) -> bytes | Said:
    books = await books_to_read(
        connection, clock=clock_from(job.at), rules=RegionalRules()
    )
    found = await the_period(books, paper.party, paper.month, paper.side)
    if isinstance(found, Said):
        return found
    if paper.side is Side.TREATMENT:
        return content_of(await statement_of(books, found))
    held = BytesIO()
    with ZipFile(held, "w", ZIP_DEFLATED) as archive:
        for number, answer in await answers_of(books, found):
            archive.writestr(f"{number}.json", content_of(answer))
    return held.getvalue()


def _zipped(books: PayoutBooks, stem: str, orders: list[Order] | Said) -> bytes | Said:
    """The files of all acts of ordering, with what each comes to; or why there are none."""
    if isinstance(orders, Said):
        return orders
    held = BytesIO()
    files = bank_files(orders, books.rules, stem)
    with ZipFile(held, "w", ZIP_DEFLATED) as archive:
        for name, text, _ in files:
            archive.writestr(name, text)
        told = "\n".join(f"{name}：{totals}" for name, _, totals in files)
        archive.writestr(f"{stem}-totals.txt", f"{MARK}{told}\n")
    return held.getvalue()


def main() -> int:
    """Read the job and do it. A reader that went away is no failure."""
    keep_memory_private()
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=PaperJob)
    os.nice(NICENESS)
    found = asyncio.run(write(job))
    if isinstance(found, Said):
        return NOT_THERE
    try:
        sys.stdout.buffer.write(found)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
