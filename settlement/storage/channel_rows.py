"""Our side of matching with channels: listing what moved, and reading both sides of a lane.

Listing goes day by day, each day one statement: a day is found by the time of its events. Reading
goes lane by lane, and what agrees is counted where it lies (ADR 0039).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.books.bill_schedule import files_around
from settlement.books.channel_matching import (
    CHANNELS_WITH_STATES,
    Key,
    Kind,
    Ours,
    Rate,
    Said,
    Sent,
    Theirs,
    said,
    states,
)
from settlement.clock import CHINA
from settlement.storage import reference
from settlement.storage.queries import MATCHING, MATCHING_SCATTER
from settlement.storage.sharing import pace_of, share_out

SETTLES_FOR = timedelta(minutes=15)
"""How long after its end a day may still get rows: longer than anybody's transaction."""
DAY = timedelta(days=1)

Bill = tuple[str, str, date]
"""Channel, merchant, day."""
Rates = Mapping[tuple[str, str], Sequence[tuple[date, Rate]]]


class Period(Struct, frozen=True, kw_only=True):
    """Days, the last one included, and what all lanes are read with."""

    first: date
    last: date
    replaced: tuple[int, ...]
    """files that count no more"""
    unbilled: tuple[Bill, ...]
    """days of ours without a bill"""
    rates: Rates


class Sum(Struct, frozen=True):
    """Rows and what they come to, fen, signed."""

    rows: int = 0
    fen: int = 0

    def __add__(self, other: Sum) -> Sum:
        """Both."""
        return Sum(self.rows + other.rows, self.fen + other.fen)


class Sides(Struct, frozen=True, kw_only=True):
    """A lane of a period: sums by side and channel, and the rows that do not simply agree."""

    sums: dict[tuple[str, str], Sum]
    """side (ours, theirs, agreed, unbilled) and channel"""
    ours: list[Ours]
    theirs: list[Theirs]

    @property
    def keys(self) -> frozenset[Key]:
        """What the rows are known by."""
        return frozenset([one.key for one in self.ours] + [one.key for one in self.theirs])


async def list_days(
    connection: Connection[Record], first: date, last: date, now: datetime, *,
    beside: Sequence[Connection[Record]] = (),
) -> int:  # fmt: skip
    """List what moved on the days of a period that are not listed for good; how many days. With
    connections beside it each lists its share of the lanes: of a lane's days the first that says
    something counts, so they go in order."""
    found = await connection.fetch(MATCHING_SCATTER["days_not_listed"], first, last)
    days = [day for row in found if _begins(day := row["day"]) <= now]
    connections = [connection, *beside]
    lanes = sorted(await reference.lanes(connection))
    shares = [lanes[n :: len(connections)] for n in range(len(connections))]

    async def through(own: Connection[Record], share: Sequence[int]) -> None:
        pace = pace_of(len(connections))
        await pace.rest(own)  # counts the blocks that are there
        for day in days:
            begins = _begins(day)
            await own.execute(
                MATCHING_SCATTER["list_channel_rows"], begins, begins + DAY, list(share)
            )
            await pace.rest(own)

    await share_out(connections, shares, through, rests=False)
    for day in days:
        if now >= _begins(day) + DAY + SETTLES_FOR:
            await connection.execute(MATCHING_SCATTER["keep_channel_day"], day, now)
    return len(found)


def _begins(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), tzinfo=CHINA)


async def moved(
    connection: Connection[Record], channel: str, merchant: str, day: date,
    between: tuple[datetime, datetime], now: datetime,
) -> bool:  # fmt: skip
    """Whether we have rows of a merchant that we learnt of between two instants around a day. Of
    the day behind it no more is listed than lies between them."""
    begins, ends = between
    first, last = begins.astimezone(CHINA).date(), ends.astimezone(CHINA).date()
    await list_days(connection, first, day, now)
    if last > day:
        lanes = sorted(await reference.lanes(connection))
        await connection.execute(
            MATCHING_SCATTER["list_channel_rows"], _begins(last), ends, lanes
        )
    found: bool = await connection.fetchval(
        MATCHING_SCATTER["moved_between"], channel, merchant, first, last, begins, ends
    )
    return found


async def days_of_ours(
    connection: Connection[Record], first: date, last: date
) -> set[Bill]:
    """On which listed days of a period we have rows."""
    return {
        (row["channel"], row["merchant"], row["day"])
        for row in await connection.fetch(MATCHING_SCATTER["days_of_ours"], first, last)
    }


async def files_counted(
    connection: Connection[Record], first: date, last: date
) -> dict[date, int]:
    """How many bills of payments came for each day of a period and its two neighbours."""
    rows = await connection.fetch(MATCHING_SCATTER["files_counted"], first - DAY, last + DAY)
    return {row["bill_day"]: row["n"] for row in rows}


async def days_matched(
    connection: Connection[Record], first: date, last: date
) -> dict[date, int]:
    """How many of them the last matching of each day had seen."""
    rows = await connection.fetch(MATCHING_SCATTER["days_matched"], first, last)
    return {row["day"]: row["files"] for row in rows}


async def keep_matched(
    connection: Connection[Record], first: date, last: date, files: Mapping[date, int],
    at: datetime,
) -> None:  # fmt: skip
    """The days of a period were matched with these files."""
    days = [first + DAY * n for n in range((last - first).days + 1)]
    await connection.execute(
        MATCHING_SCATTER["keep_matched_days"], at, days,
        [files_around(one, files) for one in days],
    )  # fmt: skip


