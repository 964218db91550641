"""Clearing with other regions, as kept: steps, rows and marks of a period, in the party's lane.

Rows of our own settlements are read from all lanes, a bundle at a time, so that a month of any
length fits into memory. Nothing here decides.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.elsewhere.cross_city import Step as SaidStep
from settlement.elsewhere.cross_city import StepKind, standing
from settlement.elsewhere.regional_clearing import Act, Mark, Period, Side, Step
from settlement.elsewhere.regional_matching import Key, Row
from settlement.elsewhere.regional_netting import Sums
from settlement.storage.queries import REGIONAL, SCATTER

BUNDLE = 2_000
"""Rows read, compared and written at a time."""
EVER = date(2000, 1, 1)
AT_THE_END = date(2100, 1, 1)


class Leg(Struct, frozen=True, kw_only=True, gc=False):
    """A row of a period, or one that could be."""

    case_no: str
    reversal: bool
    region: str
    institution: str
    clearing_type: str
    scheme: str
    settled_on: date
    total_fen: int
    fund_fen: int
    account_fen: int
    setl_id: int | None
    mark: Mark | None = None
    months: int = 0
    said: str = ""
    """why, with the last mark"""

    @property
    def key(self) -> Key:
        """What it is known by."""
        return self.case_no, self.reversal

    @property
    def owed_fen(self) -> int:
        """What the region of insurance owes."""
        return self.fund_fen + self.account_fen


class Candidate(Struct, frozen=True, kw_only=True, gc=False):
    """A row of ours that another region owes."""

    leg: Leg
    reverses: bool
    """it is a reversal (冲正)"""
    reversed: bool
    """a reversal took it back before the month was over"""


class Stated(Struct, frozen=True, kw_only=True, gc=False):
    """What is known of a row that is in a month already."""

    taken: bool
    """it is stated for good, or waits for a later month"""
    postponed: int
    """by how many months, in all"""


class PeriodSums(Struct, frozen=True, kw_only=True):
    """A period of a month and what its rows come to."""

    party: str
    side: Side
    legs: int
    owed_fen: int
    standing_legs: int
    standing_fen: int
    disputed_legs: int


class Place(Struct, frozen=True, kw_only=True):
    """Where a period lies."""

    lane: int
    period: Period

    @property
    def key(self) -> tuple[int, str, Side, date]:
        """The leading columns of every key."""
        return self.lane, self.period.party, self.period.side, self.period.month


async def steps_of(connection: Connection[Record], place: Place) -> list[Step]:
    """What became of a period, in order."""
    rows = await connection.fetch(REGIONAL["region_steps"], *place.key)
    return [
        Step(
            step_no=row["step_no"], act=Act(row["act"]), at=row["recorded_at"],
            actor=row["actor"], reference=row["reference"], amount_fen=row["amount_fen"],
            legs=row["legs"], reason=row["reason"], entry_id=row["entry_id"],
        )
        for row in rows
    ]  # fmt: skip


async def keep_step(connection: Connection[Record], place: Place, step: Step) -> bool:
    """Keep the next step; False where somebody else took its number."""
    kept = await connection.fetchval(
        REGIONAL["keep_region_step"], *place.key, step.step_no, step.act, step.at, step.actor,
        step.reference, step.amount_fen, step.legs, step.reason, step.entry_id,
    )  # fmt: skip
    return kept is not None


async def taken_in(
    connection: Connection[Record], place: Place, statement_no: str
) -> date | None:
    """The month that a statement of this number was taken for."""
    lane, party, side, _ = place.key
    found: date | None = await connection.fetchval(
        REGIONAL["statement_taken"], lane, party, side, statement_no
    )
    return found


async def keep_legs(connection: Connection[Record], place: Place, legs: Sequence[Leg]) -> None:
    """Keep rows of a period."""
    await connection.execute(
        REGIONAL["keep_region_legs"], *place.key,
        [leg.case_no for leg in legs], [leg.reversal for leg in legs],
        [leg.region for leg in legs], [leg.institution for leg in legs],
        [leg.clearing_type for leg in legs], [leg.scheme for leg in legs],
        [leg.settled_on for leg in legs], [leg.total_fen for leg in legs],
        [leg.fund_fen for leg in legs], [leg.account_fen for leg in legs],
        [leg.setl_id for leg in legs],
    )  # fmt: skip


async def stated_among(
    connection: Connection[Record], place: Place, case_nos: Sequence[str]
) -> dict[Key, Stated]:
    """Those of these cases that are in a month of this party already."""
    rows = await connection.fetch(REGIONAL["region_stated"], *place.key, list(case_nos))
    return {
        (row["case_no"], row["reversal"]): Stated(taken=row["taken"], postponed=row["postponed"])
        for row in rows
    }


async def keep_marks(
    connection: Connection[Record], place: Place, step_no: int, mark: Mark, *, months: int,
    reason: str, keys: Sequence[Key],
) -> None:  # fmt: skip
    """Keep what a step says of single rows."""
    await connection.execute(
        REGIONAL["keep_region_marks"], *place.key, step_no, mark, months, reason,
        [case_no for case_no, _ in keys], [reversal for _, reversal in keys],
    )  # fmt: skip


async def legs_of(
    connection: Connection[Record], place: Place, *, institution: str | None = None,
    case_nos: Sequence[str] | None = None,
) -> AsyncIterator[Leg]:  # fmt: skip
    """The rows of a period in their order, as they stand; in a transaction of their own where the
    caller has none."""
    named = None if case_nos is None else list(case_nos)
    async with connection.transaction():
        async for row in connection.cursor(
            REGIONAL["region_legs"], *place.key, institution, named, prefetch=BUNDLE
        ):
            yield leg_of(row)


async def groups_of(
    connection: Connection[Record], place: Place
) -> dict[tuple[str, str, str, str], Sums]:
    """What the rows of a period come to that were not postponed, by region, institution, clearing
    type and scheme."""
    rows = await connection.fetch(REGIONAL["region_leg_groups"], *place.key)
    return {
        (row["region"], row["institution"], row["clearing_type"], row["scheme"]): Sums(
            legs=row["legs"], total_fen=row["total_fen"], fund_fen=row["fund_fen"],
            account_fen=row["account_fen"],
        )
        for row in rows
    }  # fmt: skip


async def marked_legs(
    connection: Connection[Record], place: Place, *, limit: int
) -> list[Leg]:
    """Rows of which something stands that was said, of so many cases."""
    cases = await connection.fetch(REGIONAL["region_marked"], *place.key, limit)
    if not cases:
        return []
    named = [row["case_no"] for row in cases]
    return [
        leg
        async for leg in legs_of(connection, place, case_nos=named)
        if leg.mark in (Mark.OBJECTED, Mark.POSTPONED)
    ]


async def periods_of(connection: Connection[Record], month: date) -> list[PeriodSums]:
    """All periods of a month that were stated."""
    rows = await connection.fetch(SCATTER["region_periods"], month)
    return [
        PeriodSums(
            party=row["party"], side=Side(row["side"]), legs=row["legs"],
            owed_fen=row["owed_fen"], standing_legs=row["standing_legs"],
            standing_fen=row["standing_fen"], disputed_legs=row["disputed_legs"],
        )
        for row in rows
    ]  # fmt: skip


async def regions_here(connection: Connection[Record], before: date) -> list[tuple[str, str]]:
    """The regions whose people settled here before a day, with the institutions."""
    rows = await connection.fetch(SCATTER["parties_here"], before)
    return [(row["region"], row["institution"]) for row in rows]


async def candidates(
    connection: Connection[Record], *, since: date = EVER, before: date, beginning: str
) -> AsyncIterator[list[Candidate]]:
    """What regions with such codes owe us, of days from one to before another, in bundles."""
    async with connection.transaction():
        cursor = await connection.cursor(SCATTER["legs_here"], since, before, beginning)
        while rows := await cursor.fetch(BUNDLE):
            yield [_candidate(row) for row in rows]


async def rows_home(
    connection: Connection[Record], region: str, *, since: date = EVER, before: date = AT_THE_END,
    case_nos: Sequence[str] | None = None,
) -> list[tuple[int, Row]]:  # fmt: skip
    """What we owe a region for our people, by settlement number: of some days, or some cases."""
    named = None if case_nos is None else list(case_nos)
    rows = await connection.fetch(SCATTER["legs_home"], region, since, before, named)
    return [(row["setl_id"], _row(row)) for row in rows]


async def confirmed_rows(connection: Connection[Record], through: date) -> frozenset[int]:
    """Settlement rows that institutions confirmed for clearing between cities (3261), and did not
    take back."""
    rows = await connection.fetch(SCATTER["confirmed_rows"], through)
    by_month: dict[tuple[str, date], list[SaidStep]] = {}
    for row in rows:
        by_month.setdefault((row["institution"], row["month"]), []).append(_said(row))
    return frozenset(
        setl_id
        for steps in by_month.values()
        for step in standing(steps).values()
        for setl_id in step.included
    )


async def stated_of_year(
    connection: Connection[Record], place: Place, first: date, last: date
) -> tuple[int, int]:
    """What was stated with a party in these months, and in how many of them."""
    lane, party, side, _ = place.key
    row = await connection.fetchrow(
        REGIONAL["region_legs_of_year"], lane, party, side, first, last
    )
    return (0, 0) if row is None else (row["owed_fen"], row["months"])


async def owed_by_rows(connection: Connection[Record], party: str, side: Side) -> int:
    """What is owed by all rows with a party, less what was paid: what the ledger must have."""
    owed: int = await connection.fetchval(
        SCATTER["owed_by_rows"], side, beginning_of(party), party
    )
    return owed


def beginning_of(party: str) -> str:
    """How the codes of a party's regions begin."""
    return party[:2] if party[2:] == "0000" else party


