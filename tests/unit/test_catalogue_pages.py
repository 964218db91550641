"""Pages of a large catalogue (1312 and its like): a late one passes all items before it, and others
get the loop in between."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

from protocol.nhsa.messages.catalogue import ItemQuery, ItemQueryData, ItemQueryInput
from settlement.catalogue import Catalogue, Item
from settlement.decision import Answer
from settlement.translate.lists import STEP_ITEMS, page_steps
from settlement.world import World

ITEMS = 10 * STEP_ITEMS
TODAY = date(2026, 11, 23)


def item(number: int) -> Item:
    return Item(
        code=f"XA{number:09d}TEST", name=f"测试药{number}", list_type="101", item_class="01",
        charge_kind="09", self_pay_bp=0, effective_from=date(2020, 1, 1),
    )  # fmt: skip


WORLD = cast(
    World, SimpleNamespace(catalogue=Catalogue(map(item, range(ITEMS))), region="441900")
)


def asked(**data: Any) -> ItemQuery:
    return ItemQuery(
        infno="1312", msgid="M", mdtrtarea_admvs="441900", recer_sys_code="99", infver="V1.0",
        opter_type="1", opter="1", opter_name="测试员", inf_time="2026-11-23 10:00:00",
        fixmedins_code="H44190099001", fixmedins_name="测试医院",
        input=ItemQueryInput(
            data=ItemQueryData(updt_time="2026-01-01", page_size=Decimal(100), **data)
        ),
    )  # fmt: skip


def test_late_page_lets_others_go_on_after_every_so_many_items() -> None:
    *pauses, answer = page_steps(asked(page_num=Decimal(ITEMS // 100)), WORLD, TODAY)
    assert pauses == [None] * (ITEMS // STEP_ITEMS)
    assert isinstance(answer, Answer)
    assert len(answer.output.rows) == 100
    assert answer.output.rows[-1].hilist_code == item(ITEMS - 1).code


def test_what_is_not_there_is_looked_for_in_the_same_steps() -> None:
    *pauses, answer = page_steps(asked(page_num=Decimal(1), hilist_name="无此"), WORLD, TODAY)
    assert pauses == [None] * (ITEMS // STEP_ITEMS)
    assert isinstance(answer, Answer) and answer.output.rows == ()


def test_first_page_ends_where_it_is_full() -> None:
    [answer] = page_steps(asked(page_num=Decimal(1)), WORLD, TODAY)
    assert isinstance(answer, Answer) and len(answer.output.rows) == 100
