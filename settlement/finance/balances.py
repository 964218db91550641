"""`settlement balance` and `settlement account-statement`: any account, at any past moment.

The account is a person's number, or the number of an account. Statements go by business days, as
the books do; a balance by the instant. A fund moves with every settlement of a city, so its
statement is a line a day, each from sums that are folded at the ends of days; entries where
somebody asks for them.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

from msgspec import Struct

from ledger.account import Balance
from ledger.entry import GUARDED_FROM
from ledger.money import yuan_text
from settlement.books.past import Line, minus, parted, plus, since, what_for
from settlement.clock import CHINA, local_time
from settlement.finance.office import Office
from settlement.lanes import lane_of
from settlement.said import Said
from settlement.storage import past as store

HEADINGS = (
    "入账时间", "业务日期", "凭证号", "业务", "机构", "借方", "贷方", "冻结借方", "冻结贷方",
    "余额",
)  # fmt: skip


class Named(Struct, frozen=True, kw_only=True):
    """The account that somebody asks for."""

    account: int
    name: str
    debit_normal: bool
    lane: int | None = None
    """of a personal account"""

    def fen(self, balance: Balance) -> int:
        """The balance as this account is read."""
        credit = balance.credits_fen - balance.debits_fen
        return -credit if self.debit_normal else credit


async def balance(office: Office, asked: str, at: datetime, *, as_json: bool) -> Said:
    """What an account had at a local instant, all of its second included."""
    named = await _named(office, asked)
    if isinstance(named, Said):
        return named
    instant = at.replace(tzinfo=CHINA, microsecond=999_999)
    found = await _at(office, named, instant)
    held = found.debits_pending_fen if not named.debit_normal else found.credits_pending_fen
    if as_json:
        told = {
            "account": str(named.account), "name": named.name, "at": f"{at}",
            "balance_fen": named.fen(found), "held_fen": held, "debits_fen": found.debits_fen,
            "credits_fen": found.credits_fen,
        }  # fmt: skip
        return Said(0, json.dumps(told, ensure_ascii=False))
    lines = [
        f"{named.account} {named.name}  {at:%Y-%m-%d %H:%M:%S} 余额 "
        f"{yuan_text(named.fen(found))} 元",
        f"  借方累计 {yuan_text(found.debits_fen)}，贷方累计 {yuan_text(found.credits_fen)}，"
        f"冻结 {yuan_text(held)} | debits, credits, held",
    ]  # fmt: skip
    return Said(0, "\n".join(lines))


async def statement(
    office: Office, asked: str, first: date, last: date, out: Path | None, *,
    entries: bool = False,
) -> Said:  # fmt: skip
    """Opening balance, what moved it on some business days, closing balance. Of a person every
    entry and what it is for; of any other account a line a day, or the `entries`."""
    named = await _named(office, asked)
    if isinstance(named, Said):
        return named
    if first > last:
        return Said(1, f"{first} 在 {last} 之后 | the period ends before it begins")
    by_entry = entries or named.lane is not None
    write = _write if by_entry else _write_days
    if out is None:
        text = io.StringIO()
        await write(office, named, first, last, text)
        return Said(0, text.getvalue().rstrip("\n"))
    try:
        with out.open("w", encoding="utf-8-sig", newline="") as file:
            rows = await write(office, named, first, last, file)
    except OSError as exc:
        return Said(1, f"{out} 写不了 | cannot be written: {exc.strerror}")
    return Said(0, f"{out}：{rows} {'笔 | entries' if by_entry else '天 | days'}")


async def _write_days(
    office: Office, named: Named, first: date, last: date, file: io.TextIOBase | io.TextIOWrapper
) -> int:
    """A line for each day on which the account was moved; how many."""
    table = csv.writer(file, lineterminator="\n")
    table.writerow(HEADINGS)
    now = await _end_of(office, named, first - timedelta(days=1))
    table.writerow(_edge(f"{first}", "期初余额", named, now))
    rows = 0
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        before, now = now, await _end_of(office, named, day)
        if now != before:
            table.writerow(_day_row(day, named, before, now))
            rows += 1
    table.writerow(_edge(f"{last}", "期末余额", named, now))
    return rows


async def _end_of(office: Office, named: Named, day: date) -> Balance:
    """What an account of the chart had at the end of a business day."""
    sums = await store.sums_at(office.connection, day=day, account=named.account)
    return sums.get(named.account, Balance())


async def _write(
    office: Office, named: Named, first: date, last: date, file: io.TextIOBase | io.TextIOWrapper
) -> int:
    table = csv.writer(file, lineterminator="\n")
    table.writerow(HEADINGS)
    now: Balance | None = None
    rows = 0
    async for opening, lines in _days(office, named, first, last):
        if now is None:
            now = opening
            table.writerow(_edge(f"{first}", "期初余额", named, now))
        for line in lines:
            now = plus(now, (line,))
            table.writerow(_row(line, named, now))
        rows += len(lines)
    table.writerow(_edge(f"{last}", "期末余额", named, now or Balance()))
    return rows


async def _days(
    office: Office, named: Named, first: date, last: date
) -> AsyncIterator[tuple[Balance, list[Line]]]:
    """The opening balance with the entries, some at a time: of a fund a day, of a person all."""
    if named.lane is not None:
        begins = datetime.combine(first, time(), tzinfo=CHINA)
        now, lines = await store.personal_history(
            office.connection, named.lane, named.account, begins
        )
        within, after = parted(lines, first, last)
        yield minus(now, after), within
        return
    opening = await _end_of(office, named, first - timedelta(days=1))
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        yield opening, await store.entries_of_day(office.connection, named.account, day)


async def _at(office: Office, named: Named, at: datetime) -> Balance:
    if named.lane is None:
        sums = await store.sums_at(office.connection, at=at, account=named.account)
        return sums.get(named.account, Balance())
    now, lines = await store.personal_history(
        office.connection, named.lane, named.account, at
    )
    return minus(now, since(lines, at))


async def _named(office: Office, asked: str) -> Named | Said:
    """A person's account, or that of a number."""
    lane = lane_of(asked, office.home.lanes)
    account = await store.account_of_person(office.connection, lane, asked)
    if account:
        return Named(account=account, name="个人账户", debit_normal=False, lane=lane)
    if account is None and asked.isascii() and asked.isdecimal() and len(asked) <= 18:
        number = int(asked)
        if number >= GUARDED_FROM:
            found = await store.lane_of_account(office.connection, number)
            if found is not None:
                return Named(account=number, name="个人账户", debit_normal=False, lane=found)
        striped = await store.striped_account(office.connection, number)
        if striped is not None:
            return Named(account=number, name=striped.name, debit_normal=striped.debit_normal)
    return Said(
        1, f"没有人员或账户 {asked} | there is no person with an account here, nor an account"
    )


def _edge(day: str, what: str, named: Named, balance: Balance) -> tuple[str, ...]:
    return ("", day, "", what, "", "", "", "", "", yuan_text(named.fen(balance)))


def _day_row(day: date, named: Named, before: Balance, now: Balance) -> tuple[str, ...]:
    moved = (
        now.debits_fen - before.debits_fen, now.credits_fen - before.credits_fen,
        now.debits_pending_fen - before.debits_pending_fen,
        now.credits_pending_fen - before.credits_pending_fen,
    )  # fmt: skip
    return (
        "", f"{day}", "", "当日合计", "", *map(yuan_text, moved), yuan_text(named.fen(now))
    )


def _row(line: Line, named: Named, balance: Balance) -> tuple[str, ...]:
    return (
        f"{local_time(line.booked_at):%Y-%m-%d %H:%M:%S}", f"{line.business_day}",
        f"{line.entry_id}", what_for(line), line.institution, yuan_text(line.debits),
        yuan_text(line.credits), yuan_text(line.debits_pending), yuan_text(line.credits_pending),
        yuan_text(named.fen(balance)),
    )  # fmt: skip
