"""A statement as one stream of bytes for a download, or as files in a folder for the command.

Nothing is left behind half-written: a file gets its name when it is whole.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from settlement.books.monthly_statement import StatementAsked, StatementHead, Tally, sheets
from settlement.finance.statement_csv import details_csv, sheet_csv
from settlement.finance.statement_pdf import statement_pdf
from settlement.finance.statement_xlsx import write_workbook
from settlement.storage.lease import PlainConnection
from settlement.storage.statement_sheets import read_details, read_groups, read_head


class Kind(StrEnum):
    """As what a statement is wanted."""

    CSV = "csv"
    """one file a sheet; a download is the details alone"""
    XLSX = "xlsx"
    PDF = "pdf"


MEDIA = {
    Kind.CSV: "text/csv; charset=utf-8",
    Kind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Kind.PDF: "application/pdf",
}
_PARTS = ("summary", "occurrence", "should-settle")
"""The English names of the three sheets, for files."""


def file_name(asked: StatementAsked, kind: Kind, part: str = "") -> str:
    """What a file is called, in characters that every system takes."""
    middle = f"-{part}" if part else ""
    return f"statement-{asked.institution}-{asked.month:%Y-%m}{middle}.{kind.value}"


async def stream_statement(
    connection: PlainConnection, asked: StatementAsked, kind: Kind, out: BinaryIO, *,
    by: str, at: datetime,
) -> bool:  # fmt: skip
    """Write what a download of this kind is; False where there is no such institution. Raises
    TooLongError where Excel cannot hold it."""
    head = await read_head(connection, asked, at=at)
    if head is None:
        return False
    if kind is Kind.CSV:
        async for piece in details_csv(read_details(connection, asked)):
            out.write(piece)
    elif kind is Kind.PDF:
        out.write(statement_pdf(head, await read_groups(connection, asked), by=by))
    else:
        with tempfile.TemporaryDirectory(prefix="settlement-statement-") as folder:
            path = Path(folder) / "statement.xlsx"
            await write_workbook(path, Path(folder), head, read_details(connection, asked))
            _copy(path, out)
    out.flush()
    return True


async def write_files(
    connection: PlainConnection, asked: StatementAsked, kind: Kind, folder: Path, *,
    by: str, at: datetime,
) -> list[Path] | None:  # fmt: skip
    """Write the files of this kind; their paths, or None where there is no such institution. Raises
    TooLongError and OSError."""
    head = await read_head(connection, asked, at=at)
    if head is None:
        return None
    if kind is Kind.CSV:
        return await _write_csv(connection, asked, head, folder)
    path = folder / file_name(asked, kind)
    with _whole_file(path) as out:
        await stream_statement(connection, asked, kind, out, by=by, at=at)
    return [path]


async def _write_csv(
    connection: PlainConnection, asked: StatementAsked, head: StatementHead, folder: Path
) -> list[Path]:
    """The details and, from their own sums, the three sheets."""
    tally = Tally()
    details = folder / file_name(asked, Kind.CSV, "details")
    with _whole_file(details) as out:
        async for piece in details_csv(read_details(connection, asked), tally):
            out.write(piece)
    paths = [details]
    for name, sheet in zip(_PARTS, sheets(head, tally.groups()), strict=True):
        path = folder / file_name(asked, Kind.CSV, name)
        with _whole_file(path) as out:
            out.write(sheet_csv(sheet))
        paths.append(path)
    return paths


def _copy(path: Path, out: BinaryIO) -> None:
    with path.open("rb") as written:
        shutil.copyfileobj(written, out)


@contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    """A file that has its name only when it is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as out:
            yield out
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
