"""Two real regions and the hub between them, over days and months, at random: in the end what one
is owed is what the other owes, case by case (tests/simulation/regions.py)."""

from __future__ import annotations

import random

from settlement.embedded.services import Services
from tests.simulation.regions import play


async def test_two_regions_and_the_hub_agree_on_every_case(services: Services) -> None:
    """Who is first depends on the machine too: one story may have no visit that was settled."""
    stories = [await play(services, seed) for seed in (1, 2)]
    told = [line for story in stories for line in story.told]
    assert any(line.endswith("2207 done") for line in told), told
    assert any(story.together for story in stories), told


async def test_two_regions_agree_whatever_comes(services: Services, rng: random.Random) -> None:
    await play(services, rng.getrandbits(32))
