"""An institution's month and the settlement sheets of its cases, from what was settled to what its
finance downloads and prints."""

from __future__ import annotations

import asyncio
import io
import re
import zipfile
from collections.abc import AsyncIterator
from datetime import date, datetime
from decimal import Decimal

import pytest
import pytest_asyncio

from settlement.books.monthly_statement import Level, StatementAsked, Tally
from settlement.clock import local_time
from settlement.finance.statement_csv import MARK
from settlement.storage.statement_sheets import read_details, read_groups
from tests.kit import population
from tests.kit.console import Browser, Office, an_office
from tests.kit.population import CLASS_A, CLASS_B, CLASS_C, DEAR, some
from tests.kit.reply import Reply, assert_done
from tests.kit.town import Town, a_town
from tests.kit.ward import admit
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

OURS, OTHERS = population.PHARMACY.code, population.HOSPITAL.code
_MONTHS = iter([datetime(2027 + n // 12, n % 12 + 1, 5, 9, 0) for n in range(24)])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(database: FreshDatabase) -> AsyncIterator[Office]:
    """A console over a town of its own."""
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            yield office


def a_month(town: Town) -> date:
    """A month that nobody has settled in yet."""
    first = next(_MONTHS)
    town.clock.move_to(first)
    return first.date().replace(day=1)


async def business(town: Town) -> tuple[Reply, Reply, Reply]:
    """A sale that stands, one that was cancelled on a later day, one that was reversed."""
    citizen = town.someone()
    stands = await town.pharmacy.sell(citizen, some(CLASS_A), some(CLASS_B), some(CLASS_C))
    await town.pharmacy.sell(citizen, some(CLASS_B))
    await town.list_statements()
    cancelled = await town.pharmacy.sell(town.someone(), some(CLASS_A, 3))
    message = town.pharmacy.sale(citizen, some(CLASS_A, 2))
    reversed_ = await town.pharmacy.send(message)
    assert_done(await town.pharmacy.send(town.pharmacy.reversal(message, citizen)))
    town.clock.move_to(local_time(town.clock()).replace(day=20))
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(cancelled)))
    visit = await town.hospital.open_visit(town.someone(), some(CLASS_A))
    assert_done(await visit.settle(some(CLASS_A)))
    return stands, cancelled, reversed_


def asked(month: date, institution: str = OURS, scope: str | None = None) -> StatementAsked:
    """A month of an institution."""
    return StatementAsked(scope=scope, institution=institution, month=month)


async def rows_of(town: Town, wanted: StatementAsked, at_once: int) -> list[list[object]]:
    """All details."""
    return [
        list(row)
        async for rows in read_details(town.owner, wanted, rows_at_once=at_once)
        for row in rows
    ]


async def test_sums_of_the_database_are_those_of_the_details(office: Office) -> None:
    town, month = office.town, a_month(office.town)
    stands, cancelled, reversed_ = await business(town)
    wanted = asked(month)
    details = await rows_of(town, wanted, 1)
    assert details == await rows_of(town, wanted, 5_000), "however many come at once"
    tally = Tally()
    for row in details:
        tally.add(row)  # type: ignore[arg-type]
    groups = await read_groups(town.owner, wanted)
    assert sorted(groups, key=str) == sorted(tally.groups(), key=str)
    (everything,) = [one for one in groups if one.level is Level.ALL]
    assert (everything.row_count, everything.cancel_count, everything.visit_count) == (4, 1, 2)
    assert everything.person_count == 2
    numbers = [str(row[2]) for row in details]
    assert stands.setl_id in numbers and cancelled.setl_id in numbers
    assert reversed_.setl_id not in numbers
    assert [row[4] for row in details] == [1, 1, 1, 2]
    assert details[2][14] == -details[3][14] > 0  # type: ignore[operator]


async def test_scope_is_part_of_the_statement(office: Office) -> None:
    town, month = office.town, a_month(office.town)
    await business(town)
    assert await rows_of(town, asked(month, OTHERS, scope=OURS), 100) == []
    (nothing,) = await read_groups(town.owner, asked(month, OTHERS, scope=OURS))
    assert (nothing.row_count, nothing.fen("total_fen")) == (0, 0)
    assert len(await rows_of(town, asked(month, OTHERS, scope=OTHERS), 100)) == 1


def download(month: date, kind: str, institution: str = "") -> str:
    """Where a file is fetched."""
    return (
        f"/console/statements/download?month={month:%Y-%m}&format={kind}&institution={institution}"
    )


async def test_finance_of_an_institution_downloads_its_own_month(office: Office) -> None:
    month = a_month(office.town)
    stands, cancelled, _ = await business(office.town)
    browser = await office.signed_in("ji")
    page = await browser.get(f"/console/statements?month={month:%Y-%m}&institution={OTHERS}")
    assert page.status == 200 and OURS in page.text and OTHERS not in page.text
    text = await browser.fetch(download(month, "csv", OTHERS))
    assert text.startswith(MARK)
    assert stands.setl_id in text.decode() and cancelled.setl_id in text.decode()
    assert len(text.decode().strip().split("\r\n")) == 5
    with zipfile.ZipFile(io.BytesIO(await browser.fetch(download(month, "xlsx")))) as book:
        assert book.testzip() is None
        details = book.read("xl/worksheets/sheet4.xml").decode()
    assert f"<t>{stands.setl_id}</t>" in details and OTHERS not in details
    paper = await browser.fetch(download(month, "pdf"))
    assert paper.startswith(b"%PDF") and b"/FontFile" in paper
    noted = await office.audited("console.download-statement")
    assert [(who, note) for who, _, note in noted] == [("ji", "csv"), ("ji", "xlsx"), ("ji", "pdf")]
    assert {subject for _, subject, _ in noted} == {f"statement {OURS} {month:%Y-%m}"}


async def test_bad_questions_get_a_clear_answer(office: Office) -> None:
    clerk = await office.signed_in("jing")
    for path, status, words in (
        ("/console/statements?month=2026-13&institution=X", 200, "请填写月份"),
        ("/console/statements?month=2026-10&institution=X", 200, "没有这家机构"),
        ("/console/statements?month=2026-10", 200, "没有这家机构"),
        ("/console/statements", 200, "查询"),
        (download(date(2026, 10, 1), "csv", "X"), 404, "没有这家机构"),
        (download(date(2026, 10, 1), "exe", OURS), 400, "请填写月份"),
    ):
        page = await clerk.get(path)
        assert (page.status, words in page.text) == (status, True), path


async def test_month_of_nothing_is_a_file_too(office: Office) -> None:
    clerk = await office.signed_in("jing")
    page = await clerk.get(f"/console/statements?month=2020-01&institution={OURS}")
    assert "本月没有结算" in page.text
    text = await clerk.fetch(download(date(2020, 1, 1), "csv", OURS))
    assert text.decode("utf-8-sig").startswith("结算日期") and text.count(b"\r\n") == 1


def sheet_of(number: str) -> str:
    """Where a sheet is looked at."""
    return f"/console/settlements/{number}/sheet"


async def printed(browser: Browser, number: str) -> str:
    """A sheet, printed; what it says."""
    await browser.get(sheet_of(number))
    page = await browser.post(f"{sheet_of(number)}/print")
    assert page.status == 303, page.text
    return (await browser.follow()).text


def code_on(text: str) -> str:
    """The verification code of a page."""
    found = re.search(r'<code class="big">([^<]+)</code>', text)
    assert found is not None, text
    return found.group(1)


def fees_on(text: str) -> list[tuple[str, str]]:
    """What each kind of fee comes to on a page, and all of them together."""
    table = text.partition("费用（按收费项目类别）")[2].partition("</section>")[0]
    return re.findall(r'<tr><td>([^<]+)</td><td class="n">([^<]+)</td>', table)


async def test_sheet_is_previewed_printed_and_printed_again(office: Office) -> None:
    a_month(office.town)
    stands, _, _ = await business(office.town)
    finance = await office.signed_in("ji")
    preview = await finance.get(sheet_of(stands.setl_id))
    assert "预览，不作凭证" in preview.text and 'class="big"' not in preview.text
    first = await printed(finance, stands.setl_id)
    assert "次打印" in first and "（补打）" not in first
    assert "西药费" in first and "结算说明" in first
    assert re.search(r"<dd>测\*\*+</dd>", first), "the name is masked"
    again = await printed(finance, stands.setl_id)
    assert "（补打）" in again and code_on(first) == code_on(again)
    paper = await finance.fetch(f"{sheet_of(stands.setl_id)}.pdf?print=2")
    assert paper.startswith(b"%PDF")
    assert (await finance.get(f"{sheet_of(stands.setl_id)}.pdf?print=3")).status == 404
    noted = await office.audited("console.print-sheet")
    assert noted[-2:] == [("ji", f"settlement {stands.setl_id}", n) for n in ("1", "2")]


async def test_prints_at_the_same_moment_get_numbers_of_their_own(office: Office) -> None:
    a_month(office.town)
    stands, _, _ = await business(office.town)
    browsers = [await office.signed_in("jing") for _ in range(5)]
    await asyncio.gather(*(printed(one, stands.setl_id) for one in browsers))
    rows = await office.town.owner.fetch(
        "select p.print_no, p.printed_by, p.place from settlement.sheet_print p"
        " where p.setl_id = $1 order by p.print_no",
        int(stands.setl_id),
    )
    assert [row["print_no"] for row in rows] == [1, 2, 3, 4, 5]
    assert {(row["printed_by"], row["place"]) for row in rows} == {("jing", "192.0.2.7")}


async def test_nobody_prints_a_sheet_of_another_institution(office: Office) -> None:
    a_month(office.town)
    visit = await office.town.hospital.open_visit(office.town.someone(), some(CLASS_A))
    foreign = await visit.settle(some(CLASS_A))
    finance = await office.signed_in("ji")
    await finance.get("/console/password")
    assert (await finance.get(sheet_of(foreign.setl_id))).status == 404
    await finance.get("/console/password")
    assert (await finance.post(f"{sheet_of(foreign.setl_id)}/print")).status == 404
    count = await office.town.owner.fetchval(
        "select count(*) from settlement.sheet_print p where p.setl_id = $1", int(foreign.setl_id)
    )
    assert count == 0


async def test_code_of_a_paper_is_checked(office: Office) -> None:
    a_month(office.town)
    stands, cancelled, reversed_ = await business(office.town)
    clerk = await office.signed_in("jing")
    code = code_on(await printed(clerk, stands.setl_id))
    await clerk.get("/console/sheet-check")
    page = await clerk.post("/console/sheet-check", number=stands.setl_id, mark=code.lower())
    assert "相符" in page.text and "不再有效" not in page.text
    misread = code[:-1] + ("3" if code.endswith("2") else "2")
    for number, mark in ((cancelled.setl_id, code), (stands.setl_id, misread), ("1", code)):
        page = await clerk.post("/console/sheet-check", number=number, mark=mark)
        assert "不符" in page.text and "相符：" not in page.text
        assert f'value="{number}"' in page.text, "what was typed is still there"
    old = code_on(await printed(clerk, cancelled.setl_id))
    await clerk.get("/console/sheet-check")
    page = await clerk.post("/console/sheet-check", number=cancelled.setl_id, mark=old)
    assert "相符" in page.text and "撤销，不再有效" in page.text
    shown = await printed(clerk, reversed_.setl_id)
    assert "冲正，不再有效" in shown


async def test_sheet_of_a_cancel_is_negative(office: Office) -> None:
    a_month(office.town)
    _, cancelled, _ = await business(office.town)
    clerk = await office.signed_in("jing")
    undone = await office.town.owner.fetchrow(
        "select t.setl_id, t.total_fen, t.fund_fen from settlement.settlement t"
        " where t.undoes_setl_id = $1",
        int(cancelled.setl_id),
    )
    assert undone is not None and undone["total_fen"] < 0
    text = await printed(clerk, str(undone["setl_id"]))
    assert f"撤销的是结算 {cancelled.setl_id}" in text
    assert fees_on(text) == [("西药费", "-37.50"), ("合计", "-37.50")]
    paper = await clerk.fetch(f"{sheet_of(str(undone['setl_id']))}.pdf?print=1")
    assert paper.startswith(b"%PDF")


async def test_sheet_of_a_stay_has_its_fees_and_that_of_its_cancel_the_negatives(
    office: Office,
) -> None:
    a_month(office.town)
    hospital = office.town.hospital
    stay = await admit(hospital, office.town.someone(), some(CLASS_A, 2), some(DEAR))
    assert_done(await hospital.send(stay.discharge()))
    settled = await stay.settle(Decimal("2025.00"), account=False)
    cancelled = await hospital.send(stay.cancel(settled))
    clerk = await office.signed_in("jing")
    for reply, told in ((settled, "2,025.00"), (cancelled, "-2,025.00")):
        text = await printed(clerk, reply.setl_id)
        assert fees_on(text) == [("西药费", told), ("合计", told)]
        paper = await clerk.fetch(f"{sheet_of(reply.setl_id)}.pdf?print=1")
        assert paper.startswith(b"%PDF")
