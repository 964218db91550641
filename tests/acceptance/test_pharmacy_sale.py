"""A sale over a pharmacy's counter: who pays what, to the fen, and why."""

from __future__ import annotations

from decimal import Decimal

import pytest

from loadtest.population import DemoItem
from tests.kit.population import (
    CAPPED,
    CAPPED_B,
    CHEAP,
    CLASS_A,
    CLASS_B,
    CLASS_C,
    DEAR,
    UNLISTED,
    Kind,
    some,
)
from tests.kit.reply import assert_done, assert_money, assert_refused, assert_split, share
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

EMPLOYEE_POOL, RESIDENT_POOL, ACCOUNT = "310102", "390102", "310200"


async def test_employee_pays_what_the_fund_leaves_from_the_account(town: Town) -> None:
    reply = await town.pharmacy.sell(town.someone(), some(CLASS_A, 2))
    assert_money(reply, total="25.00", fund="15.00", account="10.00", cash="0.00")
    assert_split(reply, scope="25.00")
    assert reply.money("balc") == Decimal("990.00")
    assert share(reply, EMPLOYEE_POOL)["fund_payamt"] == Decimal("15.00")
    assert share(reply, ACCOUNT)["fund_payamt"] == Decimal("10.00")


async def test_retired_person_has_the_retired_ratio_and_category(town: Town) -> None:
    reply = await town.pharmacy.sell(town.someone(Kind.RETIRED), some(CLASS_A, 2))
    assert_money(reply, total="25.00", fund="15.00", account="10.00", cash="0.00")
    assert reply.text("psn_type") == "12"


async def test_resident_has_no_account_and_pays_cash(town: Town) -> None:
    reply = await town.pharmacy.sell(town.someone(Kind.RESIDENT), some(CLASS_A, 2))
    assert_money(reply, total="25.00", fund="10.00", account="0.00", cash="15.00")
    assert share(reply, RESIDENT_POOL)["fund_payamt"] == Decimal("10.00")


async def test_empty_account_pays_nothing_and_cash_takes_the_rest(town: Town) -> None:
    reply = await town.pharmacy.sell(town.someone(Kind.PENNILESS), some(CLASS_A, 2))
    assert_money(reply, total="25.00", fund="15.00", account="0.00", cash="10.00")


async def test_account_that_is_short_pays_what_it_has(town: Town) -> None:
    reply = await town.pharmacy.sell(town.someone(), some(DEAR, 2))
    assert_money(reply, total="4000.00", fund="2400.00", account="1000.00", cash="600.00")
    assert reply.money("balc") == Decimal("0.00")


async def test_account_stays_untouched_when_it_shall_not_be_used(town: Town) -> None:
    citizen = town.someone()
    message = town.pharmacy.sale(citizen, some(CLASS_A, 2))
    reply = await town.pharmacy.send(message.edited({"input.druginfo.acct_used_flag": "0"}))
    assert_money(reply, total="25.00", fund="15.00", account="0.00", cash="10.00")
    assert reply.money("balc") == Decimal("1000.00")


LINES = [
    # item, quantity,      full,    over,    pre,    scope,   fund
    (CLASS_A, "2", "0.00", "0.00", "0.00", "25.00", "15.00"),
    (CLASS_B, "3", "0.00", "0.00", "3.00", "27.00", "16.20"),
    (CAPPED, "2", "0.00", "10.00", "0.00", "30.00", "18.00"),
    (CAPPED_B, "2", "0.00", "10.00", "6.00", "24.00", "14.40"),
    (CLASS_C, "2", "16.00", "0.00", "0.00", "0.00", "0.00"),
    (UNLISTED, "1", "30.00", "0.00", "0.00", "0.00", "0.00"),
    (CHEAP, "1", "0.00", "0.00", "0.00", "0.33", "0.20"),
    (CHEAP, "0.5", "0.00", "0.00", "0.00", "0.17", "0.10"),
]


@pytest.mark.parametrize(("item", "quantity", "full", "over", "pre", "scope", "fund"), LINES)
async def test_line_is_split_by_class_ceiling_and_ratio(
    town: Town, item: DemoItem, quantity: str, full: str, over: str, pre: str, scope: str, fund: str
) -> None:
    reply = await town.pharmacy.sell(town.someone(), some(item, quantity))
    assert_split(reply, full=full, over=over, pre=pre, scope=scope)
    assert reply.money("fund_pay_sumamt") == Decimal(fund)
    [cut] = reply.rows("detlcutinfo")
    parts = ("fulamt_ownpay_amt", "overlmt_amt", "preselfpay_amt", "inscp_scp_amt")
    assert [cut[name] for name in parts] == [Decimal(text) for text in (full, over, pre, scope)]


