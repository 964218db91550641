"""机构对账文件 in the console: proven first, taken by one person, matched at once; and an
institution's finance sees its own."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime

import pytest
import pytest_asyncio
import xlsxwriter

from ledger.money import yuan_text
from settlement.console.rights import Role
from settlement.rows import RowKind
from tests.kit.console import NAMES, Browser, Office, Page, an_office
from tests.kit.population import CLASS_A, OTHER_PHARMACY, PHARMACY, some
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILES = "/console/institution-files"
CLERK = NAMES[Role.CLERK]
DAY = date(2026, 11, 23)
HEADER = ("结算ID", "医疗费总额", "基金支付总额", "个人账户支出", "退费结算标志")
Lines = list[list[str]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(database: FreshDatabase) -> AsyncIterator[Office]:
    """A console over a town whose pharmacy sold three times on a day."""
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            for hour in (9, 10, 11):
                town.clock.move_to(datetime(DAY.year, DAY.month, DAY.day, hour))
                await town.pharmacy.sell(town.someone(), some(CLASS_A))
            town.clock.move_to(datetime(2026, 11, 26, 9))
            yield office


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clerk(office: Office) -> Browser:
    """Somebody who brings files."""
    return await office.signed_in(CLERK)


async def lines(town: Town) -> Lines:
    """What the pharmacy writes of the day."""
    rows = await town.owner.fetch(
        "select s.setl_id, s.kind, s.total_fen, s.fund_fen, s.account_fen"
        " from settlement.settlement s where s.institution = $1 order by s.setl_id",
        PHARMACY.code,
    )
    return [
        [
            str(row["setl_id"]),
            *(yuan_text(row[name]) for name in ("total_fen", "fund_fen", "account_fen")),
            "1" if row["kind"] == RowKind.CANCEL else "0",
        ]
        for row in rows
    ]


def csv(rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER) -> bytes:
    """A file of them."""
    return "\n".join(",".join(row) for row in (header, *rows)).encode()


def workbook(rows: Sequence[Sequence[str | int]]) -> bytes:
    """The same as a spreadsheet saves it: what is no text is a number."""
    held = io.BytesIO()
    with xlsxwriter.Workbook(held) as book:
        book.set_properties({"created": datetime(2026, 11, 26)})
        sheet = book.add_worksheet()
        for number, cells in enumerate((HEADER, *rows)):
            sheet.write_row(number, 0, cells)
    return held.getvalue()


async def checked(
    office: Office, clerk: Browser, content: bytes, *, name: str = "1123.csv", **told: str
) -> Page:
    """A file is brought; the page that says what it comes to."""
    await clerk.get(FILES)
    said = {"institution": PHARMACY.code, "first": f"{DAY}", "last": f"{DAY}", **told}
    return await office.over(await clerk.bring(f"{FILES}/check", name, content, **said), clerk)


async def taken(office: Office, clerk: Browser) -> Page:
    """And what was checked is taken."""
    place = clerk.path.partition("?")[0]
    told = {"institution": PHARMACY.code, "first": f"{DAY}", "last": f"{DAY}"}
    return await office.over(await clerk.post(f"{place}/take", reason="机构对账", **told), clerk)


async def kept(office: Office) -> int:
    """How many files there are."""
    found: int = await office.town.owner.fetchval(
        "select count(*) from settlement.institution_file"
    )
    return found


async def test_file_that_is_refused_says_what_to_do_and_nothing_is_kept(
    office: Office, clerk: Browser
) -> None:
    rows = await lines(office.town)
    for content, name, told, said in (
        (csv(rows, HEADER[:2]), "x.csv", {}, "缺少列"),
        (csv(rows), "x.csv", {"institution": "P00000000000"}, "没有机构"),
        (csv(rows), "x.csv", {"institution": OTHER_PHARMACY.code}, "多数行是机构"),
        (csv(rows), "x.csv", {"first": "2026-11-24", "last": "2026-11-24"}, "不是 2026-11-24 的"),
        (b"\xff\xfe\x00\x00", "x.csv", {}, "编码无法识别"),
        (csv([*rows, ["合计", "1.00", "1.00", "1.00", ""]]), "x.csv", {}, "文件不完整或被改动"),
    ):
        page = await checked(office, clerk, content, name=name, **told)
        assert said in page.text and "整份不保留" in page.text, (said, page.text)
        assert 'id="take"' not in page.text
    assert await kept(office) == 0
    gone = await checked(office, clerk, csv(rows), first="昨天")
    assert "请填写机构编码和期间" in gone.text and PHARMACY.code in gone.text


async def test_numbers_that_a_spreadsheet_spoilt_are_named_row_by_row(
    office: Office, clerk: Browser
) -> None:
    first, *rest = await lines(office.town)
    page = await checked(
        office, clerk, workbook([[int(first[0]), *first[1:]], *rest]), name="1123.xlsx"
    )
    assert "第 2 行 结算ID" in page.text and "末几位已丢失" in page.text
    assert "可以导入" in page.text, "the others can be taken"


async def test_file_is_taken_once_and_compared_at_once(office: Office, clerk: Browser) -> None:
    rows = await lines(office.town)
    wrong = [[rows[0][0], rows[0][1], "0.01", *rows[0][3:]], *rows[2:]]
    page = await checked(office, clerk, csv(wrong))
    assert "2 笔" in page.text and await kept(office) == 0
    said = await taken(office, clerk)
    assert "金额不符 1 项" in said.text and "跨日 1 项" in said.text
    assert "由相符与各类差异完全说明" in said.text and await kept(office) == 1
    listed = (await clerk.get("/console/differences?channel=institution")).text
    assert rows[0][0] in listed, "the line that is missing may come with the next day"
    page = await checked(office, clerk, csv(wrong))
    assert "同一文件已收过" in page.text
    page = await checked(office, clerk, csv(rows))
    assert "可以导入" in page.text
    said = await taken(office, clerk)
    assert "取代" in said.text and "相符 3 笔" in said.text and await kept(office) == 2
    assert [one[0] for one in await office.audited("institution-file.taken")] == [CLERK, CLERK]


async def test_who_sees_a_file_and_who_brings_one(office: Office, clerk: Browser) -> None:
    month = f"{FILES}?month=2026-11"
    page = (await clerk.get(month)).text
    assert page.count(PHARMACY.code) >= 2 and "已被更正" in page
    number = str(await office.town.owner.fetchval(
        "select f.file_no from settlement.institution_file f where not exists ("
        " select 1 from settlement.bill_replaced p where p.file_no = f.file_no)"
    ))  # fmt: skip
    own = await office.signed_in(NAMES[Role.INSTITUTION])
    auditor = await office.signed_in(NAMES[Role.AUDITOR])
    assert number in (await own.get(month)).text
    assert "SHA-256" in (await own.get(f"{FILES}/{number}")).text
    content = await own.fetch(f"{FILES}/{number}/file")
    assert content == csv(await lines(office.town))
    assert (await office.audited("console.download-institution-file"))[0][0] == NAMES[
        Role.INSTITUTION
    ]
    await office.town.owner.execute(
        "update settlement.institution_file set institution = $1 where file_no = $2",
        OTHER_PHARMACY.code, int(number),
    )  # fmt: skip
    assert number not in (await own.get(month)).text, "another's"
    assert (await own.get(f"{FILES}/{number}")).status == 404
    assert (await own.get(f"{FILES}/{number}/file")).status == 404
    for browser in (own, auditor):
        assert "预览" not in (await browser.get(FILES)).text
        sent = await browser.bring(f"{FILES}/check", "x.csv", b"x")
        assert sent.status == 403
