"""POST /demo/token: a token that the settle path finds beside its person, and only for a while."""

from __future__ import annotations

import json
from datetime import timedelta

from settlement.demo.page import TOKEN_SECONDS, token_page
from settlement.keyring import LookupKind
from settlement.lanes import lane_of
from tests.world import SmallWorld, connected

PERSON, INSTITUTION = "44190099000000000001", "H44190099001"


async def test_token_is_kept_as_a_hash_beside_its_person(world: SmallWorld) -> None:
    make = token_page(
        world.database.app_dsn, world.keyring, clock=lambda: world.at, chance=lambda: "chance"
    )
    made = await make(PERSON, INSTITUTION)
    assert made is not None
    assert json.loads(made) == {"mdtrt_cert_type": "01", "mdtrt_cert_no": "Echance"}
    async with connected(world.database.owner_dsn) as connection:
        row = await connection.fetchrow(
            "select t.* from settlement.token t where t.psn_no = $1 and t.key = $2",
            PERSON, world.keyring.lookup_key(LookupKind.TOKEN, "Echance"),
        )  # fmt: skip
    assert row is not None
    assert (row["lane"], row["institution"]) == (lane_of(PERSON, world.lanes), INSTITUTION)
    assert row["expires_at"] == world.at + timedelta(seconds=TOKEN_SECONDS)


async def test_every_token_is_another_one(world: SmallWorld) -> None:
    make = token_page(world.database.app_dsn, world.keyring)
    assert await make(PERSON, INSTITUTION) != await make(PERSON, INSTITUTION)


async def test_region_that_is_no_demo_gives_none(world: SmallWorld) -> None:
    async with connected(world.database.owner_dsn) as connection:
        seed = await connection.fetchval("select i.demo_seed from settlement.installation i")
        await connection.execute("update settlement.installation set demo_seed = null")
        try:
            make = token_page(world.database.app_dsn, world.keyring)
            assert await make(PERSON, INSTITUTION) is None
        finally:
            await connection.execute("update settlement.installation set demo_seed = $1", seed)
