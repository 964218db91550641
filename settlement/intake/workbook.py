"""The first sheet of an .xlsx workbook as rows of text: what spreadsheets save, and no more of it.

A workbook is a ZIP of XML. Read are cells with text, numbers and truth values; a formula counts as
the value that was saved with it. A document type is refused, so no entity is ever expanded, and so
is a workbook that unpacks to more than `BYTES_MAX`, or to far more than any spreadsheet would save.
Numbers stay as they are written in it, where readers of workbooks at large make floats of them:
they are ratios and prices.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from decimal import Context, Decimal, InvalidOperation
from pathlib import Path
from xml.parsers import expat

from protocol.zipped import BROKEN
from settlement.intake.faults import FileError

BYTES_MAX = 500_000_000
RATIO_MAX = 200
"""How many times its size a part may unpack to. What a spreadsheet saves unpacks to ten or twenty
times; a bomb to a thousand."""
_SMALL_BYTES = 1_000_000
"""Of which nobody asks how well it was packed."""
_SHEET = "xl/worksheets/sheet1.xml"
_STRINGS = "xl/sharedStrings.xml"
DIGITS = 15
"""What a spreadsheet keeps of a number."""
_FIFTEEN = Context(prec=DIGITS)
_LEFT_OVER = Decimal("1E-9")
_PLACE = re.compile(r"([A-Z]{1,3})\d+")


class Number(str):
    """What a cell holds as a number, as it is written in the workbook. A spreadsheet keeps fifteen
    digits of one, whatever was typed."""

    __slots__ = ()


def sheet_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The number of each row that has cells, and the cells. Raises FileError."""
    try:
        with zipfile.ZipFile(path) as book:
            if sum(info.file_size for info in book.infolist()) > BYTES_MAX or any(
                _is_bomb(info) for info in book.infolist()
            ):
                raise FileError(f"{path.name}: 过大，请用 CSV | too large, use CSV")
            strings: list[str] = []
            if _STRINGS in book.namelist():
                strings = _Strings(book.read(_STRINGS)).found
            rows = _Sheet(book.read(_SHEET), strings).rows
    except FileError:
        raise
    except (*BROKEN, expat.ExpatError) as exc:
        raise FileError(f"{path.name}: 不是工作簿 | not a workbook: {exc}") from exc
    yield from rows


def _is_bomb(part: zipfile.ZipInfo) -> bool:
    return part.file_size > max(_SMALL_BYTES, RATIO_MAX * part.compress_size)


class _Reader:
    """Walks through a part of a workbook."""

    def __init__(self, content: bytes) -> None:
        self._text: list[str] = []
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = _refuse
        parser.StartElementHandler = lambda tag, attributes: self.start(_local(tag), attributes)
        parser.EndElementHandler = lambda tag: self.end(_local(tag))
        parser.CharacterDataHandler = self._text.append
        parser.Parse(content, True)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""

    def end(self, tag: str) -> None:
        """An element ends."""

    def _taken(self) -> str:
        text = "".join(self._text)
        self._text.clear()
        return text


class _Strings(_Reader):
    """The texts that cells refer to by number; each may be of several runs."""

    def __init__(self, content: bytes) -> None:
        self.found: list[str] = []
        self._runs: list[str] = []
        super().__init__(content)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._taken()

    def end(self, tag: str) -> None:
        text = self._taken()
        if tag == "t":
            self._runs.append(text)
        elif tag == "rPh":
            self._runs.pop()  # how to pronounce it
        elif tag == "si":
            self.found.append("".join(self._runs))
            self._runs.clear()


class _Sheet(_Reader):
    """The rows of a sheet."""

    def __init__(self, content: bytes, strings: list[str]) -> None:
        self.rows: list[tuple[int, list[str]]] = []
        self._strings = strings
        self._cells: list[str] = []
        self._column = 0
        self._kind = "n"
        self._row = 0
        super().__init__(content)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._taken()
        if tag == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._cells = []
        elif tag == "c":
            place = _PLACE.fullmatch(attributes.get("r", ""))
            self._column = len(self._cells) if place is None else _number(place[1])
            self._kind = attributes.get("t", "n")
            self._cells += [""] * (self._column + 1 - len(self._cells))

    def end(self, tag: str) -> None:
        text = self._taken()
        if tag == "v":
            told = self._strings[int(text)] if self._kind == "s" else text
            self._cells[self._column] = Number(_shown(told)) if self._kind == "n" else told
        elif tag == "t":
            self._cells[self._column] += text
        elif tag == "row" and any(self._cells):
            self.rows.append((self._row, self._cells))


def _shown(text: str) -> str:
    """A number as its reader sees it. Behind the fifteenth digit a formula leaves what binary
    arithmetic left over: 0.1+0.2 is kept as 0.30000000000000004, and a sum that is nothing as
    1.1E-13. Whole numbers stay as they are, so that one that lost digits is told by them."""
    if len(text) < DIGITS:
        return text
    try:
        number = Decimal(text)
    except InvalidOperation:
        return text
    if not number.is_finite() or (number and number == number.to_integral_value()):
        return text
    if abs(number) < _LEFT_OVER:
        return "0"
    return format(_FIFTEEN.plus(number).normalize(), "f")


def _local(tag: str) -> str:
    """Some programs write a prefix before every name."""
    return tag.rpartition(":")[2]


def _number(letters: str) -> int:
    """A is 0, Z is 25, AA is 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _refuse(*_: object) -> None:
    raise ValueError("a document type")
