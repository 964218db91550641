"""Errands about reimbursements, and whose payments a bank statement is about (errands.py)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import assert_never

from settlement.books.reimbursement import number_in
from settlement.books.reimbursement_intake import PAPER_COLUMNS, read_papers
from settlement.finance import payout_bank as institutions
from settlement.finance import reimbursement_deciding as deciding
from settlement.finance import reimbursement_papers as papers
from settlement.finance import reimbursement_paying as paying
from settlement.finance.errand_tasks import (
    PapersTask,
    PersonAccountTask,
    ReimburseTask,
    Reimbursing,
)
from settlement.finance.payout_bank import Statement
from settlement.finance.payout_books import PayoutBooks
from settlement.finance.payout_desk import read_rows
from settlement.said import Said
from settlement.who import Who

Opened = Callable[[str], AbstractContextManager[Path]]
"""A file that somebody brought, by its digest, plain while it is read."""
_MIXED = Said(
    1,
    "回单中既有机构拨付又有报销款，请拆成两个文件 | orders of institutions and of persons are in "
    "one file: split it",
)


async def reimburse(books: PayoutBooks, task: Reimbursing, who: Who, opened: Opened) -> Said:
    """What was ordered."""
    match task:
        case PapersTask():
            with opened(task.file) as path:
                entered = read_rows(path, PAPER_COLUMNS, read_papers)
            if isinstance(entered, Said):
                return entered
            if task.number is not None:
                return await papers.amend(books, task.number, entered, who)
            if not entered:
                return Said(1, "没有一行 | there is no row")
            return await papers.accept(books, entered, who, matter_no=task.matter_no)
        case ReimburseTask():
            return await _step(books, task, who)
        case PersonAccountTask():
            return await papers.change_account(books, task.number, task.account, who)
        case _:
            assert_never(task)


async def take_statement(
    books: PayoutBooks, statement: Statement, who: Who, *, confirm: bool
) -> Said:
    """A bank statement, read in or booked: about persons where its orders are persons', about
    institutions otherwise."""
    persons = sum(number_in(row.order_no) is not None for row in statement.rows)
    if not persons:
        return await institutions.take(books, statement, who, confirm=confirm)
    if persons < len(statement.rows):
        return _MIXED
    return await paying.take(books, statement, who, confirm=confirm)


async def _step(books: PayoutBooks, task: ReimburseTask, who: Who) -> Said:
    number = task.number
    if task.act == "propose":
        return await paying.propose(books, number, who)
    if task.act == "order":
        return await paying.order(books, number, who, None)
    if number is None:
        return Said(1, "须指明受理编号 | a number is needed")
    match task.act:
        case "calculate":
            return await deciding.calculate(books, number, who)
        case "confirm":
            return await deciding.confirm(books, number, who)
        case "refuse":
            return await papers.refuse(books, number, who)
        case "ask-cancel":
            return await deciding.ask_cancel(books, number, who)
        case "cancel":
            return await deciding.cancel(books, number, who)
        case _:
            assert_never(task.act)
