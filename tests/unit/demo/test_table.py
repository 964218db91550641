"""Tables in a terminal: Chinese takes two columns, and everything still lines up."""

from __future__ import annotations

from decimal import Decimal

import pytest

from settlement.demo.table import Column, money, pad, table, width, yuan


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("",             0),
        ("abc",          3),
        ("统筹基金",     8),
        ("统筹 fund",    9),
        ("（甲）",       6),
        ("①e\u0301",     2),
    ],
)  # fmt: skip
def test_width_is_what_the_terminal_shows(text: str, columns: int) -> None:
    assert width(text) == columns


def test_pad_fills_to_columns_not_to_characters() -> None:
    assert pad("现金", 6) == "现金  "
    assert pad("现金", 6, right=True) == "  现金"
    assert pad("现金", 3) == "现金"


def test_columns_line_up_whatever_the_script() -> None:
    columns = (Column(chinese="事项", english="what"),
               Column(chinese="现金", english="cash", is_number=True))  # fmt: skip
    lines = table(columns, [("药店购药", "1.00"), ("sale", "12.50")], total=("合计", "13.50"))
    assert {width(line) for line in lines} == {2 + 8 + 2 + 5}
    assert lines[-1].endswith("13.50") and set(lines[-2].strip()) == {"─"}


@pytest.mark.parametrize(
    ("fen", "text"),
    [(0, "0.00"), (5, "0.05"), (-1_234, "-12.34"), (123_456_789, "1,234,567.89")],
)
def test_money_is_written_to_the_fen(fen: int, text: str) -> None:
    assert money(yuan(fen)) == text
    assert isinstance(yuan(fen), Decimal)
