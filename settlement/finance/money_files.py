"""Files of money in: read, compared with what is known and booked, previewed, proposed.

Nothing is proposed where any row is at fault, or says something else of the same person, month and
source than what was booked. What was booked already, with the same amount, is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from msgspec import Struct, field

from ledger.money import yuan_text
from ledger.postgres.pace import Pace
from settlement import chart
from settlement.books.money_in import ROWS_OF_ENTRY_MAX, STATE_ZH, Act, Source, State, Subject
from settlement.chart import MoneyAccount
from settlement.finance.fund_payer_reports import Standing, payers_lines, standings
from settlement.finance.money_books import MoneyBooks, by_lane, share_out
from settlement.intake.faults import Fault, Told, faults_text
from settlement.intake.money import (
    ACCOUNT_COLUMNS,
    INCOME_COLUMNS,
    Lane,
    Lanes,
    by_entry_code,
    in_and_out,
    read_accounts,
    read_income,
    totals_text,
)
from settlement.intake.source import digest_of, format_of, rows_of
from settlement.said import Said
from settlement.storage import money as store
from settlement.storage.lease import PlainConnection
from settlement.storage.money import MoneyFile
from settlement.who import Who

NOTHING_LEFT = "没有可入账的行 | nothing is left to be booked"
_AT_ONCE = 5_000
_COUNTS = (State.PROPOSED, State.CONFIRMED, State.BOOKED)
"""Files whose rows count; those of others were never more than read."""


class Sent(Struct, frozen=True, kw_only=True):
    """A file that somebody sends, and what it is of."""

    path: Path
    subject: Subject
    month: date
    format: str | None = None


class Checked(Struct, kw_only=True):
    """What a file came to."""

    digest: str
    new: Lanes = field(default_factory=dict)
    accounts: dict[int, list[int]] = field(default_factory=dict)
    """of the new rows, lane by lane in their order"""
    unopened: dict[int, list[int]] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    unchanged: dict[int, int] = field(default_factory=dict)
    """how many rows are in another file already, by its number"""
    of_payers: list[str] = field(default_factory=list)
    """what payers of funds owe before and after"""

    @property
    def row_count(self) -> int:
        """How many rows there are to book."""
        return sum(map(len, self.new.values()))


async def preview(books: MoneyBooks, sent: Sent) -> Said:
    """What a file would book; nothing is written."""
    checked = await check(books, sent)
    if checked.faults:
        return _at_fault(checked)
    if not checked.row_count:
        return Said(0, f"{_text(checked, sent)}\n{NOTHING_LEFT}")
    return Said(0, f"{_text(checked, sent)}\n预览 preview。未写入任何数据 | nothing was written")


async def propose(books: MoneyBooks, sent: Sent, who: Who) -> Said:
    """Take a file in, for somebody else to confirm."""
    digest = await asyncio.to_thread(digest_of, sent.path)
    known = await store.find_file(
        books.connection, books.lane_of(digest), sent.subject, sent.month, digest
    )
    if known is not None and known.state in _COUNTS:
        return Said(0, f"{told_of(known)}\n此文件已接收，未再写入 | known: nothing was written")
    waiting = await _waiting(books, sent)
    if waiting is not None:
        return Said(1, f"{told_of(waiting)}\n须先确认或否决 | confirm or reject that file first")
    checked = await check(books, sent)
    if checked.faults:
        return _at_fault(checked)
    if not checked.row_count:
        return Said(0, f"{_text(checked, sent)}\n{NOTHING_LEFT}")
    file = await _take_in(books, sent, checked, who)
    return Said(
        0,
        f"{file.totals}\n文件 {file.file_no} 由 {who.actor} 提出，尚未入账；另一人核对合计后确认："
        f"confirm {file.file_no} | proposed, not booked: another person confirms these totals",
    )


async def check(books: MoneyBooks, sent: Sent) -> Checked:
    """Read a file and compare it. Raises FileError."""
    checked = Checked(digest=await asyncio.to_thread(digest_of, sent.path))
    of_persons = sent.subject is Subject.ACCOUNTS
    columns = ACCOUNT_COLUMNS if of_persons else INCOME_COLUMNS
    read = read_accounts if of_persons else read_income
    kind = format_of(sent.path, sent.format)
    rows = rows_of(sent.path, kind, columns, checked.faults)
    lanes = read(rows, books.lane_of, checked.faults)
    counting = {
        file.file_no
        for file in await store.files(books.connection, sent.subject)
        if file.month == sent.month and file.state in _COUNTS
    }

    owed = {} if of_persons else {
        one.fund: one for one in await standings(books.connection, books.payers)
    }  # fmt: skip

    async def of_lane(connection: PlainConnection, lane: int, _: Pace) -> None:
        left = lanes[lane]
        if counting:
            left = await _not_said(connection, sent.month, lane, left, counting, checked)
        if not len(left):
            return
        checked.accounts[lane] = (
            await _persons(books, connection, lane, left, checked) if of_persons
            else _funds(books, left, checked, owed)
        )  # fmt: skip
        checked.new[lane] = left

    await share_out(books, by_lane(lanes), of_lane)
    checked.of_payers = payers_lines(checked.new, owed)
    return checked


def told_of(file: MoneyFile) -> str:
    """A file in one line."""
    return (
        f"{file.file_no} {file.subject.zh} {file.month:%Y-%m} {STATE_ZH[file.state]} "
        f"{file.state.value}  {file.row_count} 行 rows  收 in {yuan_text(file.in_fen)}  "
        f"支 out {yuan_text(file.out_fen)}  {file.name}"
    )


async def _take_in(books: MoneyBooks, sent: Sent, checked: Checked, who: Who) -> MoneyFile:
    await _sweep(books, sent.subject, who)
    into, out = in_and_out(checked.new)
    file = MoneyFile(
        lane=books.lane_of(checked.digest),
        file_no=await store.next_file_no(books.connection, books.moment.business_day),
        subject=sent.subject, month=sent.month, digest=checked.digest, name=sent.path.name,
        row_count=checked.row_count, in_fen=into, out_fen=out, totals=_text(checked, sent),
    )  # fmt: skip
    at = books.moment.at
    async with books.connection.transaction():
        await store.keep_file(books.connection, file)
        file = await store.keep_step(
            books.connection, file, Act.TAKE_IN, at=at, actor=who.actor, reason=who.reason
        )

    async def of_lane(connection: PlainConnection, lane: int, _: Pace) -> None:
        await _keep_lane(connection, file, lane, checked)

    await share_out(books, by_lane(checked.new), of_lane)
    return await store.keep_step(
        books.connection, file, Act.PROPOSE, at=at, actor=who.actor, reason=who.reason
    )


async def _keep_lane(
    connection: PlainConnection, file: MoneyFile, lane: int, checked: Checked
) -> None:
    """The rows of a lane, some of which share an entry; a transaction each."""
    if lane in checked.unopened:
        await store.open_balances(connection, lane, checked.unopened[lane])
    entry_id, _ = store.numbers(file.file_no, lane)
    accounts = checked.accounts[lane]
    for places in by_entry_code(checked.new[lane]):
        for begin in range(0, len(places), ROWS_OF_ENTRY_MAX):
            some = places[begin : begin + ROWS_OF_ENTRY_MAX]
            await store.keep_rows(
                connection, file, lane, entry_id, checked.new[lane].keep(some),
                [accounts[place] for place in some],
            )  # fmt: skip
            entry_id += 1


async def _sweep(books: MoneyBooks, subject: Subject, who: Who) -> None:
    """Files whose taking-in was cut short: nobody else takes in now, so they are given up."""
    for file in await store.files(books.connection, subject):
        if file.state is not State.TAKEN_IN:
            continue
        for lane in books.journal_of:
            await store.drop_rows(books.connection, file, lane)
        await store.keep_step(
            books.connection, file, Act.REJECT, at=books.moment.at, actor=who.actor,
            reason="接收中断 | its taking-in was cut short",
        )  # fmt: skip


async def _waiting(books: MoneyBooks, sent: Sent) -> MoneyFile | None:
    """A file of the same month that is not booked to its end."""
    for file in await store.files(books.connection, sent.subject):
        if file.month == sent.month and file.state in (State.PROPOSED, State.CONFIRMED):
            return file
    return None


async def _not_said(
    connection: PlainConnection, month: date, lane: int, own: Lane, counting: set[int],
    checked: Checked,
) -> Lane:  # fmt: skip
    """The rows of which no other file of the month says anything."""
    said: set[int] = set()
    for begin in range(0, len(own), _AT_ONCE):
        piece = own.keep(range(begin, min(begin + _AT_ONCE, len(own))))
        for place, file_no, fen in await store.said_before(connection, lane, month, piece):
            if file_no not in counting or begin + place in said:
                continue
            said.add(begin + place)
            if fen == piece.amounts[place]:
                checked.unchanged[file_no] = checked.unchanged.get(file_no, 0) + 1
                continue
            problem = Told(
                f"文件 {file_no} 已有同月同来源 {yuan_text(fen)} 元",
                f"file {file_no} has {yuan_text(fen)} of this month and source",
            )
            expected = Told("更正须另用凭证号补差", "a correction as a row of its own reference")
            checked.faults.append(
                Fault(
                    row=piece.row_nos[place], column="amount", problem=problem, expected=expected
                )
            )
    return own if not said else own.keep([p for p in range(len(own)) if p not in said])


async def _persons(
    books: MoneyBooks, connection: PlainConnection, lane: int, own: Lane, checked: Checked
) -> list[int]:
    """The accounts of the rows' persons; faults where there is none, or too little in it."""
    accounts: list[int] = []
    unopened: list[int] = []
    for begin in range(0, len(own), _AT_ONCE):
        persons = own.persons[begin : begin + _AT_ONCE]
        known = await store.accounts_of(connection, lane, persons)
        for place, one in enumerate(known, begin):
            if one is None:
                accounts.append(0)
                _fault(checked, own, place, "psn_no", "没有此人", "there is no such person")
                continue
            accounts.append(one.account)
            if one.spendable_fen is None:
                unopened.append(one.account)
            _check_row(books, own, place, one.spendable_fen or 0, checked)
    if unopened:
        checked.unopened[lane] = unopened
    return accounts


