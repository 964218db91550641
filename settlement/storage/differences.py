"""Differences with channels, as kept: what they are known by, and their steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.books.channel_matching import Class, Kind
from settlement.books.difference_states import UNDER_WAY, Act, Correction, Facts, Name, State, Step
from settlement.storage.queries import MATCHING, MATCHING_SCATTER

LOCK_CLASS = 0x5E7739
"""The first half of the keys of the lanes' locks."""


class Difference(Struct, frozen=True, kw_only=True):
    """A difference as it stands."""

    number: int
    name: Name
    last: Step


class Filter(Struct, frozen=True, kw_only=True):
    """Which differences; None for all."""

    found: str | None = None
    channel: str | None = None
    institution: str | None = None
    until: date | None = None
    """of this day or older"""
    owner: str | None = None
    all_states: bool = False
    """those that are done with, too"""


class PaymentStanding(Struct, frozen=True, kw_only=True):
    """What a correction must know of the payment that it is about."""

    is_under_way: bool
    """the resolver still asks its channel"""
    of_visit: bool
    """it pays for a visit, or is a deposit of one"""


class Counted(Struct, frozen=True, kw_only=True):
    """Differences of a class and state."""

    found: Class
    state: State
    rows: int
    due_fen: int


async def lock_lane(connection: Connection[Record], lane: int) -> None:
    """Nobody else acts on differences of this lane until the transaction ends."""
    await connection.execute(MATCHING["lock_differences"], LOCK_CLASS, lane)


async def known_of(
    connection: Connection[Record], lane: int, order_nos: Sequence[str],
    channel_nos: Sequence[str], first: date, last: date,
) -> list[Difference]:  # fmt: skip
    """Those of some numbers, and those of a period that a rule has not closed."""
    rows = await connection.fetch(
        MATCHING["differences_known"], lane, list(order_nos), list(channel_nos), first, last
    )
    return [_difference(row) for row in rows]


async def keep_new(
    connection: Connection[Record], lane: int, new: Sequence[tuple[int, Name]], at: datetime
) -> None:
    """Keep differences that were found for the first time."""
    if not new:
        return
    names = [name for _, name in new]
    await connection.execute(
        MATCHING["keep_new_differences"], lane, at, [number for number, _ in new],
        [one.channel for one in names], [int(one.kind) for one in names],
        [one.order_no for one in names], [one.refund_no for one in names],
        [one.channel_no for one in names], [one.nth for one in names],
    )  # fmt: skip


async def keep_step(
    connection: Connection[Record], lane: int, number: int, step: Step
) -> bool:
    """Keep the next step; False where somebody else took its number."""
    kept = await connection.fetchval(
        MATCHING["keep_difference_step"], *_arguments(lane, number, step)
    )
    return kept is not None


async def keep_steps(
    connection: Connection[Record], lane: int, steps: Sequence[tuple[int, Step]]
) -> None:
    """Keep many steps, under the lane's lock."""
    if steps:
        await connection.executemany(
            MATCHING["keep_difference_step"],
            [_arguments(lane, number, step) for number, step in steps],
        )


async def steps_of(
    connection: Connection[Record], lane: int, number: int
) -> tuple[Name, list[Step]] | None:
    """A difference and what became of it; None where there is none."""
    row = await connection.fetchrow(MATCHING["difference_named"], lane, number)
    if row is None:
        return None
    rows = await connection.fetch(MATCHING["difference_steps"], lane, number)
    return _name(row), [_step(one) for one in rows]


async def listed(
    connection: Connection[Record], which: Filter, limit: int
) -> list[Difference]:
    """The worklist, the oldest first."""
    states = [int(one) for one in (State if which.all_states else UNDER_WAY)]
    rows = await connection.fetch(
        MATCHING_SCATTER["differences_listed"], states, which.found, which.channel,
        which.institution, which.until, which.owner, limit,
    )  # fmt: skip
    return [_difference(row) for row in rows]


async def counted(
    connection: Connection[Record], institution: str | None = None
) -> list[Counted]:
    """How many of each class and state there are, and what is due of them."""
    rows = await connection.fetch(MATCHING_SCATTER["differences_counted"], institution)
    return [
        Counted(
            found=Class(row["class"]), state=State(row["state"]), rows=row["n"],
            due_fen=row["fen"],
        )
        for row in rows
    ]  # fmt: skip


async def payment_standing(
    connection: Connection[Record], lane: int, pay_no: int
) -> PaymentStanding:
    """What a payment is, that a correction is about."""
    row = await connection.fetchrow(MATCHING["payment_standing"], lane, pay_no)
    if row is None:
        return PaymentStanding(is_under_way=False, of_visit=False)
    return PaymentStanding(is_under_way=row["is_under_way"], of_visit=row["of_visit"])


async def keep_fee_rate(
    connection: Connection[Record], *, channel: str, merchant: str, since: date, rate_bp: int,
    tolerance_fen: int, at: datetime, actor: str, reason: str,
) -> None:  # fmt: skip
    """Keep what was agreed on with a channel."""
    await connection.execute(
        MATCHING_SCATTER["keep_fee_rate"], channel, merchant, since, rate_bp, tolerance_fen, at,
        actor, reason,
    )  # fmt: skip


def _arguments(lane: int, number: int, step: Step) -> tuple[object, ...]:
    facts = step.facts
    return (
        lane, number, step.step_no, int(step.act), int(step.state), step.at, step.actor,
        step.reason, facts.found.value, facts.ours_fen, facts.theirs_fen, facts.fee_fen,
        facts.day, facts.their_day, facts.pay_no, facts.institution, facts.custody,
        facts.merchant, facts.their_merchant, step.owner, int(step.correction), step.proposer,
        step.amount_fen, step.booked_fen, step.entry_id, step.rule,
    )  # fmt: skip


def _difference(row: Record) -> Difference:
    return Difference(number=row["difference_no"], name=_name(row), last=_step(row))


def _name(row: Record) -> Name:
    return Name(
        lane=row["lane"], channel=row["channel"], kind=Kind(row["kind"]),
        order_no=row["order_no"], refund_no=row["refund_no"], channel_no=row["channel_no"],
        nth=row["nth"],
    )  # fmt: skip


def _step(row: Record) -> Step:
    facts = Facts(
        found=Class(row["class"]), ours_fen=row["ours_fen"], theirs_fen=row["theirs_fen"],
        fee_fen=row["fee_fen"], day=row["day"], their_day=row["their_day"], pay_no=row["pay_no"],
        institution=row["institution"], custody=row["custody"], merchant=row["merchant"],
        their_merchant=row["their_merchant"],
    )  # fmt: skip
    return Step(
        step_no=row["step_no"], act=Act(row["act"]), state=State(row["state"]),
        at=row["recorded_at"], actor=row["actor"], reason=row["reason"], facts=facts,
        owner=row["owner"], correction=Correction(row["correction"]), proposer=row["proposer"],
        amount_fen=row["amount_fen"], booked_fen=row["booked_fen"], entry_id=row["entry_id"],
        rule=row["rule"],
    )  # fmt: skip
