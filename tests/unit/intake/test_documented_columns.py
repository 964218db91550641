"""The page on importing has every column, with its title and whether it must be there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from settlement.intake import (
    counterparts,
    institutions,
    items,
    openings,
    payables,
    persons,
    staff,
    stays,
)
from settlement.intake.cells import Column

PAGE = (Path(__file__).resolve().parents[3] / "docs/operating/importing.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\w+)` \| ([^|]+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


@pytest.mark.parametrize(
    ("heading", "columns"),
    [
        ("Persons", persons.COLUMNS),
        ("Institutions", institutions.COLUMNS),
        ("Staff", staff.COLUMNS),
        ("Items", items.COLUMNS),
        ("Other regions", counterparts.COLUMNS),
        ("Openings at the cut-over", openings.COLUMNS),
        ("Balances of institutions at the cut-over", payables.COLUMNS),
        ("Open stays at the cut-over", stays.COLUMNS),
    ],
)
def test_page_has_the_columns_in_their_order(heading: str, columns: tuple[Column, ...]) -> None:
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    [text] = [part for part in section if part.startswith(f"{heading}\n")]
    told = [(name, title, empty == "required") for name, title, empty in ROW.findall(text)]
    assert told == [(c.name, c.title, c.required) for c in columns]
