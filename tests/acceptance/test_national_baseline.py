"""A server on the shipped national baseline (全国基线): what every edition has is done, what only
some province has is refused and said."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from settlement.embedded.services import Services
from tests.kit.clerk import Clerk, added, result
from tests.kit.command import settlement
from tests.kit.population import CLASS_A, PLAIN, REGION, some
from tests.kit.reply import assert_done, assert_refused
from tests.kit.served import ServedTown, a_served_town, a_server, ready_url
from tests.kit.waiting import until
from tests.kit.ward import admit
from tests.services import (
    FreshDatabase,
    chosen_environment,
    embedded_environment,
    temporary_directory,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

BASED = 'format = "region-profile/1"\nbased_on = "national-baseline"\n'
OWN = '[interface.codes]\n"*.data.clr_type" = ["14", "28"]\n'
"""What the town's policies clear by beside the baseline's."""
CLEARED_BY = ["11", "14", "21", "28", "41", "51", "99"]


async def dictionary(town: ServedTown, name: str) -> list[str]:
    """1901: the values of a code list."""
    reply = await town.hospital.ask(
        "1901", {"data": {"type": name, "admdvs": REGION, "date": "2026-11-23"}}
    )
    assert_done(reply)
    assert isinstance(reply.output, dict)
    return [row["value"] for row in reply.output["list"]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(
    services: Services, database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[ServedTown]:
    """A served town whose agency has loaded a profile that says what differs."""
    environment = chosen_environment(services, database)
    profile = tmp_path_factory.mktemp("profile") / "441900.toml"
    profile.write_text(f'{BASED}code = "441900"\nname = "测试市"\n{OWN}')
    async with a_served_town(environment) as town:
        words = ["policy", "load", str(profile), "--reason", "测试", "--data-dir", str(town.data)]
        ran = await asyncio.to_thread(settlement, words, environment)
        assert ran.returncode == 0, ran.stderr

        async def known() -> bool:
            asked = [await dictionary(town, "clr_type") for _ in range(8)]
            return all(values == CLEARED_BY for values in asked)

        await until(known)
        yield town


async def test_sale_visit_and_stay_are_settled_and_cleared(town: ServedTown) -> None:
    sold = await town.pharmacy.sell(town.someone(), some(CLASS_A, 2))
    basket = [some(item) for item in PLAIN[:3]]
    visit = await town.hospital.open_visit(town.someone(), *basket)
    visited = await visit.settle(*basket)
    stay = await admit(town.hospital, town.someone(), some(CLASS_A, 20))
    assert_done(await town.hospital.send(stay.discharge()))
    stayed = await stay.settle(Decimal("250.00"))
    for counter, reply, clearing_type in (
        (town.pharmacy, sold, "41"), (town.hospital, visited, "11"), (town.hospital, stayed, "21"),
    ):  # fmt: skip
        assert_done(reply)
        assert reply.text("clr_type") == clearing_type
        day = reply.text("setl_time")[:10]
        clerk = Clerk(counter, begin=day, end=day, clearing_type=clearing_type)
        assert result(await counter.send(clerk.totals(added([reply]))))[0] == "0"


async def test_what_one_province_has_is_no_transaction_here(town: ServedTown) -> None:
    for infno in ("3260", "3261", "2207A", "2304A", "4101A"):
        refused = await town.hospital.ask(infno, {"data": {}})
        assert_refused(refused, "UNKNOWN_TRANSACTION", field="infno")


async def test_codes_of_one_province_are_no_codes_here(town: ServedTown) -> None:
    name = "input.druginfo.med_type"
    sale = town.pharmacy.sale(town.someone(), some(CLASS_A))
    refused = await town.pharmacy.send(sale.edited({name: "9901"}))
    assert_refused(refused, "CODE_UNKNOWN", field=name)
    day = f"{town.clock.local:%Y-%m-%d}"
    clerk = Clerk(town.pharmacy, begin=day, end=day, clearing_type="9902")
    refused = await town.pharmacy.send(clerk.totals(added([])))
    assert_refused(refused, "CODE_UNKNOWN", field="input.data.clr_type")


async def test_reversal_takes_back_what_every_edition_lists(town: ServedTown) -> None:
    citizen = town.someone()
    sale = town.pharmacy.sale(citizen, some(CLASS_A))
    assert_done(await town.pharmacy.send(sale))
    assert_done(await town.pharmacy.send(town.pharmacy.reversal(sale, citizen)))
    content = {"data": {"psn_no": citizen.number, "omsgid": sale.msgid, "oinfno": "2207A"}}
    refused = await town.pharmacy.ask("2601", content)
    assert_refused(refused, "REVERSAL_NOT_SUPPORTED", field="input.data.oinfno")


async def test_new_region_starts_on_a_profile_of_four_lines(tmp_path: Path) -> None:
    profile = tmp_path / "420100.toml"
    profile.write_text(f'{BASED}code = "420100"\nname = "测试市"\n')
    environment = {**embedded_environment(), "SETTLEMENT_REGION": "420100"}
    with temporary_directory() as base:
        words = ["serve", "--port", "0", "--data-dir", str(base / "data")]
        ran = await asyncio.to_thread(settlement, words, environment)
        assert ran.returncode != 0
        assert "there is no profile of region 420100" in ran.stderr
        environment["SETTLEMENT_PROFILE"] = str(profile)
        with a_server(base / "data", 1, environment) as process:
            url = await asyncio.to_thread(ready_url, process)
            async with aiohttp.ClientSession() as session, session.get(f"{url}/readyz") as answer:
                assert json.loads(await answer.read())["ready"]
        listed = settlement(["policy", "list", "--data-dir", str(base / "data")], environment)
        assert "420100.toml" in listed.stdout, listed.stderr
