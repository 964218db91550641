"""`settlement clear` and `settlement reconcile-regions` as a finance person types them.

A month with Hunan, both ways, from the overview to the last command of docs/operating/clearing.md.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import os
import re
import shlex
from collections.abc import AsyncIterator
from datetime import date, datetime
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from ledger.money import yuan_text
from ledger.postgres.shape import Shape
from protocol.hub.clearing import ClearingRow, DayList, HubRow
from settlement.elsewhere.regional_statements import make_statement
from settlement.embedded.external import APP_VARIABLE, OWNER_VARIABLE
from settlement.embedded.services import Services
from tests.kit.command import settlement
from tests.kit.population import CLASS_A, CLASS_B, REGION, some
from tests.kit.regions import (
    CHANGSHA,
    HUNAN,
    KitLeg,
    region_balances,
    treated_here,
    treated_there,
)
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase, chosen_environment
from tests.tidy.tree import ROOT

pytestmark = pytest.mark.asyncio(loop_scope="module")

MONTH = date(2026, 10, 1)
DAY = date(2026, 10, 20)
PAGE = ROOT / "docs/operating/clearing.md"
TRANSCRIPT = "SETTLEMENT_TEST_TRANSCRIPT"
"""A file that the session is also written to, to be read or put into the page."""


NAMES = {"theirs.json", "hub.json", "changsha.json"}


class Office:
    """The finance person's shell, beside a town's database."""

    def __init__(self, town: Town, environment: dict[str, str], folder: Path) -> None:
        self.town = town
        self.folder = folder
        self._environment = environment
        self._transcript = os.environ.get(TRANSCRIPT)

    async def type(self, line: str, status: int = 0) -> str:
        """What a command prints; its status must be as expected."""
        words = shlex.split(line.replace("FOLDER", str(self.folder)))
        ran = await asyncio.to_thread(settlement, words, self._environment)
        printed = ran.stdout + ran.stderr
        assert "Traceback" not in printed, printed
        assert ran.returncode == status, printed
        self._write(f"$ settlement {line}\n{printed}\n")
        return printed

    def _write(self, text: str) -> None:
        if self._transcript:
            with open(self._transcript, "a", encoding="utf-8") as file:
                file.write(text)

    def send(self, name: str, told: msgspec.Struct) -> None:
        """A file comes from the other side."""
        (self.folder / name).write_bytes(msgspec.json.encode(told))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(
    services: Services, database: FreshDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Office]:
    """A town whose people went to Changsha, and others came from there."""
    async with a_town(database, shape=Shape.ONE_MACHINE) as town:
        environment = {
            **chosen_environment(services, database),
            OWNER_VARIABLE: database.owner_dsn, APP_VARIABLE: database.app_dsn,
        }  # fmt: skip
        yield Office(town, environment, tmp_path_factory.mktemp("clearing"))


async def sold(town: Town) -> str:
    """A sale of that day."""
    sale = await town.pharmacy.sell(town.someone(), some(CLASS_A), some(CLASS_B))
    return sale.setl_id


def statement(*legs: KitLeg) -> msgspec.Struct:
    """What Changsha says that we owe it."""
    rows = [
        ClearingRow(
            case_no=leg.case_no, reversal=False, insured_region=REGION,
            institution="H99999900001", clearing_type="21", scheme="310",
            settled_on=leg.settled_on, total_fen=leg.total_fen, fund_fen=leg.fund_fen,
            account_fen=leg.account_fen,
        )
        for leg in legs
    ]  # fmt: skip
    return make_statement(
        rows, statement_no="430100-440000-202610", month=MONTH, creditor=CHANGSHA,
        debtor="440000", stated_at=datetime.fromisoformat("2026-11-08T09:00:00+08:00"),
    )  # fmt: skip


def day_list(told_by: str, *legs: KitLeg) -> DayList:
    """What somebody has of the day, of people from Changsha."""
    return DayList(
        told_by=told_by, treated=REGION, insured=CHANGSHA, day=DAY,
        rows=tuple(
            HubRow(
                case_no=leg.case_no, reversal=False, total_fen=leg.total_fen,
                fund_fen=leg.fund_fen, account_fen=leg.account_fen,
            )
            for leg in legs
        ),
    )  # fmt: skip


async def test_a_month_with_hunan_is_worked_from_the_first_command_to_the_last(
    office: Office,
) -> None:
    town, month = office.town, f"clear --month {MONTH:%Y-%m}"
    chen, lin = "--actor chen --reason 十月清算", "--actor lin --reason 复核"
    town.clock.move_to(datetime(DAY.year, DAY.month, DAY.day, 9, 0))
    here = [await treated_here(town, await sold(town), CHANGSHA) for _ in range(3)]
    there = [
        await treated_there(town, CHANGSHA, case_no=f"{CHANGSHA}-{n}")
        for n in (1, 2)
    ]
    owed_us, we_owe = sum(leg.owed_fen for leg in here), sum(leg.owed_fen for leg in there)

    await _compare_the_day(office, here, chen)
    assert "nothing is stated yet" in await office.type(month)
    await office.type(f"{month} state --out FOLDER {chen}")
    office.send("changsha.json", statement(*there))
    bad = statement(*there, there[0])
    office.send("doubled.json", bad)
    assert "重复" in await office.type(f"{month} take FOLDER/doubled.json {chen}", 1)
    await office.type(f"{month} take FOLDER/changsha.json {chen}")
    await _had_back(office, month, chen)
    listed = await office.type(f"{month} legs {HUNAN} --side receivable")
    assert [row["case_no"] for row in csv.DictReader(io.StringIO(listed))] == sorted(
        leg.case_no for leg in here
    )
    dispute = f"{HUNAN} {there[1].case_no} --side payable"
    await office.type(f"{month} object {dispute} --actor chen --reason 病历待查")
    await office.type(f"{month} confirm {HUNAN} --side payable {chen}", 1)
    await office.type(f"{month} withdraw {dispute} --actor chen --reason 病历已补")
    await office.type(f"{month} confirm {HUNAN} --side payable {chen}")
    await office.type(f"{month} answer {HUNAN} --side payable --out FOLDER")
    await office.type(f"{month} confirm {HUNAN} --side receivable {chen}")
    await _put_into_the_box(office, month, chen)

    pay, receive = yuan_text(we_owe), yuan_text(owed_us)
    await office.type(
        f"{month} notify {HUNAN} --side payable --notice F2026-10 --amount {pay} {chen}"
    )
    await office.type(
        f"{month} notify {HUNAN} --side receivable --notice S2026-10 --amount {receive} {chen}"
    )
    await office.type(f"{month} pay {HUNAN} --voucher B8801 {chen}")
    await office.type(f"{month} pay {HUNAN} --voucher B8801 --confirm {chen}", 1)
    await office.type(f"{month} pay {HUNAN} --voucher B8801 --confirm {lin}")
    await office.type(f"{month} receive {HUNAN} --voucher B8802 {chen}")
    await office.type(f"{month} receive {HUNAN} --voucher B8802 --confirm {lin}")
    shown = await office.type(f"{month} show {HUNAN} --side payable")
    assert "账面余额 0.00 元，与未结清明细相符" in shown
    await office.type(f"{month} close {HUNAN} --side payable {chen}")
    await office.type(f"{month} close {HUNAN} --side receivable {chen}")
    assert await region_balances(town, CHANGSHA) == {}

    prepay = f"clear --month 2027-01 prepay {HUNAN}"
    await office.type(f"{prepay} quota --side payable {chen}")
    money = "--side payable --amount 5000 --voucher B8803"
    await office.type(f"{prepay} in {money} {chen}")
    await office.type(f"{prepay} in {money} --confirm {lin}")
    overview = await office.type(month)
    assert overview.count("已关闭") == 2 and "预付金" in overview
    told = json.loads(await office.type(f"{month} --json"))
    assert {one["state"] for one in told["periods"]} == {"closed"}
    assert [one["held"] for one in told["prepayments"]] == ["5000.00"]


async def _put_into_the_box(office: Office, month: str, chen: str) -> None:
    """Both papers of the month so far; they wait for a server that has a line."""
    assert "no paper" in await office.type(f"{month} papers")
    for side in ("receivable", "payable"):
        await office.type(f"{month} send {HUNAN} --side {side} {chen}")
    listed = await office.type(f"{month} papers")
    assert listed.count("待对方处理") == 2
    assert "清算表 441900-430000-202610 " in listed and "答复 430100-440000-202610-" in listed


async def _had_back(office: Office, month: str, chen: str) -> None:
    """Three files were taken, one was refused; each is had back to the byte, and kept once."""
    await office.type(f"{month} take FOLDER/changsha.json {chen}")
    day = f"reconcile-regions --day {DAY}"
    await office.type(f"{day} --lists FOLDER/theirs.json FOLDER/hub.json {chen}")
    listed = (await office.type(f"{month} files")).splitlines()
    names = {name: line.split()[0] for line in listed for name in NAMES if f"）{name} " in line}
    assert names.keys() == NAMES and len(listed) == len(NAMES), listed
    for name, number in names.items():
        await office.type(f"{month} files --number {number} --out FOLDER/back-{name}")
        assert (office.folder / f"back-{name}").read_bytes() == (office.folder / name).read_bytes()
    back = f"{month} files --number {names['hub.json']} --out FOLDER/back-hub.json"
    assert "已存在" in await office.type(back, 2)
    await office.type(f"{month} files --number {10**18} --out FOLDER/nothing", 1)
    assert not (office.folder / "nothing").exists()
    assert "没有收下的文件" in await office.type("clear --month 2026-08 files")


async def _compare_the_day(office: Office, here: list[KitLeg], chen: str) -> None:
    """Changsha lacks a row that the hub carried; somebody finds out why."""
    day = f"reconcile-regions --day {DAY}"
    office.send("theirs.json", day_list(CHANGSHA, *here[:2]))
    office.send("hub.json", day_list("hub", *here))
    said = await office.type(f"{day} --lists FOLDER/theirs.json FOLDER/hub.json {chen}")
    assert "仅本方有 1 笔" in said
    assert here[2].case_no in await office.type("reconcile-regions")
    end = f"{day} --end {here[2].case_no} --region {CHANGSHA}"
    await office.type(f"{end} --actor chen --reason 对方补记次日")
    await office.type(f"{end} --confirm --actor chen --reason 对方补记次日", 1)
    await office.type(f"{end} --confirm --actor lin --reason 已核对")
    await office.type(f"{day} --out FOLDER --region {CHANGSHA}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("clear", "--month"),
        ("clear --month 2026-13", "is no month"),
        ("clear --month 2026-10 show 43", "six digits"),
        ("clear --month 2026-10 notify 430000 --notice 1 --amount 1.234 --actor a --reason b",
         "is no amount"),
        ("clear --month 2026-10 files --number 12", "no number of 19 digits"),
        ("clear --month 2026-10 files --out /tmp/x", "go together"),
        ("clear --month 2026-10 pay 430000 --voucher 1 --actor a --reason ' '", "it says nothing"),
        ("clear --month 2026-10 prepay 430000 in --side payable --actor a --reason b",
         "in and back need --amount and --voucher"),
        ("reconcile-regions --day 2026-10-20 --out /tmp/x --end 1", "at most one of --lists"),
        ("reconcile-regions --lists x.json", "give --day"),
        ("reconcile-regions --day 2026-10-20", "comparing needs --actor and --reason"),
        ("reconcile-regions --day 2026-10-20 --side payable --actor a --reason b", "--lists"),
        ("reconcile-regions --day 2026-10-20 --actor a --reason b", "there is no"),
        ("reconcile-regions --day 2026-10-20 --hub x.json --actor a --reason b", "needs --region"),
        ("reconcile-regions --day 2026-10-20 --hub x --lists y --actor a --reason b",
         "--hub is for asking"),
        ("reconcile-regions --day 2026-10-20 --out /tmp/x", "needs --region"),
        ("reconcile-regions --day 2026-10-20 --confirm --actor a --reason b", "go with --end"),
        ("reconcile-regions --day 2026-10-20 --lists x.json", "needs --actor and --reason"),
    ],
)  # fmt: skip
async def test_wrong_usage_is_told(office: Office, line: str, said: str) -> None:
    assert said in await office.type(line, 2)


async def test_files_that_are_not_there_are_told(office: Office) -> None:
    who = "--actor chen --reason 清算"
    assert "读不出" in await office.type(f"clear --month 2026-10 take FOLDER/none.json {who}", 1)
    lists = "reconcile-regions --day 2026-10-20 --lists FOLDER/none.json"
    assert "读不出" in await office.type(f"{lists} {who}", 1)


async def test_the_page_names_every_action() -> None:
    page = PAGE.read_text("utf-8")
    for action in (
        "state", "take", "show", "legs", "object", "withdraw", "postpone", "confirm", "answer",
        "send", "papers", "notify", "pay", "receive", "close", "prepay", "files",
    ):  # fmt: skip
        assert re.search(rf"settlement clear --month [0-9-]+ {action}\b", page), action
