"""Counts what operators see and only a query can tell, now and then, for all processes.

Money of the running day is read from the blocks that are new, as the console's page of today is, so
that counting again costs what came since. Every class, channel and kind is counted that is known,
also where it is none: a number that appears out of nothing has no past to be compared with.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta

from settlement.books import channel_matching
from settlement.books.day_money import ChannelMoney, channels_moved, funds_paid
from settlement.books.difference_states import UNDER_WAY
from settlement.chart import CHANNEL_OFFSET, FUND_BASE
from settlement.clock import Clock, local_time, monotonic, system_clock
from settlement.elsewhere import regional_matching
from settlement.storage import census as store
from settlement.storage import closing, console_day, differences, reference
from settlement.storage.lease import PlainConnection
from settlement.telemetry.metrics import METRICS
from settlement.telemetry.numbers import Sample
from settlement.usecases.payment_effects import PEOPLES_TURN

IN_DOUBT = ("payment", "by_hand", "mobile", "remote", "family")
EVERY_SLOWLY = timedelta(seconds=60)
"""How often is counted what takes longer and changes slowly."""
BLOCKS_AT_ONCE = 200

Samples = dict[str, list[Sample]]


class Census:
    """The loop's step."""

    def __init__(self, *, clock: Clock = system_clock) -> None:
        self._clock = clock
        self._day = _DayMoney()
        self._slow: Samples = {}
        self._slow_at: datetime | None = None

    async def step(self, connection: PlainConnection) -> int:
        """Count; how much is in doubt."""
        if await reference.installation(connection) is None:
            return 0
        at = self._clock()
        doubt = await store.in_doubt(connection, PEOPLES_TURN)
        await self._day.read_on(connection, local_time(at).date())
        if self._slow_at is None or at - self._slow_at >= EVERY_SLOWLY:
            self._slow = await _count_slowly(connection, at)
            self._slow_at = at
        METRICS.counted(_of_doubt(doubt, at) | self._day.samples() | self._slow, monotonic())
        return sum(one.found for one in doubt)


class _DayMoney:
    """What funds paid and channels moved on one day, so far."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._through: dict[int, int] = {}
        self._money: Counter[tuple[int, int]] = Counter()
        self._funds: set[int] = set()

    async def read_on(self, connection: PlainConnection, day: date) -> None:
        """Add the blocks that came since the last time."""
        if day != self._day:
            self._day, self._through, self._money = day, {}, Counter()
            self._funds = set(await console_day.account_names(connection))
        for journal, last in (await console_day.journals(connection)).items():
            after = self._through.get(journal)
            if after is None:
                after = await console_day.last_before(connection, journal, day)
            while after < last:
                through = min(last, after + BLOCKS_AT_ONCE)
                for one in await console_day.money_of(connection, journal, after, through):
                    self._money[one.debit, one.credit] += one.amount_fen
                after = through
            self._through[journal] = after

    def samples(self) -> Samples:
        """Every fund that there is and every channel."""
        paid = funds_paid(self._money)
        moved = {one.name: one for one in channels_moved(self._money)}
        channels = [moved.get(name, ChannelMoney(name=name)) for name in CHANNEL_OFFSET]
        return {
            "settlement_fund_paid_today_fen": [
                ((str(fund - FUND_BASE),), paid[fund]) for fund in sorted(self._funds | set(paid))
            ],
            "settlement_channel_collected_today_fen": [
                ((one.name,), one.collected_fen) for one in channels
            ],
            "settlement_channel_returned_today_fen": [
                ((one.name,), one.returned_fen) for one in channels
            ],
        }


def _of_doubt(doubt: Iterable[store.InDoubt], at: datetime) -> Samples:
    found = {one.what: one for one in doubt}
    ages = {what: int((at - one.oldest_at).total_seconds()) for what, one in found.items()}
    return {
        "settlement_in_doubt": [
            ((what,), found[what].found if what in found else 0) for what in IN_DOUBT
        ],
        "settlement_in_doubt_oldest_seconds": [
            ((what,), max(ages.get(what, 0), 0)) for what in IN_DOUBT
        ],
    }


async def _count_slowly(connection: PlainConnection, at: datetime) -> Samples:
    channel: Counter[str] = Counter()
    for one in await differences.counted(connection):
        if one.state in UNDER_WAY:
            channel[one.found] += one.rows
    region = await store.region_differences(connection)
    used = await store.database_use(connection)
    first_open = await closing.first_open_day(connection)
    today = local_time(at).date()
    days_open = 0 if first_open is None else max((today - first_open).days, 0)
    return {
        "settlement_differences_open": [
            *_by_class("channel", channel_matching.Class, channel),
            *_by_class("region", regional_matching.Class, region),
        ],
        "settlement_day_closings_due": [((), days_open)],
        "settlement_database_bytes": [((), used.bytes)],
        "settlement_database_connections": [((), used.connections)],
        "settlement_database_connections_max": [((), used.connections_max)],
    }


def _by_class(party: str, classes: Iterable[str], found: Mapping[str, int]) -> list[Sample]:
    return [((party, str(one)), found.get(one, 0)) for one in classes]
