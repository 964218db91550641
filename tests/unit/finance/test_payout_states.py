"""The states of a payout period: every state, every act; what is due, and what each act moves.

What is expected is written a state at a time; the table of books/payout.py is written for the
program.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest

from ledger.entry import Transfer
from settlement import chart
from settlement.books.payout import (
    ACT_ZH,
    AFTER,
    CODE,
    KIND_ZH,
    NONE,
    SIGN,
    STATE_ZH,
    WORD,
    Act,
    Adjustment,
    Amounts,
    Kind,
    NotPossibleError,
    Period,
    State,
    Step,
    adjustment_transfers,
    carried,
    effect,
    order_no,
    order_transfers,
    paid_transfers,
    refuses_amount,
    returned_transfers,
    standing,
    state_after,
)
from settlement.books.payout_rules import Cycle, last_of_period

AT = datetime(2026, 12, 8, 1, 0, tzinfo=UTC)
BASE = 10_000_010
EXPECTED = """
open       STATE    stated

stated     ADJUST   adjusted
stated     CONFIRM  confirmed

adjusted   ADJUST   adjusted
adjusted   CONFIRM  confirmed

confirmed  PROPOSE  confirmed
confirmed  ORDER    ordered
confirmed  CLOSE    closed

ordered    PAY      paid
ordered    RETURN   returned

paid       RETURN   returned
paid       CLOSE    closed

returned   PROPOSE  returned
returned   ORDER    ordered

