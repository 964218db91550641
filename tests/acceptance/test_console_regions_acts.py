"""异地清算 in the console, acted: a month with Hunan from its statements to zero, by two people at
their browsers and no command; prepayments; and what a day differs in."""

from __future__ import annotations

import io
import re
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from html import unescape
from zipfile import ZipFile

import msgspec
import pytest
import pytest_asyncio
from msgspec.structs import replace

from ledger.money import yuan_text
from protocol.hub.clearing import (
    ClearingAnswer,
    ClearingRow,
    ClearingStatement,
    DayList,
    MarkedRow,
)
from settlement.console import regional_act_pages
from settlement.console.rights import Role
from settlement.elsewhere.regional_statements import make_statement
from settlement.serve import regional_reconciling as reconciling
from settlement.who import Who
from tests.kit.console import NAMES, Browser, Office, Page, an_office
from tests.kit.hostile import SCRIPT
from tests.kit.payouts import assert_good
from tests.kit.population import CLASS_A, REGION, some
from tests.kit.regions import (
    CHANGSHA,
    HUNAN,
    ZHUZHOU,
    KitLeg,
    an_operator,
    region_balances,
    treated_here,
    treated_there,
)
from tests.kit.town import Town, a_town
from tests.services import FreshDatabase, temporary_directory

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLERK, SUPERVISOR = NAMES[Role.CLERK], NAMES[Role.SUPERVISOR]
MONTH, DAY = "2026-12", date(2026, 12, 7)
OVERVIEW = "/console/regions"
OWED_TO_US = f"{OVERVIEW}/{MONTH}/{HUNAN}/receivable"
WE_OWE = f"{OVERVIEW}/{MONTH}/{HUNAN}/payable"
PREPAID = f"{OVERVIEW}/prepayments"
COMPARED = f"{OVERVIEW}/days/{DAY}/{CHANGSHA}/receivable"


class Desks:
    """Two people at their browsers, and what happened between the regions."""

    def __init__(self, office: Office, clerk: Browser, chief: Browser) -> None:
        self.office = office
        self.town: Town = office.town
        self.clerk = clerk
        self.chief = chief
        self.here: list[KitLeg] = []
        self.there: list[KitLeg] = []

    async def act(self, browser: Browser, page: str, what: str, **form: str) -> Page:
        """A form of a page, sent with what the page carries; the page that it ends on."""
        shown = await browser.get(page)
        seen = {"seen": shown.field("seen")} if shown.field("seen") else {}
        sent = await browser.post(f"{page}/{what}", **{"reason": "月度清算", **seen, **form})
        return await self.office.over(sent, browser)

    async def bring(self, name: str, told: msgspec.Struct, month: str = MONTH) -> Page:
        """The clerk brings a paper of the other side; the page that says what it comes to."""
        await self.clerk.get(OVERVIEW)
        content = msgspec.json.encode(told)
        sent = await self.clerk.bring(f"{OVERVIEW}/take", name, content, month=month)
        assert sent.status == 303, sent.text
        return await self.clerk.follow()

    async def take(self) -> Page:
        """What the clerk looks at is taken."""
        sent = await self.clerk.post(f"{self.clerk.path}/take", reason="收表")
        return await self.office.over(sent, self.clerk)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desks(database: FreshDatabase) -> AsyncIterator[Desks]:
    """A console in January over a town whose December had people from and in Changsha."""
    with temporary_directory() as directory:
        async with a_town(database) as town, an_office(town, directory) as office:
            town.clock.move_to(datetime(DAY.year, DAY.month, DAY.day, 9, 0))
            here, there = [], []
            for _ in range(2):
                sold = await town.pharmacy.sell(town.someone(), some(CLASS_A))
                here.append(await treated_here(town, sold.setl_id, CHANGSHA))
                there.append(await treated_there(town, CHANGSHA))
            town.clock.move_to(datetime(2027, 1, 8, 9, 0))
            desks = Desks(
                office, await office.signed_in(CLERK), await office.signed_in(SUPERVISOR)
            )
            desks.here, desks.there = here, there
            yield desks


