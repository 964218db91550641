"""渠道账单 brought by hand in the console: proven first, taken by one person, and never twice."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date

import pytest
import pytest_asyncio

from settlement.console.rights import Role
from tests.kit.channel_bills import MERCHANT, wechat_bill
from tests.kit.console import NAMES, Browser, Office, Page, an_office
from tests.kit.town import a_town
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

BILLS = "/console/bills"
CLERK = NAMES[Role.CLERK]
DAY = date(2026, 11, 21)
NAME = "1121.csv"
CHANNELS = """
[[merchant]]
channel = "wechat"
[merchant.settings]
appid = "wx0000000000000000"
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def office(database: FreshDatabase) -> AsyncIterator[Office]:
    """A console over a town, told of one merchant."""
    with temporary_directory() as directory:
        file = directory / "channels.toml"
        file.write_text(CHANNELS + f'mchid = "{MERCHANT}"\n', encoding="utf-8")
        async with (
            a_town(database) as town,
            an_office(town, directory, channels_file=str(file)) as office,
        ):  # fmt: skip
            yield office


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def clerk(office: Office) -> Browser:
    """Somebody who takes bills."""
    return await office.signed_in(CLERK)


async def checked(office: Office, clerk: Browser, content: bytes, **told: str) -> Page:
    """A bill is brought; the page that says what it comes to."""
    await clerk.get(BILLS)
    sent = await clerk.bring(f"{BILLS}/check", NAME, content, **told)
    return await office.over(sent, clerk)


async def taken(office: Office, clerk: Browser, **told: str) -> Page:
    """And what was checked is taken."""
    place = clerk.path.partition("?")[0]
    sent = await clerk.post(f"{place}/take", reason="渠道重发", **told)
    return await office.over(sent, clerk)


async def kept(office: Office) -> int:
    """How many bills there are."""
    found: int = await office.town.owner.fetchval("select count(*) from settlement.bill_file")
    return found


async def test_bill_is_proven_before_anything_is_kept(office: Office, clerk: Browser) -> None:
    content = wechat_bill(DAY, "12.34", "1.00", "5.00", last_at="昨天")
    page = await checked(office, clerk, content)
    assert "收 2 笔 13.34" in page.text and "第 4 行 交易时间" in page.text
    assert "可以导入" in page.text and await kept(office) == 0
    said = await taken(office, clerk)
    assert "收 2 笔 13.34" in said.text and await kept(office) == 1
    assert MERCHANT in (await clerk.get(f"{BILLS}?day={DAY}")).text
    ((actor, _, reason),) = await office.audited("bill.taken")
    assert (actor, reason) == (CLERK, "渠道重发")
    assert [one[0] for one in await office.audited("console.bill-check")] == [CLERK]
    again = await checked(office, clerk, content)
    assert "同一文件已收过" in again.text
    assert "未作改动" in (await taken(office, clerk)).text and await kept(office) == 1


async def test_corrected_bill_says_whose_place_it_takes(office: Office, clerk: Browser) -> None:
    page = await checked(office, clerk, wechat_bill(DAY, "12.34", "1.00", "5.00"))
    assert "取代 " in page.text and "仅预览" in page.text
    assert "取代 " in (await taken(office, clerk)).text


async def test_bad_bill_is_refused_with_what_to_do(office: Office, clerk: Browser) -> None:
    count, good = await kept(office), wechat_bill(DAY, "12.34")
    for content, told, said in (
        (good[:-40], {}, "账单不完整"),
        (good, {"day": "2026-11-20"}, "不是 2026-11-20 的"),
        (good, {"merchant": "1900009999"}, f"账单属于商户 {MERCHANT}"),
        (wechat_bill(DAY, "9.00", merchant="1900009999"), {}, "不是本区配置的"),
        (good, {"channel": "alipay"}, "不是 alipay 的"),
        ("人员编号,金额\n1,2\n".encode(), {}, "不是认识的账单"),
        (good.decode("utf-8-sig").encode("gb18030"), {}, "GBK"),
        (b"\x1f\x8bxx", {}, "压缩文件已损坏"),
    ):
        page = await checked(office, clerk, content, **told)
        assert said in page.text and "整份不保留" in page.text, (said, page.text)
        assert "id=\"take\"" not in page.text and "--" not in page.main
        forced = await taken(office, clerk, **told)
        assert said in forced.text, "what was refused is refused again, whoever asks"
    assert await kept(office) == count


async def test_what_was_typed_stays_where_something_is_wrong(
    office: Office, clerk: Browser
) -> None:
    for content, told, said in (
        (b"x", {"day": "2026-13-01", "merchant": "19"}, "账单日请写成"),
        (b"", {"merchant": "19"}, "文件是空的"),
    ):
        page = await checked(office, clerk, content, **told)
        assert said in page.text and 'name="merchant" maxlength="40" spellcheck="false" ' \
            'value="19"' in page.text
    gone = await clerk.get(f"{BILLS}/checked/{'0' * 64}")
    assert gone.status == 404


async def test_who_only_reads_is_offered_no_form(office: Office) -> None:
    for role in (Role.AUDITOR, Role.OPERATOR):
        browser = await office.signed_in(NAMES[role])
        page = await browser.get(BILLS)
        assert page.status == 200 and "人工导入" not in page.text
        sent = await browser.bring(f"{BILLS}/check", NAME, wechat_bill(DAY, "1.00"))
        assert sent.status == 403

