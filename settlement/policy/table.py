"""Decision tables of a policy (待遇标准表): numbers that depend on who, where and how often.

A table names its columns and lists its rows; the first row that fits the facts of a case answers.
A column may be about words (level, category, place …) or about a number (age, n-th admission,
total of the stay), where a cell is a range: `"1"`, `"2.."`, `"..69"`, `"50..59"`, both ends
included. `"*"` fits anything. This module knows no rule and no money: a value is a whole number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

from msgspec import Struct

ANY = "*"


class Column(StrEnum):
    """What a table or a condition may look at."""

    LEVEL = "level"
    """起付线医院等级: 1, 2, 3, community, other"""
    CATEGORY = "category"
    """人员类别, by the policy's own names"""
    WHERE = "where"
    """就医地: local, in_province, outside"""
    FILING = "filing"
    """异地就医备案: none, long_term, referral, emergency, temporary"""
    TRANSFER = "transfer"
    """转院: yes when the stay continues one in another hospital, else no"""
    TAG = "tag"
    """人员标识 (救助身份 …): a row with a tag fits everybody who has it"""
    ADMISSION = "admission"
    """年内第几次住院"""
    AGE = "age"
    """周岁 on the ruling date"""
    STAY_TOTAL = "stay_total"
    """本次医疗费总额, in fen"""


NUMBERS = frozenset({Column.ADMISSION, Column.AGE, Column.STAY_TOTAL})
"""Columns whose cells are ranges."""

PLACES = ("local", "in_province", "outside")
FILINGS = ("none", "long_term", "referral", "emergency", "temporary")
LEVELS = ("1", "2", "3", "community", "other")


class Facts(Struct, frozen=True, kw_only=True, gc=False):
    """What the tables are read by, of one case."""

    level: str
    category: str
    where: str = "local"
    filing: str = "none"
    transfer: bool = False
    tags: frozenset[str] = frozenset()
    admission: int = 1
    age: int = 0
    stay_total_fen: int = 0

    def word(self, column: Column) -> str:
        """What a column about words says of this case; tags are several and asked for apart."""
        match column:
            case Column.LEVEL:
                return self.level
            case Column.CATEGORY:
                return self.category
            case Column.WHERE:
                return self.where
            case Column.FILING:
                return self.filing
            case Column.TRANSFER:
                return "yes" if self.transfer else "no"
        raise ValueError(f"{column} is not about one word")

    def number(self, column: Column) -> int:
        """What a column about a number says of this case."""
        match column:
            case Column.ADMISSION:
                return self.admission
            case Column.AGE:
                return self.age
            case Column.STAY_TOTAL:
                return self.stay_total_fen
        raise ValueError(f"{column} is not about a number")


class Words(Struct, frozen=True, gc=False):
    """A cell about words; `allowed` is None where any will do."""

    allowed: frozenset[str] | None

    def covers(self, other: Words) -> bool:
        """Whether everything that fits `other` fits this too."""
        if self.allowed is None:
            return True
        return other.allowed is not None and other.allowed <= self.allowed


class Span(Struct, frozen=True, gc=False):
    """A cell about a number: from `low` to `high`, both included; None is open."""

    low: int | None
    high: int | None

    def __contains__(self, number: int) -> bool:
        return (self.low is None or number >= self.low) and (
            self.high is None or number <= self.high
        )

    def covers(self, other: Span) -> bool:
        """Whether everything that fits `other` fits this too."""
        return (self.low is None or (other.low is not None and other.low >= self.low)) and (
            self.high is None or (other.high is not None and other.high <= self.high)
        )


class Condition(Struct, frozen=True, kw_only=True, gc=False):
    """Cells by column; a case fits when it fits every one. No cells fit everybody."""

    cells: Mapping[Column, Words | Span]

    def fits(self, facts: Facts) -> bool:
        """Whether the facts of a case fit."""
        for column, cell in self.cells.items():
            if isinstance(cell, Span):
                if facts.number(column) not in cell:
                    return False
            elif cell.allowed is None:
                continue
            elif column is Column.TAG:
                if not facts.tags & cell.allowed:
                    return False
            elif facts.word(column) not in cell.allowed:
                return False
        return True

    def covers(self, other: Condition) -> bool:
        """Whether every case that fits `other` is sure to fit this."""
        for column, cell in self.cells.items():
            theirs = other.cells.get(column)
            if isinstance(cell, Words):
                if not cell.covers(theirs if isinstance(theirs, Words) else Words(None)):
                    return False
            elif not cell.covers(theirs if isinstance(theirs, Span) else Span(None, None)):
                return False
        return True


EVERYBODY = Condition(cells={})


class Row(Struct, frozen=True, gc=False):
    """One row: who it is for, and its number."""

    condition: Condition
    value: int


class Table(Struct, frozen=True, kw_only=True, gc=False):
    """Rows in order of precedence; a table that was checked answers every case."""

    name: str
    """section and name in the file; empty for a number written in a rule itself"""
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def at(self, facts: Facts) -> int:
        """The number for a case; raises LookupError where no row fits."""
        for row in self.rows:
            if row.condition.fits(facts):
                return row.value
        raise LookupError(f"{self.name} has no row for {facts}")

    def values(self) -> Iterator[int]:
        """Every number in the table."""
        return (row.value for row in self.rows)


def constant(value: int) -> Table:
    """A table that always says the same."""
    return Table(name="", columns=(), rows=(Row(EVERYBODY, value),))