def statement(*legs: KitLeg, creditor: str = CHANGSHA) -> ClearingStatement:
    """What Changsha, or another city, says that we owe it."""
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
        rows, statement_no=f"{creditor}-440000-202612", month=date(2026, 12, 1),
        creditor=creditor, debtor="440000",
        stated_at=datetime.fromisoformat("2027-01-06T09:00:00+08:00"),
    )  # fmt: skip


async def test_a_month_is_tried_and_stated(desks: Desks) -> None:
    tried = await desks.act(desks.clerk, OVERVIEW, "try", month=MONTH, reason="")
    assert "试算，未写入任何数据" in tried.text and "可申报 2 笔" in tried.text
    shown = await desks.clerk.get(f"{OVERVIEW}?month={MONTH}")
    assert "尚无已申报" in shown.text, "nothing was written"
    no_reason = await desks.act(desks.clerk, OVERVIEW, "state", month=MONTH, reason="")
    assert "请填写事由" in no_reason.text
    early = await desks.act(desks.clerk, OVERVIEW, "state", month="2027-01", party=HUNAN)
    assert "尚未结束" in early.text
    stated = await desks.act(desks.clerk, OVERVIEW, "state", month=MONTH)
    assert "已申报 2 笔" in stated.text and "湖南省" in stated.text
    paper = msgspec.json.decode(await desks.clerk.fetch(f"{OWED_TO_US}/papers"))
    assert paper["statement_no"] == f"{REGION}-{HUNAN}-202612"
    assert {row["case_no"] for row in paper["rows"]} == {leg.case_no for leg in desks.here}


async def test_what_they_claim_is_looked_at_before_it_is_taken(desks: Desks) -> None:
    doubled = await desks.bring("doubled.json", statement(*desks.there, desks.there[0]))
    assert "将不予接收" in doubled.text and "重复" in doubled.text
    assert not await desks.office.audited("clearing-file-refused"), "it was only looked at"
    other = await desks.bring("november.json", statement(*desks.there), month="2026-11")
    assert "将不予接收" in other.text and 'id="take"' not in other.text
    looked = await desks.bring("changsha.json", statement(*desks.there))
    assert "可以收下" in looked.text
    assert (await desks.clerk.get(WE_OWE)).status == 404, "nothing was written"
    await desks.bring("changsha.json", statement(*desks.there))
    taken = await desks.take()
    assert "收下" in taken.text and "应付" in taken.text
    assert (await desks.clerk.get(WE_OWE)).status == 200


async def test_a_row_is_disputed_and_stands_again(desks: Desks) -> None:
    case = desks.there[1].case_no
    none = await desks.act(desks.clerk, WE_OWE, "object")
    assert "请勾选或填写结算单号" in none.text
    missing = await desks.act(desks.clerk, WE_OWE, "object", cases="430100-no-such")
    assert "430100-no-such" in missing.text
    disputed = await desks.act(desks.clerk, WE_OWE, "object", **{f"case {case}": "1"})
    assert "有异议" in disputed.text and 'id="confirm"' not in disputed.text
    refused = await desks.act(desks.clerk, WE_OWE, "confirm")
    assert "不能确认" in refused.text
    answers = ZipFile(io.BytesIO(await desks.clerk.fetch(f"{WE_OWE}/papers")))
    (name,) = answers.namelist()
    answer = msgspec.json.decode(answers.read(name), type=ClearingAnswer)
    assert [row.case_no for row in answer.rows] == [case] and not answer.confirmed
    assert case in (await desks.clerk.get(f"{WE_OWE}?text={case}")).text
    assert "没有这样的明细" in (await desks.clerk.get(f"{WE_OWE}?text=nothing")).text
    stands = await desks.act(desks.clerk, WE_OWE, "withdraw", cases=f"{case}\n")
    assert "撤回异议" in stands.text and 'id="confirm"' in stands.text


