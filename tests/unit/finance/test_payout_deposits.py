"""Deposits come back by the index of a year's assessment: worked example D16, and what must hold
of any assessment."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.books.payout_deposits import Assessed, Returned, returns
from tests.tidy.tree import ROOT

EXAMPLES = ROOT.parent / "shared/reference/worked_examples.json"
ASSESSED = st.lists(
    st.tuples(st.integers(0, 10**10), st.integers(0, 10_000)), min_size=1, max_size=30
).map(
    lambda some: [
        Assessed(institution=f"H{place}", deposit_fen=fen, score_e2=score)
        for place, (fen, score) in enumerate(some)
    ]
)


def test_worked_example_d16() -> None:
    example = next(
        one for one in json.loads(EXAMPLES.read_text("utf-8")) if one["id"] == "D16-QD-deposit"
    )
    assessed = [
        Assessed(
            institution=one["id"], deposit_fen=one["deposit"] * 100, score_e2=one["score"] * 100
        )
        for one in example["inputs"]["hospitals"]
    ]
    found = returns(assessed)
    assert {one.institution: one.returned_fen + one.reward_fen for one in found} == {
        name: int(Decimal(str(yuan)) * 100)
        for name, yuan in example["expected"].items()
        if name.startswith("H")
    }
    pool = example["expected"]["pool_of_withheld"]
    assert sum(one.forfeited_fen for one in found) == int(Decimal(str(pool)) * 100)


@pytest.mark.parametrize(
    ("score", "kept"), [(9_799, True), (9_800, False), (10_000, False), (10_200, False)]
)
def test_only_under_the_low_bound_something_is_kept(score: int, kept: bool) -> None:
    assessed = [
        Assessed(institution="H1", deposit_fen=100_00, score_e2=score),
        Assessed(institution="H2", deposit_fen=100_00, score_e2=20_000 - score),
    ]
    assert bool(returns(assessed)[0].forfeited_fen) is kept


def test_nobody_was_scored_and_everybody_gets_it_back() -> None:
    assert returns([Assessed(institution="H1", deposit_fen=7, score_e2=0)]) == [
        Returned(institution="H1", returned_fen=7, forfeited_fen=0, reward_fen=0)
    ]


@given(ASSESSED)
def test_the_pool_is_given_out_to_the_fen_or_kept_whole(assessed: list[Assessed]) -> None:
    found = returns(assessed)
    for one, before in zip(found, assessed, strict=True):
        assert one.returned_fen + one.forfeited_fen == before.deposit_fen
        assert min(one.returned_fen, one.forfeited_fen, one.reward_fen) >= 0
    pool = sum(one.forfeited_fen for one in found)
    assert sum(one.reward_fen for one in found) in (0, pool)
