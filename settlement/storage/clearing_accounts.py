"""Clearing accounts of payment channels, as kept: what a lane's rows come to, steps, and sums."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.books.channel_matching import CHANNELS_WITH_STATES, Class, Kind, Said, states
from settlement.books.clearing_accounts import Held, Kept, Open, Place, Sums
from settlement.books.difference_states import State
from settlement.clock import local_time
from settlement.storage.channel_rows import Period
from settlement.storage.queries import CLEARING, CLEARING_SCATTER, MATCHING_SCATTER

LOCK_CLASS = 0x5E7745
"""The first half of the key of the lock that matchings take turns by."""
LOOKED_AROUND = timedelta(days=31)
"""How far from the period a bill is looked for."""
HELD_DAYS = 400
"""How old what is open may be to be shown: as long as keys of messages live."""


class Standing(Struct, frozen=True, kw_only=True, gc=False):
    """An account as it is kept."""

    sums: Sums = Sums()
    step_no: int = 0
    borne_by: str = ""
    """who bears what was booked of its fees; empty where nothing was"""


class Step(Struct, frozen=True, kw_only=True, gc=False):
    """What a matching changed of an account."""

    place: Place
    step_no: int
    sums: Sums
    entry_id: int | None = None
    borne_by: str = ""
    rule: str = ""
    is_first: bool = True
    """of a fee: none of the account was booked before; not kept"""


class Group(Struct, frozen=True, kw_only=True):
    """Which accounts somebody asks for; None for all."""

    first: date
    last: date
    institution: str | None = None
    channel: str | None = None


class Grouped(Struct, frozen=True, kw_only=True):
    """A period's accounts by channel and day, and of some institutions each as a whole."""

    days: Mapping[tuple[str, date], Kept]
    institutions: Mapping[str, Kept] = {}


class AccountOfDay(Struct, frozen=True, kw_only=True):
    """One account with the entries of its fees."""

    place: Place
    standing: Standing
    entries: Sequence[int]


class Row(Struct, frozen=True, kw_only=True):
    """A payment or refund of ours, with what bills say under its numbers."""

    pay_no: int
    is_refund: bool
    is_undone: bool
    """the row says that the payment was undone at the channel"""
    channel: str
    merchant: str
    order_no: str
    refund_no: str
    amount_fen: int
    at: datetime
    bill_day: date | None
    billed_fen: int | None
    fee_fen: int | None


@asynccontextmanager
async def keeping(connection: Connection[Record]) -> AsyncIterator[None]:
    """One's turn to keep clearing accounts, until it ends or the session does."""
    await connection.execute(CLEARING_SCATTER["lock_clearing"], LOCK_CLASS)
    try:
        yield
    finally:
        await connection.execute(CLEARING_SCATTER["unlock_clearing"], LOCK_CLASS)


async def merchants_with_fund_bills(
    connection: Connection[Record], first: date, last: date
) -> list[tuple[str, str]]:
    """Channel and merchant, where fund bills around a period say what came in."""
    rows = await connection.fetch(
        CLEARING_SCATTER["merchants_with_fund_bills"], first - LOOKED_AROUND, last + LOOKED_AROUND
    )
    return [(row["channel"], row["merchant"]) for row in rows]


async def read_lane(
    connection: Connection[Record], lane: int, period: Period, funded: Sequence[tuple[str, str]]
) -> list[tuple[Place, Sums]]:
    """What the rows of a lane come to; one statement, so one snapshot."""
    missing = period.unbilled
    async with connection.transaction(readonly=True):
        await connection.execute(MATCHING_SCATTER["plan_for_many_rows"])
        rows = await connection.fetch(
            CLEARING["clearing_of_lane"], lane, period.first, period.last, list(period.replaced),
            states(Said.DONE), sorted(CHANNELS_WITH_STATES), [one[0] for one in missing],
            [one[1] for one in missing], [one[2] for one in missing], [one[0] for one in funded],
            [one[1] for one in funded], LOOKED_AROUND.days,
        )  # fmt: skip
    return [(_place(row), _sums(row)) for row in rows]


async def kept_of_lane(
    connection: Connection[Record], lane: int, first: date, last: date
) -> dict[Place, Standing]:
    """The accounts of a period in a lane of institutions."""
    rows = await connection.fetch(CLEARING["clearing_kept"], lane, first, last)
    return {_place(row): _standing(row) for row in rows}


async def keep_steps(
    connection: Connection[Record], lane: int, steps: Sequence[Step], at: datetime
) -> None:
    """Keep what changed."""
    await connection.execute(
        CLEARING["keep_clearing_steps"], lane, at, local_time(at).date(),
        *(list(column) for column in zip(*(_columns(one) for one in steps), strict=True)),
    )  # fmt: skip


async def totals(connection: Connection[Record], which: Group, today: date) -> Grouped:
    """What the accounts of a period come to, over all institutions."""
    rows = await connection.fetch(
        CLEARING_SCATTER["clearing_totals"], which.channel, which.first, which.last, today
    )
    return Grouped(days={(row["channel"], row["day"]): _kept(row) for row in rows})


