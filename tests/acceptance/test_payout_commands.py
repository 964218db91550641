"""`settlement payout` as a finance person types it: a month from the first command to the last of
docs/operating/payouts.md."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
import pytest_asyncio

from settlement.books.payout import WORD
from settlement.cli.payout import KINDS
from settlement.embedded.services import Services
from tests.kit.office import Office, an_office
from tests.kit.payouts import Payouts
from tests.kit.population import CLASS_A, CLASS_B, some
from tests.kit.reply import assert_done
from tests.kit.spreadsheet import sheets_of
from tests.services import FreshDatabase
from tests.tidy.tree import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = ROOT / "docs/operating/payouts.md"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    services: Services, database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """A town whose month is over."""
    async with an_office(services, database, tmp_path_factory.mktemp("payouts")) as office:
        yield office


async def test_a_month_is_paid_from_the_first_command_to_the_last(office: Office) -> None:
    town, code = office.town, office.town.pharmacy.code
    zhang, lin = "--actor zhang --reason 十月拨付", "--actor lin --reason 复核"
    month = "payout --period 2026-10"
    town.clock.move_to(datetime(2026, 10, 20, 9, 0))
    for _ in range(3):
        assert_done(await town.pharmacy.sell(town.someone(), some(CLASS_A), some(CLASS_B)))

    assert "尚未核定" in await office.type(month, 1)
    assert "已核定" in await office.type(f"{month} state {zhang}")
    office.send("bad.csv", f"机构编码,调整类型,金额,依据\n{code},扣款,3.00,审核〔2026〕10号\n")
    assert "第 2 行" in await office.type(f"{month} adjust FOLDER/bad.csv {zhang}", 1)
    office.send(
        "october.csv",
        "机构编码,调整类型,金额,依据,说明\n"
        f"{code},审核扣款,3.00,审核〔2026〕10号,超量用药\n{code},质保金预留,2.00,协议第12条,\n",
    )
    await office.type(f"{month} adjust FOLDER/october.csv {zhang}")
    await office.type(f"{month} adjust FOLDER/october.csv --confirm {zhang}", 1)
    await office.type(f"{month} adjust FOLDER/october.csv --confirm {lin}")
    typed = f"{month} add {code} surplus --amount 1.50 --source DIP2026-10"
    await office.type(f"{typed} {zhang}")
    await office.type(f"{typed} --confirm {lin}")
    await office.type(f"{month} add {code} overrun --amount 9.99 --source DIP2026-10 {zhang}")
    await office.type(f"{month} withdraw {code} 4 {zhang}")
    await office.type(f"{month} confirm {zhang}")
    await office.type(f"{month} notice {code} --out FOLDER")
    await office.type(f"{month} notice {code} --format xlsx --out FOLDER")
    (notice,) = office.folder.glob(f"notice-{code}-*.xlsx")
    told = sheets_of(notice.read_bytes())["拨付通知"]
    (due,) = (row["合计"] for row in office.rows("notice-*.csv") if row["项目"] == "应拨合计")
    assert told[-1][-2].endswith(f"|{due}"), "the sum is a formula, and what the CSV says"
    assert {"审核扣款", "质保金预留", "结余留用"} <= {row[0] for row in told}
    account = f"payout account {code} --name 测试药房 --account 9999000011112222 --bank 测试银行"
    await office.type(f"{account} {zhang}")
    await office.type(f"{account} --confirm {lin}")
    await office.type(f"{month} order {zhang}")
    await office.type(f"{month} order --confirm --out FOLDER {lin}")

    (order,) = office.rows("payout-2026*.csv")
    head = "订单号,金额,结果,银行流水号\n"
    office.send("back.csv", f"{head}{order['订单号']},{order['金额']},退汇,B7001\n")
    await office.type(f"{month} bank FOLDER/back.csv {zhang}")
    await office.type(f"{month} bank FOLDER/back.csv --confirm {lin}")
    corrected = account.replace("1111", "3333")
    await office.type(f"{corrected} {zhang}")
    await office.type(f"{corrected} --confirm {lin}")
    await office.type(f"{month} order {zhang}")
    await office.type(f"{month} order --confirm --out FOLDER/again {lin}")
    await office.type(f"{month} order --again --out FOLDER/again {zhang}")
    (again,) = office.rows("again/payout-2026*.csv")
    office.send("paid.csv", f"{head}{again['订单号']},{again['金额']},成功,B7002\n")
    await office.type(f"{month} bank FOLDER/paid.csv {zhang}")
    await office.type(f"{month} bank FOLDER/paid.csv --confirm {lin}")
    assert "未再改动" in await office.type(f"{month} bank FOLDER/paid.csv --confirm {lin}")
    await office.type(f"{month} show {code}")
    await office.type(f"{month} close {zhang}")
    assert "***2222" in await office.type(f"payout account {code}")
    days = "--since 2026-10-20 --until 2027-12-31"
    assert "借贷各" in await office.type(f"payout vouchers {days} --out FOLDER/vouchers.csv")
    assert "已关闭 1 家" in await office.type(month)
    told = json.loads(await office.type(f"{month} --json"))
    assert [one["state"] for one in told] == ["closed"]
    assert await Payouts(town).owed(code) == (0, 0)


async def test_deposits_come_back_by_a_file_of_scores(office: Office) -> None:
    code, other = office.town.pharmacy.code, office.town.other_pharmacy.code
    month, zhang = "payout --period 2026-10", "--actor zhang --reason 年度考核"
    office.send("scores.csv", f"机构编码,质保金,考核得分\n{code},2.00,88\n{other},0,90\n")
    said = await office.type(
        f"{month} deposits FOLDER/scores.csv --source 考核2026 {zhang}", 1
    )
    assert "不能调整" in said, "the month is closed"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("payout", "needs --period"),
        ("payout --period 2026-13", "is no month"),
        ("payout --period 2026-10 state", "--reason"),
        ("payout --period 2026-10 add H1 tip --amount 1 --source s --actor a --reason b", "tip"),
        ("payout --period 2026-10 add H1 deposit --amount 0 --source s --actor a --reason b",
         "nothing is adjusted"),
        ("payout --period 2026-10 add H1 deposit --amount 1.234 --source s --actor a --reason b",
         "is no amount"),
        ("payout account H1 --account 1", "needs --name"),
    ],
)  # fmt: skip
async def test_wrong_usage_is_told(office: Office, line: str, said: str) -> None:
    assert said in await office.type(line, 2)


async def test_the_command_and_the_page_know_every_kind_and_action() -> None:
    assert set(KINDS) == set(WORD)
    page = PAGE.read_text("utf-8")
    for kind in KINDS:
        assert f"`{kind}`" in page, kind
    for action in (
        "state", "adjust", "add", "deposits", "withdraw", "confirm", "notice", "order", "bank",
        "show", "close",
    ):  # fmt: skip
        assert re.search(rf"settlement payout --period [0-9-]+ {action}\b", page), action
