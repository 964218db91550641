"""Paying institutions, from what a month owes to what the bank paid, in the words of the agency's
finance staff."""

from __future__ import annotations

import csv
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace

from settlement import chart
from settlement.bank_account import BankAccount
from settlement.books.payout import Act, Kind, State
from settlement.books.payout_rules import Cycle, PayoutRules
from settlement.chart import InstitutionAccount
from settlement.elsewhere.regional_clearing import month_after
from settlement.finance import payout_accounts as accounts
from settlement.finance import payout_reports as reports
from settlement.finance.payout_books import PayoutBooks
from settlement.finance.payout_paying import write_orders
from settlement.finance.payout_stating import state
from settlement.storage.queries import CONSOLE_MONEY
from tests.kit.payouts import ACCOUNT, LIN, ZHANG, Payouts, asked, assert_good, bank_row
from tests.kit.population import CLASS_A, CLASS_B, some
from tests.kit.reply import assert_done
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def payouts(town: Town) -> Payouts:
    """The finance staff of the town."""
    found = Payouts(town)
    await found.account(town.pharmacy.code)
    return found


async def sold(payouts: Payouts) -> int:
    """A sale of the pharmacy; what it is owed for it."""
    before = sum(await payouts.owed(payouts.town.pharmacy.code))
    town = payouts.town
    await assert_sold(town)
    return sum(await payouts.owed(town.pharmacy.code)) - before


async def assert_sold(town: Town) -> None:
    """A sale."""
    assert_done(await town.pharmacy.sell(town.someone(), some(CLASS_A), some(CLASS_B)))


async def paid(payouts: Payouts, out: Path) -> int:
    """What was stated of the pharmacy is confirmed, ordered, paid and closed: how much."""
    return await payouts.pay(payouts.town.pharmacy.code, out)


async def test_a_month_is_stated_once_after_its_end_and_agrees_with_the_ledger(
    town: Town, payouts: Payouts, tmp_path: Path
) -> None:
    code = town.pharmacy.code
    fen = await sold(payouts) + await sold(payouts)
    early = await reports.overview(await payouts.books(), payouts.month, as_json=False)
    assert early.status == 1 and "尚未核定" in early.text
    said = await payouts.state()
    assert said.status == 0, said.text
    found = await payouts.found(code)
    assert found.owed.total_fen == fen
    assert (found.owed.fund_fen, found.owed.account_fen) == await payouts.owed(code)
    assert sum(line.settled for line in found.kept.lines) == 2
    assert "未再改动" in (await payouts.state()).text
    assert await paid(payouts, tmp_path) == fen
    assert await payouts.owed(code) == (0, 0)
    assert await payouts.under_way() == 0
    payouts.next()


async def test_months_are_stated_after_their_end_and_in_their_order(payouts: Payouts) -> None:
    first = payouts.month
    early = await state(await payouts.books(), first, ZHANG)
    assert early.status == 1 and "尚未结束" in early.text
    no_month = await state(await payouts.books(), first.replace(day=2), ZHANG)
    assert no_month.status == 1 and "第一天" in no_month.text
    payouts.next()
    skipped = await payouts.state()
    assert skipped.status == 1 and f"应先核定 {first:%Y-%m}" in skipped.text
    second, payouts.month = payouts.month, first
    assert_good(await payouts.state())
    payouts.month = second
    assert_good(await payouts.state())
    payouts.next()


