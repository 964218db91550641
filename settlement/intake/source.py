"""A file as rows of cells: CSV or .xlsx with a header, NDJSON, or TOML with a table a row. UTF-8,
with or without a mark.

Everything leaves as text by column, whatever the format, so that all are checked by the same
columns. In NDJSON a list becomes `a;b`, an object `key:value;key:value`, and a list of objects
`first:second;…` in the order of their fields.
"""

from __future__ import annotations

import csv
import hashlib
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec import Struct
from msgspec.structs import astuple

from settlement.intake.cells import Column, read_date
from settlement.intake.faults import Fault, FileError, Told, faults_text
from settlement.intake.workbook import sheet_rows
from settlement.toml_text import line_too_deep

Row: TypeAlias = tuple[int, list[str]]
"""Its number, and its cells in the order of the columns."""
_DECODE = msgspec.json.Decoder(dict[str, object], float_hook=str).decode
"""Numbers with a fraction stay as they are written: no float touches a ratio or a price."""
_NO_LINE = b""
_FORMAT_OF = {
    "csv": "csv", "ndjson": "ndjson", "jsonl": "ndjson", "xlsx": "xlsx", "toml": "toml",
}  # fmt: skip
_MUST_BE_UTF8 = Told("须用 UTF-8 编码", "must be UTF-8")
_LOOKS_LIKE_GBK = Told(
    "须用 UTF-8 编码，这里像是 GBK；用 Excel 时请另存为“CSV UTF-8（逗号分隔）”",
    "must be UTF-8, and looks like GBK: in Excel, save it as “CSV UTF-8 (Comma delimited)”",
)
NO_ROWS_MAX = 1_000
"""A file in which more is no row is not the one that was meant, and is read no further."""
_DIGEST_CHUNK = 1 << 20
_DAY_ZERO = date(1899, 12, 30)


def format_of(path: Path, told: str | None) -> str:
    """csv, ndjson, xlsx or toml, as told or by the file's name."""
    if told is not None:
        return told
    suffix = path.suffix.lower().removeprefix(".")
    found = _FORMAT_OF.get(suffix)
    if found is None:
        raise FileError(f"{path.name}: 请用 --format 指明格式 | say --format csv or ndjson")
    return found


def digest_of(path: Path) -> str:
    """SHA-256 of the file, for the audit."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_DIGEST_CHUNK):
            digest.update(block)
    return digest.hexdigest()


def rows_of(
    path: Path, kind: str, columns: Sequence[Column], faults: list[Fault]
) -> Iterator[Row]:
    """The rows of a file; rows that are none are added to the faults. Raises FileError."""
    read = {
        "csv": _csv_rows, "ndjson": _ndjson_rows, "xlsx": _sheet_rows, "toml": _toml_rows,
    }[kind]  # fmt: skip
    return read(path, columns, faults)


def _toml_rows(path: Path, columns: Sequence[Column], faults: list[Fault]) -> Iterator[Row]:
    """The tables `[[…]]` of the only name in the file; a row's number is that of its table."""
    try:
        text = path.read_text("utf-8-sig")
        if (line := line_too_deep(text)) is not None:
            raise FileError(f"{path.name} 第 {line} 行: 点过多 | too many dots in line {line}")
        file = tomllib.loads(text, parse_float=str)
    except FileError:
        raise
    except UnicodeDecodeError as exc:
        raise _not_utf8(path) from exc
    except (ValueError, RecursionError) as exc:
        raise FileError(f"{path.name}: 不是 TOML | not TOML: {exc}") from exc
    tables: object = next(iter(file.values()), [])
    if len(file) > 1 or not isinstance(tables, list):
        raise FileError(f"{path.name}: 只能有一种表 [[…]] | only tables [[…]] of one name")
    known = {column.name for column in columns}
    for number, table in enumerate(tables, 1):
        if not isinstance(table, dict) or table.keys() - known:
            named = min(table.keys() - known) if isinstance(table, dict) else "-"
            _add(faults, _unknown(number, named))
            continue
        yield number, [_text(table.get(column.name)) for column in columns]


def _sheet_rows(path: Path, columns: Sequence[Column], faults: list[Fault]) -> Iterator[Row]:
    rows = sheet_rows(path)
    _, header = next(rows, (0, []))
    if not header:
        raise FileError(f"{path.name}: 第一张表是空的 | the first sheet is empty")
    places = _places(path.name, header, columns)
    for row, cells in rows:
        if any(cells[len(header) :]):
            _add(faults, _ragged(row, len(cells), len(header)))
            continue
        cells += [""] * (len(header) - len(cells))
        yield row, [
            "" if place < 0 else _dated(cells[place], column)
            for place, column in zip(places, columns, strict=True)
        ]


def _dated(text: str, column: Column) -> str:
    """A spreadsheet keeps a day as a number of days; where a date is expected it is one."""
    if column.read is read_date and text.isdecimal() and len(text) == 5:
        return (_DAY_ZERO + timedelta(int(text))).isoformat()
    return text


def _csv_rows(path: Path, columns: Sequence[Column], faults: list[Fault]) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = next(reader, None)
            if header is None:
                raise FileError(f"{path.name}: 文件是空的 | the file is empty")
            places = _places(path.name, header, columns)
            width = len(header)
            for cells in reader:
                row = reader.line_num
                if not any(cells):
                    continue
                if len(cells) != width:
                    _add(faults, _ragged(row, len(cells), width))
                    continue
                yield row, ["" if place < 0 else cells[place] for place in places]
        except csv.Error as exc:
            where = f"第 {reader.line_num} 行 row {reader.line_num}"
            raise FileError(f"{path.name} {where}: 不是 CSV | not CSV: {exc}") from exc
        except UnicodeDecodeError as exc:
            raise _not_utf8(path) from exc


