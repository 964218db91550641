"""Medical aid is paid to the hospital in one stop and owed to the agency by its payer: from the
stay to the payer's last fen, in the words of the agency's finance staff."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec import structs

from ledger.money import yuan_text
from ledger.postgres.fold import balance
from ledger.postgres.pace import Pace
from settlement import chart
from settlement.books.fund_payers import Claims, Due, due_commitment, due_transfers
from settlement.books.money_in import Subject
from settlement.chart import EntryCode
from settlement.finance import fund_payer_reports, money_reports, month_check
from settlement.finance import payout_reports as reports
from settlement.finance.months import find
from settlement.finance.payout_stating import state
from settlement.policy.loader import parse_policies, shipped_files
from settlement.storage import fund_payers as store
from settlement.storage.bookkeeping import single
from settlement.storage.policies import load_policy_set
from settlement.storage.verify_fund_payers import wrong_balance, wrong_due
from settlement.usecases.reimburse import OFFICE
from tests.kit.aid import AID, AID_CODE, AID_FEN, aided, destitute
from tests.kit.closing import an_office
from tests.kit.importing import Cells
from tests.kit.money import Treasury
from tests.kit.payouts import ZHANG, Payouts, assert_good
from tests.kit.population import CLASS_A, DEAR, some
from tests.kit.reimbursing import Counter
from tests.kit.reply import assert_done
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def payouts(town: Town) -> Payouts:
    """The finance staff of the town."""
    return Payouts(town)


@pytest_asyncio.fixture(loop_scope="module")
async def treasury(town: Town, tmp_path: Path) -> Treasury:
    """Those who take in what comes."""
    return Treasury(town=town, directory=tmp_path)


def payer_row(amount: str, reference: str, source: str = "payer", fund: str = AID) -> Cells:
    """What a payer sends."""
    return {
        "insutype": "390", "fund_pay_type": fund, "amount": amount, "source": source,
        "reference": reference,
    }  # fmt: skip


async def debit(town: Town, account: int) -> int:
    """Debits less credits of an account."""
    found = await balance(town.owner, account)
    return found.debits_fen - found.credits_fen


async def owed(town: Town) -> int:
    """What the ledger says that the payer owes."""
    return await debit(town, chart.payer_account(AID_CODE))


async def due_of(town: Town, payouts: Payouts) -> Due:
    """What is owed for the month."""
    [due] = [one for one in await store.dues(town.owner) if one.first_on == payouts.month]
    return due


async def test_aid_of_a_month_is_owed_by_its_payer_once_the_month_is_stated(
    town: Town, payouts: Payouts, tmp_path: Path
) -> None:
    before, income = await owed(town), await debit(town, chart.income_account(AID_CODE))
    await aided(town, tmp_path)
    stay, settled = await aided(town, tmp_path)
    assert_done(await town.hospital.send(stay.cancel(settled)))
    later, third = await aided(town, tmp_path)
    assert_done(await town.pharmacy.sell(town.someone(), some(CLASS_A)))
    assert await owed(town) == before, "settlements book nothing of it"
    said = assert_good(await payouts.state())
    assert "市财政局（医疗救助资金） 应承担 610100 2880.00 元" in said.text
    assert await owed(town) == before + 2 * AID_FEN
    assert await debit(town, chart.income_account(AID_CODE)) == income - 2 * AID_FEN
    spent = await debit(town, chart.fund_account(AID_CODE))
    assert spent == -await debit(town, chart.income_account(AID_CODE)), "as the claims say"
    found = await payouts.found(town.hospital.code)
    assert found.owed.total_fen == 800_000, "the hospital is owed the whole"

    due = await due_of(town, payouts)
    claims = (await store.lines(town.owner))[AID, payouts.month]
    assert [(one.institution, one.code, one.rows, one.amount_fen) for one in claims] == [
        (town.hospital.code, EntryCode.SETTLEMENT, 3, 3 * AID_FEN),
        (town.hospital.code, EntryCode.CANCEL, 1, -AID_FEN),
    ]
    again = assert_good(await payouts.state())
    assert "先前已记应收" in again.text and await owed(town) == before + 2 * AID_FEN
    overview = await reports.overview(await payouts.books(), payouts.month, as_json=False)
    assert f"2880.00 元，记账 {due.entry_id}" in overview.text
    await town.list_statements()
    listed = await store.settlements_of(town.owner, due, town.hospital.code, 10)
    assert sum(one.amount_fen for one in listed) == 2 * AID_FEN and len(listed) == 4
    assert int(third.setl_id) in {one.setl_id for one in listed}

    payouts.next()
    assert_done(await town.hospital.send(later.cancel(third)))
    negative = assert_good(await payouts.state())
    assert "610100 -1440.00 元" in negative.text
    assert await owed(town) == before + AID_FEN, "a later cancel takes it back in its own month"
    payouts.next()


async def test_what_the_payer_sends_lessens_it_and_more_is_kept_as_a_credit(
    town: Town, payouts: Payouts, treasury: Treasury, tmp_path: Path
) -> None:
    await aided(town, tmp_path)
    assert_good(await payouts.state())
    before, bank = await owed(town), await debit(town, chart.PAYOUT_BANK)
    left = before - 100_000
    sent = treasury.sent(Subject.INCOME, [payer_row("1000.00", "拨1")])
    preview = assert_good(await treasury.preview(sent))
    told = f"尚欠 {yuan_text(before)}，本次拨入 1000.00，余 {yuan_text(left)}"
    assert told in preview.text
    await treasury.book(sent)
    assert await owed(town) == left
    assert await debit(town, chart.PAYOUT_BANK) == bank + 100_000, "where institutions are paid"
    assert "未再写入" in (await treasury.propose(sent)).text

    rows = [payer_row(yuan_text(left + 6_000), "拨2"),
            payer_row("77.00", "征1", "contribution", "390100")]  # fmt: skip
    too_much = treasury.sent(Subject.INCOME, rows)
    assert "多收 60.00 留抵下期" in assert_good(await treasury.preview(too_much)).text
    await treasury.book(too_much)
    assert await owed(town) == -6_000, "the money is in the bank: it is kept"
    shown = await fund_payer_reports.show(await payouts.books(), None, as_json=False)
    assert "多收 60.00 留抵下期" in shown.text and "拨2" in shown.text

    payouts.next()
    await aided(town, tmp_path)
    assert_good(await payouts.state())
    assert await owed(town) == AID_FEN - 6_000, "the next month uses the credit up"
    await treasury.book(treasury.sent(Subject.INCOME, [payer_row("1380.00", "拨3")]))
    assert await owed(town) == 0
    months = await money_reports.months_of_funds(town.owner, {AID_CODE: "救助"}, payouts.month)
    row = next(one for one in months if one.fund == AID)
    assert row.payer and row.income == {"payer": AID_FEN}
    assert row.expenditure_fen == AID_FEN and row.income_fen == AID_FEN
    await assert_month_and_vouchers_say_it(town, payouts, tmp_path / "vouchers.csv")
    payouts.next()


async def assert_month_and_vouchers_say_it(town: Town, payouts: Payouts, out: Path) -> None:
    """Vouchers have a kind for what is owed and one for what came; the month's list a line."""
    days = (date(2026, 1, 1), town.clock.local.date())
    assert_good(await reports.vouchers(await payouts.books(), *days, out))
    with out.open(encoding="utf-8-sig") as file:
        rows = [row for row in csv.DictReader(file) if row["凭证号"].endswith(("-083", "-084"))]
    assert {(row["摘要"], row["科目编码"], row["科目名称"]) for row in rows} == {
        ("应由付款单位承担", "1122.21.610100", "应收医疗救助基金"),
        ("应由付款单位承担", "4001.610100", "医疗救助基金收入"),
        ("付款单位拨入", "1122.21.610100", "应收医疗救助基金"),
        ("付款单位拨入", "1002.04", "基金支出户存款"),
    }
    found = await find(await an_office(town), payouts.month)
    points = await month_check.points(await an_office(town), found)
    [point] = [one for one in points if one.name == "payers"]
    assert point.holds and "应收医疗救助基金" in point.what.zh