async def read_period(
    connection: Connection[Record], first: date, last: date
) -> tuple[Period, frozenset[Bill]]:
    """What is read once for all lanes; and of which days bills of merchants of ours are missing,
    the day behind the period among them."""
    replaced = await connection.fetch(MATCHING_SCATTER["files_replaced"])
    around = first, last + DAY
    bills = {
        (row["channel"], row["merchant"], row["bill_day"])
        for row in await connection.fetch(MATCHING_SCATTER["bills_here"], *around)
    }
    ours = await days_of_ours(connection, first, last)
    behind = {(channel, merchant, day + DAY) for channel, merchant, day in ours}
    period = Period(
        first=first, last=last, replaced=tuple(row["file_no"] for row in replaced),
        unbilled=tuple(sorted(ours - bills)), rates=await fee_rates(connection),
    )  # fmt: skip
    return period, frozenset((ours | behind) - bills)


async def fee_rates(connection: Connection[Record]) -> Rates:
    """What channels keep, by channel and merchant, the latest first."""
    found: dict[tuple[str, str], list[tuple[date, Rate]]] = {}
    for row in await connection.fetch(MATCHING_SCATTER["fee_rates"]):
        rate = Rate(rate_bp=row["rate_bp"], tolerance_fen=row["tolerance_fen"])
        found.setdefault((row["channel"], row["merchant"]), []).append((row["since"], rate))
    return found


async def read_lane(connection: Connection[Record], lane: int, period: Period) -> Sides:
    """Both sides of a lane; one statement, so one snapshot."""
    rates = [
        (channel, merchant, since, rate.rate_bp, rate.tolerance_fen)
        for (channel, merchant), many in period.rates.items()
        for since, rate in many
    ]
    async with connection.transaction(readonly=True):
        await connection.execute(MATCHING_SCATTER["plan_for_many_rows"])
        rows = await connection.fetch(
            MATCHING["match_lane"], lane, period.first, period.last, list(period.replaced),
            states(Said.DONE), states(Said.TAKEN_BACK), sorted(CHANNELS_WITH_STATES),
            *_columns(period.unbilled, 3), *_columns(rates, 5),
        )  # fmt: skip
    sides = Sides(sums={}, ours=[], theirs=[])
    for row in rows:
        match row["side"]:
            case "our row":
                sides.ours.append(_ours(row))
            case "their row":
                sides.theirs.append(_theirs(row))
            case side:
                sides.sums[side, row["channel"]] = Sum(row["n"], row["fen"])
    return sides


async def payments_around(
    connection: Connection[Record], lane: int, days: Collection[date], period: Period,
    places: Sequence[tuple[str, str]], channel_nos: Sequence[str],
) -> Sides:  # fmt: skip
    """Payments of some days of a lane that differ, at some channels' merchants or with some of the
    channels' numbers; without sums. Of the period, files that count no more."""
    near = {day + n * DAY for day in days for n in (-1, 0, 1)}
    async with connection.transaction(readonly=True):
        await connection.execute(MATCHING_SCATTER["plan_for_many_rows"])
        rows = await connection.fetch(
            MATCHING["payments_around"], lane, sorted(days), sorted(near), *_columns(places, 2),
            list(channel_nos), list(period.replaced), states(Said.DONE),
            sorted(CHANNELS_WITH_STATES),
        )  # fmt: skip
    return Sides(
        sums={},
        ours=[_ours(row) for row in rows if row["side"] == "our row"],
        theirs=[_theirs(row) for row in rows if row["side"] == "their row"],
    )


async def ours_of(
    connection: Connection[Record], lane: int, order_nos: Iterable[str]
) -> list[Ours]:
    """What we have of some order numbers, of whatever day."""
    rows = await connection.fetch(MATCHING["channel_rows_of"], lane, list(order_nos))
    return [_ours(row) for row in rows]


async def theirs_of(
    connection: Connection[Record], lane: int, order_nos: Iterable[str], period: Period
) -> list[Theirs]:
    """What the bills of a period have of some order numbers."""
    rows = await connection.fetch(
        MATCHING["bill_rows_of"], lane, period.first, period.last, list(order_nos),
        list(period.replaced),
    )  # fmt: skip
    return [_theirs(row) for row in rows]


async def sent_of(
    connection: Connection[Record], lane: int, numbers: Iterable[str]
) -> dict[str, Sent]:
    """Those of some numbers that we sent to a channel."""
    rows = await connection.fetch(MATCHING["sent_to_channels"], lane, list(numbers))
    return {
        row["order_no"]: Sent(
            pay_no=row["pay_no"], institution=row["institution"], merchant=row["merchant"],
            custody=row["custody"],
        )
        for row in rows
    }  # fmt: skip


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    return [[row[place] for row in rows] for place in range(width)]


def _ours(row: Record) -> Ours:
    return Ours(
        pay_no=row["pay_no"], kind=Kind(row["kind"]), channel=row["channel"],
        merchant=row["merchant"], custody=row["custody"], institution=row["institution"],
        order_no=row["order_no"], refund_no=row["refund_no"], channel_no=row["channel_no"],
        amount_fen=row["amount_fen"], day=row["day"], paid_day=row["paid_day"],
        reversed=row["reversed"],
    )  # fmt: skip


def _theirs(row: Record) -> Theirs:
    kind = Kind(row["kind"])
    return Theirs(
        file_no=row["file_no"], row_no=row["row_no"], kind=kind, channel=row["channel"],
        merchant=row["merchant"], order_no=row["order_no"], refund_no=row["refund_no"],
        channel_no=row["channel_no"], amount_fen=row["amount_fen"], fee_fen=row["fee_fen"],
        day=row["day"], said=said(row["channel"], kind, row["status"]),
    )  # fmt: skip