async def test_what_is_deducted_withheld_and_added_is_proposed_by_one_and_booked_by_another(
    town: Town, payouts: Payouts, tmp_path: Path
) -> None:
    code = town.pharmacy.code
    fen = await sold(payouts) + await sold(payouts)
    assert "尚未核定" in (await payouts.confirm()).text
    assert_good(await payouts.state())
    rows = (
        asked(code, Kind.DEDUCTION, 300), asked(code, Kind.DEPOSIT, 200),
        asked(code, Kind.PREPAID, 1_000, "银行凭证1"), asked(code, Kind.SURPLUS, 70),
        asked(code, Kind.OVERRUN, 30),
    )  # fmt: skip
    nobody = await payouts.adjust(*rows, who=LIN, confirm=True)
    assert nobody.status == 1 and "没有人提出过" in nobody.text
    before = await payouts.owed(code)
    assert_good(await payouts.adjust(*rows))
    assert await payouts.owed(code) == before, "a proposal books nothing"
    assert "未再改动" in (await payouts.adjust(*rows)).text
    assert "待另一人确认的调整" in (await payouts.confirm(code)).text
    own = await payouts.adjust(*rows, confirm=True)
    assert own.status == 1 and "以外的人" in own.text
    assert_good(await payouts.adjust(*rows, who=LIN, confirm=True))
    assert "未再改动" in (await payouts.adjust(*rows, who=LIN, confirm=True)).text
    assert sum(await payouts.owed(code)) == fen - 300 - 200 + 70 - 30
    base = (await payouts.books()).base_of(code)
    assert await payouts.credit(base + InstitutionAccount.QUALITY_DEPOSIT) == 200
    assert await payouts.credit(base + InstitutionAccount.PREPAID) == -1_000
    again = await payouts.adjust(asked(code, Kind.DEDUCTION, 999))
    assert again.status == 1 and "文1 已有" in again.text

    more = await payouts.adjust(asked(code, Kind.PREPAID_USED, 1_001))
    assert more.status == 1 and "预付款余额 10.00 元" in more.text
    assert_good(await payouts.adjust(asked(code, Kind.DEDUCTION, 5, "文2")))
    assert_good(await payouts.withdraw(code, 6))
    assert (await payouts.withdraw(code, 6)).status == 1
    await payouts.adjusted(asked(code, Kind.PREPAID_USED, 400))
    assert await payouts.credit(base + InstitutionAccount.PREPAID) == -600
    assert await paid(payouts, tmp_path) == fen - 860
    assert await payouts.owed(code) == (0, 0)
    late = await payouts.adjust(asked(code, Kind.DEDUCTION, 1, "文3"))
    assert late.status == 1 and "不能调整" in late.text
    payouts.next()


async def test_deposits_come_back_and_what_does_not_goes_to_those_who_did_better(
    town: Town, payouts: Payouts, tmp_path: Path
) -> None:
    one, other = town.pharmacy.code, town.other_pharmacy.code
    await sold(payouts)
    assert_done(await town.other_pharmacy.sell(town.someone(), some(CLASS_A), some(CLASS_B)))
    assert_good(await payouts.state())
    await payouts.adjusted(asked(one, Kind.DEPOSIT, 100), asked(other, Kind.DEPOSIT, 300))
    too_much = await payouts.adjust(asked(other, Kind.REWARD, 50))
    assert too_much.status == 1 and "奖励池" in too_much.text
    base = (await payouts.books()).base_of(one)
    held = await payouts.credit(base + InstitutionAccount.QUALITY_DEPOSIT)
    await payouts.adjusted(
        asked(one, Kind.DEPOSIT_RETURN, held - 50), asked(one, Kind.DEPOSIT_FORFEIT, 50),
        asked(other, Kind.DEPOSIT_RETURN, 300), asked(other, Kind.REWARD, 50),
    )  # fmt: skip
    assert await payouts.credit(base + InstitutionAccount.QUALITY_DEPOSIT) == 0
    assert await payouts.credit(chart.DEPOSIT_POOL) == 0
    await paid(payouts, tmp_path)
    assert_good(await payouts.confirm(other))
    nowhere = assert_not_ordered(await order_of(payouts, other, tmp_path))
    assert "没有生效的收款账户" in nowhere
    payouts.next()