async def test_month_that_comes_to_nothing_is_kept_and_books_nothing(
    town: Town, payouts: Payouts, tmp_path: Path
) -> None:
    before = await owed(town)
    stay, settled = await aided(town, tmp_path)
    assert_done(await town.hospital.send(stay.cancel(settled)))
    assert "610100 0.00 元" in assert_good(await payouts.state()).text
    due = await due_of(town, payouts)
    assert (due.amount_fen, due.entry_id) == (0, None) and await owed(town) == before
    assert "先前已记" in assert_good(await payouts.state()).text
    payouts.next()
    assert "610100" not in assert_good(await payouts.state()).text, "nobody claimed anything"
    payouts.next()


async def test_aid_of_a_bill_that_was_reimbursed_is_owed_too(
    town: Town, payouts: Payouts, tmp_path: Path
) -> None:
    before = await owed(town)
    counter = Counter(town)
    citizen = await destitute(town, tmp_path)
    await counter.settled(counter.papers(citizen, DEAR, nights=2, quantity=2))
    assert "610100 1440.00 元" in assert_good(await payouts.state()).text
    assert await owed(town) == before + AID_FEN
    due = await due_of(town, payouts)
    [claims] = (await store.lines(town.owner))[AID, payouts.month]
    assert (claims.institution, claims.code) == (OFFICE.code, EntryCode.REIMBURSED)
    [one] = await store.settlements_of(town.owner, due, claims.institution, 10)
    assert (one.code, one.amount_fen) == (EntryCode.REIMBURSED, AID_FEN)
    payouts.next()


