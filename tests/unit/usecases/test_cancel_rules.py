"""What a region decides about undoing: until when a cancel may come, and what 2601 takes back."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec import structs

from settlement.claim import AccountUse, ClaimLine
from settlement.policy.region import CancelWindow
from settlement.refusal import Refusal
from settlement.rows import RowKind, SettlementRow
from settlement.usecases.cancel import cancel, reverse
from settlement.usecases.sale import purchase
from settlement.view import View
from settlement.world import World
from tests.unit.usecases.builders import (
    ITEMS,
    ON,
    a_cancel,
    a_moment,
    a_purchase,
    a_reversal,
    a_view,
    a_world,
    booked,
    row_of,
)

LINE = ClaimLine(
    line_no="1",
    item_code=ITEMS[0].code,
    institution_item_code="SHOP",
    quantity_e4=10_000,
    price_e6=10_000_000,
    amount_fen=1_000,
    occurred_on=ON,
)
MONTH, YEAR, APPROVAL = CancelWindow.MONTH, CancelWindow.YEAR, CancelWindow.APPROVAL


def sold(view: View, world: World, nth: int = 0, on: date = ON) -> SettlementRow:
    """A sale of the day of the claims, settled that day or later."""
    sale = a_purchase("310", (LINE,), AccountUse.OWN, nth)
    return row_of(booked(purchase(sale, view, world, a_moment(on=on)), view))


@pytest.mark.parametrize(
    ("window", "settled", "cancelled", "allowed"),
    [
        (MONTH, date(2026, 11, 20), date(2026, 11, 30), True),
        (MONTH, date(2026, 11, 30), date(2026, 12, 1),  False),
        (MONTH, date(2026, 12, 1),  date(2026, 12, 31), True),
        (MONTH, date(2026, 11, 20), date(2027, 11, 20), False),
        (YEAR,  date(2026, 11, 20), date(2026, 12, 31), True),
        (YEAR,  date(2026, 11, 20), date(2027, 1, 1),   False),
        (YEAR,  date(2027, 1, 2),   date(2027, 12, 31), True),
    ],
)  # fmt: skip
def test_cancel_window_counts_from_the_business_day_of_the_settlement(
    window: CancelWindow, settled: date, cancelled: date, allowed: bool
) -> None:
    view, world = a_view("310", balance_fen=0, used_fen=0), a_world(cancel_window=window)
    row = sold(view, world, on=settled)
    assert row.year == ON.year
    decision = cancel(a_cancel(row), view, world, a_moment(on=cancelled))
    if allowed:
        assert row_of(booked(decision, view)).year == ON.year
        return
    assert isinstance(decision.reply, Refusal)
    assert decision.reply.code == "CANCEL_WINDOW_PASSED"
    assert decision.reply.params["settled_on"] == settled.isoformat()


def test_region_may_ask_for_an_approval_of_every_cancel() -> None:
    view, world = a_view("310", balance_fen=0, used_fen=0), a_world(cancel_window=APPROVAL)
    row = sold(view, world)
    refused = cancel(a_cancel(row), view, world, a_moment())
    assert isinstance(refused.reply, Refusal)
    assert refused.reply.code == "CANCEL_NOT_APPROVED"
    approved = structs.replace(world, cancel_approvals=frozenset({row.setl_id}))
    later = a_moment(on=date(2028, 1, 1))
    booked(cancel(a_cancel(row), view, approved, later), view)


def test_reversal_is_not_bound_by_the_cancel_window() -> None:
    view, world = a_view("310", balance_fen=0, used_fen=0), a_world(cancel_window=MONTH)
    sale = a_purchase("310", (LINE,), AccountUse.OWN, 0)
    booked(purchase(sale, view, world, a_moment()), view)
    later = a_moment(on=date(2027, 1, 1))
    row = row_of(booked(reverse(a_reversal(sale), view, world, later), view))
    assert row.kind is RowKind.REVERSE


def test_region_lists_what_is_reversible() -> None:
    view = a_view("310", balance_fen=0, used_fen=0)
    world = a_world(reversible=frozenset({"2207"}))
    sale = a_purchase("310", (LINE,), AccountUse.OWN, 0)
    booked(purchase(sale, view, world, a_moment()), view)
    decision = reverse(a_reversal(sale), view, world, a_moment())
    assert isinstance(decision.reply, Refusal)
    assert decision.reply.code == "REVERSAL_NOT_SUPPORTED"
    assert decision.effects is None