async def test_what_we_do_not_have_is_disputed_at_once_and_postponed(desks: Desks) -> None:
    """Another city claims a case with a script for its number."""
    case = f'{SCRIPT}"\'>'
    ghost = replace(desks.there[0], case_no=case)
    looked = await desks.bring("zhuzhou.json", statement(ghost, creditor=ZHUZHOU))
    assert "有异议 本区无此结算" in looked.text
    await desks.take()
    shown = await desks.clerk.get(WE_OWE)
    assert "本区无此结算" in shown.text and SCRIPT not in shown.text
    withdrawn = await desks.act(desks.clerk, WE_OWE, "withdraw", **{f"case {case}": "1"})
    assert "不能撤回异议，可延期" in withdrawn.text and SCRIPT not in withdrawn.text
    name = re.search(r'name="(case [^"]*script[^"]*)"', withdrawn.text)
    assert name is not None and " checked" in withdrawn.text, "it is ticked still"
    box = {unescape(name.group(1)): "1"}
    gone = await desks.act(desks.clerk, WE_OWE, "postpone", months="2", **box)
    assert "延期至 2027-02 1 笔" in gone.text and 'id="confirm"' in gone.text


async def test_nobody_acts_on_what_somebody_else_has_changed(desks: Desks) -> None:
    seen = (await desks.clerk.get(WE_OWE)).field("seen")
    case = desks.there[0].case_no
    await desks.act(desks.chief, WE_OWE, "object", cases=case)
    await desks.act(desks.chief, WE_OWE, "withdraw", cases=case)
    page = await desks.clerk.post(f"{WE_OWE}/confirm", reason="确认", seen=seen)
    assert "别人刚处理过这一期" in page.text and "已确认" not in page.text


async def test_their_answer_is_taken_and_ours_goes_over_the_wire(desks: Desks) -> None:
    first, second = desks.here
    told = ClearingAnswer(
        statement_no=f"{REGION}-{HUNAN}-202612", month=MONTH, creditor=REGION, debtor=HUNAN,
        answered_at=datetime.fromisoformat("2027-01-08T10:00:00+08:00"),
        rows=(MarkedRow(case_no=first.case_no, reversal=False, reason="待核", months=1),),
        confirmed=True, legs=1, fund_fen=second.fund_fen, account_fen=second.account_fen,
    )  # fmt: skip
    assert "可以收下" in (await desks.bring("answer.json", told)).text
    taken = await desks.take()
    assert "对方已确认 1 笔" in taken.text
    confirmed = await desks.act(desks.clerk, WE_OWE, "confirm")
    assert "已确认 2 笔" in confirmed.text
    sent = await desks.act(desks.clerk, WE_OWE, "send")
    assert "答复" in sent.text and "待处理" in sent.text
    again = await desks.act(desks.clerk, WE_OWE, "send")
    assert "未再改动" in again.text


async def test_what_was_typed_outlives_the_session(desks: Desks) -> None:
    clerk = await desks.office.signed_in(CLERK)
    seen = (await clerk.get(WE_OWE)).field("seen")
    desks.town.clock.pass_by(timedelta(minutes=21))
    form = {"notice": "F2026-12", "amount": "1.00", "reason": "月度清算", "seen": seen}
    asked = await clerk.post(f"{WE_OWE}/notify", **form)
    assert asked.status == 401
    kept = asked.field("kept")
    again = await clerk.post(
        "/console/sign-in", name=CLERK, password=desks.office.passwords[CLERK], kept=kept
    )
    assert (again.status, again.location) == (303, WE_OWE)
    assert 'value="F2026-12"' in (await clerk.follow()).text
    desks.clerk = clerk
    desks.chief = await desks.office.signed_in(SUPERVISOR)


