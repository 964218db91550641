"""Reads the cells of tables and conditions: words against what they may be, ranges into spans."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from settlement.policy.errors import Place, PolicyError
from settlement.policy.format import Cell, TableEntry
from settlement.policy.table import ANY, NUMBERS, Column, Condition, Row, Span, Table, Words

_SPAN = re.compile(r"^(?:(\d[\d_]*)?\.\.(\d[\d_]*)?|(\d[\d_]*))\Z")


class Cells:
    """Reads cells for one policy, whose levels, categories and tags are `vocabulary`."""

    def __init__(self, vocabulary: Mapping[Column, frozenset[str]]) -> None:
        self.vocabulary = vocabulary

    def condition(self, cells: Mapping[Column, Cell], place: Place) -> Condition:
        """Read the `when` of a rule."""
        return Condition(
            cells={
                column: self._cell(column, cell, (*place, column.value))
                for column, cell in cells.items()
                if cell != ANY
            }
        )

    def table(self, entry: TableEntry, place: Place, least: int, most: int | None) -> Table:
        """Read a table, whose numbers must lie from `least` to `most`."""
        if len(set(entry.by)) != len(entry.by):
            raise PolicyError("by 中有重复的列", (*place, "by"))
        rows = tuple(
            self._row(entry.by, row, (*place, "rows", number), least, most)
            for number, row in enumerate(entry.rows)
        )
        return Table(name=".".join(map(str, place)), columns=entry.by, rows=rows)

    def _row(
        self, columns: Sequence[Column], row: list[Cell], place: Place, least: int, most: int | None
    ) -> Row:
        value = row[-1] if row else None
        if len(row) != len(columns) + 1 or not isinstance(value, int):
            raise PolicyError(f"每行须有 {len(columns)} 个条件和最后一个整数", place)
        if value < least or (most is not None and value > most):
            raise PolicyError(f"{value} 不在 {least} 到 {most} 之间", place)
        cells = dict(zip(columns, row, strict=False))
        return Row(self.condition(cells, place), value)

    def _cell(self, column: Column, cell: Cell, place: Place) -> Words | Span:
        if column in NUMBERS:
            if isinstance(cell, list):
                raise PolicyError(f'{column} 须写一个数或一个范围，如 "2.."', place)
            return _span(cell, place)
        allowed = self.vocabulary[column]
        words = frozenset(map(str, cell if isinstance(cell, list) else [cell]))
        unknown = sorted(words - allowed)
        if unknown or not words:
            raise PolicyError(f"{column} 只能取 {sorted(allowed)}，不能取 {unknown}", place)
        return Words(words)


def _span(cell: str | int, place: Place) -> Span:
    match = _SPAN.match(str(cell))
    if match is None:
        raise PolicyError(f'{cell!r} 不是一个范围，应写作 "2"、"2.."、"..69" 或 "50..59"', place)
    low, high, only = (None if text is None else int(text) for text in match.groups())
    if only is not None:
        return Span(only, only)
    if low is None and high is None:
        raise PolicyError('范围 ".." 没有界限，应写作 "*"', place)
    if low is not None and high is not None and low > high:
        raise PolicyError(f"范围 {cell!r} 的下限大于上限", place)
    return Span(low, high)
