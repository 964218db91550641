"""Money in: income of funds and files of personal accounts, proposed by one and booked by two."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from ledger.money import yuan_text
from ledger.postgres.fold import balance, trial_balance
from settlement.books.money_in import State, Subject
from settlement.chart import CONTRIBUTIONS_BANK, MoneyAccount, fund_account, income_account
from settlement.finance import money_interest, money_reports
from settlement.finance.money_files import Sent
from settlement.intake.cells import read_fen
from settlement.storage import money as store
from tests.kit.importing import Cells
from tests.kit.money import CHEN, Treasury
from tests.kit.population import CLASS_A, Citizen, some
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

FUND = "310102"
NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)


@pytest_asyncio.fixture(loop_scope="module")
async def treasury(town: Town, tmp_path: Path) -> Treasury:
    """Finance staff of the town."""
    return Treasury(town=town, directory=tmp_path)


def row(citizen: Citizen, amount: str, source: str, **more: object) -> Cells:
    """A row about somebody's account."""
    return {
        "psn_no": citizen.number, "amount": amount, "source": source, "fund_pay_type": "",
        "reference": "", **more,
    }  # fmt: skip


async def of_account(town: Town, account: int) -> int:
    """Debits less credits of an account, fen."""
    found = await balance(town.owner, account)
    return found.debits_fen - found.credits_fen


async def test_one_proposes_another_confirms_and_it_is_booked_once(
    town: Town, treasury: Treasury
) -> None:
    first, second = town.someone(), town.someone()
    before = [await town.balance_fen(first), await town.balance_fen(second)]
    pool = await of_account(town, fund_account(int(FUND)))
    bank = await of_account(town, CONTRIBUTIONS_BANK)
    sent = treasury.sent(Subject.ACCOUNTS, [
        row(first, "120.50", "个人缴费划入"),
        row(second, "88", "pool", fund_pay_type=FUND),
    ])  # fmt: skip
    shown = await treasury.preview(sent)
    assert shown.status == 0 and "120.50" in shown.text
    assert "退休定额 pool  1 行  88.00" in shown.text
    proposed = await treasury.propose(sent)
    assert proposed.status == 0, proposed.text
    file = await treasury.newest(Subject.ACCOUNTS)
    alone = await treasury.confirm(file, CHEN)
    assert alone.status == 1 and "以外的人" in alone.text
    assert [await town.balance_fen(first), await town.balance_fen(second)] == before
    done = await treasury.confirm(file)
    assert done.status == 0, done.text
    assert await town.balance_fen(first) == before[0] + 12_050
    assert await town.balance_fen(second) == before[1] + 8_800
    assert await of_account(town, fund_account(int(FUND))) == pool + 8_800
    assert await of_account(town, CONTRIBUTIONS_BANK) == bank + 12_050
    for said in (await treasury.propose(sent), await treasury.confirm(file)):
        assert said.status == 0 and "nothing" in said.text
    assert await town.balance_fen(first) == before[0] + 12_050
    assert (await town.verified()).ok


async def test_a_corrected_file_books_what_is_new_and_is_told_what_is_not(
    town: Town, treasury: Treasury
) -> None:
    first, second = town.someone(), town.someone()
    told = row(first, "10.00", "contribution", reference="更正")
    await treasury.book(treasury.sent(Subject.ACCOUNTS, [told]))
    more = row(second, "20.00", "contribution", reference="更正")
    before = await town.balance_fen(first), await town.balance_fen(second)
    file = await treasury.book(treasury.sent(Subject.ACCOUNTS, [told, more]))
    assert file.row_count == 1 and "金额相同" in file.totals
    assert await town.balance_fen(first) == before[0]
    assert await town.balance_fen(second) == before[1] + 2_000
    other = await treasury.propose(
        treasury.sent(Subject.ACCOUNTS, [{**told, "amount": "11.00"}])
    )
    assert other.status == 1 and "10.00" in other.text
    in_december = treasury.sent(Subject.ACCOUNTS, [told], month=DECEMBER)
    assert (await treasury.book(in_december)).row_count == 1


