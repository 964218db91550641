"""What regions and hub do not agree on, as kept: in the lane of the other region's code."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.regional_clearing import Side
from settlement.regional_matching import Class, Compared, Row
from settlement.regional_schedule import LastCompared
from settlement.storage.queries import REGIONAL, SCATTER


class ComparedDay(Struct, frozen=True, kw_only=True):
    """Which comparison it is."""

    lane: int
    region: str
    side: Side
    day: date


class Difference(Struct, frozen=True, kw_only=True):
    """One that nobody has ended."""

    region: str
    side: Side
    day: date
    found_at: datetime
    case_no: str
    reversal: bool
    found: Class
    ours_fen: int | None
    theirs_fen: int | None
    hub_fen: int | None


class Counted(Struct, frozen=True, kw_only=True):
    """Rows of a comparison."""

    ours: int
    theirs: int
    hub: int | None
    """None where it did not tell"""
    differing: int


async def keep_comparison(
    connection: Connection[Record], where: ComparedDay, counted: Counted, *, at: datetime,
    actor: str,
) -> None:  # fmt: skip
    """Keep that a day was compared."""
    await connection.execute(
        REGIONAL["keep_comparison"], where.lane, where.region, where.side, where.day, at,
        counted.ours, counted.theirs, counted.hub, counted.differing, actor,
    )  # fmt: skip


async def comparisons(
    connection: Connection[Record], side: Side, since: date
) -> dict[tuple[str, date], LastCompared]:
    """The last comparison of each day from one on, by region and day."""
    rows = await connection.fetch(SCATTER["region_comparisons"], side, since)
    return {
        (row["region"], row["day"]): LastCompared(
            at=row["compared_at"], differs=row["differs"], with_hub=row["with_hub"]
        )
        for row in rows
    }


async def keep_differences(
    connection: Connection[Record], where: ComparedDay, found: Sequence[Compared], at: datetime
) -> None:
    """Keep differences of a day; those that are known stay as they were found. What had gone by
    itself and is there again is open again; what somebody ended is not."""
    await connection.execute(
        REGIONAL["keep_differences"], where.lane, where.region, where.side, where.day, at,
        [one.key[0] for one in found], [one.key[1] for one in found],
        [one.found.value for one in found], [_owed(one.ours) for one in found],
        [_owed(one.theirs) for one in found], [_owed(one.hub) for one in found],
    )  # fmt: skip


async def end_differences(
    connection: Connection[Record], where: ComparedDay, *, at: datetime, actor: str, note: str,
    cases: Sequence[str] | None = None, but: Sequence[Compared] = (),
    of: Collection[Class] = tuple(Class),
) -> list[str]:  # fmt: skip
    """End what is open of a day, of some classes: some cases, which somebody looked at; or without
    cases all but those that were found again. The cases."""
    rows = await connection.fetch(
        REGIONAL["end_differences"], where.lane, where.region, where.side, where.day, at, actor,
        note, None if cases is None else list(cases), [one.key[0] for one in but],
        [one.key[1] for one in but], [one.found.value for one in but],
        [one.value for one in of], cases is None,
    )  # fmt: skip
    return [row["case_no"] for row in rows]


async def open_differences(connection: Connection[Record], limit: int) -> list[Difference]:
    """The worklist, the oldest first."""
    rows = await connection.fetch(SCATTER["open_differences"], limit)
    return [
        Difference(
            region=row["region"], side=Side(row["side"]), day=row["day"],
            found_at=row["found_at"], case_no=row["case_no"], reversal=row["reversal"],
            found=Class(row["class"]), ours_fen=row["ours_fen"], theirs_fen=row["theirs_fen"],
            hub_fen=row["hub_fen"],
        )
        for row in rows
    ]  # fmt: skip


def _owed(row: Row | None) -> int | None:
    return None if row is None else row.owed_fen
