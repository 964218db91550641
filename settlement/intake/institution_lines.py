"""Files in which institutions say what they settled (机构对账文件), line by line.

Three forms: the upload of 3202 (a ZIP with one text, values between tabs and no header), CSV with a
header, and the first sheet of an .xlsx workbook. With a header, columns are found by their names on
the interface or in Chinese, others are passed over, and a last row 合计 states totals. A line that
cannot be read becomes a fault; what speaks against the file as a whole is a BillError.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from ledger.money import yuan_text
from protocol.nhsa import textfile
from protocol.nhsa.textfile import DETAIL_COLUMNS
from protocol.zipped import BROKEN
from settlement.books.bill import BillError, Faults
from settlement.intake.faults import FileError
from settlement.intake.workbook import Number, sheet_rows

BYTES_MAX = 200_000_000
ROWS_MAX = 500_000
ID, TOTAL, FUND, ACCOUNT, REFUND = (
    "setl_id", "medfee_sumamt", "fund_pay_sumamt", "acct_pay", "refd_setl_flag",
)  # fmt: skip
AMOUNTS = (TOTAL, FUND, ACCOUNT)
WANTED = (ID, *AMOUNTS, REFUND)
_TITLES = {**{title: name for name, title in DETAIL_COLUMNS.items()}, **{n: n for n in WANTED}}
_SUMMARY = re.compile(r"合\s*计|总\s*计|total", re.IGNORECASE)
_PLAIN = re.compile(r"-?\d{1,14}(?:\.\d{1,2}0*)?", re.ASCII)
_FLOAT_ID = re.compile(r"\d+(?:\.\d+)?[eE]\+?\d+|\d+\.\d+", re.ASCII)
_ID = re.compile(r"[0-9A-Za-z_\-]{1,30}", re.ASCII)
_FLAGS = {"0": False, "否": False, "1": True, "是": True}
_DIGITS_KEPT = 15
"""of a number, by a spreadsheet"""
_FLOAT_SAID = (
    "编号被表格软件变成了数字，末几位已丢失：请把该列设为文本后重新导出 | the spreadsheet made a "
    "number of it and its last digits are lost: make the column text and export again"
)
_AGAIN = "请重新导出 | export it again"

Cells = tuple[int, list[str]]


class Line(NamedTuple):
    """A settlement or a cancel, as the institution has it; fen."""

    row_no: int
    setl_id: str
    refund: bool
    total_fen: int
    fund_fen: int
    account_fen: int


class Lines(Struct, kw_only=True):
    """A file that is proven."""

    form: str
    """3202, csv, xlsx"""
    lines: list[Line]
    faults: Faults

    def total_fen(self, name: str) -> int:
        """What the lines come to."""
        place = Line._fields.index(
            {TOTAL: "total_fen", FUND: "fund_fen", ACCOUNT: "account_fen"}[name]
        )
        return sum(int(one[place]) for one in self.lines)


def read_lines(path: Path) -> Lines:
    """All of a file. Raises BillError, and then nothing of it is taken."""
    if not path.stat().st_size:
        raise BillError(f"文件是空的，{_AGAIN}")
    if path.stat().st_size > BYTES_MAX:
        raise BillError("文件过大，请按天导出 | the file is too large: export it by day")
    with path.open("rb") as file:
        head = file.read(4)
    if head != b"PK\x03\x04":
        return _of_text(_decoded(path.read_bytes()))
    if _is_workbook(path):
        try:
            return _with_header("xlsx", sheet_rows(path))
        except FileError as exc:
            raise BillError(f"工作簿无法读取，{_AGAIN}：{exc}") from exc
    try:
        return _of_text(textfile.unpack(path.read_bytes(), bytes_max=BYTES_MAX))
    except textfile.FileError as exc:
        raise BillError(
            f"压缩文件已损坏或不是一个文本文件（{exc.fault.value}），{_AGAIN}"
        ) from exc


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except BROKEN as exc:
        raise BillError(f"压缩文件已损坏或被截断，{_AGAIN}") from exc


def _decoded(content: bytes) -> str:
    for charset in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(charset)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise BillError(
        "文件编码无法识别，请存为 UTF-8 | in a charset that is not known: save it as UTF-8"
    )


def _of_text(text: str) -> Lines:
    first = text.split("\n", 1)[0].removesuffix("\r")
    if any(name in first for name in _TITLES):
        delimiter = "\t" if "\t" in first else ","
        try:
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
            return _with_header("csv", ((rows.line_num, cells) for cells in rows))
        except csv.Error as exc:
            raise BillError(f"第 {rows.line_num} 行不是 CSV，{_AGAIN}：{exc}") from exc
    if first.count("\t") != len(DETAIL_COLUMNS) - 1:
        raise BillError(
            "不是认识的机构对账文件：须有表头，或按 3202 的格式以制表符分隔；若是乱码，请存为 "
            "UTF-8 | not a file of an institution that is known: it needs a header, or the form of "
            "3202; if it looks garbled, save it as UTF-8"
        )
    places = [list(DETAIL_COLUMNS).index(name) for name in WANTED]
    rows_ = (
        (number, ["" if cell == textfile.EMPTY else cell for cell in line.split("\t")])
        for number, line in enumerate(text.splitlines(), 1)
    )
    return _read("3202", rows_, places, len(DETAIL_COLUMNS))


def _with_header(form: str, rows: Iterable[Cells]) -> Lines:
    rows = iter(rows)
    _, header = next(rows, (0, []))
    named = [_TITLES.get(cell.strip(" \ufeff\t'`")) for cell in header]
    missing = [name for name in WANTED if name != REFUND and name not in named]
    if missing:
        shown = "、".join(DETAIL_COLUMNS[name] for name in missing)
        raise BillError(f"缺少列：{shown} | columns are missing: {', '.join(missing)}")
    twice = [name for name in WANTED if named.count(name) > 1]
    if twice:
        raise BillError(f"列重复：{DETAIL_COLUMNS[twice[0]]} | {twice[0]} stands there twice")
    places = [named.index(name) if name in named else -1 for name in WANTED]
    return _read(form, rows, places, len(header))


def _read(form: str, rows: Iterator[Cells], places: Sequence[int], width: int) -> Lines:
    """Every line; the summary, where there is one, is the last and must hold."""
    found = Lines(form=form, lines=[], faults=Faults())
    sums = dict.fromkeys(AMOUNTS, 0)
    told: list[str] | None = None
    for number, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if told is not None:
            raise BillError(f"第 {number} 行在合计行之后：两份文件接在了一起，{_AGAIN}")
        if number > ROWS_MAX:
            raise BillError(f"超过 {ROWS_MAX} 行，请按天导出 | too many lines: export by day")
        if len(cells) > width or (form == "3202" and len(cells) != width):
            found.faults.add(number, "", f"有 {len(cells)} 列，应为 {width} 列")
            continue
        cells += [""] * (width - len(cells))
        values = ["" if place < 0 else cells[place] for place in places]
        if _SUMMARY.match(cells[0].strip()) or _SUMMARY.match(values[0].strip()):
            told = values[1:4]
        elif _TITLES.get(values[0].strip()) == ID:
            raise BillError(f"第 {number} 行又是表头：两份文件接在了一起，{_AGAIN}")
        else:
            _line(number, values, found, sums)
    _prove(told, sums, found.faults)
    return found


def _line(number: int, values: Sequence[str], found: Lines, sums: dict[str, int]) -> None:
    """A line, or what is wrong with it; what can be read of its amounts counts in any case."""
    amounts: list[int] = []
    for name, text in zip(AMOUNTS, values[1:4], strict=True):
        fen = _fen(text)
        if fen is None:
            found.faults.add(number, DETAIL_COLUMNS[name], _amount_said(text))
            continue
        sums[name] += fen
        amounts.append(fen)
    setl_id, fault = _id(values[0])
    if fault:
        found.faults.add(number, DETAIL_COLUMNS[ID], fault)
    flag = values[4].strip(" \t'`")
    refund = _FLAGS.get(flag) if flag else bool(amounts) and amounts[0] < 0
    if refund is None:
        found.faults.add(number, DETAIL_COLUMNS[REFUND], f"应为 0 或 1：{flag[:20]!r}")
        return
    if len(amounts) == len(AMOUNTS) and not fault:
        found.lines.append(Line(number, setl_id, refund, *amounts))


def _id(text: str) -> tuple[str, str]:
    """A settlement's number, and what is wrong with it."""
    shown = text.strip(" \t'`\u00a0")
    is_float = _FLOAT_ID.fullmatch(shown) is not None
    if is_float or (isinstance(text, Number) and len(shown) > _DIGITS_KEPT):
        return "", f"{shown[:30]}：{_FLOAT_SAID}"
    if not _ID.fullmatch(shown):
        return "", f"不是结算编号 | no number of a settlement: {shown[:30]!r}"
    return shown, ""