async def test_a_payment_that_comes_back_is_owed_again_and_paid_to_another_account(
    town: Town, payouts: Payouts, tmp_path: Path
) -> None:
    code = town.pharmacy.code
    await sold(payouts)
    assert_good(await payouts.state())
    assert_good(await payouts.confirm(code))
    owed = await payouts.owed(code)
    assert "尚无人提出" in (await payouts.order(tmp_path, code)).text
    assert_good(await payouts.propose(code))
    assert "以外的人" in (await payouts.order(tmp_path, code, who=ZHANG)).text
    assert_good(await payouts.order(tmp_path, code))
    (row,) = table_of(tmp_path, "payout-*.csv")
    fen = sum(owed)
    assert (row["账号"], row["金额"]) == (ACCOUNT.account, f"{fen // 100}.{fen % 100:02d}")
    assert await payouts.owed(code) == (0, 0)
    assert await payouts.under_way() == fen

    number = row["订单号"]
    wrong = await payouts.bank(bank_row(number, fen + 1, "B1"))
    assert wrong.status == 1 and "下达金额为" in wrong.text
    assert "没有这个订单" in (await payouts.bank(bank_row(f"{number}9", fen, "B1"))).text
    both = (bank_row(number, fen, "B1"), bank_row(number, fen, "B2", paid=False))
    assert_good(await payouts.bank(*both))
    assert "以外的人" in (await payouts.bank(*both, confirm=True)).text
    assert_good(await payouts.bank(*both, who=LIN, confirm=True))
    assert "未再改动" in (await payouts.bank(*both, who=LIN, confirm=True)).text
    assert (await payouts.found(code)).now.state is State.RETURNED
    assert await payouts.owed(code) == owed and await payouts.under_way() == 0

    corrected = BankAccount(name="测试医药机构", account="9999000033334444", bank="测试银行")
    await payouts.account(code, corrected)
    assert_good(await payouts.propose(code))
    folder = tmp_path / "again"
    assert_good(await payouts.order(folder, code))
    rewritten = await write_orders(await payouts.books(), payouts.chosen(None), tmp_path / "more")
    (row,) = table_of(tmp_path / "more", "payout-*.csv")
    assert row["账号"] == corrected.account
    assert "1 笔" in rewritten.text
    second = (await payouts.found(code)).now.order
    assert second is not None and second.reference.endswith("-2")
    old = await payouts.bank(bank_row(number, fen, "B3"))
    assert old.status == 1 and "没有这个订单" in old.text
    known = await payouts.banked(bank_row(number, fen, "B1"), bank_row(second.reference, fen, "B4"))
    assert "先前已入账 1 笔" in known.text
    assert_good(await payouts.close(code))
    assert (await payouts.close(code)).status == 1
    payouts.next()


async def test_a_payment_that_comes_back_after_the_close_is_owed_again(
    town: Town, payouts: Payouts, tmp_path: Path
) -> None:
    """It is booked on the day of its statement, with the other rows; no closed day changes."""
    code = town.pharmacy.code
    await sold(payouts)
    assert_good(await payouts.state())
    owed = await payouts.owed(code)
    bank = await payouts.credit(chart.PAYOUT_BANK)
    fen = await paid(payouts, tmp_path)
    closed = await payouts.found(code)
    assert closed.now.order is not None and fen == sum(owed)
    number = closed.now.order.reference

    await payouts.banked(bank_row(number, fen, "B7", paid=False))
    found = await payouts.found(code)
    assert found.now.state is State.RETURNED and found.kept.steps[:-1] == closed.kept.steps
    assert found.kept.steps[-1].booked_on == (await payouts.books()).moment.business_day
    assert await payouts.owed(code) == owed
    assert await payouts.credit(chart.PAYOUT_BANK) == bank
    assert await payouts.under_way() == 0
    (listed,) = [
        row for row in await town.owner.fetch(CONSOLE_MONEY["payout_periods_listed"], code, 99)
        if row["first_on"] == payouts.month
    ]  # fmt: skip
    assert (listed["stated"], listed["closed"]) == (1, 0)

    assert_good(await payouts.propose(code))
    assert_good(await payouts.order(tmp_path / "again", code))
    second = (await payouts.found(code)).now.order
    assert second is not None and second.reference.endswith("-2")
    await payouts.banked(bank_row(second.reference, fen, "B8"))
    assert_good(await payouts.close(code))
    assert await payouts.owed(code) == (0, 0)
    assert await payouts.credit(chart.PAYOUT_BANK) == bank + fen
    payouts.next()


