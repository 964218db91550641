"""Bills asked for at the simulated WeChat, and the commands an operator types."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from loadtest.drills.bill_import import Sums, write_wechat, written
from loadtest.simulators.channel_faults import Fault, Operation
from settlement.books.bill import BillKind
from settlement.channels.registry import Tills
from settlement.embedded.external import APP_VARIABLE, OWNER_VARIABLE
from settlement.embedded.services import Services
from settlement.finance import bill_reports
from settlement.finance.bill_books import BillBooks, open_books
from settlement.finance.bill_fetch import Wanted, fetch
from settlement.finance.bill_import import Order
from settlement.payments.payment import ChannelName
from settlement.storage.install import Region, ensure_schema
from tests.kit.command import settlement
from tests.kit.wechat import MCHID, wechat_stage
from tests.services import FreshDatabase, chosen_environment

pytestmark = pytest.mark.asyncio(loop_scope="module")
DAY = date(2026, 11, 23)
ORDER = Order(actor="zhang", reason="每日对账", fetched=True)
TO_NEXT_MORNING = 21 * 3600


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owner(database: FreshDatabase) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(database.owner_dsn)
    await ensure_schema(
        connection, Region(code="441900"), app_role="settlement_app", at=datetime.now(UTC)
    )
    yield connection
    await connection.close()


async def books_of(
    owner: asyncpg.Connection[asyncpg.Record], tills: Tills, at: datetime
) -> BillBooks:
    return await open_books(owner, tills, clock=lambda: at)


async def test_bills_that_are_late_or_damaged_are_missing_until_they_come(
    owner: asyncpg.Connection[asyncpg.Record], tmp_path: Path
) -> None:
    async with wechat_stage(tmp_path, "v3") as stage:
        tills = Tills({(ChannelName.WECHAT, MCHID): stage.channel}, {})
        await stage.channel.pay(stage.order(amount_fen=1_234))
        await stage.move(TO_NEXT_MORNING)
        books = await books_of(owner, tills, stage.clock())
        stage.fault(Fault.BILL_TRUNCATED, Operation.BILL, times=2)
        first = await fetch(books, Wanted(day=DAY), ORDER)
        assert [bool(one.said) for one in first] == [True, True]
        missing = await bill_reports.missing_between(books, [], DAY, DAY)
        assert [one.key.kind for one in missing] == [BillKind.TRADE, BillKind.FUNDS]
        second = await fetch(books, Wanted(day=DAY), ORDER)
        assert [one.said for one in second] == ["", ""]
        assert [one.taken[0].file.totals.rows for one in second] == [1, 2]
        assert await fetch(books, Wanted(day=DAY), ORDER) == []
        listed = await bill_reports.listing(books, DAY, DAY, as_json=True)
        told = json.loads(listed.text)
        assert (listed.status, len(told["files"]), told["missing"]) == (0, 2, [])


async def test_commands_take_list_show_and_give_back(
    owner: asyncpg.Connection[asyncpg.Record], services: Services, database: FreshDatabase,
    tmp_path: Path,
) -> None:  # fmt: skip
    environment = {
        **chosen_environment(services, database),
        OWNER_VARIABLE: database.owner_dsn, APP_VARIABLE: database.app_dsn,
    }  # fmt: skip

    async def typed(*words: str, status: int = 0) -> str:
        line = ("bills", *words, "--data-dir", str(tmp_path))
        ran = await asyncio.to_thread(settlement, line, environment)
        print("$ settlement", *words, "\n" + ran.stdout + ran.stderr)
        assert ran.returncode == status, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    who = ("--actor", "zhang", "--reason", "每日对账")
    bill, sums = tmp_path / "1123.csv", Sums()
    write_wechat(bill, written(100, 1, sums), sums)
    said = await typed("import", str(bill), "--merchant", "1900000001", *who)
    assert "2026-11-23 wechat 1900000001 交易账单：收 98 笔" in said
    assert "同一文件已收过" in await typed(
        "import", str(bill), "--merchant", "1900000001", *who
    )
    cut = tmp_path / "cut.csv"
    cut.write_bytes(bill.read_bytes()[:9_000])
    assert "未收" in await typed(
        "import", str(cut), "--merchant", "1900000001", *who, status=1
    )
    listed = await typed("list", "--day", "2026-11-23")
    assert said.split(" ")[0] in listed and "缺 ? 份" in listed
    back = tmp_path / "back.csv"
    await typed("show", said.split(" ")[0], "--out", str(back))
    assert back.read_bytes() == bill.read_bytes()
    assert "未配置商户" in await typed("fetch", "--day", "2026-11-23", *who, status=2)
