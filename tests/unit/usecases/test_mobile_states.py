"""The table of an order's states: every pair has its place, and folding follows it."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product

import pytest

from settlement.payments.mobile_refusals import MOBILE_ROWS
from settlement.payments.mobile_states import NEXT, SAME, Happening, OrderEvent, State, fold

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
CODES = {row[0] for row in MOBILE_ROWS}
MONEY_BACK = (Happening.ALL_BACK, Happening.INSURANCE_BACK, Happening.CASH_BACK)


def events(*happened: Happening) -> list[OrderEvent]:
    """An order's life."""
    return [
        OrderEvent(number=n, happening=one, at=AT, setl_id=n)
        for n, one in enumerate((Happening.UPLOADED, *happened), 1)
    ]


def test_every_pair_of_state_and_happening_has_a_place() -> None:
    expected = set(product(State, set(Happening) - {Happening.UPLOADED}))
    assert set(NEXT) == expected
    codes = {one for one in NEXT.values() if not isinstance(one, State) and one is not SAME}
    assert codes <= CODES


@pytest.mark.parametrize("state", State)
def test_insurance_pays_once_and_goes_back_once(state: State) -> None:
    unpaid = state in (State.SAVED, State.HELD)
    for paying in (Happening.PAID, Happening.DONE):
        assert isinstance(NEXT[state, paying], State) is unpaid
    insured = state in (State.PAID, State.DONE, State.CASH_BACK)
    assert isinstance(NEXT[state, Happening.INSURANCE_BACK], State) is insured


@pytest.mark.parametrize(
    "happened",
    [
        (Happening.HELD, Happening.HELD),
        (Happening.PAID, Happening.WITHDRAWN),
        (Happening.EXPIRED, Happening.DONE),
        (Happening.ALL_BACK,),
    ],
)
def test_folding_what_cannot_have_happened_raises(happened: tuple[Happening, ...]) -> None:
    with pytest.raises(ValueError, match="changes nothing"):
        fold(events(*happened))


def test_no_way_through_the_table_gives_money_back_twice() -> None:
    """Every walk of six steps: the insurance part goes back at most once, the own part too."""
    walks = [((), State.SAVED)]
    for _ in range(6):
        walks = [
            ((*walk, happening), follows)
            for walk, state in walks
            for happening in set(Happening) - {Happening.UPLOADED}
            if isinstance(follows := NEXT[state, happening], State)
        ]
        for walk, _state in walks:
            insured = sum(one in (Happening.ALL_BACK, Happening.INSURANCE_BACK) for one in walk)
            own = sum(one in (Happening.ALL_BACK, Happening.CASH_BACK) for one in walk)
            paid = sum(one in (Happening.PAID, Happening.DONE) for one in walk)
            assert insured <= paid <= 1
            assert own <= paid


def test_standing_knows_who_holds_pays_and_gives_back() -> None:
    standing = fold(events(Happening.HELD, Happening.DONE, Happening.CASH_BACK))
    assert standing.state is State.CASH_BACK
    assert standing.held and standing.held.number == 2
    assert standing.paid and standing.paid.number == 3
    assert [one.happening for one in standing.refunds] == [Happening.CASH_BACK]
