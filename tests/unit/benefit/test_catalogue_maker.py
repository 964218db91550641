"""A catalogue made in pieces is the same as one made at once, and shares what did not change."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from settlement.catalogue import Catalogue, CatalogueError, CatalogueMaker, Item

ON = date(2026, 12, 1)
ITEMS = [
    Item(
        code=f"XA{n:03d}TEST", name="测试药品", list_type="101", item_class="01", charge_kind="09",
        self_pay_bp=0, ceiling_e6={"1": 1_000_000 * (n % 3 + 1)}, effective_from=date(2020, 1, 1),
    )
    for n in range(20)
]  # fmt: skip


def made(items: list[Item], earlier: Catalogue | None = None) -> Catalogue:
    """A catalogue made three items at a time."""
    maker = CatalogueMaker(earlier)
    for first in range(0, len(items), 3):
        maker.add(items[first : first + 3])
    return maker.catalogue


def test_pieces_make_the_same_catalogue() -> None:
    assert list(made(ITEMS)) == list(Catalogue(ITEMS)) == ITEMS


def test_what_did_not_change_is_the_same_object_and_what_did_is_not() -> None:
    earlier = made(ITEMS)
    ended = replace(ITEMS[0], effective_to=ON - timedelta(1))
    began = replace(ITEMS[0], self_pay_bp=1000, effective_from=ON)
    later = made([ended, began, *map(replace, ITEMS[1:])], earlier)
    for item in ITEMS[1:]:
        assert later.find(item.code, ON) is earlier.find(item.code, ON)
    assert later.find(ITEMS[0].code, ON) == began
    assert later.find(ITEMS[0].code, ON - timedelta(1)) == ended
    assert later.version(ITEMS[0].code, ended.effective_from) == ended
    assert later.version(ITEMS[0].code, ON + timedelta(1)) is None
    again = made([ended, began, *ITEMS[1:]], later)
    assert again.version(ITEMS[0].code, ended.effective_from) is later.find(
        ITEMS[0].code, ON - timedelta(1)
    )


def test_overlap_across_pieces_is_refused() -> None:
    with pytest.raises(CatalogueError, match="XA000TEST"):
        made([*ITEMS, replace(ITEMS[0], effective_from=ON)])