def _check_row(
    books: MoneyBooks, own: Lane, place: int, spendable_fen: int, checked: Checked
) -> None:
    source, fund = own.sources[place], own.funds[place]
    if fund and int(fund) not in books.funds:
        _fault(checked, own, place, "fund_pay_type", "没有此基金", "there is no such fund")
    elif fund and int(fund) in books.payers:
        _fault(
            checked, own, place, "fund_pay_type",
            f"该基金由{books.payers[int(fund)].name}承担，不能划入个人账户",
            "the fund is another payer's: it allots nothing",
        )  # fmt: skip
    whole = source.takes and source not in (Source.CLAWED_BACK, Source.REPAID)
    if whole and own.amounts[place] > spendable_fen:
        _fault(
            checked, own, place, "amount", f"账户可用余额只有 {yuan_text(spendable_fen)} 元",
            f"the account has {yuan_text(spendable_fen)}",
        )  # fmt: skip


def _funds(
    books: MoneyBooks, own: Lane, checked: Checked, owed: Mapping[str, Standing]
) -> list[int]:
    """The accounts of the rows' funds; faults where there is none, or where the fund has a payer
    and the row is not of that payer."""
    accounts = []
    for place, fund in enumerate(own.funds):
        source, payer = own.sources[place], books.payers.get(int(fund))
        if int(fund) not in books.funds:
            _fault(checked, own, place, "fund_pay_type", "没有此基金", "there is no such fund")
        elif source is Source.PAYER and fund not in owed:
            _fault(
                checked, own, place, "source", "该基金由经办机构承担，没有付款单位",
                "the fund is the agency's own: it has no payer",
            )  # fmt: skip
        elif source is not Source.PAYER and payer is not None:
            _fault(
                checked, own, place, "source",
                f"该基金由{payer.name}承担，来源只能是付款单位拨入",
                "the fund has a payer: only what the payer sends comes in",
            )  # fmt: skip
        accounts.append(_account_of(source, int(fund)))
    return accounts


def _account_of(source: Source, fund: int) -> int:
    if source is Source.ACCOUNT_INTEREST:
        return int(MoneyAccount.INTEREST_TO_ALLOT)
    if source is Source.PAYER:
        return chart.payer_account(fund)
    return chart.income_account(fund)


def _fault(
    checked: Checked, own: Lane, place: int, column: str, zh: str, en: str
) -> None:
    checked.faults.append(
        Fault(row=own.row_nos[place], column=column, problem=Told(zh, en))
    )


def _at_fault(checked: Checked) -> Said:
    count = len(checked.faults)
    return Said(
        1,
        f"{faults_text(checked.faults)}\n{count} 处错误 faults。"
        "未写入任何数据 | nothing was written",
    )


def _text(checked: Checked, sent: Sent) -> str:
    lines = [
        totals_text(checked.new, sent.subject, sent.month, checked.digest, checked.of_payers)
    ]
    lines += [
        f"  文件 {number} 已有 {count} 行，金额相同，不再入账 | in that file already, left out"
        for number, count in sorted(checked.unchanged.items())
    ]
    return "\n".join(lines)
