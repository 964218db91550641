"""What regions and hub do not agree on, as kept: in the lane of the other region's code."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.elsewhere.regional_clearing import Side
from settlement.elsewhere.regional_matching import Class, Compared, Row
from settlement.elsewhere.regional_schedule import LastCompared
from settlement.storage.queries import REGIONAL, SCATTER

PROPOSED, SENT_BACK = 1, 2
"""Acts of its steps."""


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
    proposer: str = ""
    """who proposed its end, where that waits for somebody else"""


class OfDay(Struct, frozen=True, kw_only=True):
    """A difference of a day, with what was said of it last and how it ended."""

    case_no: str
    reversal: bool
    found: Class
    found_at: datetime
    ours_fen: int | None
    theirs_fen: int | None
    hub_fen: int | None
    found_no: int
    """how often it was found, having gone in between"""
    step_no: int
    """of what was said last; 0 where nothing was"""
    is_proposed: bool
    said_at: datetime | None
    actor: str
    note: str
    ended_at: datetime | None
    ended_by: str
    end_note: str


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
    but: Sequence[Compared] = (), of: Collection[Class] = tuple(Class),
) -> list[str]:  # fmt: skip
    """End what is open of a day, of some classes: all but what was found again. The cases."""
    rows = await connection.fetch(
        REGIONAL["end_differences"], where.lane, where.region, where.side, where.day, at, actor,
        note, [one.key[0] for one in but], [one.key[1] for one in but],
        [one.found.value for one in but], [one.value for one in of],
    )  # fmt: skip
    return [row["case_no"] for row in rows]


async def differences_of(
    connection: Connection[Record], where: ComparedDay, *, cases: Sequence[str] | None = None,
    limit: int,
) -> list[OfDay]:  # fmt: skip
    """Differences of a day, open ones first; all, or those of some cases."""
    rows = await connection.fetch(
        REGIONAL["differences_of_day"], where.lane, where.region, where.side, where.day,
        None if cases is None else list(cases), limit,
    )  # fmt: skip
    return [
        OfDay(
            case_no=row["case_no"], reversal=row["reversal"], found=Class(row["class"]),
            found_at=row["found_at"], ours_fen=row["ours_fen"], theirs_fen=row["theirs_fen"],
            hub_fen=row["hub_fen"], found_no=row["found_no"], step_no=row["step_no"] or 0,
            is_proposed=row["act"] == PROPOSED and row["ended_at"] is None,
            said_at=row["recorded_at"], actor=row["actor"] or "", note=row["note"] or "",
            ended_at=row["ended_at"], ended_by=row["ended_by"] or "",
            end_note=row["end_note"] or "",
        )
        for row in rows
    ]  # fmt: skip


async def keep_steps(
    connection: Connection[Record], where: ComparedDay, act: int, found: Sequence[OfDay], *,
    at: datetime, actor: str, note: str,
) -> None:  # fmt: skip
    """Keep what somebody says of differences. UniqueViolation where somebody else was first, which
    the lock of the party forbids."""
    await connection.execute(
        REGIONAL["keep_difference_steps"], where.lane, where.region, where.side, where.day, act, at,
        actor, note, [one.case_no for one in found], [one.reversal for one in found],
        [one.found.value for one in found], [one.found_no for one in found],
        [one.step_no + 1 for one in found],
    )  # fmt: skip


async def end_named(
    connection: Connection[Record], where: ComparedDay, found: Sequence[OfDay], *, at: datetime,
    actor: str, note: str,
) -> None:  # fmt: skip
    """End these differences."""
    await connection.execute(
        REGIONAL["end_named_differences"], where.lane, where.region, where.side, where.day, at,
        actor, note, [one.case_no for one in found], [one.reversal for one in found],
        [one.found.value for one in found], [one.found_no for one in found],
    )  # fmt: skip


async def open_differences(connection: Connection[Record], limit: int) -> list[Difference]:
    """The worklist, the oldest first."""
    rows = await connection.fetch(SCATTER["open_differences"], limit)
    return [
        Difference(
            region=row["region"], side=Side(row["side"]), day=row["day"],
            found_at=row["found_at"], case_no=row["case_no"], reversal=row["reversal"],
            found=Class(row["class"]), ours_fen=row["ours_fen"], theirs_fen=row["theirs_fen"],
            hub_fen=row["hub_fen"],
            proposer=row["actor"] if row["act"] == PROPOSED else "",
        )
        for row in rows
    ]  # fmt: skip


def _owed(row: Row | None) -> int | None:
    return None if row is None else row.owed_fen
