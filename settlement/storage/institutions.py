"""What institutions say that they settled, as kept; and both sides of a lane, for matching.

A file counts from the moment when its row in settlement.institution_file is there, which is written
last. Its bytes, its faults and what replaced it are kept where those of bills are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from asyncpg import Connection, Record
from msgspec import Struct

from settlement.books.bill import RowFault
from settlement.books.institution_matching import OurRow, TheirRow
from settlement.intake.institution_lines import Line
from settlement.numbers import lane_in, parse
from settlement.rows import RowKind
from settlement.storage.channel_rows import Sum
from settlement.storage.queries import BILLS, INSTITUTIONS, MATCHING_SCATTER

PORTION_ROWS = 20_000
_COLUMNS = (
    "file_no", "row_no", "lane", "setl_id", "refund", "total_fen", "fund_fen", "account_fen",
)  # fmt: skip


class InstitutionFile(Struct, frozen=True, kw_only=True):
    """A file that counts or counted."""

    lane: int
    file_no: int
    received_at: datetime
    institution: str
    begins_on: date
    ends_on: date
    sha256: bytes
    size_bytes: int
    name: str
    form: str
    actor: str
    rows: int
    total_fen: int
    fund_fen: int
    account_fen: int
    faults: int
    replaced_by: int | None = None


class Sides(Struct, frozen=True, kw_only=True):
    """A lane: sums by side and institution, and the rows that do not simply agree."""

    sums: dict[tuple[str, str], Sum]
    ours: list[OurRow]
    theirs: list[TheirRow]


async def came_before(connection: Connection[Record], file: InstitutionFile) -> int | None:
    """The file of the period with these very bytes."""
    number: int | None = await connection.fetchval(
        INSTITUTIONS["institution_file_came"], file.lane, file.institution, file.begins_on,
        file.ends_on, file.sha256,
    )  # fmt: skip
    return number


async def around(
    connection: Connection[Record], lane: int, institution: str, first: date, last: date
) -> list[tuple[int, date, date]]:
    """Files in force that say something of days of a period, with their days."""
    rows = await connection.fetch(
        INSTITUTIONS["institution_files_around"], lane, institution, first, last
    )
    return [(row["file_no"], row["begins_on"], row["ends_on"]) for row in rows]


async def whose(
    connection: Connection[Record], numbers: Iterable[int]
) -> list[tuple[str, date, int]]:
    """Of which institution and day settlements are, the most first; not those that are not ours."""
    wanted = list(numbers)
    lanes = sorted({lane_in(one) for one in wanted})
    rows = await connection.fetch(INSTITUTIONS["whose_settlements"], lanes, wanted)
    return [(row["institution"], row["day"], row["n"]) for row in rows]


async def write_rows(
    connection: Connection[Record], file: InstitutionFile, lines: Sequence[Line], lanes: int
) -> None:
    """The rows of a file, a portion a statement, each in the lane that its number carries."""
    for begin in range(0, len(lines), PORTION_ROWS):
        await connection.copy_records_to_table(
            "institution_row", schema_name="settlement", columns=_COLUMNS,
            records=[
                (
                    file.file_no, one.row_no, _lane(one.setl_id, file.lane, lanes), one.setl_id,
                    one.refund, one.total_fen, one.fund_fen, one.account_fen,
                )
                for one in lines[begin : begin + PORTION_ROWS]
            ],
        )  # fmt: skip


async def keep_file(
    connection: Connection[Record], file: InstitutionFile, faults: Sequence[RowFault],
    replaced: Sequence[int],
) -> None:  # fmt: skip
    """The file counts, and others no longer do, in one transaction."""
    lane, number = file.lane, file.file_no
    async with connection.transaction():
        await connection.execute(
            INSTITUTIONS["keep_institution_file"], lane, number, file.received_at,
            file.institution, file.begins_on, file.ends_on, file.sha256, file.size_bytes,
            file.name, file.form, file.actor, file.rows, file.total_fen, file.fund_fen,
            file.account_fen, file.faults,
        )  # fmt: skip
        await connection.execute(
            BILLS["keep_bill_faults"], lane, number, [one.row_no for one in faults],
            [one.column for one in faults], [one.reason for one in faults],
        )  # fmt: skip
        for former in replaced:
            await connection.execute(BILLS["replace_bill"], lane, former, number)
        await connection.execute(BILLS["end_bill"], lane, number)


async def files_between(
    connection: Connection[Record], first: date, last: date, institution: str | None = None
) -> list[InstitutionFile]:
    """Every file that says something of these days, replaced ones as well."""
    rows = await connection.fetch(
        INSTITUTIONS["institution_files_between"], first, last, institution
    )
    return [InstitutionFile(**dict(row)) for row in rows]


async def read_lane(
    connection: Connection[Record], lane: int, files: Sequence[InstitutionFile]
) -> Sides:
    """Both sides of the files in a lane; one statement, so one snapshot."""
    async with connection.transaction(readonly=True):
        await connection.execute(MATCHING_SCATTER["plan_for_many_rows"])
        rows = await connection.fetch(
            INSTITUTIONS["match_institutions_lane"], lane, *_columns(files)
        )
    sides = Sides(sums={}, ours=[], theirs=[])
    for row in rows:
        match row["side"]:
            case "our row":
                sides.ours.append(_ours(row))
            case "their row":
                sides.theirs.append(_theirs(row))
            case side:
                sides.sums[side, row["institution"]] = Sum(row["n"], row["fen"])
    return sides


async def ours_of(
    connection: Connection[Record], lane: int, setl_ids: Iterable[str]
) -> list[OurRow]:
    """What we have of some numbers, of whatever day, and what they undid."""
    numbers = [number for one in setl_ids if (number := parse(one)) is not None]
    rows = await connection.fetch(INSTITUTIONS["settlement_rows_of"], lane, numbers)
    return [_ours(row) for row in rows]


async def theirs_of(
    connection: Connection[Record], lane: int, setl_ids: Iterable[str],
    files: Sequence[InstitutionFile],
) -> list[TheirRow]:  # fmt: skip
    """What files have of some numbers."""
    rows = await connection.fetch(
        INSTITUTIONS["institution_rows_of"], lane, sorted(setl_ids), *_columns(files)
    )
    return [_theirs(row) for row in rows]


def _lane(setl_id: str, own: int, lanes: int) -> int:
    number = parse(setl_id)
    if number is None or lane_in(number) >= lanes:
        return own
    return lane_in(number)


def _columns(files: Sequence[InstitutionFile]) -> list[list[object]]:
    return [
        [one.file_no for one in files], [one.institution for one in files],
        [one.begins_on for one in files], [one.ends_on for one in files],
    ]  # fmt: skip


def _ours(row: Record) -> OurRow:
    undone = row["undone_kind"]
    return OurRow(
        setl_id=row["setl_id"], institution=row["institution"], kind=RowKind(row["kind"]),
        day=row["setl_on"], total_fen=row["total_fen"], fund_fen=row["fund_fen"],
        account_fen=row["account_fen"], undone_kind=None if undone is None else RowKind(undone),
        undone_by=row["undone_by"],
    )  # fmt: skip


def _theirs(row: Record) -> TheirRow:
    return TheirRow(
        file_no=row["file_no"], row_no=row["row_no"], institution=row["institution"],
        setl_id=row["setl_id"], refund=row["refund"], total_fen=row["total_fen"],
        fund_fen=row["fund_fen"], account_fen=row["account_fen"], begins_on=row["begins_on"],
        ends_on=row["ends_on"],
    )  # fmt: skip