closed     RETURN   returned
"""
TABLE = {
    (State(state), Act[act]): State(after)
    for state, act, after in (line.split() for line in EXPECTED.splitlines() if line)
}


def steps_of(acts: Sequence[Act], amounts: Amounts = NONE) -> list[Step]:
    """The steps of these acts."""
    return [
        Step(
            step_no=place, act=act, at=AT, booked_on=AT.date(), actor=f"person {place % 2}",
            amounts=amounts, reference=f"R{place}", reason="",
        )
        for place, act in enumerate(acts, 1)
    ]  # fmt: skip


def adjustment(kind: Kind, fen: int, *, booked: bool = True) -> Adjustment:
    """An adjustment."""
    return Adjustment(
        number=1, kind=kind, amount_fen=fen, source="S", note="", batch=bytes(32),
        proposed_by="甲", ended_by="乙", booked=booked,
    )  # fmt: skip


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("act", Act)
def test_every_pair_of_state_and_act_is_as_written(state: State, act: Act) -> None:
    assert AFTER.get((state, act)) == TABLE.get((state, act))


def test_everything_has_its_words() -> None:
    assert set(STATE_ZH) == set(State)
    assert set(ACT_ZH) == set(Act)
    assert set(KIND_ZH) == set(SIGN) == set(CODE) == set(WORD.values()) == set(Kind)


def test_a_payment_that_came_back_is_ordered_again_by_two_people() -> None:
    way = [Act.STATE, Act.ADJUST, Act.CONFIRM, Act.PROPOSE, Act.ORDER, Act.PAY, Act.RETURN]
    now = standing(steps_of(way))
    assert (now.state, now.orders, now.proposal) == (State.RETURNED, 1, None)
    again = standing(steps_of([*way, Act.PROPOSE, Act.ORDER, Act.PAY, Act.CLOSE]))
    assert (again.state, again.orders) == (State.CLOSED, 2)
    for length in range(len(way) + 1):
        assert state_after(way[:length]) is standing(steps_of(way[:length])).state


def test_steps_that_nobody_of_us_wrote_are_not_folded() -> None:
    with pytest.raises(NotPossibleError, match="step 2: PAY of stated"):
        standing(steps_of([Act.STATE, Act.PAY]))
    with pytest.raises(NotPossibleError, match="PAY of stated"):
        state_after([Act.STATE, Act.PAY])


@pytest.mark.parametrize(
    ("fen", "refused"), [(1, {Act.CLOSE}), (0, {Act.PROPOSE, Act.ORDER}),
                         (-1, {Act.PROPOSE, Act.ORDER})],
)  # fmt: skip
def test_only_what_is_owed_is_ordered_and_only_the_rest_closed_unpaid(
    fen: int, refused: set[Act]
) -> None:
    now = standing(steps_of([Act.STATE, Act.CONFIRM], Amounts(fen, 0)))
    assert {act for act in Act if refuses_amount(now, act)} == refused


def test_a_debt_is_left_to_the_next_period_and_a_claim_is_not() -> None:
    way = [Act.STATE, Act.CONFIRM]
    assert carried(steps_of(way, Amounts(-500, 200))) == Amounts(-500, 200)
    assert carried(steps_of(way, Amounts(500, -200))) == NONE
    assert carried(steps_of([Act.STATE], Amounts(-500, 0))) == NONE
    assert carried([]) == NONE


def test_only_booked_adjustments_count_and_each_with_its_sign() -> None:
    assert effect([adjustment(kind, 10 ** int(kind)) for kind in Kind]).fund_fen == (
        -10 - 100 + 1_000 + 100_000 - 10_000_000 + 100_000_000 - 1_000_000_000
        + 10_000_000_000
    )
    assert effect([adjustment(Kind.SURPLUS, 5, booked=False)]) == NONE


@pytest.mark.parametrize("kind", Kind)
def test_what_an_adjustment_books_is_what_it_does_to_the_payable(kind: Kind) -> None:
    legs = adjustment_transfers(kind, 700, BASE)
    payable = sum((leg.credit == BASE) - (leg.debit == BASE) for leg in legs)
    assert [leg.amount_fen for leg in legs] == [700]
    assert payable == SIGN[kind]


@pytest.mark.parametrize("amounts", [Amounts(70, 30), Amounts(-20, 30), Amounts(9, 0)])
@pytest.mark.parametrize("was_paid", [True, False])
def test_an_order_that_came_back_leaves_nothing_moved(amounts: Amounts, was_paid: bool) -> None:
    moved: Counter[int] = Counter()
    legs: list[Transfer] = [*order_transfers(amounts, BASE)]
    if was_paid:
        legs += paid_transfers(amounts)
    assert sum(leg.amount_fen for leg in legs if leg.credit == chart.PAYOUT_UNDER_WAY) > 0
    for leg in (*legs, *returned_transfers(amounts, BASE, was_paid=was_paid)):
        moved[leg.debit] -= leg.amount_fen
        moved[leg.credit] += leg.amount_fen
    assert not any(moved.values()), moved


def test_the_number_of_an_order_says_whose_and_which() -> None:
    period = Period(
        institution="H44190000001", first_on=date(2026, 11, 1), last_on=date(2026, 11, 30)
    )
    assert order_no(period, 0) == "H44190000001-20261101-1"


@pytest.mark.parametrize(
    ("first", "cycle", "last"),
    [
        (date(2026, 2, 1), Cycle.MONTHLY, date(2026, 2, 28)),
        (date(2028, 2, 1), Cycle.MONTHLY, date(2028, 2, 29)),
        (date(2026, 2, 2), Cycle.MONTHLY, None),
        (date(2026, 2, 27), Cycle.DAILY, date(2026, 2, 27)),
        (date(2026, 2, 27), Cycle.THREE_DAYS, date(2026, 3, 1)),
        (date(2026, 12, 28), Cycle.SEVEN_DAYS, date(2027, 1, 3)),
        (date(2027, 1, 1), Cycle.YEARLY, date(2027, 12, 31)),
        (date(2026, 10, 1), Cycle.YEARLY, date(2026, 12, 31)),
        (date(2026, 10, 2), Cycle.YEARLY, None),
    ],
)
def test_a_period_is_as_long_as_its_cycle(first: date, cycle: Cycle, last: date | None) -> None:
    assert last_of_period(first, cycle) == last


@pytest.mark.parametrize(
    ("first", "cycle", "last"),
    [
        (date(2026, 2, 15), Cycle.MONTHLY, date(2026, 2, 28)),
        (date(2026, 2, 28), Cycle.MONTHLY, date(2026, 2, 28)),
        (date(2026, 10, 15), Cycle.YEARLY, date(2026, 12, 31)),
        (date(2026, 2, 15), Cycle.SEVEN_DAYS, date(2026, 2, 21)),
    ],
)
def test_the_first_period_after_those_of_another_cycle_takes_what_is_left(
    first: date, cycle: Cycle, last: date
) -> None:
    assert last_of_period(first, cycle, begins_anywhere=True) == last
