"""Other regions come by import, with their certificates, and are in force in every process."""

from __future__ import annotations

from pathlib import Path

import pytest

from settlement.chart import REGION_BASE, REGION_STRIDE, RegionAccount
from settlement.elsewhere.counterpart import Counterpart
from settlement.region.hub_config import FILE_NAME
from tests.kit.hub import AT, AUTHORITY, OTHER, papers_of
from tests.kit.importing import Cells, Office
from tests.kit.town import Town
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
ONE, TWO = "630100", "640100"
"""Regions that the town does not know before."""


@pytest.fixture
def office(town: Town, tmp_path: Path) -> Office:
    """Who imports into the town, which has a hub."""
    text = f'address = "https://hub.test"\nroot = "{AUTHORITY.root.hex()}"\n'
    (tmp_path / FILE_NAME).write_text(text, "utf-8")
    return Office(town=town, directory=tmp_path)


def row(region: str, **changes: object) -> Cells:
    """A region with its certificate."""
    return {
        "region": region, "name": f"测试统筹区{region}", "route": "",
        "certificates": papers_of(region).content, "withdrawals": "", **changes,
    }  # fmt: skip


async def known(town: Town, region: str, *, active: bool = True) -> Counterpart:
    """The region, once the town's process knows it so."""

    async def look() -> Counterpart | None:
        await town.owner.fetchval("select 1")
        one = town.service._desk.world.counterparts.get(region)
        return one if one is not None and one.active == active else None

    return await until(look)


async def test_regions_are_imported_and_known_to_every_process(town: Town, office: Office) -> None:
    rows = [row(ONE), row(TWO, route="https://province.test/hub")]
    shown = await office.bring("counterparts", rows, preview=True)
    assert (shown.written, shown.counts.new) == (True, 2)
    before = await town.owner.fetch("select c.region, c.account_base from settlement.counterpart c")
    assert not {ONE, TWO} & {known["region"] for known in before}
    imported = await office.bring("counterparts", rows)
    assert (imported.written, imported.counts.new, imported.faults) == (True, 2, [])
    one = await known(town, TWO)
    last = max((known["account_base"] for known in before), default=REGION_BASE)
    assert (one.account_base, one.route) == (
        last + 2 * REGION_STRIDE, "https://province.test/hub",
    )  # fmt: skip
    accounts = await town.owner.fetchval(
        "select count(*) from ledger.account a where a.account between $1 and $2",
        one.account_base, one.account_base + REGION_STRIDE - 1,
    )  # fmt: skip
    assert accounts == len(RegionAccount)
    again = await office.bring("counterparts", rows)
    assert (again.counts.new, again.counts.unchanged) == (0, 2)


async def test_certificate_that_follows_is_added_and_the_old_one_withdrawn(
    town: Town, office: Office
) -> None:
    withdrawal = AUTHORITY.withdraw(f"{TWO}-1", at=AT, reason="测试：密钥遗失")
    both = f"{papers_of(TWO).content};{papers_of(TWO, 2).content}"
    told = row(
        TWO, certificates=both, withdrawals=withdrawal, route="https://province.test/hub"
    )
    imported = await office.bring("counterparts", [told])
    assert (imported.written, imported.counts.changed) == (True, 1), imported.faults
    serials = await town.owner.fetch(
        "select c.serial from settlement.hub_certificate c where c.region = $1 order by 1", TWO
    )
    assert [one["serial"] for one in serials] == [f"{TWO}-1", f"{TWO}-2"]
    reason = await town.owner.fetchval("select w.reason from settlement.hub_withdrawal w")
    assert reason == "测试：密钥遗失"
    whole = await office.bring("counterparts", [told], whole=True)
    assert (whole.counts.missing >= 1, whole.counts.unchanged) == (True, 1)
    assert not (await known(town, ONE, active=False)).active


async def test_what_the_authority_did_not_sign_is_not_written(office: Office) -> None:
    wrong = row("460100", certificates=papers_of(OTHER).content)
    imported = await office.bring("counterparts", [wrong])
    assert not imported.written
    assert "belongs to 520100" in str(imported.faults[0])