async def test_other_income_is_refused_for_a_fund_that_somebody_else_owes(
    town: Town, treasury: Treasury
) -> None:
    rows = [
        payer_row("1.00", "1", "subsidy"), payer_row("2.00", "2", "payer", "390100"),
        payer_row("3.00", "3", "opening"),
    ]  # fmt: skip
    said = await treasury.preview(treasury.sent(Subject.INCOME, rows))
    assert said.status == 1 and "3 处错误" in said.text
    assert "来源只能是付款单位拨入" in said.text and "没有付款单位" in said.text
    allotted: Cells = {
        "psn_no": town.someone().number, "amount": "5.00", "source": "pool",
        "fund_pay_type": AID, "reference": "",
    }  # fmt: skip
    said = await treasury.preview(treasury.sent(Subject.ACCOUNTS, [allotted]))
    assert said.status == 1 and "不能划入个人账户" in said.text


async def test_verification_names_what_is_owed_otherwise_than_claims_say(
    town: Town, payouts: Payouts, tmp_path: Path
) -> None:
    await aided(town, tmp_path)
    assert_good(await payouts.state())
    month = payouts.month
    change = "update settlement.fund_due_line set amount_fen = amount_fen + $1 where first_on = $2"
    await town.owner.execute(change, 1, month)
    bad = (await town.verified()).first_bad
    assert bad is not None and bad.what == "what the payer of a fund owes was changed"
    await town.owner.execute(change, -1, month)
    deleted = await town.owner.fetchrow(
        "delete from settlement.fund_due where first_on = $1 returning *", month
    )
    bad = (await town.verified()).first_bad
    assert bad is not None and bad.what == "what the payer of a fund owes is missing"
    await town.owner.copy_records_to_table(
        "fund_due", schema_name="settlement", records=[tuple(deleted)]
    )
    payouts.next()


async def test_another_payer_waits_until_nothing_is_left(
    town: Town, payouts: Payouts, tmp_path: Path
) -> None:
    await aided(town, tmp_path)
    assert_good(await payouts.state())
    payouts.next()
    await aided(town, tmp_path)
    payouts.over()
    before = await owed(town)
    other = shipped_files()["441900.toml"].decode()
    for old, new in (("finance = ", "civil_affairs = "), ('"finance"', '"civil_affairs"')):
        other = other.replace(old, new)
    policies = parse_policies({**shipped_files(), "441900.toml": other.encode()})
    books = structs.replace(await payouts.books(), policies=policies)
    said = await state(books, payouts.month, ZHANG)
    assert said.status == 1 and f"余额 {yuan_text(before)} 元，结清后才能记" in said.text
    assert await owed(town) == before
    assert_good(await payouts.state())
    assert await owed(town) == before + AID_FEN, "the one that owes goes on owing"
    payouts.next()


async def test_verification_names_a_due_that_nobody_claimed(
    town: Town, payouts: Payouts, tmp_path: Path
) -> None:
    """Its rows agree with each other, and with its entry where it has one."""
    await aided(town, tmp_path)
    assert_good(await payouts.state())
    known = await due_of(town, payouts)
    payouts.next()
    nothing = structs.replace(
        known, first_on=payouts.month, last_on=payouts.month, amount_fen=0, entry_id=None
    )
    claims = [
        Claims(institution=town.hospital.code, code=code, rows=1, amount_fen=fen)
        for code, fen in ((1, 7), (2, -7))
    ]
    at = town.clock()
    assert await store.keep_due(town.owner, nothing, claims, at=at, reason="假")
    bad = (await town.verified()).first_bad
    told = f"what finance owes for fund 610100 and period {payouts.month} is not what its claims"
    assert bad is not None and bad.what == f"{told} come to"
    for table in ("fund_due", "fund_due_line"):
        await town.owner.execute(
            f"delete from settlement.{table} where first_on = $1",  # noqa: S608 - one of two
            payouts.month,
        )
    assert (await town.verified()).ok

    books = await payouts.books()
    due = structs.replace(nothing, amount_fen=7, entry_id=books.number(known.lane))
    assert due.entry_id is not None
    planted = town.owner.transaction()
    await planted.start()
    assert await store.keep_due(town.owner, due, claims[:1], at=at, reason="假")
    entry = single(
        due.lane, due.entry_id, EntryCode.FUND_PAYER_OWES, due_transfers(AID_CODE, 7),
        due_commitment(due, claims[:1]),
    )
    await books.append(due.lane, [entry])
    bad = await wrong_due(town.owner, Pace(hurried=True))
    assert bad is not None and bad.entry_id == due.entry_id
    assert await wrong_balance(town.owner) is None
    await town.owner.execute(
        "update settlement.fund_due set amount_fen = 8 where entry_id = $1", due.entry_id
    )
    bad = await wrong_balance(town.owner)
    assert bad is not None and "fund 610100" in bad.what
    await planted.rollback()


async def test_payer_of_the_demonstration_is_who_its_profile_says(town: Town) -> None:
    policies = await load_policy_set(town.owner)
    [payer] = policies.fund_payers("441900").values()
    assert (payer.fund, payer.code) == (AID, "finance")
    assert b"fund_payers" in shipped_files()["441900.toml"]
