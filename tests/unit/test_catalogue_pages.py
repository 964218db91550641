"""Pages of a large catalogue (1312 and its like): a late one passes all items before it, and others
get the loop in between; the next one of the same enquiry goes on from there."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from itertools import zip_longest
from random import Random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from protocol.nhsa.messages.catalogue import ItemQuery, ItemQueryData, ItemQueryInput
from settlement.catalogue import Catalogue, Item
from settlement.catalogue_pages import ENQUIRIES_KEPT_MAX, STEP_ITEMS
from settlement.decision import Answer
from settlement.translate.lists import page_steps
from settlement.world import World

ITEMS = 10 * STEP_ITEMS
TODAY = date(2026, 11, 23)


def item(number: int) -> Item:
    return Item(
        code=f"XA{number:09d}TEST", name=f"测试药{number}", list_type="101", item_class="01",
        charge_kind="09", self_pay_bp=0, effective_from=date(2020, 1, 1),
    )  # fmt: skip


def of_catalogue(catalogue: Catalogue) -> World:
    return cast(World, SimpleNamespace(catalogue=catalogue, region="441900"))


def a_world() -> World:
    return of_catalogue(Catalogue(map(item, range(ITEMS))))


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
    *pauses, answer = page_steps(asked(page_num=Decimal(ITEMS // 100)), a_world(), TODAY)
    assert pauses == [None] * (ITEMS // STEP_ITEMS - 1)
    assert isinstance(answer, Answer)
    assert len(answer.output.rows) == 100
    assert answer.output.rows[-1].hilist_code == item(ITEMS - 1).code


def test_what_is_not_there_is_looked_for_in_the_same_steps() -> None:
    *pauses, answer = page_steps(asked(page_num=Decimal(1), hilist_name="无此"), a_world(), TODAY)
    assert pauses == [None] * (ITEMS // STEP_ITEMS)
    assert isinstance(answer, Answer) and answer.output.rows == ()


def test_first_page_ends_where_it_is_full() -> None:
    [answer] = page_steps(asked(page_num=Decimal(1)), a_world(), TODAY)
    assert isinstance(answer, Answer) and len(answer.output.rows) == 100


def codes_of(steps: Iterable[Any]) -> list[str]:
    """What a page shows."""
    *_, answer = steps
    assert isinstance(answer, Answer)
    return [row.hilist_code for row in answer.output.rows]


@pytest.mark.parametrize(
    "said", [{}, {"vali_flag": "1"}, {"hilist_name": "7"}, {"query_date": "2026-01-01"}]
)
def test_pages_in_any_order_are_the_stretches_of_one_list(said: dict[str, str]) -> None:
    world = of_catalogue(Catalogue(map(item, range(3_500))))
    wanted = [item(n) for n in range(3_500) if said.get("hilist_name", "") in str(n)]
    numbers = [*range(1, 40), *range(39, 0, -3)]
    Random(7).shuffle(numbers)
    for number in numbers:
        shown = codes_of(page_steps(asked(page_num=Decimal(number), **said), world, TODAY))
        assert shown == [one.code for one in wanted[(number - 1) * 100 : number * 100]]


def test_next_page_of_the_same_enquiry_passes_nothing_again() -> None:
    looked: list[Item] = []
    catalogue = Catalogue(map(item, range(ITEMS)))

    def count(one: Item) -> int:
        looked.append(one)
        return 1

    for number in range(1, ITEMS // 100 + 1):
        walk = catalogue.walk("same", count)
        while not walk.is_complete and walk.row_count < number * 100:
            walk.step()
        assert len(list(walk.between((number - 1) * 100, number * 100))) == 100
    assert len(looked) == ITEMS


def test_two_who_ask_the_same_may_take_turns() -> None:
    world = a_world()
    last = asked(page_num=Decimal(ITEMS // 100))
    first, second = page_steps(last, world, TODAY), page_steps(last, world, TODAY)
    shown = [step for pair in zip_longest(first, second) for step in pair if step is not None]
    assert [len(answer.output.rows) for answer in shown if isinstance(answer, Answer)] == [100, 100]
    assert shown[0].output == shown[1].output  # type: ignore[union-attr]


def test_few_enquiries_are_remembered() -> None:
    catalogue = Catalogue(map(item, range(10)))
    first = catalogue.walk(0, lambda one: 1)
    for other in range(1, ENQUIRIES_KEPT_MAX):
        catalogue.walk(other, lambda one: 1)
    assert catalogue.walk(0, lambda one: 1) is first
    catalogue.walk("one more", lambda one: 1)
    assert catalogue.walk(0, lambda one: 1) is first
    assert catalogue.walk(1, lambda one: 1).row_count == 0


def test_what_is_remembered_does_not_hold_a_catalogue_that_was_replaced() -> None:
    gc.disable()
    try:
        catalogue = Catalogue(map(item, range(ITEMS)))
        walk = catalogue.walk("x", lambda one: 1)
        walk.step()
        held = weakref.ref(walk)
        del walk, catalogue
        assert held() is None
    finally:
        gc.enable()