async def of_institutions(
    connection: Connection[Record], which: Group, places: Sequence[tuple[int, str]], today: date
) -> Grouped:
    """What the accounts of some institutions come to; each with the lane that they lie in."""
    rows = await connection.fetch(
        CLEARING_SCATTER["clearing_of_institutions"], [lane for lane, _ in places],
        [code for _, code in places], which.channel, which.first, which.last, today,
    )  # fmt: skip
    return Grouped(
        days={(row["channel"], row["day"]): _kept(row) for row in rows if row["day"] is not None},
        institutions={row["institution"]: _kept(row) for row in rows if row["day"] is None},
    )


async def waiting(connection: Connection[Record], which: Group) -> dict[str, int]:
    """Of which institutions something has no bill yet, and how much, fen."""
    rows = await connection.fetch(
        CLEARING_SCATTER["clearing_waiting"], which.channel, which.first, which.last
    )
    return {row["institution"]: row["fen"] for row in rows}


async def open_since(
    connection: Connection[Record], which: Group, today: date
) -> list[Open]:
    """What is open by channel and day, of whatever day."""
    rows = await connection.fetch(
        CLEARING_SCATTER["clearing_open"], which.institution, which.channel,
        today - timedelta(days=HELD_DAYS),
    )  # fmt: skip
    return [Open(channel=row["channel"], day=row["day"], fen=row["fen"]) for row in rows]


async def held(connection: Connection[Record], which: Group) -> list[Held]:
    """The differences of a period."""
    rows = await connection.fetch(
        CLEARING_SCATTER["clearing_differences"], which.institution, which.channel, which.first,
        which.last,
    )  # fmt: skip
    return [_held(row) for row in rows]


async def accounts_of_day(
    connection: Connection[Record], which: Group, limit: int
) -> list[AccountOfDay]:
    """The accounts of a day, those first in which most is open."""
    rows = await connection.fetch(
        CLEARING_SCATTER["clearing_accounts_of_day"], which.institution, which.channel,
        which.first, limit,
    )  # fmt: skip
    return [
        AccountOfDay(place=_place(row), standing=_standing(row), entries=row["entries"] or ())
        for row in rows
    ]


async def rows_of_day(
    connection: Connection[Record], institution: str, channel: str | None, day: date, limit: int
) -> list[Row]:
    """Our rows of a day of one institution."""
    rows = await connection.fetch(
        CLEARING_SCATTER["clearing_rows"], institution, channel, day, limit
    )
    return [
        Row(
            pay_no=row["pay_no"], is_refund=row["kind"] == 2, is_undone=row["kind"] == 3,
            channel=row["channel"], merchant=row["merchant"], order_no=row["order_no"],
            refund_no=row["refund_no"], amount_fen=row["amount_fen"], at=row["at"],
            bill_day=row["bill_day"], billed_fen=row["billed_fen"], fee_fen=row["fee_fen"],
        )
        for row in rows
    ]  # fmt: skip


def _columns(step: Step) -> tuple[object, ...]:
    place, sums = step.place, step.sums
    return (
        place.institution, place.channel, place.custody, place.merchant, place.day, step.step_no,
        sums.rows, sums.paid_fen, sums.refunded_fen, sums.unbilled_fen, sums.unbilled_volume_fen,
        sums.unfunded_fen, sums.unfunded_volume_fen, sums.fee_fen, sums.booked_fee_fen,
        step.entry_id, step.borne_by, step.rule,
    )  # fmt: skip


def _place(row: Record) -> Place:
    return Place(
        institution=row["institution"], channel=row["channel"], custody=row["custody"],
        merchant=row["merchant"], day=row["day"],
    )  # fmt: skip


def _kept(row: Record) -> Kept:
    return Kept(
        sums=_sums(row, booked=row["booked_fee_fen"]), old_fen=tuple(row["old_fen"]),
        in_time_fen=tuple(row["cleared_fen"]),
    )  # fmt: skip


def _standing(row: Record) -> Standing:
    return Standing(
        sums=_sums(row, booked=row["booked_fee_fen"]), step_no=row["step_no"],
        borne_by=row["borne_by"],
    )


def _sums(row: Record, *, booked: int = 0) -> Sums:
    return Sums(
        rows=row["rows"], paid_fen=row["paid_fen"], refunded_fen=row["refunded_fen"],
        unbilled_fen=row["unbilled_fen"], unbilled_volume_fen=row["unbilled_volume_fen"],
        unfunded_fen=row["unfunded_fen"], unfunded_volume_fen=row["unfunded_volume_fen"],
        fee_fen=row["fee_fen"], booked_fee_fen=booked,
    )  # fmt: skip


def _held(row: Record) -> Held:
    return Held(
        number=row["difference_no"], channel=row["channel"], institution=row["institution"],
        day=row["day"], found=Class(row["class"]), state=State(row["state"]),
        kind=Kind(row["kind"]),
        shown_no=row["refund_no"] or row["order_no"] or row["channel_no"],
        ours_fen=row["ours_fen"], theirs_fen=row["theirs_fen"], booked_fen=row["booked_fen"],
        found_on=local_time(row["found_at"]).date(),
        changed_on=local_time(row["changed_at"]).date(),
    )  # fmt: skip
