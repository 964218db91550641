"""Finding the version of an item in force on a date, and telling unknown from expired."""

from __future__ import annotations

from datetime import date

import pytest

from settlement.catalogue import CatalogueError, Missing
from tests.unit.benefit.builders import ON, a_catalogue, an_item

OLD = an_item("A001", item_class="02", effective_from=date(2024, 1, 1),
              effective_to=date(2025, 6, 30))  # fmt: skip
NEW = an_item("A001", item_class="01", effective_from=date(2025, 7, 1))
GONE = an_item("B001", effective_to=date(2025, 1, 31))


@pytest.mark.parametrize(
    ("code", "on", "found"),
    [
        ("A001", date(2023, 12, 31), None),
        ("A001", date(2024, 1, 1), OLD),
        ("A001", date(2025, 6, 30), OLD),
        ("A001", date(2025, 7, 1), NEW),
        ("A001", date(2099, 1, 1), NEW),
        ("B001", date(2025, 1, 31), GONE),
        ("B001", date(2025, 2, 1), None),
        ("C001", ON, None),
    ],
)
def test_version_is_chosen_by_date(code: str, on: date, found: object) -> None:
    assert a_catalogue(NEW, OLD, GONE).find(code, on) == found
    assert a_catalogue(GONE, OLD, NEW).find(code, on) == found


def test_unknown_code_differs_from_one_not_in_force() -> None:
    catalogue = a_catalogue(GONE)
    assert catalogue.why_missing("B001") is Missing.NOT_IN_FORCE
    assert catalogue.why_missing("C001") is Missing.UNKNOWN


def test_overlapping_versions_are_refused() -> None:
    with pytest.raises(CatalogueError, match="A001"):
        a_catalogue(OLD, an_item("A001", effective_from=date(2025, 6, 30)))


def test_equal_tables_are_one_object_in_memory() -> None:
    one = an_item("A001", ceiling_e6={"1": 2_000_000})
    two = an_item("A002", ceiling_e6={"1": 2_000_000})
    catalogue = a_catalogue(one, two)
    first, second = catalogue
    assert len(catalogue) == 2
    assert first.ceiling_e6 is second.ceiling_e6
