"""The states of a case of somebody insured elsewhere: every pair, and what it folds to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from settlement.elsewhere.remote_states import (
    GAPS_SECONDS,
    LOOK_SECONDS,
    NEXT,
    OPEN,
    REVERSE_SECONDS,
    CaseEvent,
    Errand,
    Happening,
    Ignored,
    Standing,
    State,
    fold,
    look_at,
    next_errand,
)
from settlement.elsewhere.remote_worklist import OpenCase, waiting
from settlement.refusals import REFUSALS

AT = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
_WAY = {
    State.ASKED: (),
    State.UNCLEAR: (Happening.SILENT,),
    State.SETTLED: (Happening.SETTLED,),
    State.REFUSED: (Happening.REFUSED,),
    State.UNDOING: (Happening.SILENT, Happening.GIVEN_UP),
    State.UNDONE: (Happening.GIVEN_UP, Happening.UNDONE),
    State.CANCELLING: (Happening.SETTLED, Happening.CANCEL_ASKED),
    State.CANCELLED: (Happening.SETTLED, Happening.CANCEL_ASKED, Happening.CANCELLED),
}
"""One way to each state."""


def events(*happenings: Happening, payload: bytes = b"") -> list[CaseEvent]:
    """A case that was asked, and what happened then, a second apart."""
    return [
        CaseEvent(number=n, happening=one, at=AT + timedelta(seconds=n), payload=payload)
        for n, one in enumerate((Happening.ASKED, *happenings), 1)
    ]


@pytest.mark.parametrize("state", State)
def test_every_state_is_reached(state: State) -> None:
    assert fold(events(*_WAY[state])).state is state


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("happening", [one for one in Happening if one is not Happening.ASKED])
def test_every_pair_stands_in_the_table_and_folds_to_it(
    state: State, happening: Happening
) -> None:
    follows = NEXT[state, happening]
    walked = events(*_WAY[state], happening)
    if isinstance(follows, State):
        assert fold(walked).state is follows
        return
    assert isinstance(follows, Ignored) or follows in REFUSALS
    if happening is Happening.SILENT:
        assert fold(walked).state is state
        return
    with pytest.raises(ValueError, match="changes nothing"):
        fold(walked)


def test_what_is_settled_there_and_here_ends_only_by_being_taken_back() -> None:
    left = {
        follows
        for (state, _), follows in NEXT.items()
        if state is State.SETTLED and isinstance(follows, State)
    }
    assert left == {State.UNDOING, State.CANCELLING}


def test_nothing_leaves_an_end() -> None:
    for state in (State.REFUSED, State.UNDONE, State.CANCELLED):
        assert not any(
            isinstance(follows, State) for (one, _), follows in NEXT.items() if one is state
        )


def test_an_answer_after_the_reverse_is_old_news_and_a_contradiction_is_an_alarm() -> None:
    assert NEXT[State.UNDONE, Happening.SETTLED] is Ignored.SAME
    assert NEXT[State.REFUSED, Happening.SETTLED] is Ignored.IMPOSSIBLE
    assert NEXT[State.SETTLED, Happening.REFUSED] is Ignored.IMPOSSIBLE


def test_open_cases_are_looked_at_and_ended_ones_never() -> None:
    for state in State:
        standing = fold(events(*_WAY[state]))
        assert (look_at(standing, AT) is not None) is (state in OPEN)
        assert (next_errand(standing, AT, AT) is not None) is (state in OPEN)


def test_gaps_grow_while_nobody_answers() -> None:
    waits = []
    for n in range(1, len(GAPS_SECONDS) + 3):
        at = look_at(fold(events(*[Happening.SILENT] * n)), AT)
        assert at is not None
        waits.append((at - AT).total_seconds())
    assert all(first <= second for first, second in pairwise(waits))
    assert waits[-1] == GAPS_SECONDS[-1]
    first = look_at(fold(events()), AT)
    assert first == AT + timedelta(seconds=LOOK_SECONDS)


def test_unclear_case_is_asked_about_until_its_deadline_and_then_given_up() -> None:
    unclear = fold(events(Happening.SILENT))
    late = AT + timedelta(seconds=REVERSE_SECONDS)
    assert next_errand(unclear, AT, AT) is Errand.STATUS
    assert next_errand(unclear, AT, late) is Errand.GIVE_UP
    assert next_errand(fold(events()), AT, late) is Errand.STATUS


def test_a_reversal_that_names_its_message_counts_over_one_by_deadline() -> None:
    by_deadline = events(Happening.SILENT, Happening.GIVEN_UP)
    message = CaseEvent(
        number=4, happening=Happening.GIVEN_UP, at=AT, payload=b"sealed"
    )
    standing: Standing = fold([*by_deadline, message])
    assert standing.state is State.UNDOING
    assert standing.wish is message


@pytest.mark.parametrize("state", State)
def test_an_operator_is_told_what_is_awaited_and_what_to_do_while_it_is_open(
    state: State,
) -> None:
    happened = events(*_WAY[state])
    case = OpenCase(
        lane=0, case_no=1, opened_at=AT, due_at=AT, total_fen=100, institution="P",
        insured_region="430100", infno="2102", msgid="M",
        kinds=[one.happening for one in happened], recorded=[one.at for one in happened],
    )  # fmt: skip
    told = waiting(case, AT + timedelta(seconds=60))
    assert told.state is state and told.last_at == happened[-1].at
    assert (told.next_told is not None) == (told.advice is not None) == (state in OPEN)
    assert not told.stuck
    late = waiting(case, AT + timedelta(hours=1))
    assert late.stuck is (state in OPEN)
    if late.stuck:
        assert late.advice is not None and "settlement regions" in late.advice.zh