async def test_rows_at_fault_are_named_and_nothing_is_proposed(
    town: Town, treasury: Treasury
) -> None:
    citizen, other = town.someone(), town.someone()
    rows = [
        row(citizen, "1.00", "contribution"),
        row(citizen, "1.00", "contribution"),
        row(citizen, "2.00", "contribution"),
        {**row(citizen, "1.00", "contribution"), "psn_no": "999999000000009999"},
        row(other, "1.005", "contribution"),
        row(other, "1,000.00", "contribution"),
        {**row(other, "1.00", "contribution"), "psn_no": "4.419E+17"},
        row(other, "1.00", "somewhere"),
        row(other, "1.00", "pool"),
        row(other, "-1.00", "claw_back"),
        row(other, "0.00", "refund"),
        row(other, "99999999.00", "清退"),
        row(other, "1.00", "pool", fund_pay_type="999998"),
    ]
    said = await treasury.propose(treasury.sent(Subject.ACCOUNTS, rows, name="bad.csv"))
    assert said.status == 1
    for number in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14):
        assert f"第 {number} 行 " in said.text, said.text
    assert "与第 2 行重复" in said.text and "金额不同" in said.text and "没有此人" in said.text
    assert "nothing was written" in said.text and citizen.number not in said.text
    known = await store.files(town.owner, Subject.ACCOUNTS)
    assert all(file.name != "bad.csv" for file in known)


async def test_a_claw_back_takes_what_is_there_and_the_rest_is_owed(
    town: Town, treasury: Treasury
) -> None:
    citizen = town.someone()
    there = await town.balance_fen(citizen)
    owed = await of_account(town, MoneyAccount.OWED_BY_PERSONS)
    yuan = yuan_text(there + 700)
    file = await treasury.book(
        treasury.sent(Subject.ACCOUNTS, [row(citizen, yuan, "追回", reference="多划")])
    )
    assert await town.balance_fen(citizen) == 0
    assert await of_account(town, MoneyAccount.OWED_BY_PERSONS) == owed + 700
    assert "应收 7.00" in (await treasury.show(file)).text
    more = await treasury.book(
        treasury.sent(Subject.ACCOUNTS, [row(citizen, "7.01", "repaid", reference="过多")])
    )
    assert "未入账" in (await treasury.show(more)).text
    await treasury.book(
        treasury.sent(Subject.ACCOUNTS, [row(citizen, "7.00", "repaid", reference="还款")])
    )
    assert await of_account(town, MoneyAccount.OWED_BY_PERSONS) == owed
    assert (await town.verified()).ok


async def test_a_withdrawal_moves_all_or_nothing(town: Town, treasury: Treasury) -> None:
    citizen, heir = town.someone(), town.someone()
    there, of_heir = await town.balance_fen(citizen), await town.balance_fen(heir)
    assert there > 1_000
    yuan = yuan_text(there)
    proposed = await treasury.propose(
        treasury.sent(Subject.ACCOUNTS, [row(citizen, yuan, "继承转出", reference="继承")])
    )
    assert proposed.status == 0, proposed.text
    await town.pharmacy.sell(citizen, some(CLASS_A))
    left = await town.balance_fen(citizen)
    file = await treasury.newest(Subject.ACCOUNTS)
    said = await treasury.confirm(file)
    if left < there:
        assert "未入账" in said.text and await town.balance_fen(citizen) == left
    yuan = yuan_text(left)
    await treasury.book(treasury.sent(Subject.ACCOUNTS, [
        row(citizen, yuan, "bequeath", reference="继承二"),
        row(heir, yuan, "inherit", reference="继承二"),
    ]))  # fmt: skip
    assert await town.balance_fen(citizen) == 0
    assert await town.balance_fen(heir) == of_heir + left
    assert await of_account(town, MoneyAccount.TO_HEIRS) == 0
    assert (await town.verified()).ok


