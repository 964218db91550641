"""`settlement close` and what belongs to it, as a finance person types them: October, from the
check to the proof that an institution verifies. The session of docs/operating/closing.md."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
import pytest_asyncio

from ledger.postgres.shape import Shape
from settlement.embedded.external import APP_VARIABLE, OWNER_VARIABLE
from settlement.embedded.services import Services
from settlement.storage.seal_key import VARIABLE
from tests.acceptance.test_regional_commands import Office
from tests.kit.clock import TownClock
from tests.kit.population import CLASS_A, CLASS_B, Citizen, some
from tests.kit.reply import assert_done
from tests.kit.spreadsheet import sheets_of
from tests.kit.town import a_town
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")

WHO = "--actor chen --reason 十月月结"
LIN = "--actor lin --reason 复核"


class Finance(Office):
    """The finance person's shell, beside a town where one citizen bought something in October."""

    citizen: Citizen
    sold: list[str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    services: Services, database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Finance]:
    """The town at the end of October, with nothing closed."""
    clock = TownClock(datetime(2026, 10, 26, 9, 0))
    async with a_town(database, shape=Shape.ONE_MACHINE, clock=clock) as town:
        folder = tmp_path_factory.mktemp("closing")
        environment = {
            **chosen_environment(services, database),
            OWNER_VARIABLE: database.owner_dsn, APP_VARIABLE: database.app_dsn,
            VARIABLE: str(folder / "seal-keys.json"),
        }  # fmt: skip
        office = Finance(town, environment, folder)
        office.citizen, office.sold = town.someone(), []
        for day in (27, 30, 31):
            clock.move_to(datetime(2026, 10, day, 10, 0))
            reply = await town.pharmacy.sell(office.citizen, some(CLASS_A), some(CLASS_B))
            assert_done(reply)
            office.sold.append(reply.setl_id)
        clock.move_to(datetime(2026, 11, 2, 9, 0))
        assert_done(await town.pharmacy.sell(office.citizen, some(CLASS_A)))
        yield office


async def test_days_are_closed_in_their_order(office: Finance) -> None:
    await office.type("close day 2030-01-01", status=1)
    await office.type("seal-key", status=1)
    assert "ed25519" in await office.type("seal-key --new")
    closed = await office.type("close day 2026-10-31")
    assert [line[:10] for line in closed.splitlines()] == [
        f"2026-10-{day}" for day in range(26, 32)
    ]
    assert "it was closed before" in await office.type("close day 2026-10-31")


async def test_month_goes_from_check_to_seal(office: Finance) -> None:
    assert "✗" in await office.type("close month 2026-10", status=1)
    await office.type("close month 2026-10 begin", status=2)
    await office.type(f"close month 2026-10 begin {WHO}")
    await office.type(f"close month 2026-10 close {WHO}", status=1)
    await office.type(f"close month 2026-10 verify {WHO}")
    await office.town.list_statements()
    assert "✗" not in await office.type("close month 2026-10 check")
    await office.type(f"close month 2026-10 close {WHO}")
    await office.type(f"close month 2026-10 close --confirm {WHO}", status=1)
    await office.type(f"close month 2026-10 close --confirm {LIN}")
    await office.type(f"close month 2026-10 seal {WHO}")
    again = await office.type("close month 2026-10 report --out FOLDER/report.json")
    assert "the same as when it was closed" in again
    assert json.loads((office.folder / "report.json").read_text())["month"] == "2026-10"
    await office.type("close month 2026-10 report --out FOLDER/report.xlsx")
    assert "试算平衡" in sheets_of((office.folder / "report.xlsx").read_bytes())


async def test_seals_are_published_and_proofs_are_checked(office: Finance) -> None:
    code = office.town.pharmacy.institution.code
    await office.type("seals --month 2026-10 --out FOLDER")
    await office.type(f"proof --institution {code} --month 2026-10 --out FOLDER/proof.json")
    key = "--key FOLDER/seals-2026-10.json"
    assert "everything holds" in await office.type(f"verify-proof FOLDER/proof.json {key}")
    path = office.folder / "proof.json"
    path.write_text(path.read_text().replace('"code":1', '"code":2', 1))
    altered = await office.type(f"verify-proof FOLDER/proof.json {key}", status=1)
    assert f"{office.sold[0]} 已被改动 altered" in altered
    await office.type("verify-proof FOLDER/proof.json --key 00", status=2)
    await office.type("verify-proof FOLDER/report.json", status=2)
    await office.type("seals --month 2026-09 --out FOLDER", status=1)
    assert "用至" in await office.type("seal-key --new --algorithm sm2") + await office.type(
        "seal-key"
    )


async def test_balances_are_those_of_then(office: Finance) -> None:
    number = office.citizen.number
    then = await office.type(f"balance {number} --at '2026-10-30 23:59:59' --json")
    now = await office.type(f"balance {number} --json")
    assert json.loads(then)["balance_fen"] > json.loads(now)["balance_fen"]
    await office.type(f"balance {number} --at '2026-10-30 23:59:59'")
    await office.type("balance 1310102 --at '2026-10-31 23:59:59'")
    await office.type("balance 7 --at '2026-10-31 23:59:59'", status=1)
    printed = await office.type(f"account-statement {number} --from 2026-10-27 --to 2026-10-31")
    rows = list(csv.reader(io.StringIO(printed)))
    assert [row[2] for row in rows[2:-1]] == office.sold
    await office.type(f"account-statement {number} --from 2026-11-27 --to 2026-10-31", status=1)