async def test_money_is_booked_by_two_people_and_the_month_ends_at_zero(desks: Desks) -> None:
    pay = yuan_text(sum(leg.owed_fen for leg in desks.there))
    receive = yuan_text(desks.here[1].owed_fen)
    for page, number, amount in ((WE_OWE, "F2026-12", pay), (OWED_TO_US, "S2026-12", receive)):
        wrong = await desks.act(desks.clerk, page, "notify", notice=number, amount="0.01")
        assert "未登记" in wrong.text and 'value="0.01"' in wrong.text
        kept = await desks.act(desks.clerk, page, "notify", notice=number, amount=amount)
        assert "已登记通知" in kept.text and "入账分录" in kept.text
    proposed = await desks.act(desks.clerk, WE_OWE, "propose", voucher="B8801")
    assert "尚待另一人确认" in proposed.text and "--confirm" not in proposed.text
    assert f"{WE_OWE}/settle" not in proposed.text, "whoever proposed is not offered to book it"
    assert (await desks.act(desks.clerk, WE_OWE, "settle", voucher="B8801")).status == 403
    other = await desks.act(desks.chief, WE_OWE, "settle", voucher="B8802")
    assert "不是 B8802" in other.text
    paid = await desks.act(desks.chief, WE_OWE, "settle", voucher="B8801")
    assert f"已付款 {pay} 元" in paid.text
    await desks.act(desks.chief, OWED_TO_US, "propose", voucher="B8803")
    own = await desks.act(desks.chief, OWED_TO_US, "settle", voucher="B8803")
    assert "以外的人确认" in own.text
    await desks.act(desks.clerk, OWED_TO_US, "propose", voucher="B8803")
    received = await desks.act(desks.chief, OWED_TO_US, "settle", voucher="B8803")
    assert f"已收款 {receive} 元" in received.text
    for page in (WE_OWE, OWED_TO_US):
        closed = await desks.act(desks.clerk, page, "close")
        assert "已关闭" in closed.text and "相符" in closed.text
        assert 'id="close"' not in closed.text and 'id="mark"' not in closed.text
    left = sum((await region_balances(desks.town, CHANGSHA)).values())
    assert left == -desks.here[0].owed_fen, "what was postponed, and nothing else"
    after = await desks.act(desks.clerk, OVERVIEW, "state", month=MONTH)
    assert "未再改动" in after.text
    desks.town.clock.move_to(datetime(2027, 2, 8, 9, 0))
    desks.clerk = await desks.office.signed_in(CLERK)
    desks.chief = await desks.office.signed_in(SUPERVISOR)
    await desks.act(desks.clerk, OVERVIEW, "state", month="2027-01")
    later = OWED_TO_US.replace(MONTH, "2027-01")
    await desks.act(desks.clerk, later, "confirm")
    owed = yuan_text(desks.here[0].owed_fen)
    await desks.act(desks.clerk, later, "notify", notice="S2027-01", amount=owed)
    await desks.act(desks.clerk, later, "propose", voucher="B9901")
    await desks.act(desks.chief, later, "settle", voucher="B9901")
    assert await region_balances(desks.town, CHANGSHA) == {}
    assert (await desks.town.verified()).ok
    subject = f"region {HUNAN} payable {MONTH}"
    assert (SUPERVISOR, subject, "月度清算") in await desks.office.audited("console.region-settle")


async def test_long_stating_is_watched_and_says_how_far_it_is(
    desks: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regional_act_pages, "FEW_ROWS", 0)
    await desks.clerk.get(OVERVIEW)
    sent = await desks.clerk.post(f"{OVERVIEW}/state", month=MONTH, reason="再次申报")
    again = await desks.office.over(sent, desks.clerk)
    assert "未再改动" in again.text
    work = desks.office.works.last_of(f"regions {MONTH}")
    assert work is not None and work.apart
    assert (work.done, work.whole, work.by) == (1, 1, CLERK), "parties"


async def test_a_prepayment_is_left_by_two_people(desks: Desks) -> None:
    whose = {"party": HUNAN, "side": "payable"}
    tried = await desks.act(desks.clerk, PREPAID, "try", year="2027", reason="", **whose)
    assert "2027 年预付金额度" in tried.text and "没有预付金。" in tried.text
    quota = await desks.act(desks.clerk, PREPAID, "quota", year="2027", **whose)
    assert "2027 年预付金额度" in quota.text and "没有预付金。" not in quota.text
    wrong = await desks.act(
        desks.clerk, PREPAID, "propose", act="in", amount="5.005", voucher="B1", **whose
    )
    assert "大于零的金额" in wrong.text and 'value="5.005"' in wrong.text
    money = {"act": "in", "amount": "5000", "voucher": "B1", **whose}
    proposed = await desks.act(desks.clerk, PREPAID, "propose", **money)
    assert "待另一人确认入账" in proposed.text
    assert "待另一人入账" in (await desks.clerk.get(OVERVIEW)).text
    assert (await desks.act(desks.clerk, PREPAID, "confirm", **money)).status == 403
    shown = await desks.chief.get(PREPAID)
    told = {name: shown.field(name) for name in ("party", "side", "act", "amount")}
    assert told == {"party": HUNAN, "side": "payable", "act": "in", "amount": "5000.00"}
    other = await desks.act(desks.chief, PREPAID, "confirm", **{**told, "voucher": "B2"})
    assert "没有人提出过这一笔" in other.text
    booked = await desks.act(desks.chief, PREPAID, "confirm", **{**told, "voucher": "B1"})
    assert "现有 5000.00 元" in booked.text
    assert (await desks.town.verified()).ok