async def test_a_rejected_file_books_nothing_and_may_come_again(
    town: Town, treasury: Treasury
) -> None:
    citizen = town.someone()
    before = await town.balance_fen(citizen)
    sent = treasury.sent(Subject.ACCOUNTS, [row(citizen, "3.00", "refund", reference="否决")])
    await treasury.propose(sent)
    file = await treasury.newest(Subject.ACCOUNTS)
    other = treasury.sent(
        Subject.ACCOUNTS, [row(citizen, "4.00", "refund")], name="other.csv"
    )
    assert "须先确认或否决" in (await treasury.propose(other)).text
    assert (await treasury.reject(file)).status == 0
    assert (await treasury.confirm(file)).status == 1
    assert await town.balance_fen(citizen) == before
    assert (await treasury.newest(Subject.ACCOUNTS)).state is State.REJECTED
    sent = treasury.sent(Subject.ACCOUNTS, [row(citizen, "3.00", "refund", reference="否决")])
    again = await treasury.book(sent)
    assert again.file_no != file.file_no
    assert await town.balance_fen(citizen) == before + 300


async def test_income_is_reported_by_scheme_and_fund(town: Town, treasury: Treasury) -> None:
    books = await treasury.books()
    months = await money_reports.months_of_funds(
        books.connection, books.funds, NOVEMBER
    )
    assert all(one.income_fen is None for one in months)
    await town.pharmacy.sell(town.someone(), some(CLASS_A))
    told = await money_reports.funds(books, NOVEMBER, as_json=False)
    assert told.status == 0 and "balanced" in told.text
    rows = [
        {"insutype": "310", "fund_pay_type": FUND, "amount": "1000.00", "source": "征缴收入",
         "reference": "银行回单1"},
        {"insutype": "310", "fund_pay_type": FUND, "amount": "-10.00", "source": "征缴收入",
         "reference": "冲减"},
        {"insutype": "310", "fund_pay_type": FUND, "amount": "5.00", "source": "subsidy",
         "reference": "银行回单2"},
        {"insutype": "310", "fund_pay_type": FUND, "amount": "7.00", "source": "期初结余",
         "reference": "期初"},
    ]  # fmt: skip
    before = await of_account(town, income_account(int(FUND)))
    await treasury.book(treasury.sent(Subject.INCOME, rows))
    assert await of_account(town, income_account(int(FUND))) == before - 99_500
    months = await money_reports.months_of_funds(
        books.connection, books.funds, NOVEMBER
    )
    [own] = [one for one in months if one.fund == FUND]
    assert (own.scheme, own.income_fen, own.opening_fen) == ("310", 99_500, 700)
    told = await money_reports.funds(books, NOVEMBER, as_json=False)
    assert "收入 income 995.00" in told.text and "balanced" in told.text
    trial = await trial_balance(town.owner, "agency")
    assert sum(r.balance.debits_fen - r.balance.credits_fen for r in trial.rows) == 0
    unknown = await treasury.propose(
        treasury.sent(Subject.INCOME, [{**rows[0], "fund_pay_type": "999998"}])
    )
    assert unknown.status == 1 and "没有此基金" in unknown.text
    assert (await town.verified()).ok


async def test_interest_of_a_year_is_computed_from_the_ledger(
    town: Town, treasury: Treasury, tmp_path: Path
) -> None:
    early = await money_interest.compute(await treasury.books(), 2026, 150, tmp_path / "no.csv")
    assert early.status == 1
    town.clock.move_to(datetime(2027, 1, 5, 9, 0))
    out = tmp_path / "interest.csv"
    said = await money_interest.compute(await treasury.books(), 2026, 150, out)
    assert said.status == 0, said.text
    lines = out.read_text().splitlines()
    total = sum(read_fen(line.split(",")[1]) for line in lines[1:])
    assert len(lines) > 1 and total > 0
    rows = [
        {"insutype": "310", "fund_pay_type": FUND, "amount": yuan_text(total),
         "source": "account_interest", "reference": "2026年利息"},
    ]  # fmt: skip
    await treasury.book(treasury.sent(Subject.INCOME, rows, month=DECEMBER))
    there = await of_account(town, MoneyAccount.INTEREST_TO_ALLOT)
    assert there == -total
    told = await money_interest.compute(await treasury.books(), 2026, 150, tmp_path / "i2.csv")
    assert "相符" in told.text
    await treasury.book(Sent(path=out, subject=Subject.ACCOUNTS, month=DECEMBER))
    assert await of_account(town, MoneyAccount.INTEREST_TO_ALLOT) == 0
    assert (await town.verified()).ok
