"""What happened today (今日), kept up to date by reading the blocks that are new.

One book for the whole process: the first look of a day reads the day, every later one what came
since, and everybody who looks within two seconds is shown the same. An institution's finance gets
its own part of the same sums.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from pathlib import Path

from msgspec import Struct

from settlement.books.day_money import ChannelMoney, Money, channels_moved, funds_paid
from settlement.clock import local_time
from settlement.rows import RowKind
from settlement.storage import console_day
from settlement.storage.console_day import MoneySum, RowSum
from settlement.storage.lease import PlainConnection
from settlement.telemetry.metrics import Outcome, published

FRESH_SECONDS = 2.0
BLOCKS_AT_ONCE = 200
"""Full ones are 25,000 entries: well within what a statement may take."""
HOURS = 24

Reading = Callable[[], AbstractAsyncContextManager[PlainConnection]]


class Volume(Struct, kw_only=True):
    """What came of one transaction today."""

    infno: str
    settled: int = 0
    cancelled: int = 0
    reversed: int = 0
    total_fen: int = 0
    fund_fen: int = 0
    account_fen: int = 0
    cash_fen: int = 0


class Figures(Struct, frozen=True, kw_only=True):
    """Today, for whoever looks."""

    day: date
    at: datetime
    volumes: list[Volume]
    funds: list[tuple[str, int]]
    channels: list[ChannelMoney]
    hours: list[int]
    """settlements by hour"""

    @property
    def settled(self) -> int:
        """Settlements, without those taken back."""
        return sum(one.settled for one in self.volumes)

    @property
    def taken_back(self) -> int:
        """Cancels and reversals."""
        return sum(one.cancelled + one.reversed for one in self.volumes)

    @property
    def total_fen(self) -> int:
        """All fees."""
        return sum(one.total_fen for one in self.volumes)

    @property
    def fund_fen(self) -> int:
        """What funds paid."""
        return sum(one.fund_fen for one in self.volumes)

    @property
    def account_fen(self) -> int:
        """What accounts paid."""
        return sum(one.account_fen for one in self.volumes)

    @property
    def cash_fen(self) -> int:
        """What people paid themselves."""
        return sum(one.cash_fen for one in self.volumes)


class _Book:
    """The sums of one day."""

    def __init__(self, day: date) -> None:
        self.day = day
        self.through: dict[int, int] = {}
        self.rows: dict[tuple[str, str, int, int], RowSum] = {}
        self.money: Counter[tuple[int, int]] = Counter()

    def add(self, rows: list[RowSum], money: list[MoneySum]) -> None:
        for row in rows:
            key = row.institution, row.infno, row.kind, row.hour
            before = self.rows.get(key)
            self.rows[key] = row if before is None else _sum(before, row)
        for one in money:
            self.money[one.debit, one.credit] += one.amount_fen


class Today:
    """See the module."""

    def __init__(self, reading: Reading, run_dir: Path) -> None:
        self._reading = reading
        self._run_dir = run_dir
        self._turn = asyncio.Lock()
        self._book: _Book | None = None
        self._read_at: datetime | None = None
        self._names: dict[int, str] = {}

    async def figures(self, at: datetime, *, institution: str | None, base: int | None) -> Figures:
        """Of everybody, or of the institution whose accounts begin at `base`."""
        async with self._turn:
            book = await self._fresh(at)
        rows = [row for row in book.rows.values() if institution in (None, row.institution)]
        money = {
            pair: amount
            for pair, amount in book.money.items()
            if base is None or _is_of(pair, base)
        }
        return Figures(
            day=book.day, at=self._read_at or at, volumes=_volumes(rows),
            funds=self._funds(money), channels=channels_moved(money), hours=_hours(rows),
        )  # fmt: skip

    def outcomes(self) -> list[tuple[str, list[int]]]:
        """Requests answered since the server was started, by transaction and outcome, the most
        frequent first."""
        sums: dict[str, list[int]] = {}
        for numbers in published(self._run_dir):
            for infno, counts in numbers.requests.items():
                mine = sums.setdefault(infno, [0] * len(Outcome))
                for place, count in enumerate(counts):
                    mine[place] += count
        return sorted(sums.items(), key=lambda one: -sum(one[1]))

    async def _fresh(self, at: datetime) -> _Book:
        day = local_time(at).date()
        book = self._book
        if book is None or book.day != day:
            book = _Book(day)
        elif self._read_at is not None and (at - self._read_at).total_seconds() < FRESH_SECONDS:
            return book
        async with self._reading() as connection:
            await self._read_on(connection, book)
            if not self._names:
                self._names = await console_day.account_names(connection)
        self._book, self._read_at = book, at
        return book

    async def _read_on(self, connection: PlainConnection, book: _Book) -> None:
        for journal, last in (await console_day.journals(connection)).items():
            after = book.through.get(journal)
            if after is None:
                after = await console_day.last_before(connection, journal, book.day)
            while after < last:
                through = min(last, after + BLOCKS_AT_ONCE)
                rows = await console_day.rows_of(connection, journal, after, through)
                money = await console_day.money_of(connection, journal, after, through)
                book.add(rows, money)
                after = through
            book.through[journal] = after

    def _funds(self, money: Money) -> list[tuple[str, int]]:
        spent = funds_paid(money)
        named = [(self._names.get(account, str(account)), fen) for account, fen in spent.items()]
        return sorted(named, key=lambda one: -one[1])


def _sum(one: RowSum, other: RowSum) -> RowSum:
    return RowSum(
        institution=one.institution, infno=one.infno, kind=one.kind, hour=one.hour,
        cases=one.cases + other.cases, total_fen=one.total_fen + other.total_fen,
        fund_fen=one.fund_fen + other.fund_fen, account_fen=one.account_fen + other.account_fen,
        cash_fen=one.cash_fen + other.cash_fen, hospital_fen=one.hospital_fen + other.hospital_fen,
    )  # fmt: skip


def _is_of(pair: tuple[int, int], base: int) -> bool:
    """Whether an account of the pair is one of the institution's."""
    return any(account // 10 * 10 == base or account // 100 * 10 == base for account in pair)


def _volumes(rows: list[RowSum]) -> list[Volume]:
    found: dict[str, Volume] = {}
    for row in rows:
        one = found.setdefault(row.infno, Volume(infno=row.infno))
        if row.kind == RowKind.SETTLE:
            one.settled += row.cases
        elif row.kind == RowKind.CANCEL:
            one.cancelled += row.cases
        else:
            one.reversed += row.cases
        one.total_fen += row.total_fen
        one.fund_fen += row.fund_fen
        one.account_fen += row.account_fen
        one.cash_fen += row.cash_fen
    return sorted(found.values(), key=lambda one: one.infno)


def _hours(rows: list[RowSum]) -> list[int]:
    counts = [0] * HOURS
    for row in rows:
        if row.kind == RowKind.SETTLE:
            counts[row.hour] += row.cases
    return counts
