"""Text for a terminal in which Chinese and Latin letters stand side by side.

A Chinese character takes two columns, so lengths are measured, never counted. Pure: it returns
lines and prints nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

COLUMNS = 96
"""Of a line at most: two fewer than the usual hundred, with room for a margin."""
_GAP = "  "
_WIDE = frozenset("WF")


class Column(Struct, frozen=True, kw_only=True):
    """A column of a table: its title in both languages, one below the other."""

    chinese: str
    english: str
    is_number: bool = False


def width(text: str) -> int:
    """How many columns a terminal needs for a text."""
    return sum(
        0 if unicodedata.combining(one) else 2 if unicodedata.east_asian_width(one) in _WIDE else 1
        for one in text
    )


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """The text with blanks around it, so that it takes so many columns at least."""
    blanks = " " * max(0, columns - width(text))
    return blanks + text if right else text + blanks


def rule(columns: int = COLUMNS, line: str = "─") -> str:
    """A line across."""
    return line * columns


def banner(*lines: str) -> list[str]:
    """Lines between two double rules."""
    return [rule(line="═"), *(f"  {line}" for line in lines), rule(line="═")]


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], *, total: Sequence[str] | None = None
) -> list[str]:
    """Titles, rows, and a last row set apart where a total is given. Numbers are set right."""
    titles = [[c.chinese for c in columns], [c.english for c in columns]]
    everything = [*titles, *rows, *([total] if total else [])]
    widths = [max(width(row[n]) for row in everything) for n in range(len(columns))]

    def line(row: Sequence[str]) -> str:
        cells = (
            pad(cell, size, right=column.is_number)
            for cell, size, column in zip(row, widths, columns, strict=True)
        )
        return (_GAP + _GAP.join(cells)).rstrip()

    across = _GAP + rule(sum(widths) + len(_GAP) * (len(columns) - 1))
    below = [across, line(total)] if total else []
    return [*(line(row) for row in titles), across, *(line(row) for row in rows), *below]


def money(amount: Decimal) -> str:
    """Yuan with two decimals and thousands set apart."""
    return f"{amount:,.2f}"


def yuan(fen: int) -> Decimal:
    """Fen as yuan."""
    return Decimal(fen).scaleb(-2)
