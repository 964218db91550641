"""Two real regions and the hub between them, over days and months, at random: in the end what one
is owed is what the other owes, case by case (tests/simulation/regions.py)."""

from __future__ import annotations

import random

import pytest

from settlement.embedded.services import Services
from tests.simulation.regions import play


@pytest.mark.parametrize("seed", [1, 2])
async def test_two_regions_and_the_hub_agree_on_every_case(
    services: Services, seed: int
) -> None:
    story = await play(services, seed)
    assert any(line.endswith("2207 done") for line in story.told), story.told
    assert story.together, story.told


async def test_two_regions_agree_whatever_comes(services: Services, rng: random.Random) -> None:
    await play(services, rng.getrandbits(32))
