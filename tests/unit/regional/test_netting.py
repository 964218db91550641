"""Netting: whatever the legs and the grouping, sums are the sums of their legs."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from settlement.elsewhere.regional_netting import (
    NOTHING,
    Sums,
    net_pairs,
    net_positions,
    regrouped,
    tally,
    together,
)

REGIONS = ("430100", "430200", "440100", "441900", "510100")
AMOUNTS = st.integers(-10**11, 10**11)
KEYS = st.tuples(
    st.sampled_from(REGIONS), st.sampled_from(REGIONS), st.sampled_from(["11", "21"]),
    st.sampled_from(["310", "390"]),
).filter(lambda key: key[0] != key[1])  # fmt: skip
LEGS = st.lists(st.tuples(KEYS, AMOUNTS, AMOUNTS, AMOUNTS), max_size=60)
Leg = tuple[tuple[str, str, str, str], int, int, int]


@given(LEGS)
def test_a_grouping_comes_to_the_sum_of_its_legs(legs: list[Leg]) -> None:
    groups = tally(legs)
    assert together(groups.values()) == Sums(
        legs=len(legs),
        total_fen=sum(leg[1] for leg in legs),
        fund_fen=sum(leg[2] for leg in legs),
        account_fen=sum(leg[3] for leg in legs),
    )
    for key, sums in groups.items():
        own = [leg for leg in legs if leg[0] == key]
        assert sums.legs == len(own)
        assert sums.owed_fen == sum(leg[2] + leg[3] for leg in own)


@given(LEGS)
def test_coarser_groups_are_the_sums_of_finer_ones(legs: list[Leg]) -> None:
    fine = tally(legs)
    coarse = regrouped((key[:2], sums) for key, sums in fine.items())
    assert coarse == tally((key[:2], t, f, a) for key, t, f, a in legs)


@given(LEGS)
def test_nets_of_all_regions_come_to_zero_and_to_their_legs(legs: list[Leg]) -> None:
    owed = {
        pair: sums.owed_fen for pair, sums in tally((k[:2], t, f, a) for k, t, f, a in legs).items()
    }
    positions = net_positions(owed)
    assert sum(positions.values()) == 0
    for region, fen in positions.items():
        claimed = sum(leg[2] + leg[3] for leg in legs if leg[0][1] == region)
        owes = sum(leg[2] + leg[3] for leg in legs if leg[0][0] == region)
        assert fen == claimed - owes


@given(LEGS)
def test_paying_the_nets_of_pairs_leaves_everybody_where_paying_all_does(legs: list[Leg]) -> None:
    owed = {
        pair: sums.owed_fen for pair, sums in tally((k[:2], t, f, a) for k, t, f, a in legs).items()
    }
    pairs = net_pairs(owed)
    assert all(fen > 0 for fen in pairs.values())
    assert not any((creditor, debtor) in pairs for debtor, creditor in pairs)
    after = net_positions(pairs)
    assert {r: fen for r, fen in net_positions(owed).items() if fen} == {
        region: fen for region, fen in after.items() if fen
    }


def test_a_settlement_and_its_cancel_come_to_nothing_but_two_legs() -> None:
    legs = [("430000", 10_000, 6_000, 1_000), ("430000", -10_000, -6_000, -1_000)]
    assert tally(legs) == {"430000": Sums(legs=2)}
    assert together([]) == NOTHING
    assert Counter(net_positions({("a", "b"): 5, ("b", "a"): 5})) == Counter({"a": 0, "b": 0})
