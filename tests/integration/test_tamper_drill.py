"""The tamper drill in short: some values of a town, chosen by chance, and each is found."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ledger.postgres.shape import Shape
from settlement.storage.connect import verify_pool
from tests.kit import scenes
from tests.kit.tampering import Flips
from tests.kit.town import a_town
from tests.kit.unguarded import DELETED_UNSEEN, PARTLY, UNGUARDED, is_partly, is_tried
from tests.services import FreshDatabase
from tests.tamper_run import Came, Scene, failures

pytestmark = pytest.mark.asyncio

CHANGES = 16


async def test_what_chance_chooses_is_found(
    database: FreshDatabase, tmp_path: Path, rng: random.Random
) -> None:
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        await scenes.counters(town, tmp_path)
        flips, came = Flips(town.owner), Came()
        columns = await flips.columns()
        filled = {one.table for one in columns if await flips.rows(one.table, 1)}
        sure = sorted(
            one.full
            for one in columns
            if one.table in filled and is_tried(one.full) and not is_partly(one.full)
        )
        chosen = set(rng.sample(sure, CHANGES))
        print(sorted(chosen))
        async with verify_pool(town.owner_dsn) as pool:
            await Scene("counters", town, pool, came).tamper(1, chosen.__contains__)
        assert not any(failures(came, all_scenes=False).values())
        assert len(came.tried) > CHANGES // 2


async def test_what_is_listed_has_a_reason() -> None:
    for listed in (UNGUARDED, PARTLY, DELETED_UNSEEN):
        assert all(len(why.split()) > 2 for why in listed.values())