def _fen(text: str) -> int | None:
    """Yuan in fen, exactly. A workbook may have 12.299999999999999 for what shows as 12.30."""
    if isinstance(text, Number):
        try:
            exact = Decimal(text) * 100
        except InvalidOperation:
            return None
        rounded = exact.to_integral_value()
        return int(rounded) if abs(exact - rounded) < Decimal("0.0001") else None
    shown = text.strip(" \t'`\u00a0")
    return int(Decimal(shown) * 100) if _PLAIN.fullmatch(shown) else None


def _amount_said(text: str) -> str:
    shown = text.strip()[:30]
    if re.search("[¥￥,，元]", shown) and re.search(r"\d", shown):
        return (
            f"{shown!r} 是文本：请去掉千分位、货币符号，以元为单位写两位小数 | text: without "
            "separators and signs of currency, yuan with two decimals"
        )
    return f"不是金额 | no amount: {shown!r}"


def _prove(told: Sequence[str] | None, sums: dict[str, int], faults: Faults) -> None:
    if told is None:
        return
    for name, text in zip(AMOUNTS, told, strict=True):
        stated = _fen(text) if text.strip() else sums[name]
        if stated != sums[name]:
            unread = f"；无法识别的行：{faults.shown()}" if faults else ""
            raise BillError(
                f"合计行的{DETAIL_COLUMNS[name]}为 {text.strip()[:30]}，各行合计 "
                f"{yuan_text(sums[name])}{unread}：文件不完整或被改动，{_AGAIN}"
            )

