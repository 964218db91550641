"""`settlement reimburse` as clerks type it: two bills from the counter to the bank, as in
docs/operating/reimbursing.md."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import datetime

import pytest
import pytest_asyncio

from settlement.books.reimbursement_intake import PAPER_COLUMNS
from settlement.embedded.services import Services
from tests.kit.office import Office, an_office
from tests.kit.population import CLASS_A, CLASS_B, DEAR
from tests.services import FreshDatabase
from tests.tidy.tree import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = ROOT / "docs/operating/reimbursing.md"
HEADER = (
    "人员编号,姓名,机构编码,发票号码,险种,医疗类别,就诊或入院日期,就诊结束或出院日期,发票金额,户名,银行账号,"
    "开户行,医疗目录编码,费用发生日期,数量,单价,明细金额\n"
)
BANK = "订单号,金额,结果,银行流水号\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    services: Services, database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """The counter of the agency."""
    async with an_office(services, database, tmp_path_factory.mktemp("papers")) as office:
        yield office


async def test_two_bills_from_the_counter_to_the_bank(office: Office) -> None:
    town = office.town
    town.clock.move_to(datetime(2026, 11, 26, 9, 0))
    zhou, wu = "--actor zhou --reason 窗口受理", "--actor wu --reason 复核"
    paid = "--actor zheng --reason 十一月报销款"
    about = f"{{who}},{town.hospital.code},{{invoice}},310,{{kind}}"
    account = "测试甲,9999000055556666,测试银行"
    whom, other = town.someone(), town.someone()
    names = [f"{one.number},{one.insured.identity.name}" for one in (whom, other)]
    visit = about.format(who=names[0], invoice="44190001", kind="11")
    visit = f"{visit},2026-11-20,2026-11-20,{{sum}},{account}"
    stay = about.format(who=names[1], invoice="44190002", kind="21")
    stay = f"{stay},2026-11-10,2026-11-14,8000.00,{account}"
    lines = (
        f"{visit},{CLASS_A.item.code},2026-11-20,4,12.50,50.00\n"
        f"{visit},{CLASS_B.item.code},2026-11-20,1,10.00,10.00\n"
        f"{stay},{DEAR.item.code},2026-11-12,4,2000.00,8000.00\n"
    )
    office.send("bad.csv", HEADER + lines.format(sum="61.00"))
    assert "medfee_sumamt" in await office.type(f"reimburse accept FOLDER/bad.csv {zhou}", 1)
    office.send("papers.csv", HEADER + lines.format(sum="60.00"))
    accepted = await office.type(f"reimburse accept FOLDER/papers.csv {zhou}")
    first, second = re.findall(r"^([0-9]{19}) 已受理", accepted, re.MULTILINE)
    again = await office.type(f"reimburse accept FOLDER/papers.csv {zhou}", 1)
    assert "REIMBURSEMENT_INVOICE_TAKEN" in again

    assert "基金支付" in await office.type(f"reimburse calculate {first} {zhou}")
    assert "以外的人" in await office.type(f"reimburse confirm {first} {zhou}", 1)
    assert "已复核记账" in await office.type(f"reimburse confirm {first} {wu}")
    await office.type(f"reimburse calculate {second} {zhou}")
    office.send("corrected.csv", HEADER + lines.splitlines(keepends=True)[2])
    await office.type(f"reimburse amend {second} FOLDER/corrected.csv {zhou}")
    await office.type(f"reimburse calculate {second} {zhou}")
    await office.type(f"reimburse confirm {second} {wu}")

    await office.type(f"reimburse order {paid}")
    await office.type(f"reimburse order --confirm --out FOLDER {paid}", 1)
    await office.type(f"reimburse order --confirm --out FOLDER {wu}")
    one, two = sorted(office.rows("reimburse-2026*.csv"), key=lambda row: row["金额"])
    office.send(
        "bank.csv",
        f"{BANK}{one['订单号']},{one['金额']},成功,B9001\n"
        f"{two['订单号']},{two['金额']},退汇,B9002\n",
    )
    await office.type(f"reimburse bank FOLDER/bank.csv {paid}")
    await office.type(f"reimburse bank FOLDER/bank.csv --confirm {wu}")
    back = two["订单号"][1:20]
    to = "--name 测试甲 --account 9999000077778888 --bank 测试银行"
    await office.type(f"reimburse account {back} {to} {zhou}")
    await office.type(f"reimburse order {back} {paid}")
    await office.type(f"reimburse order {back} --confirm --out FOLDER/again {wu}")
    assert "***8888" in await office.type(f"reimburse show {back}")
    assert "不能提出撤销" in await office.type(f"reimburse cancel {first} {zhou}", 1)
    told = json.loads(await office.type("reimburse --json"))
    assert {row["state"] for row in told} == {"ordered", "paid"}
    assert whom.number not in await office.type("reimburse")


async def test_a_mistake_is_taken_back_by_two_people(office: Office) -> None:
    town = office.town
    whom, zhou, wu = town.someone(), "--actor zhou --reason 录错发票", "--actor wu --reason 复核"
    row = (
        f"{whom.number},{whom.insured.identity.name},{town.hospital.code},44190003,310,11,"
        "2026-11-21,2026-11-21,25.00,测试乙,9999000011112222,测试银行,"
        f"{CLASS_A.item.code},2026-11-21,2,12.50,25.00\n"
    )
    office.send("third.csv", HEADER + row)
    accepted = await office.type(f"reimburse accept FOLDER/third.csv {zhou}")
    number = accepted[:19]
    await office.type(f"reimburse calculate {number} {zhou}")
    await office.type(f"reimburse confirm {number} {wu}")
    await office.type(f"reimburse cancel {number} {zhou}")
    await office.type(f"reimburse cancel {number} --confirm {zhou}", 1)
    assert "已撤销" in await office.type(f"reimburse cancel {number} --confirm {wu}")
    fourth = await office.type(f"reimburse accept FOLDER/third.csv {zhou}")
    await office.type(f"reimburse refuse {fourth[:19]} --actor zhou --reason 缺费用清单")
    assert "44190003" in await office.type("reimburse --state cancelled")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("reimburse show 12", "is no number of 19 digits"),
        ("reimburse accept a.csv --actor a", "--reason"),
        ("reimburse --state lost", "lost"),
    ],
)
async def test_wrong_usage_is_told(office: Office, line: str, said: str) -> None:
    assert said in await office.type(line, 2)


async def test_the_page_has_every_action_and_every_column() -> None:
    page = PAGE.read_text("utf-8")
    for action in (
        "accept", "amend", "refuse", "calculate", "confirm", "cancel", "account", "order", "bank",
        "show",
    ):  # fmt: skip
        assert re.search(rf"settlement reimburse {action}\b", page), action
    for column in PAPER_COLUMNS:
        assert f"`{column.name}` | {column.title} |" in page, column.name