async def test_a_month_of_cancels_alone_is_a_debt_that_the_next_month_sets_off(
    town: Town, payouts: Payouts, tmp_path: Path
) -> None:
    code = town.pharmacy.code
    sale = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    cancelled = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(cancelled)))
    assert_good(await payouts.state())
    stated = await payouts.found(code)
    assert sum(line.settled for line in stated.kept.lines) == 2
    assert sum(line.cancelled for line in stated.kept.lines) == 1
    fen = await paid(payouts, tmp_path)
    closed = await payouts.found(code)
    assert fen > 0

    payouts.next()
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(sale)))
    assert_good(await payouts.state())
    assert_good(await payouts.confirm(code))
    found = await payouts.found(code)
    assert found.due.total_fen == -fen
    no = await payouts.propose(code)
    assert no.status == 1 and "无须拨付" in no.text
    assert_good(await payouts.close(code))

    payouts.next()
    more = await sold(payouts)
    assert_good(await payouts.state())
    assert (await payouts.found(code)).carried == found.due
    assert await paid(payouts, tmp_path) == more - fen
    assert await payouts.owed(code) == (0, 0)
    third, payouts.month = payouts.month, closed.period.first_on
    assert (await payouts.found(code)).kept == closed.kept, "a closed month never changes"
    payouts.month = third
    payouts.next()


async def test_a_debt_is_paid_back_and_no_more_than_it_is(
    town: Town, payouts: Payouts, tmp_path: Path
) -> None:
    code = town.pharmacy.code
    sale = await town.pharmacy.sell(town.someone(), some(CLASS_A))
    assert_good(await payouts.state())
    fen = await paid(payouts, tmp_path)
    payouts.next()
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(sale)))
    assert_good(await payouts.state())
    assert_good(await payouts.confirm(code))
    assert_good(await payouts.close(code))
    payouts.next()
    assert_good(await payouts.state())
    assert (await payouts.found(code)).due.total_fen == -fen, "nothing to be set off with"
    more = await payouts.adjust(asked(code, Kind.REPAID, fen + 1, "B-9"))
    assert more.status == 1 and "does not owe so much" in more.text
    bank = await payouts.credit(chart.PAYOUT_BANK)
    await payouts.adjusted(asked(code, Kind.REPAID, fen, "B-9"))
    assert await payouts.credit(chart.PAYOUT_BANK) == bank - fen, "it is in the bank"
    assert (await payouts.found(code)).due.total_fen == 0
    again = await payouts.adjust(asked(code, Kind.REPAID, 1, "B-10"))
    assert again.status == 1 and "应收 0.00 元" in again.text
    assert_good(await payouts.confirm(code))
    assert_good(await payouts.close(code))
    assert sum(await payouts.owed(code)) == 0
    payouts.next()
    more_fen = await sold(payouts)
    assert_good(await payouts.state())
    assert await paid(payouts, tmp_path) == more_fen
    payouts.next()


async def test_an_account_is_changed_by_two_people_and_never_in_the_clear(
    town: Town, payouts: Payouts
) -> None:
    books, code = await payouts.books(), town.hospital.code
    assert (await accounts.confirm(books, code, ACCOUNT, LIN)).status == 1
    assert_good(await accounts.propose(books, code, ACCOUNT, ZHANG))
    assert "以外的人" in (await accounts.confirm(books, code, ACCOUNT, ZHANG)).text
    other = BankAccount(name="别处", account="1", bank="测试银行")
    assert "不一致" in (await accounts.confirm(books, code, other, LIN)).text
    assert_good(await accounts.confirm(books, code, ACCOUNT, LIN))
    shown = (await accounts.show(books, code)).text
    assert "***2222" in shown and ACCOUNT.account not in shown
    kept = await town.owner.fetch("select a.payload from settlement.payout_account a")
    assert not any(ACCOUNT.account.encode() in row["payload"] for row in kept)
    assert (await accounts.propose(books, "H00000000000", ACCOUNT, ZHANG)).status == 1


