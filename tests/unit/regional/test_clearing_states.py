"""The states of a clearing period: every state, every act, and every way from open to closed.

What is expected is written a state at a time; the table of elsewhere/regional_clearing.py is
written for the program.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

import pytest

from settlement.elsewhere.regional_clearing import (
    AFTER,
    ONLY_ON,
    STATE_ZH,
    Act,
    Mark,
    NotPossibleError,
    Side,
    State,
    Step,
    allows,
    month_after,
    party_of,
    settles,
    standing,
)

AT = datetime(2026, 12, 8, 1, 0, tzinfo=UTC)
EXPECTED = """
open       STATE     stated

stated     JOIN      stated
stated     OBJECT    objected
stated     POSTPONE  postponed
stated     CONFIRM   confirmed

objected   JOIN      objected
objected   OBJECT    objected
objected   ANSWER    objected
objected   POSTPONE  postponed
objected   WITHDRAW  stated

postponed  JOIN      postponed
postponed  OBJECT    objected
postponed  POSTPONE  postponed
postponed  CONFIRM   confirmed

confirmed  NOTIFY    notified

notified   NOTIFY    notified
notified   PROPOSE   notified
notified   PAY       paid
notified   RECEIVE   received

paid       CLOSE     closed
received   CLOSE     closed
"""
LINES = [line.split() for line in EXPECTED.splitlines() if line]
TABLE = {(State(state), Act[act]): State(after) for state, act, after in LINES}
LOOPS_MAX = 2
"""How often a walk passes the same state: objections may come again."""


def steps_of(acts: Sequence[Act]) -> list[Step]:
    """The steps of these acts, by two people."""
    return [
        Step(
            step_no=place, act=act, at=AT, actor=f"person {place % 2}", reference=f"R{place}",
            amount_fen=place, legs=1, reason="",
        )
        for place, act in enumerate(acts, 1)
    ]  # fmt: skip


def walks(state: State, acts: tuple[Act, ...], seen: tuple[State, ...]) -> list[tuple[Act, ...]]:
    """Every way to the end, where no state is passed too often."""
    if state is State.CLOSED:
        return [acts]
    found = []
    for (before, act), after in TABLE.items():
        if before is state and seen.count(after) < LOOPS_MAX:
            found += walks(after, (*acts, act), (*seen, after))
    return found


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("act", Act)
def test_every_pair_of_state_and_act_is_as_written(state: State, act: Act) -> None:
    assert AFTER.get((state, act)) is TABLE.get((state, act))


def test_every_way_from_open_to_closed_folds_to_its_end() -> None:
    found = walks(State.OPEN, (), (State.OPEN,))
    assert len(found) > 100
    for acts in found:
        now = standing(steps_of(acts))
        assert now.state is State.CLOSED
        assert now.last is not None and now.last.act is Act.CLOSE
        assert now.notice is not None
    passed = {pair for acts in found for pair in _pairs(acts)}
    assert passed == set(TABLE), "the walks do not pass everywhere"


def test_what_the_table_does_not_allow_is_never_folded() -> None:
    with pytest.raises(NotPossibleError, match="PAY of open"):
        standing(steps_of([Act.PAY]))
    with pytest.raises(NotPossibleError, match="STATE of closed"):
        standing(
            steps_of([Act.STATE, Act.CONFIRM, Act.NOTIFY, Act.PAY, Act.CLOSE, Act.STATE])
        )


def test_nothing_leaves_a_closed_period_and_it_is_reached_by_closing_alone() -> None:
    assert not [act for state, act in AFTER if state is State.CLOSED]
    assert {act for (_, act), after in AFTER.items() if after is State.CLOSED} == {Act.CLOSE}


def test_each_side_books_its_own_direction() -> None:
    assert allows(State.NOTIFIED, Side.INSURANCE, Act.PAY)
    assert not allows(State.NOTIFIED, Side.TREATMENT, Act.PAY)
    assert allows(State.NOTIFIED, Side.TREATMENT, Act.RECEIVE)
    assert not allows(State.NOTIFIED, Side.INSURANCE, Act.RECEIVE)
    assert not allows(State.STATED, Side.TREATMENT, Act.JOIN)
    assert set(ONLY_ON) == {Act.JOIN, Act.PAY, Act.RECEIVE}


def test_settling_objections_is_another_act_while_some_are_left() -> None:
    assert settles([Mark.POSTPONED], 1) is Act.ANSWER
    assert settles([Mark.WITHDRAWN], 3) is Act.ANSWER
    assert settles([Mark.POSTPONED], 0) is Act.POSTPONE
    assert settles([Mark.WITHDRAWN], 0) is Act.WITHDRAW


def test_a_proposal_is_kept_until_the_end() -> None:
    now = standing(steps_of([Act.STATE, Act.CONFIRM, Act.NOTIFY, Act.PROPOSE]))
    assert now.proposal is not None and now.proposal.step_no == 4
    assert now.notice is not None and now.notice.step_no == 3


def test_a_proposal_falls_with_the_notice_that_it_was_made_by() -> None:
    acts = [Act.STATE, Act.CONFIRM, Act.NOTIFY, Act.PROPOSE, Act.NOTIFY]
    now = standing(steps_of(acts))
    assert now.proposal is None
    assert now.notice is not None and now.notice.step_no == 5


def test_the_party_is_the_province_and_at_home_the_city() -> None:
    assert party_of("430100", "441900") == "430000"
    assert party_of("440100", "441900") == "440100"


def test_months_follow_each_other_over_the_year() -> None:
    assert month_after(date(2026, 11, 1)) == date(2026, 12, 1)
    assert month_after(date(2026, 12, 1)) == date(2027, 1, 1)
    assert month_after(date(2026, 11, 1), 2) == date(2027, 1, 1)
    assert month_after(date(2026, 1, 1), -1) == date(2025, 12, 1)


def test_every_state_has_a_chinese_name() -> None:
    assert set(STATE_ZH) == set(State)


def _pairs(acts: Sequence[Act]) -> list[tuple[State, Act]]:
    state, found = State.OPEN, []
    for act in acts:
        found.append((state, act))
        state = TABLE[state, act]
    return found
