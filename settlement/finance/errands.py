"""What people order from a page (办理事项): acts of finance that only the schema's owner may do.

An errand says which act, in whose name and why; the acts are those of the commands. What a page
may order is the closed set `Task` (errand_tasks.py): nobody sends SQL, a path or a login. Long
ones are done by a process of their own (errand_job.py), which says how far it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import assert_never

from msgspec import Struct

from settlement.books.payout_intake import (
    ADJUSTMENT_COLUMNS,
    SCORE_COLUMNS,
    Asked,
    read_adjustments,
    read_scores,
)
from settlement.channels.config import ChannelsError, merchants_named
from settlement.channels.registry import NO_TILLS
from settlement.clock import Clock, monotonic
from settlement.finance import money_booking, money_files, money_interest
from settlement.finance import payout_accounts as accounts
from settlement.finance import payout_adjusting as adjusting
from settlement.finance import payout_paying as paying
from settlement.finance.bill_books import open_books as open_bills
from settlement.finance.bill_errands import take_bill
from settlement.finance.books import open_books as open_differences
from settlement.finance.desk import act_on_month, close_open_days
from settlement.finance.errand_tasks import (
    AccountTask,
    AdjustFileTask,
    Adjusting,
    AdjustTask,
    BankTask,
    BatchTask,
    BillTask,
    DaysTask,
    DepositsTask,
    InstitutionFileTask,
    InterestTask,
    MoneyFileTask,
    MoneyTask,
    MonthTask,
    PapersTask,
    PayoutTask,
    PersonAccountTask,
    PrepaidTask,
    RegionDayTask,
    RegionStateTask,
    RegionTakeTask,
    RegionTask,
    ReimburseTask,
    Task,
    WithdrawTask,
)
from settlement.finance.institution_errands import take_institution_file
from settlement.finance.money_books import open_books as open_money
from settlement.finance.money_files import Sent
from settlement.finance.office import Office, open_office
from settlement.finance.payout_adjusting import Batch
from settlement.finance.payout_books import PayoutBooks
from settlement.finance.payout_books import open_books as open_payouts
from settlement.finance.payout_desk import bank_statement, deposit_rows, digest_of, read_rows
from settlement.finance.payout_paying import Chosen
from settlement.finance.payout_stating import state
from settlement.finance.progress import Tell
from settlement.finance.regional_errands import clear, keeps
from settlement.finance.reimbursement_errands import reimburse, take_statement
from settlement.intake.faults import FileError
from settlement.keyring import UndecipherableError
from settlement.policy.errors import PolicyError
from settlement.said import UNUSABLE, Said
from settlement.serve.imports import LEASE
from settlement.serve.regional_books import open_books as open_regions
from settlement.storage.console_files import Shelf
from settlement.storage.errors import StorageError
from settlement.storage.keyfile import KeyFileError, key_file, load_keyring
from settlement.storage.lease import PlainConnection, connection_for, take_lease
from settlement.storage.seal_key import load_seal_keys, seal_key_file
from settlement.who import Who

NAME = "settlement-console-act"


class Place(Struct, frozen=True, kw_only=True):
    """Where an errand is done."""

    owner_dsn: str
    app_dsn: str
    data_dir: str
    """whose `secrets` have the keys"""
    channels_file: str = ""
    """which merchants there are; their keys are not read"""


class Errand(Struct, frozen=True, kw_only=True):
    """See the module."""

    place: Place
    task: Task
    actor: str
    reason: str
    at: datetime
    """when it was ordered: its clock goes on from there"""

    @property
    def who(self) -> Who:
        """In whose name, and why."""
        return Who(actor=self.actor, reason=self.reason)


def files_directory(data_dir: Path) -> Path:
    """Where files lie that people brought to the console."""
    return data_dir / "console-files"


async def perform(errand: Errand, tell: Tell) -> Said:
    """Do it."""
    try:
        async with connection_for(errand.place.owner_dsn, NAME) as connection:
            return await _do(errand, connection, tell)
    except (
        StorageError, KeyFileError, FileError, PolicyError, UndecipherableError, ChannelsError,
    ) as exc:  # fmt: skip
        return Said(UNUSABLE, f"未能办理 | it could not be done: {exc}")


def clock_from(at: datetime) -> Clock:
    """A clock that shows `at` now."""
    started = monotonic()
    return lambda: at + timedelta(seconds=monotonic() - started)


async def _do(errand: Errand, connection: PlainConnection, tell: Tell) -> Said:
    task = errand.task
    match task:
        case MonthTask():
            return await _month(errand, task, connection, tell)
        case DaysTask():
            return await close_open_days(await _office(errand, connection, tell), task.day)
        case PayoutTask():
            return await _payout(errand, task, connection, tell)
        case MoneyTask() | MoneyFileTask():
            return await _money(errand, task, connection, tell)
        case (
            AdjustTask() | AdjustFileTask() | DepositsTask() | BatchTask() | WithdrawTask()
            | AccountTask() | BankTask()
        ):
            payouts, who = await _payouts(errand, connection, tell)
            return await _adjusted(errand, payouts, task, who)
        case PapersTask() | ReimburseTask() | PersonAccountTask():
            payouts, who = await _payouts(errand, connection, tell)
            return await reimburse(payouts, task, who, partial(_opened, errand))
        case InterestTask():
            return await _interest(errand, task, connection)
        case BillTask():
            return await _bill(errand, task, connection)
        case InstitutionFileTask():
            return await _institution_file(errand, task, connection)
        case (
            RegionStateTask() | RegionTakeTask() | RegionTask() | PrepaidTask() | RegionDayTask()
        ):
            books = await open_regions(
                connection, clock=clock_from(errand.at), tell=tell, keeps=keeps(task)
            )
            return await clear(books, task, errand.who, partial(_opened, errand))
        case _:
            assert_never(task)


async def _month(
    errand: Errand, task: MonthTask, connection: PlainConnection, tell: Tell
) -> Said:
    office = await _office(errand, connection, tell)
    return await act_on_month(office, task.month, task.act, errand.who, confirm=task.confirm)


async def _office(errand: Errand, connection: PlainConnection, tell: Tell) -> Office:
    data_dir = Path(errand.place.data_dir)
    return await open_office(
        connection, errand.place.app_dsn, data_dir, tell=tell, clock=clock_from(errand.at),
        keys=load_seal_keys(seal_key_file(data_dir / "secrets", os.environ)),
    )  # fmt: skip


async def _payouts(
    errand: Errand, connection: PlainConnection, tell: Tell
) -> tuple[PayoutBooks, Who]:
    secrets = Path(errand.place.data_dir) / "secrets"
    keyring = load_keyring(key_file(secrets, os.environ))
    books = await open_payouts(
        connection, keyring, clock=clock_from(errand.at), tell=tell
    )
    return books, errand.who


async def _payout(
    errand: Errand, task: PayoutTask, connection: PlainConnection, tell: Tell
) -> Said:
    books, who = await _payouts(errand, connection, tell)
    chosen = Chosen(first_on=task.first_on, institution=task.institution)
    match task.act:
        case "state":
            return await state(books, task.first_on, who)
        case "confirm":
            return await paying.confirm(books, chosen, who)
        case "propose":
            return await paying.propose(books, chosen, who)
        case "order":
            return await paying.order(books, chosen, who, None)
        case "close":
            return await paying.close(books, chosen, who)
        case _:
            assert_never(task.act)


async def _adjusted(
    errand: Errand, books: PayoutBooks, task: Adjusting, who: Who
) -> Said:
    match task:
        case AdjustTask():
            return await _proposed(books, task.first_on, task.rows, who)
        case AdjustFileTask():
            with _opened(errand, task.file) as path:
                read = read_rows(path, ADJUSTMENT_COLUMNS, read_adjustments)
            if isinstance(read, Said):
                return read
            return await _proposed(books, task.first_on, tuple(read), who)
        case DepositsTask():
            with _opened(errand, task.file) as path:
                scores = read_rows(path, SCORE_COLUMNS, read_scores)
            if isinstance(scores, Said):
                return scores
            rows = tuple(deposit_rows(scores, task.source))
            return await _proposed(books, task.first_on, rows, who)
        case BankTask():
            with _opened(errand, task.file) as path:
                statement = bank_statement(path)
            if isinstance(statement, Said):
                return statement
            return await take_statement(books, statement, who, confirm=task.confirm)
        case BatchTask():
            rows = await adjusting.rows_of(books, task.first_on, task.digest)
            batch = Batch(digest=task.digest, rows=rows)
            return await adjusting.adjust(books, task.first_on, batch, who, confirm=True)
        case WithdrawTask():
            return await adjusting.withdraw(
                books, task.first_on, task.institution, task.number, who
            )
        case AccountTask():
            one_of_two = accounts.confirm if task.confirm else accounts.propose
            return await one_of_two(books, task.institution, task.account, who)
        case _:
            assert_never(task)


async def _proposed(
    books: PayoutBooks, first_on: date, rows: tuple[Asked, ...], who: Who
) -> Said:
    if not rows:
        return Said(1, "没有一行 | there is no row")
    batch = Batch(digest=digest_of(rows), rows=rows)
    return await adjusting.adjust(books, first_on, batch, who, confirm=False)


async def _money(
    errand: Errand, task: MoneyTask | MoneyFileTask, connection: PlainConnection, tell: Tell
) -> Said:
    writes = not isinstance(task, MoneyTask) or task.propose
    if writes and not await take_lease(connection, LEASE):
        return Said(1, "另一导入正在进行，请稍后再试 | another import is running: try again later")
    books = await open_money(
        connection, errand.place.owner_dsn, clock=clock_from(errand.at), tell=tell
    )
    who = errand.who
    if isinstance(task, MoneyFileTask):
        act = money_booking.confirm if task.confirm else money_booking.reject
        return await act(books, task.subject, task.file_no, who)
    with _opened(errand, task.file) as path:
        sent = Sent(path=path, subject=task.subject, month=task.month)
        if not task.propose:
            return await money_files.preview(books, sent)
        return await money_files.propose(books, sent, who)


async def _interest(
    errand: Errand, task: InterestTask, connection: PlainConnection
) -> Said:
    """What is computed goes onto the shelf, sealed, to be checked and proposed like any file."""
    books = await open_money(
        connection, errand.place.owner_dsn, clock=clock_from(errand.at)
    )
    shelf, name = _shelf(errand), f"interest-{task.year}.csv"
    with shelf.scratch() as folder:
        said = await money_interest.compute(books, task.year, task.rate_bp, folder / name)
        if not said.status:
            shelf.put(folder / name, errand.actor, errand.at)
    text = said.text.replace(f"{folder}/", "").replace(
        "请用 --rate-bp | the region profile has no rate: say --rate-bp",
        "请填写 | the region profile has no rate: give one",
    )
    return Said(said.status, text)


async def _bill(errand: Errand, task: BillTask, connection: PlainConnection) -> Said:
    place = errand.place.channels_file
    books = await open_bills(
        connection, NO_TILLS, clock=clock_from(errand.at),
        named=merchants_named(Path(place)) if place else (),
    )  # fmt: skip
    with _opened(errand, task.file) as path:
        return await take_bill(books, task, path, errand.who)


async def _institution_file(
    errand: Errand, task: InstitutionFileTask, connection: PlainConnection
) -> Said:
    clock = clock_from(errand.at)
    bills = await open_bills(connection, NO_TILLS, clock=clock)
    books = await open_differences(connection, dsn=errand.place.owner_dsn, clock=clock)
    with _opened(errand, task.file) as path:
        return await take_institution_file(bills, books, task, path, errand.who)


@contextmanager
def _opened(errand: Errand, digest: str) -> Iterator[Path]:
    """A file that somebody brought, plain while it is read. Raises FileError."""
    shelf = _shelf(errand)
    kept = shelf.find(digest)
    if kept is None:
        raise FileError("文件已不在，请重新上传 | the file is not here any more: bring it again")
    with shelf.opened(kept) as path:
        yield path


def _shelf(errand: Errand) -> Shelf:
    data_dir = Path(errand.place.data_dir)
    keyring = load_keyring(key_file(data_dir / "secrets", os.environ))
    return Shelf(files_directory(data_dir), keyring)
