"""What stays sold of an order: decided anew as it was sold, however long ago and by whom."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec import structs

from settlement.claim import AccountUse, Claim, ClaimLine
from settlement.refusal import Refusal
from settlement.rows import RowKind
from settlement.usecases.cancel import undo
from settlement.usecases.remainders import Rest, decided_anew
from settlement.usecases.sale import purchase
from settlement.view import SettlementFact, View, YearDoc
from settlement.world import Suspensions, World
from tests.unit.usecases.builders import (
    ITEMS,
    ON,
    PERSON_NO,
    PHARMACY,
    a_moment,
    a_purchase,
    a_view,
    a_world,
    asked,
    booked,
    row_of,
)

LINES = tuple(
    ClaimLine(
        line_no=str(number), item_code=ITEMS[0].code, institution_item_code="SHOP",
        quantity_e4=10_000, price_e6=500_000_000, amount_fen=50_000, occurred_on=ON,
    )
    for number in (1, 2)
)  # fmt: skip
THE_WINDOW = timedelta(days=90)


def two_sold(view: View, world: World) -> tuple[SettlementFact, Claim]:
    """Two lines, settled on their day; and the claim that is left once one of them comes back."""
    sale = a_purchase("310", LINES, AccountUse.OWN, 0)
    row = row_of(booked(purchase(sale, view, world, a_moment()), view))
    rest = structs.replace(sale.claim, lines=LINES[:1], total_fen=LINES[0].amount_fen)
    return view.settlements[row.setl_id], rest


def left_of(
    fact: SettlementFact, rest: Claim, view: View, world: World, *, on: date = ON,
    **institution: Any,
) -> Rest | Refusal:  # fmt: skip
    """The remainder, asked for by the pharmacy as it is then."""
    moment = a_moment(on=on)
    ask = structs.replace(asked("REFUND"), institution=structs.replace(PHARMACY, **institution))
    person = view.persons[PERSON_NO]
    _, effects = undo(fact, RowKind.CANCEL, ask, person, view, world, moment)
    return decided_anew(ask, fact, rest, effects, view, world, moment)


@pytest.mark.parametrize("older_by", [timedelta(0), timedelta(days=1), timedelta(days=600)])
def test_remainder_is_settled_on_the_day_of_service_however_old_it_is(older_by: timedelta) -> None:
    view, world = a_view("310", balance_fen=0, used_fen=0), a_world()
    fact, rest = two_sold(view, world)
    left = left_of(fact, rest, view, world, on=ON + THE_WINDOW + older_by)
    assert isinstance(left, Rest), left
    assert left.decided.entitlement.ruling_on == ON
    assert left.decided.benefit.increments


def test_remainder_of_a_year_whose_sums_are_gone_waits_for_people() -> None:
    """A cancel may come in any year where it needs an approval."""
    view, world = a_view("310", balance_fen=0, used_fen=0), a_world()
    fact, rest = two_sold(view, world)
    view.persons[PERSON_NO].years = {str(ON.year + 3): YearDoc()}
    refused = left_of(fact, rest, view, world, on=ON.replace(year=ON.year + 3))
    assert isinstance(refused, Refusal)
    assert refused.code == "FEE_DATE_TOO_OLD"


@pytest.mark.parametrize(
    "agreement",
    [
        {"suspended": True},
        {"agreement_to": ON - timedelta(days=1)},
        {"agreement_from": ON + timedelta(days=1)},
        {"care_types": frozenset()},
    ],
    ids=str,
)
def test_agreement_that_ended_since_does_not_hold_a_remainder_back(
    agreement: dict[str, Any],
) -> None:
    view, world = a_view("310", balance_fen=0, used_fen=0), a_world()
    fact, rest = two_sold(view, world)
    left = left_of(fact, rest, view, world, **agreement)
    assert isinstance(left, Rest), left


def test_order_stands_after_its_remainder_was_refused() -> None:
    """All that asks in the same batch sees the view."""
    view, world = a_view("310", balance_fen=0, used_fen=0), a_world()
    fact, rest = two_sold(view, world)
    stopped = dict.fromkeys(("310102", "310201"), "停")
    world = structs.replace(world, suspensions=Suspensions(funds=stopped))
    refused = left_of(fact, rest, view, world)
    assert isinstance(refused, Refusal)
    assert (fact.undone_by, fact.undone_kind) == (None, None)
    assert view.settlements == {fact.row.setl_id: fact}