async def test_a_difference_of_a_day_is_ended_by_two_people(desks: Desks) -> None:
    nothing = DayList(told_by=CHANGSHA, treated=REGION, insured=CHANGSHA, day=DAY, rows=())
    books = await an_operator(desks.town)
    told = reconciling.read_lists(books, DAY, {"day.json": msgspec.json.encode(nothing)})
    assert isinstance(told, reconciling.Told)
    who = Who(actor="陈会计", reason="日对账")
    assert_good(await reconciling.reconcile(books, told, who))
    listed = await desks.clerk.get("/console/differences")
    assert COMPARED in listed.text
    case, other = (leg.case_no for leg in desks.here)
    assert "请勾选" in (await desks.act(desks.clerk, COMPARED, "propose")).text
    proposed = await desks.act(
        desks.clerk, COMPARED, "propose", reason="对方次日补记", **{f"case {case}": "1"}
    )
    assert "提出" in proposed.text and "待复核" in proposed.text
    assert CLERK in (await desks.clerk.get("/console/differences")).text
    assert "待复核 1，与统筹区 2" in (await desks.clerk.get("/console/")).text
    assert (await desks.act(desks.clerk, COMPARED, "confirm", cases=case)).status == 403
    not_yet = await desks.act(desks.chief, COMPARED, "confirm", cases=other)
    assert "尚无人提出结束" in not_yet.text
    back = await desks.act(desks.chief, COMPARED, "send-back", cases=case, reason="附上证明")
    assert "已退回 1 项" in back.text and "附上证明" in back.text
    await desks.act(desks.chief, COMPARED, "propose", cases=case)
    own = await desks.act(desks.chief, COMPARED, "confirm", cases=case)
    assert "以外的人确认" in own.text
    await desks.act(desks.chief, COMPARED, "send-back", cases=case)
    await desks.act(desks.clerk, COMPARED, "propose", cases=f"{case} {other}")
    ended = await desks.act(desks.chief, COMPARED, "confirm", cases=f"{case}，{other}")
    assert "已处理 2 项" in ended.text and 'id="end"' not in ended.text
    assert COMPARED not in (await desks.clerk.get("/console/differences")).text
    assert (await desks.clerk.get(COMPARED.replace(CHANGSHA, "430200"))).status == 404


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.INSTITUTION, Role.OPERATOR])
async def test_who_may_only_look_or_not_even_that(desks: Desks, role: Role) -> None:
    browser = await desks.office.signed_in(NAMES[role])
    for page in (OVERVIEW, OWED_TO_US, PREPAID, COMPARED):
        shown = await browser.get(page)
        assert shown.status == (200 if role is Role.AUDITOR else 403), page
        assert not re.search(r'action="/console/regions[^"]*"[^>]*>\s*<input', shown.text), page
    for page, what in (
        (OVERVIEW, "state"), (WE_OWE, "confirm"), (WE_OWE, "settle"), (PREPAID, "propose"),
        (COMPARED, "propose"), (COMPARED, "confirm"),
    ):  # fmt: skip
        await browser.get("/console/password")
        assert (await browser.post(f"{page}/{what}", reason="x")).status == 403, what


async def test_the_pages_are_english_too(desks: Desks) -> None:
    await desks.clerk.get("/console/")
    await desks.clerk.post("/console/language", to="en", back="/console/")
    for page, words in (
        (OVERVIEW, "State what is owed to us"), (WE_OWE, "It is closed."),
        (PREPAID, "Propose money in, or back"), (COMPARED, "ended it"),
    ):  # fmt: skip
        assert words in (await desks.clerk.get(page)).text, page
