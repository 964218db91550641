"""Journeys of a drill between regions: by seed and number alone, and as the policies allow."""

from __future__ import annotations

from collections import Counter

import pytest

from loadtest.drills.travellers import Afterwards, Journey, Travellers, Unclear
from tests.unit.loadtest.worlds import make_world

OURS, THEIRS = "441900", "611000"
JOURNEYS = 2_000


def travellers(seed: int = 1) -> Travellers:
    worlds = {OURS: make_world(persons=3), THEIRS: make_world(persons=3)}
    return Travellers(worlds, seed=seed, pharmacies_for=frozenset({OURS}))


def journeys() -> list[Journey]:
    planned = travellers()
    return [planned.journey(number) for number in range(JOURNEYS)]


def test_a_journey_depends_on_seed_and_number_alone() -> None:
    one, other, another = travellers(), travellers(), travellers(seed=2)
    assert [one.journey(n) for n in (3, 1)] == [other.journey(n) for n in (3, 1)]
    assert one.journey(3) != another.journey(3)


def test_everything_happens_and_both_regions_treat() -> None:
    planned = journeys()
    assert Counter(one.treated for one in planned) == {OURS: JOURNEYS // 2, THEIRS: JOURNEYS // 2}
    assert {one.unclear for one in planned} == set(Unclear)
    assert {one.afterwards for one in planned} == set(Afterwards)
    assert any(one.vanishes for one in planned)
    assert any(one.twice for one in planned)


def test_most_buy_in_a_pharmacy_where_their_region_pays_for_it() -> None:
    visits = Counter(one.treated for one in journeys() if one.is_visit)
    assert visits[THEIRS] < JOURNEYS // 2 * 0.2
    assert JOURNEYS // 2 * 0.9 < visits[OURS] < JOURNEYS // 2


def test_nobody_stands_at_two_counters() -> None:
    planned = travellers()
    away = [planned.leave(OURS) for _ in range(3)]
    assert len({one.person.psn_no for one in away}) == 3
    with pytest.raises(IndexError):
        planned.leave(OURS)
    planned.come_back(OURS, away[0])
    assert planned.leave(OURS) == away[0]
