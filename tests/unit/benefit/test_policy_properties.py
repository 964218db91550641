"""Laws that every policy keeps for any case: 20,000 cases here, as many more as wanted by
`python -m tests.property_run` (CONTRIBUTING)."""

from __future__ import annotations

from random import Random

from hypothesis import given, note, settings
from hypothesis import strategies as st

from settlement.benefit import adjudicate
from settlement.case import Case
from settlement.policy.model import Policy
from tests.unit.benefit import laws

NAMES = st.sampled_from(sorted(laws.POLICIES))
CHANCE = st.randoms(use_true_random=False)
CASES = 20_000 // 7 + 1
many = settings(max_examples=CASES)


def drawn(name: str, rng: Random) -> tuple[Policy, Case]:
    """A policy by name and a random case under it, noted for the report of a failure."""
    policy = laws.POLICIES[name]
    case = laws.random_case(policy, rng)
    note(case)
    return policy, case


@many
@given(NAMES, CHANCE)
def test_every_fen_is_paid_once_and_explained(name: str, rng: Random) -> None:
    policy, case = drawn(name, rng)
    laws.conserves_every_fen(case, policy, adjudicate(case, policy))


@many
@given(NAMES, CHANCE)
def test_one_fen_more_in_scope_never_costs_the_funds_less(name: str, rng: Random) -> None:
    policy, case = drawn(name, rng)
    laws.never_pays_less_for_more(case, policy, adjudicate(case, policy))


@many
@given(NAMES, CHANCE)
def test_stay_in_two_segments_costs_the_same_but_for_rounding(name: str, rng: Random) -> None:
    policy, case = drawn(name, rng)
    laws.splits_evenly(case, policy, adjudicate(case, policy), rng.randrange(laws.AMOUNT_MAX))


@many
@given(NAMES, CHANCE)
def test_cancel_restores_the_year(name: str, rng: Random) -> None:
    policy, case = drawn(name, rng)
    laws.cancel_restores_the_year(case, adjudicate(case, policy))


@many
@given(NAMES, CHANCE)
def test_relatives_pay_last_in_order_and_what_is_held(name: str, rng: Random) -> None:
    policy, case = drawn(name, rng)
    laws.relatives_pay_what_is_held(case, policy, adjudicate(case, policy))


@many
@given(NAMES, CHANCE)
def test_stored_case_computed_again_is_equal(name: str, rng: Random) -> None:
    policy, case = drawn(name, rng)
    laws.stored_case_gives_the_same(case, policy, adjudicate(case, policy))


@many
@given(NAMES, CHANCE)
def test_order_of_lines_does_not_matter(name: str, rng: Random) -> None:
    policy, case = drawn(name, rng)
    laws.order_of_lines_does_not_matter(case, policy, laws.random_lines(rng), rng)
