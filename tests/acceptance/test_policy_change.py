"""An agency changes a policy while claims come in: on its date, everywhere, and never half."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from settlement.embedded.services import Services
from settlement.policy.loader import shipped_files
from settlement.storage.policies import keep_files
from tests.kit.command import settlement
from tests.kit.population import CLASS_A, some
from tests.kit.served import ServedTown, a_served_town
from tests.kit.town import Town
from tests.kit.waiting import in_a_row, until
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")

NAME = "dongguan-demo-employee.toml"
SHIPPED = shipped_files()[NAME].decode()


def changed(text: str = SHIPPED, *, ratio_bp: int = 8000) -> str:
    """The shipped policy with another ratio in pharmacies."""
    rule = 'fund = "310102"\nratio_bp = 6000'
    assert text.count(rule) == 1
    return text.replace(rule, f'fund = "310102"\nratio_bp = {ratio_bp}')


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served(services: Services, database: FreshDatabase) -> AsyncIterator[ServedTown]:
    """A server of two processes, told by commands."""
    async with a_served_town(chosen_environment(services, database)) as town:
        yield town


async def fund_pays(town: Town | ServedTown) -> Decimal:
    """What the fund pays of 25.00 in a pharmacy now."""
    quoted = await town.pharmacy.send(town.pharmacy.quote(town.borrowed(), some(CLASS_A, 2)))
    return quoted.money("fund_pay_sumamt")


async def test_new_period_begins_on_its_day_and_the_old_one_ends_on_the_day_before(
    town: Town,
) -> None:
    """Two loaded files meet at midnight; the fee date decides, whenever the claim comes."""
    ending = SHIPPED.replace("verified = false", "effective_to = 2026-11-30\nverified = false")
    beginning = changed().replace("2024-01-01", "2026-12-01")
    assert await fund_pays(town) == Decimal("15.00")
    await keep_files(
        town.owner, {NAME: ending.encode(), "from-december.toml": beginning.encode()},
        actor="测试操作员", reason="测试〔2026〕1号", at=town.clock(),
    )  # fmt: skip
    town.clock.move_to(datetime(2026, 12, 1, 0, 5))

    async def december() -> bool:
        return await fund_pays(town) == Decimal("20.00")

    await until(december)
    for at, fund in (
        (datetime(2026, 11, 30, 23, 59, 59), "15.00"),
        (datetime(2026, 12, 1, 0, 0, 0), "20.00"),
    ):
        settled = await town.pharmacy.sell(town.someone(), some(CLASS_A, 2), at=at)
        assert settled.money("fund_pay_sumamt") == Decimal(fund)


def run(town: ServedTown, environment: Mapping[str, str], *arguments: str) -> tuple[int, str, str]:
    """A command on the served town's data."""
    ran = settlement([*arguments, "--data-dir", str(town.data)], environment)
    return ran.returncode, ran.stdout, ran.stderr


async def test_load_compare_list_and_explain_by_command(
    served: ServedTown, services: Services, database: FreshDatabase, tmp_path: Path
) -> None:
    environment = chosen_environment(services, database)
    before = await served.pharmacy.sell(served.someone(), some(CLASS_A, 2))
    file = tmp_path / NAME
    file.write_text(changed())

    status, out, err = await asyncio.to_thread(
        run, served, environment, "policy", "diff", "dongguan-demo-employee", str(file), "--json"
    )
    assert status == 0, err
    told = json.loads(out)
    assert (told["claims"], told["changed_claims"], told["losing_persons"]) == (1, 1, 0)
    assert told["amounts"]["hifp_pay"] == {"before": "15.00", "after": "20.00", "change": "5.00"}
    assert told["amounts"]["account"]["change"] == "-5.00"

    file.write_text(changed(ratio_bp=12_000))
    status, out, err = await asyncio.to_thread(
        run, served, environment, "policy", "load", str(file), "--reason", "测试"
    )
    assert status == 2 and not out
    assert f"{NAME} 第 " in err and "12000" in err and "原政策仍然有效" in err

    file.write_text(changed())
    status, out, err = await asyncio.to_thread(
        run, served, environment, "policy", "load", str(file), "--reason", "测试〔2026〕2号"
    )
    assert status == 0, err

    async def changed_here() -> bool:
        return await fund_pays(served) == Decimal("20.00")

    await in_a_row(changed_here, 16)
    after = await served.pharmacy.sell(served.someone(), some(CLASS_A, 2))
    assert after.money("fund_pay_sumamt") == Decimal("20.00")

    status, out, err = await asyncio.to_thread(run, served, environment, "policy", "list")
    assert status == 0 and "测试〔2026〕2号" in out, err
    audited = await served.owner.fetchval(
        "select a.note from settlement.audit a where a.action = 'load-policy' and a.subject = $1",
        NAME,
    )
    assert audited == "测试〔2026〕2号"
    for settled in (before, after):
        status, out, err = await asyncio.to_thread(
            run, served, environment, "explain", settled.setl_id
        )
        assert status == 0 and "重新计算结果一致" in out, err
    found = await served.pharmacy.settlement(before)
    assert found.money("fund_pay_sumamt") == Decimal("15.00")