def row_of(leg: Leg) -> Row:
    """A leg as it is compared."""
    return Row(
        case_no=leg.case_no, reversal=leg.reversal, total_fen=leg.total_fen,
        fund_fen=leg.fund_fen, account_fen=leg.account_fen,
    )  # fmt: skip


def leg_of(row: Record) -> Leg:
    """A row as a leg."""
    fields: Mapping[str, object] = row
    mark = row["mark"] if "mark" in fields else None
    return Leg(
        case_no=row["case_no"], reversal=row["reversal"], region=row["region"],
        institution=row["institution"], clearing_type=row["clearing_type"],
        scheme=row["scheme"], settled_on=row["settled_on"], total_fen=row["total_fen"],
        fund_fen=row["fund_fen"], account_fen=row["account_fen"], setl_id=row["setl_id"],
        mark=None if mark is None else Mark(mark),
        months=0 if mark is None else row["months"], said="" if mark is None else row["reason"],
    )  # fmt: skip


def _candidate(row: Record) -> Candidate:
    return Candidate(leg=leg_of(row), reverses=row["reverses"], reversed=row["reversed"])


def _row(row: Record) -> Row:
    return Row(
        case_no=row["case_no"], reversal=row["reversal"], total_fen=row["total_fen"],
        fund_fen=row["fund_fen"], account_fen=row["account_fen"],
    )  # fmt: skip


def _said(row: Record) -> SaidStep:
    return SaidStep(
        month=row["month"], step_no=row["step_no"], kind=StepKind(row["kind"]),
        reference=row["reference"], withdraws=row["withdraws"], fingerprint=row["fingerprint"],
        included=tuple(row["included"]), left_out=tuple(row["left_out"]),
    )  # fmt: skip
