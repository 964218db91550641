"""A month with other regions, as finance people of the agency work it: stated, taken, disputed,
confirmed, noticed, paid by two people, closed; and at the end nothing is owed for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from msgspec import structs

from protocol.hub.clearing import ClearingAnswer, ClearingStatement, MarkedRow
from settlement.chart import CLEARING_BANK, RegionAccount
from settlement.elsewhere.regional_clearing import Mark, Side, State, month_after
from settlement.elsewhere.regional_prepayment import PrepaidAct
from settlement.said import Said
from settlement.serve import regional_prepaid as prepaid
from settlement.serve import regional_reports as reports
from settlement.serve.regional_books import open_books
from settlement.serve.regional_desk import on_period
from settlement.serve.regional_periods import acting, the_period
from settlement.serve.regional_stating import state
from settlement.who import Who
from tests.kit.population import CLASS_A, REGION, some
from tests.kit.regional_month import CHEN, LIN, Month, claimed
from tests.kit.regions import (
    CHANGSHA,
    CHENGDU,
    GUANGZHOU,
    HUNAN,
    SICHUAN,
    ZHUZHOU,
    KitLeg,
    an_operator,
    credit_of,
    region_balances,
    treated_here,
)
from tests.kit.reply import assert_done
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def month(town: Town) -> Month:
    """A month of its own for each test."""
    return Month(town)


async def test_what_others_owe_is_stated_confirmed_received_and_comes_to_zero(
    town: Town, month: Month, tmp_path: Path
) -> None:
    legs = [(await month.visitor(region))[1] for region in (CHANGSHA, CHANGSHA, ZHUZHOU)]
    owed = sum(leg.owed_fen for leg in legs)
    bank = await credit_of(town, CLEARING_BANK)
    before = await month.state()
    assert before.status == 0 and "3 笔" in before.text, before.text
    again = await month.state(out=tmp_path)
    assert "未再改动" in again.text
    told = msgspec.json.decode(
        (tmp_path / f"{REGION}-{HUNAN}-{month.month:%Y%m}.json").read_bytes(),
        type=ClearingStatement,
    )
    assert told.fund_fen + told.account_fen == owed
    assert [group.insured_region for group in told.groups] == [CHANGSHA, ZHUZHOU]
    rows = await month.rows(HUNAN, Side.TREATMENT)
    assert {row["setl_id"] for row in rows} == {str(leg.setl_id) for leg in legs}

    await month.to_the_end(HUNAN, owed, Side.TREATMENT)
    assert (await month.found(HUNAN, Side.TREATMENT)).now.state is State.CLOSED
    assert await region_balances(town, CHANGSHA) == {}
    assert await region_balances(town, ZHUZHOU) == {}
    assert await credit_of(town, CLEARING_BANK) == bank - owed


async def test_what_we_owe_is_taken_matched_and_paid_by_two_people(
    town: Town, month: Month
) -> None:
    legs = [await month.traveller(CHANGSHA), await month.traveller(CHANGSHA)]
    other = await month.traveller(ZHUZHOU)
    statement = claimed(month, *legs)
    assert (await month.take(statement)).status == 0
    assert "未再改动" in (await month.take(statement)).text
    assert (await month.take(claimed(month, other, creditor=ZHUZHOU))).status == 0
    owed = sum(leg.owed_fen for leg in (*legs, other))
    assert (await month.propose(HUNAN)).status == 1
    assert (await month.confirm(HUNAN)).status == 0
    wrong = await month.notify(HUNAN, owed + 1)
    assert wrong.status == 1 and "未登记" in wrong.text
    assert (await month.notify(HUNAN, owed)).status == 0
    assert "尚无人提出" in (await month.settle(HUNAN)).text
    assert (await month.propose(HUNAN)).status == 0
    assert "以外的人" in (await month.settle(HUNAN, who=Who(actor=" 陈会计 ", reason="x"))).text
    assert "不是 V2" in (await month.settle(HUNAN, voucher="V2")).text
    paid = await month.settle(HUNAN)
    assert paid.status == 0, paid.text
    assert (await month.settle(HUNAN)).status == 1, "paid once"
    assert await region_balances(town, CHANGSHA) == {}
    assert await region_balances(town, ZHUZHOU) == {}


async def test_rows_that_we_do_not_have_are_disputed_at_once_and_can_be_postponed(
    town: Town, month: Month
) -> None:
    good, less = await month.traveller(CHANGSHA), await month.traveller(CHANGSHA)
    unknown = structs.replace(good, case_no="430100-nobody")
    more = structs.replace(less, fund_fen=less.fund_fen - 1)
    said = await month.take(claimed(month, good, unknown, more))
    assert said.status == 0
    assert "not ours" in said.text and "amounts differ" in said.text
    assert (await month.found(HUNAN, Side.INSURANCE)).now.state is State.OBJECTED
    assert "不能确认" in (await month.confirm(HUNAN)).text
    still = await month.mark(HUNAN, Mark.WITHDRAWN, unknown.case_no)
    assert still.status == 1 and "不能撤回" in still.text
    assert (await month.mark(HUNAN, Mark.POSTPONED, unknown.case_no, months=1)).status == 0
    assert (await month.found(HUNAN, Side.INSURANCE)).now.state is State.OBJECTED
    assert (await month.mark(HUNAN, Mark.POSTPONED, more.case_no, months=2)).status == 0
    assert (await month.found(HUNAN, Side.INSURANCE)).now.state is State.POSTPONED
    await month.to_the_end(HUNAN, good.owed_fen, Side.INSURANCE)
    assert await region_balances(town, CHANGSHA) == {
        account: fen
        for account, fen in (
            (RegionAccount.PAYABLE_FUNDS, less.fund_fen),
            (RegionAccount.PAYABLE_ACCOUNTS, less.account_fen),
        )
        if fen
    }

    month.next()
    refused = await month.take(claimed(month, structs.replace(less)))
    assert refused.status == 1 and "doubled" in refused.text, "it waits for the month after"
    assert (await month.take(claimed(month, unknown, number="2"))).status == 0
    late = await month.mark(HUNAN, Mark.POSTPONED, unknown.case_no, months=2)
    assert late.status == 1 and "最多共 2 个月" in late.text
    month.next()
    assert (await month.take(claimed(month, less))).status == 0
    await month.to_the_end(HUNAN, less.owed_fen, Side.INSURANCE)
    assert await region_balances(town, CHANGSHA) == {}


async def test_a_cancel_after_clearing_is_a_negative_of_the_next_month(
    town: Town, month: Month
) -> None:
    citizen = town.someone()
    sold = await town.pharmacy.sell(citizen, some(CLASS_A))
    leg = await treated_here(town, sold.setl_id, CHANGSHA)
    await month.state(HUNAN)
    await month.to_the_end(HUNAN, leg.owed_fen, Side.TREATMENT)
    closed = await month.rows(HUNAN, Side.TREATMENT)
    first = month.month

    month.next()
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(sold))
    back = await treated_here(town, cancelled.setl_id, CHANGSHA, case_no=leg.case_no)
    assert back.owed_fen == -leg.owed_fen
    _, other = await month.visitor(CHANGSHA)
    await month.state(HUNAN)
    rows = await month.rows(HUNAN, Side.TREATMENT)
    assert [(row["case_no"], row["sign"]) for row in rows] == [
        (leg.case_no, "-"), (other.case_no, "+"),
    ]  # fmt: skip
    await month.to_the_end(HUNAN, other.owed_fen - leg.owed_fen, Side.TREATMENT)
    assert await region_balances(town, CHANGSHA) == {}
    late, month.month = month.month, first
    assert await month.rows(HUNAN, Side.TREATMENT) == closed, "a closed month never changes"
    month.month = late


async def test_a_month_of_cancels_alone_is_paid_the_other_way_round(
    town: Town, month: Month
) -> None:
    citizen = town.someone()
    sold = await town.pharmacy.sell(citizen, some(CLASS_A))
    leg = await treated_here(town, sold.setl_id, CHANGSHA)
    await month.state(HUNAN)
    await month.to_the_end(HUNAN, leg.owed_fen, Side.TREATMENT)
    month.next()
    cancelled = await town.pharmacy.send(town.pharmacy.cancel(sold))
    await treated_here(town, cancelled.setl_id, CHANGSHA, case_no=leg.case_no)
    bank = await credit_of(town, CLEARING_BANK)
    await month.state(HUNAN)
    await month.to_the_end(HUNAN, -leg.owed_fen, Side.TREATMENT)
    assert await credit_of(town, CLEARING_BANK) == bank + leg.owed_fen
    assert await region_balances(town, CHANGSHA) == {}


async def test_what_was_reversed_before_it_was_claimed_never_existed(
    town: Town, month: Month
) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A))
    sold = await town.pharmacy.send(message)
    leg = await treated_here(town, sold.setl_id, CHANGSHA)
    assert_done(await town.pharmacy.send(town.pharmacy.reversal(message, citizen)))
    reversed_no = await town.owner.fetchval(
        "select t.setl_id from settlement.settlement t where t.kind = 3 and t.undoes_setl_id = $1",
        leg.setl_id,
    )
    await treated_here(town, reversed_no, CHANGSHA, case_no=leg.case_no)
    said = await month.state(HUNAN)
    assert "没有可申报的明细" in said.text, said.text
    assert await region_balances(town, CHANGSHA) == {}


async def test_rows_of_our_own_province_wait_for_their_institution(
    town: Town, month: Month
) -> None:
    legs = [(await month.visitor(GUANGZHOU))[1] for _ in range(2)]
    said = await month.state(GUANGZHOU)
    assert "没有可申报的明细" in said.text and "2 笔待机构确认" in said.text
    head = {"trt_year": f"{month.month:%Y}", "trt_month": f"{month.month:%m}"}
    listed = await town.pharmacy.ask("3260", {"data": {**head, "startrow": 1}})
    names = (
        "certno", "mdtrt_id", "mdtrt_setl_time", "setl_sn", "medfee_sumamt", "optins_pay_sumamt",
    )  # fmt: skip
    first = next(row for row in listed.rows("data") if row["mdtrt_id"] == legs[0].case_no)
    detail = [{**{name: first[name] for name in names}, "cnfm_flag": "1"}]
    confirmed = await town.pharmacy.ask("3261", {"data": {**head, "totalrow": 1}, "detail": detail})
    assert confirmed.infcode == 0, confirmed
    assert "1 笔" in (await month.state(GUANGZHOU)).text
    assert [row["case_no"] for row in await month.rows(GUANGZHOU, Side.TREATMENT)] == [
        legs[0].case_no
    ]
    await month.to_the_end(GUANGZHOU, legs[0].owed_fen, Side.TREATMENT)


async def test_somebody_who_paid_everything_in_advance_is_nobodys_debt(
    town: Town, month: Month
) -> None:
    sold = await month.sold()
    await treated_here(town, sold.setl_id, ZHUZHOU, paid_in_advance=True)
    assert "没有可申报的明细" in (await month.state(HUNAN)).text


async def test_the_answer_of_the_other_side_settles_our_statement(
    town: Town, month: Month
) -> None:
    legs = [(await month.visitor(CHANGSHA))[1] for _ in range(3)]
    await month.state(HUNAN)
    number = (await month.found(HUNAN, Side.TREATMENT)).statement_no

    def answer(rows: tuple[MarkedRow, ...], confirmed: bool, *stand: KitLeg) -> ClearingAnswer:
        return ClearingAnswer(
            statement_no=number, month=f"{month.month:%Y-%m}", creditor=REGION, debtor=HUNAN,
            answered_at=town.clock(), rows=rows, confirmed=confirmed, legs=len(stand),
            fund_fen=sum(leg.fund_fen for leg in stand),
            account_fen=sum(leg.account_fen for leg in stand),
        )  # fmt: skip

    disputed = MarkedRow(case_no=legs[0].case_no, reversal=False, reason="待查")
    assert (await month.take(answer((disputed,), confirmed=False))).status == 0
    assert (await month.found(HUNAN, Side.TREATMENT)).now.state is State.OBJECTED
    assert "未再改动" in (await month.take(answer((disputed,), confirmed=False))).text
    later = structs.replace(disputed, months=1)
    wrong = await month.take(answer((later,), True, *legs))
    assert wrong.status == 1 and "another sum" in wrong.text
    assert (await month.found(HUNAN, Side.TREATMENT)).now.state is State.OBJECTED, "all or nothing"
    assert (await month.take(answer((later,), True, *legs[1:]))).status == 0
    assert (await month.found(HUNAN, Side.TREATMENT)).now.state is State.CONFIRMED
    nobody = MarkedRow(case_no="x", reversal=False, reason="待查")
    assert (await month.take(answer((nobody,), confirmed=False))).status == 1

    month.next()
    said = await month.state(HUNAN)
    assert "1 笔" in said.text, "what was postponed comes again"


async def test_bad_files_are_refused_and_the_reason_is_kept(town: Town, month: Month) -> None:
    leg = await month.traveller(CHANGSHA)
    good = claimed(month, leg)
    booked = await town.owner.fetchval("select count(*) from ledger.entry")
    other_month = month_after(month.month, 5)
    bad = {
        "adds.json": structs.replace(good, fund_fen=good.fund_fen + 1),
        "month.json": structs.replace(good, month=f"{other_month:%Y-%m}"),
        "twice.json": structs.replace(good, rows=(*good.rows, good.rows[0])),
        "stranger.json": structs.replace(good, creditor="610100"),
    }
    for name, statement in bad.items():
        said = await month.take(statement, name)
        assert said.status == 1 and "refused, nothing was booked" in said.text
        kept = await town.owner.fetchval(
            "select a.note from settlement.audit a where a.subject like $1"
            " order by a.audit_id desc limit 1",
            f"file {name}%",
        )
        assert kept and kept in said.text
    assert (await month.take(b"{}", "empty.json")).status == 1
    assert await the_period(await month.books(), HUNAN, month.month, None) == Said(
        1, f"{month.month:%Y-%m} {HUNAN} 湖南省 尚未申报 | nothing is stated for that month"
    )
    assert await town.owner.fetchval("select count(*) from ledger.entry") == booked
    assert (await month.take(good)).status == 0
    changed = structs.replace(good, stated_at=datetime.fromisoformat("2030-01-01T00:00:00+08:00"))
    assert "taken with other content" in (await month.take(changed)).text
    assert (await month.take(claimed(month, leg, number="9"))).status == 1, "states once"


async def test_a_prepayment_revolves_and_clearing_consumes_nothing_of_it(
    town: Town, month: Month
) -> None:
    leg = await month.traveller(CHENGDU)
    books = await month.books()

    async def once(act: Callable[[], Coroutine[None, None, Said]]) -> Said:
        return await acting(books, SICHUAN, act)

    held = leg.owed_fen * 10 // 8
    args = (books, SICHUAN, Side.INSURANCE, PrepaidAct.IN, held, "P1")
    assert (await once(lambda: prepaid.move(*args, LIN))).status == 1
    assert (await once(lambda: prepaid.propose(*args, CHEN))).status == 0
    assert (await once(lambda: prepaid.move(*args, CHEN))).status == 1
    paid = await once(lambda: prepaid.move(*args, LIN))
    assert paid.status == 0, paid.text
    assert (await once(lambda: prepaid.move(*args, LIN))).status == 1, "booked once"
    assert await region_balances(town, SICHUAN) == {RegionAccount.PREPAID: -held}
    shown = await reports.overview(books, month.month, as_json=False)
    assert "黄色预警" in shown.text and "紧急调增" in shown.text, shown.text

    await month.take(claimed(month, leg, creditor=CHENGDU))
    await month.to_the_end(SICHUAN, leg.owed_fen, Side.INSURANCE)
    assert await region_balances(town, SICHUAN) == {RegionAccount.PREPAID: -held}
    quota = await once(
        lambda: prepaid.fix_quota(books, SICHUAN, Side.INSURANCE, month.month.year + 1, CHEN)
    )
    assert quota.status == 0 and "额度" in quota.text
    back = (books, SICHUAN, Side.INSURANCE, PrepaidAct.BACK, held, "P2")
    over = (books, SICHUAN, Side.INSURANCE, PrepaidAct.BACK, held + 1, "P2")
    assert (await once(lambda: prepaid.propose(*over, CHEN))).status == 1
    assert (await once(lambda: prepaid.propose(*back, CHEN))).status == 0
    assert (await once(lambda: prepaid.move(*back, LIN))).status == 0
    assert await region_balances(town, SICHUAN) == {}


async def test_two_people_who_state_at_once_state_once(town: Town, month: Month) -> None:
    _, leg = await month.visitor(ZHUZHOU)
    await month.books()
    connections = [await asyncpg.connect(town.owner_dsn) for _ in range(2)]
    try:
        books = [await open_books(one, clock=town.clock) for one in connections]
        said = await asyncio.gather(
            *(state(one, month.month, HUNAN, CHEN, None) for one in books)
        )
    finally:
        for one in connections:
            await one.close()
    assert sorted("未再改动" in one.text for one in said) == [False, True]
    assert [row["case_no"] for row in await month.rows(HUNAN, Side.TREATMENT)] == [leg.case_no]


async def test_a_month_that_is_not_over_is_not_stated(town: Town, month: Month) -> None:
    await month.visitor(CHANGSHA)
    said = await state(await an_operator(town), month.month, None, CHEN, None)
    assert said.status == 1 and "尚未结束" in said.text


async def test_show_and_overview_say_where_a_month_stands(town: Town, month: Month) -> None:
    _, leg = await month.visitor(CHANGSHA)
    await month.state(HUNAN)
    await month.mark(HUNAN, Mark.OBJECTED, leg.case_no)
    overview = await reports.overview(await month.books(), month.month, as_json=False)
    assert "有异议 1 笔" in overview.text
    shown = await on_period(await month.books(), month.named(HUNAN), reports.show)
    for part in ("申报", "提出异议", "按统筹区", "按机构", "按清算类别", "按险种", leg.case_no):
        assert part in shown.text, shown.text
    told = msgspec.json.decode(
        (await reports.overview(await month.books(), month.month, as_json=True)).text
    )
    assert told["periods"][0]["state"] == "objected"


@pytest.mark.parametrize(
    "table",
    ["region_clearing_step", "region_clearing_leg", "region_clearing_mark", "region_prepayment",
     "region_difference", "region_difference_step", "region_difference_end"],
)  # fmt: skip
async def test_the_application_may_read_it_and_write_none_of_it(town: Town, table: str) -> None:
    application = await asyncpg.connect(town.app_dsn)
    try:
        await application.fetchval(f"select count(*) from settlement.{table}")  # noqa: S608
        for command in (
            f"delete from settlement.{table}",  # noqa: S608
            f"update settlement.{table} set lane = lane",  # noqa: S608
            f"insert into settlement.{table} (lane) values (1)",  # noqa: S608
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await application.execute(command)
    finally:
        await application.close()
