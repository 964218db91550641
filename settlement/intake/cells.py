"""Cells of a file as values: what a column takes, and what is said of a cell that it does not take.

Lists inside a cell are separated by `;`, the parts of one element by `:`; the full-width signs of a
Chinese keyboard count as well. Knows nothing of persons, institutions or items.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any

from msgspec import Struct

from settlement.intake.faults import Fault, Told

Read = Callable[[str], Any]
REQUIRED = object()
_HALF_WIDTH = str.maketrans("；：，", ";:,")
_MISSING = Told("缺少值", "no value")


class Column(Struct, frozen=True, kw_only=True):
    """A column of a kind of file. `name` is the field's name on the national interface where it has
    one there; a header may say the Chinese `title` instead."""

    name: str
    title: str
    read: Read
    expected: Told
    default: object = REQUIRED
    """what an empty cell, or a column that is not there, stands for"""
    personal: bool = False
    """not repeated in reports"""

    @property
    def required(self) -> bool:
        """Whether every row must have a value."""
        return self.default is REQUIRED

    def fault(self, text: str, row: int) -> Fault:
        """What is to be said of a cell that cannot be read."""
        if not text:
            return Fault(row=row, column=self.name, problem=_MISSING, expected=self.expected)
        shown = "***" if self.personal else text[:40]
        problem = Told(f"“{shown}”不合要求", f"{shown!r} is not possible")
        return Fault(row=row, column=self.name, problem=problem, expected=self.expected)


def values_of(
    columns: Sequence[Column], texts: Sequence[str], row: int, faults: list[Fault]
) -> dict[str, Any] | None:
    """The values of a row by column; None where cells are at fault, which are added."""
    found: dict[str, Any] = {}
    bad = False
    for column, cell in zip(columns, texts, strict=True):
        text = cell.strip()
        try:
            if text:
                found[column.name] = column.read(text)
                continue
            if column.default is not REQUIRED:
                found[column.name] = column.default
                continue
        except (ValueError, ArithmeticError):
            pass
        faults.append(column.fault(text, row))
        bad = True
    return None if bad else found


def matching(pattern: str) -> Read:
    """Text that matches as a whole."""
    matches = re.compile(pattern).fullmatch

    def read(text: str) -> str:
        if matches(text) is None:
            raise ValueError
        return text

    return read


def one_of(*values: str) -> Read:
    """One of a few codes."""
    known = {value: value for value in values}

    def read(text: str) -> str:
        if text not in known:
            raise ValueError
        return known[text]

    return read


def short_text(characters_max: int) -> Read:
    """Text of a line, of limited length."""

    def read(text: str) -> str:
        if len(text) > characters_max or not text.isprintable():
            raise ValueError
        return text

    return read


@lru_cache(maxsize=100_000)
def read_date(text: str) -> date:
    """2026-12-01, 20261201 or 2026/12/1."""
    if len(text) == 10 and text[4] == "-":
        return date.fromisoformat(text)
    if len(text) == 8 and text.isdecimal():
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    year, month, day = text.split("/")
    if len(year) != 4:
        raise ValueError
    return date(int(year), int(month), int(day))


def read_moment(text: str) -> datetime:
    """2026-12-01 08:30:00, or a date for its first moment."""
    day, _, clock = text.replace("T", " ").partition(" ")
    told = time.fromisoformat(clock) if clock else time.min
    if told.tzinfo is not None:
        raise ValueError
    return datetime.combine(read_date(day), told)


def read_flag(text: str) -> bool:
    """1 or 0, 是 or 否."""
    if text in ("1", "是"):
        return True
    if text in ("0", "否"):
        return False
    raise ValueError


def read_ratio_bp(text: str) -> int:
    """A ratio from 0 to 1 in basis points: 0.1 is 1000."""
    return _scaled(text, 10_000, most=10_000)


def read_quantity_e4(text: str) -> int:
    """A quantity in ten-thousandths."""
    return _scaled(text, 10_000, most=10**15)


def read_price_e6(text: str) -> int:
    """Yuan in millionths."""
    return _scaled(text, 1_000_000, most=10**16)


def read_fen(text: str) -> int:
    """Yuan in fen, not negative."""
    return _scaled(text, 100, most=10**13)


def read_signed_fen(text: str) -> int:
    """Yuan in fen; below zero where the debt is the other way round."""
    return _scaled(text, 100, most=10**13, least=-(10**13))


def codes(pattern: str) -> Read:
    """A list of codes, each of which matches, in a fixed order and none twice."""
    read_one = matching(pattern)

    def read(text: str) -> tuple[str, ...]:
        return tuple(sorted({read_one(part) for part in parts(text)}))

    return read


def table(key: Read, value: Read) -> Read:
    """`key:value;key:value`, no key twice."""

    def read(text: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for part in parts(text):
            name, told = part.split(":")
            if name in found:
                raise ValueError
            found[key(name.strip())] = value(told.strip())
        return dict(sorted(found.items()))

    return read


def parts(text: str) -> list[str]:
    """The elements of a list in a cell."""
    return [part.strip() for part in text.translate(_HALF_WIDTH).split(";") if part.strip()]


def _scaled(text: str, scale: int, *, most: int, least: int = 0) -> int:
    """A decimal number as a whole number of smaller units; nothing is rounded."""
    number = Decimal(text) * scale
    if not least <= number <= most or number != number.to_integral_value():
        raise ValueError
    return int(number)


A_DATE = Told("日期，如 2026-12-01", "a date like 2026-12-01")
A_FLAG = Told("1（是）或 0（否）", "1 (yes) or 0 (no)")
A_RATIO = Told("0 至 1 之间、至多四位小数的比例", "a ratio from 0 to 1 with at most four decimals")