def _not_utf8(path: Path) -> FileError:
    """The file error of a text that is not UTF-8, with the line where that shows first."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            told = _charset_problem(line)
            if told is not None:
                return FileError(f"{path.name} 第 {number} 行: {told.zh} | row {number}: {told.en}")
    return FileError(f"{path.name}: {_MUST_BE_UTF8.zh} | {_MUST_BE_UTF8.en}")


def _charset_problem(line: bytes) -> Told | None:
    """What to say of a line that is not UTF-8; None where it is."""
    for charset in ("utf-8", "gb18030"):
        try:
            line.decode(charset)
        except UnicodeDecodeError:
            continue
        return None if charset == "utf-8" else _LOOKS_LIKE_GBK
    return _MUST_BE_UTF8


def _add(faults: list[Fault], fault: Fault) -> None:
    """What is no row. Raises FileError, which tells the first, where all the file is like that."""
    faults.append(fault)
    if len(faults) > NO_ROWS_MAX:
        raise FileError(
            f"{faults_text(faults)}\n到第 {fault.row} 行已有 {len(faults)} 处错误，不再读下去 | "
            f"{len(faults)} faults by row {fault.row}: read no further"
        )


def _places(name: str, header: Sequence[str], columns: Sequence[Column]) -> list[int]:
    """Where each column stands in the file, -1 where it does not."""
    known = {alias: column.name for column in columns for alias in (column.name, column.title)}
    found: dict[str, int] = {}
    for place, told in enumerate(header):
        column = known.get(told.strip())
        if column is None:
            raise FileError(
                f"{name} 第 1 行: 未知的列“{told.strip()}” | row 1: unknown column "
                f"{told.strip()!r}; 可用 known: {', '.join(column.name for column in columns)}"
            )
        if column in found:
            raise FileError(f"{name} 第 1 行: 列 {column} 重复 | row 1: column {column} twice")
        found[column] = place
    missing = [c.name for c in columns if c.required and c.name not in found]
    if missing:
        raise FileError(f"{name} 第 1 行: 缺少列 | row 1: missing columns: {', '.join(missing)}")
    return [found.get(column.name, -1) for column in columns]


def _ragged(row: int, cells: int, width: int) -> Fault:
    return Fault(
        row=row, column="-", problem=Told(f"有 {cells} 格", f"{cells} cells"),
        expected=Told(f"{width} 格，与表头相同", f"{width}, as the header has"),
    )  # fmt: skip


def _ndjson_rows(path: Path, columns: Sequence[Column], faults: list[Fault]) -> Iterator[Row]:
    with path.open("rb") as file:
        yield from rows_of_lines(file, 1, columns, faults)


class Lines(Struct, frozen=True, gc=False):
    """Lines of an NDJSON file that stand together, as they are."""

    first: int
    """number of the first one"""
    count: int
    text: bytes


def lines_of(path: Path, lines_max: int, column: str) -> Iterator[Lines]:
    """An NDJSON file in pieces for others to read. Lines with one value of a column that stand
    together stay together, so that a piece may have more."""
    first, kept = 1, _NO_LINE
    with path.open("rb") as file:
        while piece := [kept, *islice(file, lines_max)] if kept else list(islice(file, lines_max)):
            last, kept = _value(piece[-1], column), _NO_LINE
            for line in file:
                if _value(line, column) != last or last is None:
                    kept = line
                    break
                piece.append(line)
            yield Lines(first, len(piece), b"".join(piece))
            first += len(piece)


def _value(line: bytes, column: str) -> object:
    """What a line has in a column; None where it cannot be read."""
    try:
        return _text(_DECODE(line).get(column, "")).strip()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def rows_of_lines(
    lines: Iterable[bytes], first: int, columns: Sequence[Column], faults: list[Fault]
) -> Iterator[Row]:
    """The rows of NDJSON lines, the first of which has a number; others are added to the faults."""
    decode = _decoder(tuple(column.name for column in columns)).decode
    for number, line in enumerate(lines, first):
        if not line or line.isspace():
            continue
        try:
            values = astuple(decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            _add(faults, _fault_of_line(line, number, columns))
            continue
        # Nearly all of them are text, which is itself.
        yield number, [value if value.__class__ is str else _text(value) for value in values]


@lru_cache(maxsize=16)
def _decoder(names: tuple[str, ...]) -> msgspec.json.Decoder[Struct]:
    """Reads a line into a struct of these fields, in half the time of a dict."""
    line = msgspec.defstruct(
        "Line", [(name, object, "") for name in names], forbid_unknown_fields=True, gc=False
    )
    return msgspec.json.Decoder(line, float_hook=str)


def _fault_of_line(line: bytes, number: int, columns: Sequence[Column]) -> Fault:
    """What is wrong with a line that has no row."""
    charset = _charset_problem(line)
    if charset is not None:
        return Fault(row=number, column="-", problem=charset)
    try:
        unknown = _DECODE(line).keys() - {column.name for column in columns}
        return _unknown(number, min(unknown, default="-"))
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        problem = Told(f"不是 JSON 对象：{exc}", f"not a JSON object: {exc}")
        return Fault(row=number, column="-", problem=problem)


def _unknown(row: int, name: str) -> Fault:
    return Fault(row=row, column=name, problem=Told("未知的列", "unknown column"))


def _text(value: object) -> str:
    """A JSON value as the text of a cell."""
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case list():
            return ";".join(
                ":".join(map(_text, each.values())) if isinstance(each, dict) else _text(each)
                for each in value
            )
        case dict():
            return ";".join(f"{key}:{_text(each)}" for key, each in value.items())
    return str(value)
