"""A month of the books: every act in every state, and who may follow whom."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import product

import pytest

from settlement.books.month_states import (
    ACT_ZH,
    AFTER,
    STATE_ZH,
    MonthAct,
    MonthState,
    MonthStep,
    NotPossibleError,
    allows,
    days_of,
    last_day,
    standing,
)

OPEN, CLOSING, CLOSED, SEALED = MonthState
BEGIN, VERIFY, PROPOSE, CLOSE, SEAL = MonthAct
TABLE = {
    #          BEGIN    VERIFY   PROPOSE  CLOSE   SEAL
    OPEN:     (CLOSING, None,    None,    None,   None),
    CLOSING:  (None,    CLOSING, CLOSING, CLOSED, None),
    CLOSED:   (None,    None,    None,    None,   SEALED),
    SEALED:   (None,    None,    None,    None,   None),
}  # fmt: skip


def steps(*acts: MonthAct) -> list[MonthStep]:
    """Steps that happened one after the other."""
    at = datetime(2026, 12, 1, tzinfo=UTC)
    return [
        MonthStep(step_no=n, act=act, at=at, actor="陈会计", reason="月结", reference=f"{n}")
        for n, act in enumerate(acts, 1)
    ]


@pytest.mark.parametrize(("state", "act"), list(product(MonthState, MonthAct)))
def test_every_act_in_every_state(state: MonthState, act: MonthAct) -> None:
    after = TABLE[state][act - 1]
    assert AFTER.get((state, act)) == after
    assert allows(state, act) is (after is not None)


def test_everything_has_its_words() -> None:
    assert set(STATE_ZH) == set(MonthState)
    assert set(ACT_ZH) == set(MonthAct)


def test_last_of_each_act_is_kept() -> None:
    now = standing(steps(BEGIN, VERIFY, PROPOSE, PROPOSE, CLOSE, SEAL))
    assert now.state is SEALED
    assert now.verified and now.verified.reference == "2"
    assert now.proposal and now.proposal.reference == "4"
    assert now.closed and now.closed.reference == "5"
    assert now.last and now.last.act is SEAL


def test_steps_that_cannot_have_been_are_an_error() -> None:
    with pytest.raises(NotPossibleError, match="step 2: SEAL of closing"):
        standing(steps(BEGIN, SEAL))


def test_months_have_their_days() -> None:
    assert last_day(date(2028, 2, 1)) == date(2028, 2, 29)
    assert last_day(date(2026, 12, 1)) == date(2026, 12, 31)
    assert days_of(date(2026, 11, 1))[-1] == date(2026, 11, 30)
    assert len(days_of(date(2026, 2, 1))) == 28