async def test_item_outside_the_catalogue_is_paid_by_oneself_and_says_so(town: Town) -> None:
    reply = await town.pharmacy.sell(town.someone(), some(UNLISTED), some(CLASS_A))
    unlisted, listed = reply.rows("detlcutinfo")
    assert unlisted["memo"] == "目录外项目，按全自费处理"
    assert listed["memo"] == ""
    assert reply.setl_id


async def test_many_lines_add_up(town: Town) -> None:
    basket = [some(item, "3") for item in (CLASS_A, CLASS_B, CLASS_C, CAPPED_B, CHEAP, UNLISTED)]
    reply = await town.pharmacy.sell(town.someone(), *basket)
    assert_money(reply, total="242.50", fund="60.90", account="67.60", cash="114.00")


async def test_closed_fund_pays_nothing_and_says_why(town: Town) -> None:
    reply = await town.pharmacy.sell(town.someone(Kind.CLOSED_FUND), some(CLASS_A, 2))
    assert_money(reply, total="25.00", fund="0.00", account="25.00", cash="0.00")
    assert "该基金待遇已停止享受" in str(share(reply, EMPLOYEE_POOL)["setl_proc_info"])


async def test_suspended_member_spends_the_own_account_only(town: Town) -> None:
    reply = await town.pharmacy.sell(town.someone(Kind.SUSPENDED), some(CLASS_A, 2))
    assert_money(reply, total="25.00", fund="0.00", account="25.00", cash="0.00")
    assert "参保关系已暂停" in str(share(reply, EMPLOYEE_POOL)["setl_proc_info"])


async def test_refused_where_nothing_may_pay(town: Town) -> None:
    reply = await town.pharmacy.sell(town.someone(Kind.WAITING), some(CLASS_A))
    assert_refused(
        reply, "NOT_ENTITLED", field="input.druginfo.insutype", mentions="待遇享受期尚未开始"
    )


async def test_yearly_cap_is_shared_by_all_sales_of_the_year(town: Town) -> None:
    citizen = town.someone(Kind.RESIDENT)
    first = await town.pharmacy.sell(citizen, some(DEAR))
    assert_money(first, total="2000.00", fund="800.00", account="0.00", cash="1200.00")
    second = await town.pharmacy.sell(citizen, some(DEAR))
    assert_money(second, total="2000.00", fund="400.00", account="0.00", cash="1600.00")
    row = share(second, RESIDENT_POOL)
    assert row["crt_payb_lmt_amt"] == Decimal("400.00")
    assert "受年度限额限制" in str(row["setl_proc_info"])
    third = await town.pharmacy.sell(citizen, some(CLASS_A, 2))
    assert_money(third, total="25.00", fund="0.00", account="0.00", cash="25.00")


async def test_quote_has_no_effect_and_no_number(town: Town) -> None:
    citizen = town.someone()
    quote = town.pharmacy.quote(citizen, some(CLASS_A, 2))
    reply = await town.pharmacy.send(quote)
    assert_money(reply, total="25.00", fund="15.00", account="10.00", cash="0.00")
    assert "setl_id" not in reply.node("setlinfo")
    assert await town.rows_of(citizen) == []
    again = await town.pharmacy.send(quote)
    assert_done(again)
    assert not again.warn_msg


async def test_amounts_may_come_as_text_or_number_and_leave_as_numbers(town: Town) -> None:
    message = town.pharmacy.sale(town.someone(), some(CLASS_A, 2)).edited(
        {
            "input.druginfo.medfee_sumamt": "25.0",
            "input.drugdetail[0].cnt": "2.0000",
            "input.drugdetail[0].pric": "12.500000",
            "input.drugdetail[0].det_item_fee_sumamt": "2.5E+1",
        }
    )
    reply = await town.pharmacy.send(message)
    assert_money(reply, total="25.00", fund="15.00", account="10.00", cash="0.00")


async def test_sale_that_costs_nothing_is_settled_too(town: Town) -> None:
    citizen = town.someone()
    free = some(CLASS_A, 2, price="0")
    message = town.pharmacy.sale(citizen, free)
    settled = await town.pharmacy.send(message)
    assert_money(settled, total="0.00", fund="0.00", account="0.00", cash="0.00")
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(settled)))
    assert len(await town.rows_of(citizen)) == 2