async def test_the_notice_adds_up_and_the_vouchers_balance(
    town: Town, payouts: Payouts, tmp_path: Path
) -> None:
    code = town.pharmacy.code
    await sold(payouts)
    assert_good(await payouts.state())
    await payouts.adjusted(asked(code, Kind.DEDUCTION, 100))
    assert (await reports.notices(await payouts.books(), payouts.chosen(code), tmp_path)).status
    fen = await paid(payouts, tmp_path / "bank")
    assert_good(await reports.notices(await payouts.books(), payouts.chosen(code), tmp_path))
    rows = table_of(tmp_path, "notice-*.csv")
    *parts, last = [int(row["合计"].replace(".", "")) for row in rows]
    assert sum(parts) == last == fen
    assert rows[-2]["项目"] == "审核扣款" and rows[-2]["依据"] == "文1"

    out = tmp_path / "vouchers.csv"
    days = (payouts.month, town.clock.local.date())
    assert_good(await reports.vouchers(await payouts.books(), *days, out))
    vouchers = table_of(tmp_path, "vouchers.csv")
    paid_out = [row for row in vouchers if row["凭证号"].endswith("-078")]
    assert {row["科目名称"] for row in paid_out} == {"拨付在途", "基金支出户存款"}
    assert "个人账户" in {row["科目名称"] for row in vouchers}
    steps = (await payouts.found(code)).kept.steps
    assert [step.act for step in steps] == [
        Act.STATE, Act.ADJUST, Act.CONFIRM, Act.PROPOSE, Act.ORDER, Act.PAY, Act.CLOSE,
    ]  # fmt: skip
    payouts.next()


async def test_an_institution_whose_ledger_says_something_else_is_named_and_not_stated(
    town: Town, payouts: Payouts
) -> None:
    code = town.pharmacy.code
    await sold(payouts)
    line = "update settlement.payout_line set fund_fen = fund_fen + $2 where institution = $1"
    await town.owner.execute(line, code, 1)
    said = await payouts.state()
    assert said.status == 1 and "未核定，请核查" in said.text
    await town.owner.execute(line, code, -1)
    daily = await of_cycle(payouts, Cycle.DAILY)
    assert_good(await state(daily, payouts.month, ZHANG))
    ended = (await payouts.found(code)).period.last_on
    assert ended == month_after(payouts.month) - timedelta(days=1), "as it was stated first"
    assert bool((await payouts.found(code)).kept.lines)
    payouts.next()


async def test_the_first_period_of_another_cycle_begins_where_the_last_one_ended(
    town: Town, payouts: Payouts
) -> None:
    code, first = town.pharmacy.code, payouts.month
    begun = await sold(payouts)
    fourth, after = first.replace(day=4), month_after(first)
    town.clock.move_to(datetime(first.year, first.month, 20, 9, 0))
    rest = await sold(payouts)
    payouts.over()
    assert_good(await state(await of_cycle(payouts, Cycle.THREE_DAYS), first, ZHANG))
    books = await payouts.books()
    no = await state(books, first.replace(day=5), ZHANG)
    assert no.status == 1 and "第一天" in no.text
    payouts.month = fourth
    assert f"{fourth} 已核定" in assert_good(await payouts.state()).text
    found = await payouts.found(code)
    assert found.period.last_on == after - timedelta(days=1)
    assert found.owed.total_fen == begun + rest
    payouts.month = after


async def of_cycle(payouts: Payouts, cycle: Cycle) -> PayoutBooks:
    """The books, once the region pays in another cycle."""
    return replace(await payouts.books(), rules=PayoutRules(cycle=cycle))


def table_of(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of the only file of such a name."""
    (path,) = folder.glob(name)
    with path.open(encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


async def order_of(payouts: Payouts, code: str, out: Path) -> str:
    """Proposed and ordered: what is said."""
    assert_good(await payouts.propose(code))
    said = await payouts.order(out, code)
    return f"{said.status} {said.text}"


def assert_not_ordered(said: str) -> str:
    """It was refused."""
    assert said.startswith("1 ")
    return said
