"""The tamper drill in short: each value of a scene that chance chooses is changed, and found."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ledger.postgres.shape import Shape
from tests.kit.scenes import SCENES
from tests.kit.town import a_town
from tests.kit.unguarded import DELETED_UNSEEN, PARTLY, UNGUARDED
from tests.services import FreshDatabase
from tests.tamper_run import Came, failures, play

pytestmark = pytest.mark.asyncio


async def test_every_change_in_a_scene_is_found(
    database: FreshDatabase, tmp_path: Path, rng: random.Random
) -> None:
    name, came = rng.choice(sorted(SCENES)), Came()
    print(f"python -m tests.tamper_run --rows 1 --scene '{name}'")
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        await play(name, town, tmp_path, came, 1, lambda _: True)
    wrong = failures(came, all_scenes=False)
    assert not any(wrong.values()), wrong
    assert came.tried


async def test_what_is_listed_has_a_reason() -> None:
    for listed in (UNGUARDED, PARTLY, DELETED_UNSEEN):
        assert all(len(why.split()) > 2 for why in listed.values())
