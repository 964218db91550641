"""What a person sees in a workbook of ours: its sheets, their cells as text, and which are sums."""

from __future__ import annotations

import io
import re
import zipfile
from html import unescape

Rows = list[list[str]]
_CELL = re.compile(r'<c r="[A-Z]+\d+"[^>]*?(?:/>|>(.*?)</c>)', re.S)
_ROW = re.compile(r"<row [^>]*?(?:/>|>(.*?)</row>)", re.S)
_TEXT = re.compile(r"<t[^>]*>(.*?)</t>", re.S)
_VALUE = re.compile(r"<v>(.*?)</v>")
_FORMULA = re.compile(r"<f>(.*?)</f>")


def sheets_of(content: bytes) -> dict[str, Rows]:
    """Sheets by their names; a formula is shown with its value, as `=SUM(A1:A2)|12.00`."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        names = re.findall(r'sheet name="([^"]*)"', book.read("xl/workbook.xml").decode())
        pages = [
            book.read(f"xl/worksheets/sheet{n}.xml").decode() for n in range(1, len(names) + 1)
        ]
    return {
        unescape(name): [
            [_shown(cell or "") for cell in _CELL.findall(row or "")]
            for row in _ROW.findall(page)
        ]
        for name, page in zip(names, pages, strict=True)
    }


def _shown(cell: str) -> str:
    text, value, formula = _TEXT.search(cell), _VALUE.search(cell), _FORMULA.search(cell)
    if formula is not None:
        return f"={unescape(formula.group(1))}|{value.group(1) if value else ''}"
    if text is not None:
        return unescape(text.group(1))
    return "" if value is None else value.group(1)
