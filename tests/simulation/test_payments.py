"""Thousands of mornings at a counter whose channels fail: nobody is charged twice, nothing is
lost, and our books are those of the channels (tests/simulation/payments.py)."""

from __future__ import annotations

import random

import pytest

from settlement.usecases import paying
from tests.simulation.payments import play

MORNINGS = 2_500
FEW = 400


def test_every_morning_ends_with_the_books_of_the_channels(rng: random.Random) -> None:
    for _ in range(MORNINGS):
        play(rng.getrandbits(32))


def test_simulation_notices_when_what_was_left_is_believed_to_have_paid_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(paying, "_left_with", lambda *_: 0)
    with pytest.raises(AssertionError, match="--seed"):
        for seed in range(MORNINGS):
            play(seed)


def test_simulation_notices_when_old_news_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paying, "_may_be_old", lambda *_: False)
    with pytest.raises(AssertionError, match="--seed"):
        for seed in range(FEW):
            play(seed)
