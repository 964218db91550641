"""The table of a matter's states (个人办件): every place has an answer, and folding follows it."""

from __future__ import annotations

from itertools import product

import pytest

from settlement.people.matter_states import (
    NEXT,
    OPEN,
    SAME,
    STATES,
    TABLES,
    Happening,
    MatterKind,
    State,
    fold,
)
from settlement.people.my_refusals import MY_ROWS
from settlement.translate.matters import STEP_ZH
from settlement.usecases.account_transfers import _CODES as MOVING
from settlement.usecases.matter_messages import TEXTS

CODES = {row[0] for row in MY_ROWS}
AFTER = tuple(set(Happening) - {Happening.APPLIED})
WALKS = 5


def walks(kind: MatterKind) -> list[tuple[tuple[Happening, ...], State]]:
    """Every way through the table of a kind, of at most so many steps."""
    found: list[tuple[tuple[Happening, ...], State]] = [((Happening.APPLIED,), State.APPLIED)]
    for walk, state in found:
        if len(walk) > WALKS:
            continue
        for happening in AFTER:
            follows = NEXT[kind, state, happening]
            if isinstance(follows, State):
                found.append(((*walk, happening), follows))
    return found


@pytest.mark.parametrize("kind", MatterKind)
def test_every_state_and_happening_has_a_place(kind: MatterKind) -> None:
    assert {(s, h) for k, s, h in NEXT if k is kind} == set(product(STATES[kind], AFTER))
    for follows in (NEXT[place] for place in NEXT if place[0] is kind):
        assert follows is SAME or isinstance(follows, State) or follows in CODES
        assert not isinstance(follows, State) or follows in STATES[kind]


@pytest.mark.parametrize("kind", MatterKind)
def test_walking_reaches_every_state_and_folding_agrees(kind: MatterKind) -> None:
    found = walks(kind)
    assert {state for _, state in found} == STATES[kind]
    assert all(fold(kind, walk) is state for walk, state in found)
    assert max(len(walk) for walk, _ in found) <= WALKS


@pytest.mark.parametrize("kind", MatterKind)
def test_nothing_happens_to_a_matter_twice(kind: MatterKind) -> None:
    """As the index `matter_event_once` has it; and what is closed stays so."""
    for walk, state in walks(kind):
        assert len(set(walk)) == len(walk)
        leads_on = any(isinstance(NEXT[kind, state, h], State) for h in AFTER)
        assert leads_on or state not in OPEN


@pytest.mark.parametrize("kind", [MatterKind.TRANSFER_OUT, MatterKind.TRANSFER_IN])
def test_money_of_every_walk_leaves_nobody_with_too_much(kind: MatterKind) -> None:
    """The account and the bank after a walk: out and back is nothing, and nothing is paid that was
    not taken."""
    for walk, state in walks(kind):
        taken, paid, back = (
            h in walk for h in (Happening.TAKEN_OUT, Happening.PAID, Happening.RETURNED)
        )
        if kind is MatterKind.TRANSFER_OUT:
            assert taken or not (paid or back)
            assert not (paid and back)
            assert (state is State.UNDER_WAY) is (taken and not paid and not back)
        else:
            assert not taken and (paid or not back)


@pytest.mark.parametrize(
    "happened",
    [
        (),
        (Happening.ACCEPTED,),
        (Happening.APPLIED, Happening.APPLIED),
        (Happening.APPLIED, Happening.ACCEPTED, Happening.REFUSED),
        (Happening.APPLIED, Happening.CANCELLED, Happening.CANCELLED),
    ],
)
def test_folding_what_cannot_have_happened_raises(happened: tuple[Happening, ...]) -> None:
    with pytest.raises(ValueError, match=r"matter|changes nothing"):
        fold(MatterKind.OFF_SITE, happened)


def test_every_step_has_words_and_every_move_an_entry_code() -> None:
    assert set(STEP_ZH) == set(Happening)
    happens = {(kind, h) for (kind, s, h), follows in NEXT.items() if isinstance(follows, State)}
    moves = {Happening.TAKEN_OUT, Happening.PAID, Happening.RETURNED}
    assert set(MOVING) == {(kind, h) for kind, h in happens if h in moves}
    assert set(TEXTS) <= happens
    assert set(TABLES) == set(MatterKind)
