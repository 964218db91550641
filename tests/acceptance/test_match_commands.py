"""`settlement match` and `settlement differences` as a finance person types them, from the first
command of docs/operating/reconciling.md to the last."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from msgspec.structs import replace

from ledger.postgres.shape import Shape
from loadtest.channel_days import DAY, OURS, Recipe, a_day, keep_day
from settlement.embedded.external import APP_VARIABLE, OWNER_VARIABLE
from settlement.embedded.services import Services
from tests.kit import population
from tests.kit.command import settlement
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")

RECIPES = (Recipe.ONLY_OURS, Recipe.AMOUNT, Recipe.LATE, Recipe.PLAIN)
ZHANG, LIN = "--actor zhang --reason 渠道查无此单", "--actor lin --reason 复核"


class Office:
    """The finance person's shell, beside a town's database."""

    def __init__(self, town: Town, environment: dict[str, str]) -> None:
        self.town = town
        self._environment = environment

    async def type(self, line: str, status: int = 0) -> str:
        """What a command prints; its status must be as expected."""
        ran = await asyncio.to_thread(settlement, shlex.split(line), self._environment)
        printed = ran.stdout + ran.stderr
        assert "Traceback" not in printed, printed
        assert ran.returncode == status, printed
        return printed


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(services: Services, database: FreshDatabase) -> AsyncIterator[Office]:
    """A town with a day of payments and bills."""
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        day = a_day([(one, 12_300) for one in RECIPES], lanes=town.lanes)
        day.ours = [replace(one, institution=population.PHARMACY.code) for one in day.ours]
        await keep_day(town.owner, day, town.lanes)
        environment = {
            **chosen_environment(services, database),
            OWNER_VARIABLE: database.owner_dsn, APP_VARIABLE: database.app_dsn,
        }  # fmt: skip
        yield Office(town, environment)


async def test_a_day_is_matched_and_corrected(office: Office) -> None:
    said = await office.type(f"match --day {DAY}")
    assert "仅本方有 only_ours：1 项" in said
    assert "the sums explain each other" in said
    told = json.loads(await office.type(f"match --month {DAY:%Y-%m} --json"))
    assert told["explained"]
    assert set(told["classes"]) == {"only_ours", "amount", "late"}
    listed = json.loads(await office.type("differences --class only_ours --age 1 --json"))
    (number,) = (one["number"] for one in listed)
    assert "可以撤记" in await office.type(f"differences show {number}")
    await office.type(f"differences assign {number} --owner zhang {ZHANG}")
    told_off = await office.type(f"differences assign {number} --owner wang {LIN}", 1)
    assert "由 zhang 负责" in told_off
    await office.type(f"differences propose {number} --as void {ZHANG}")
    assert "以外的人" in await office.type(f"differences confirm {number} --confirm {ZHANG}", 1)
    await office.type(f"differences reject {number} {LIN}")
    await office.type(f"differences propose {number} --as void {ZHANG}")
    assert "记账" in await office.type(f"differences confirm {number} --confirm {LIN}")
    await office.type(f"differences note {number} {LIN}")
    assert number not in await office.type("differences")
    assert number in await office.type("differences --all")


async def test_a_fee_is_told_and_counts_from_its_day(office: Office) -> None:
    fee = f"differences fee --channel wechat --merchant {OURS} --since {DAY} {ZHANG}"
    await office.type(f"{fee} --bp 38")
    assert "fee：" in await office.type(f"match --day {DAY}")
    await office.type(f"{fee} --bp 10001", 2)
    await office.type(f"{fee} --bp 60")
    await office.type(f"match --day {DAY}")
    assert "fee" not in await office.type("differences")


async def test_what_is_no_command_is_told_so(office: Office) -> None:
    assert "no day like" in await office.type("match --day yesterday", 2)
    assert "19 digits" in await office.type(f"differences note 7 {LIN}", 2)
    assert "没有差异" in await office.type(f"differences show {2611 * 10**15 + 7}", 1)
