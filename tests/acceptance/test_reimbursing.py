"""Manual reimbursement, from the papers at the counter to the money in a bank account, in
the words of the agency's staff (DOMAIN 29)."""

from __future__ import annotations

import asyncio
import csv
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from msgspec import structs

from settlement.bank_account import BankAccount
from settlement.books.reimbursement import Papers, State
from settlement.chart import PAYOUT_BANK, ReimbursementAccount
from settlement.claim import AccountUse
from settlement.finance import reimbursement_reports as reports
from settlement.finance.reimbursement_paying import write_orders
from settlement.finance.reimbursement_reports import Chosen
from tests.kit.payouts import assert_good, bank_row
from tests.kit.population import CLASS_A, CLASS_B, CLASS_C, DEAR, EXPIRED, Citizen, Kind, some
from tests.kit.reimbursing import ACCOUNT, LI, WU, ZHENG, ZHOU, Counter, of_claim
from tests.kit.reply import assert_done
from tests.kit.town import Town
from tests.kit.ward import admit

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def counter(town: Town) -> Counter:
    """The agency's counter in the town."""
    return Counter(town)


async def test_what_was_paid_at_the_hospital_is_owed_to_the_person_and_later_care_sees_it(
    town: Town, counter: Counter
) -> None:
    whom = town.someone()
    before = await counter.owed()
    number = await counter.accepted(counter.papers(whom, CLASS_A, CLASS_B))
    assert "不能复核记账" in (await counter.confirm(number)).text
    calculated = assert_good(await counter.calculate(number))
    assert "基金支付" in calculated.text
    assert await counter.owed() == before, "nothing is booked by calculating"
    own = await counter.confirm(number, who=ZHOU)
    assert own.status == 1 and "以外的人" in own.text
    assert_good(await counter.confirm(number))
    settled = (await counter.found(number)).now.settled
    assert settled is not None and settled.amounts.fund_fen > 0
    owed = await counter.owed()
    assert owed[0] - before[0] == settled.amounts.fund_fen
    again = await counter.confirm(number)
    assert again.status == 1 and "已复核" in again.text

    (row,) = await town.rows_of(whom)
    assert (row["infno"], row["institution"]) == ("REIMB", "REIMBURSE"), "the hospital has none"
    spent = await used(town, whom)
    assert spent > 0
    later = await town.hospital.open_visit(whom, some(CLASS_A))
    assert_done(await later.settle(some(CLASS_A)))
    assert await used(town, whom) > spent, "one year for both"


async def test_a_stay_and_the_own_account_pay_as_they_would_have_there(
    town: Town, counter: Counter
) -> None:
    whom = town.someone()
    balance_fen = await town.balance_fen(whom)
    brought = counter.papers(whom, DEAR, nights=4, account=AccountUse.OWN)
    before = await counter.owed()
    found = await counter.settled(brought)
    settled = found.now.settled
    assert settled is not None
    owed = await counter.owed()
    assert (owed[0] - before[0], owed[1] - before[1]) == (
        settled.amounts.fund_fen, settled.amounts.account_fen
    )  # fmt: skip
    assert settled.amounts.account_fen > 0
    assert await town.balance_fen(whom) == balance_fen - settled.amounts.account_fen
    total_fen = settled.amounts.total_fen + settled.cash_fen
    assert total_fen == brought.claim.total_fen

    neighbour = town.someone()
    stay = await admit(town.hospital, neighbour, some(DEAR, 4))
    assert_done(await town.hospital.send(stay.discharge()))
    live = await stay.settle(Decimal(total_fen) / 100)
    assert live.money("fund_pay_sumamt") * 100 == settled.amounts.fund_fen


async def test_the_same_bill_is_paid_once_whoever_brings_it(town: Town, counter: Counter) -> None:
    whom, other = town.someone(), town.someone()
    brought = counter.papers(whom)
    number = await counter.accepted(brought)
    twice = await counter.accept(brought)
    assert twice.status == 1 and str(number) in twice.text, twice.text
    theirs = counter.papers(other, invoice_no=brought.invoice_no)
    assert "REIMBURSEMENT_INVOICE_TAKEN" in (await counter.accept(theirs)).text
    same = [counter.papers(one, invoice_no="99887766") for one in (whom, other)]
    statuses = await asyncio.gather(*(accept_alone(town, one) for one in same))
    assert sorted(statuses) == [0, 1], "two clerks at once"
    assert_good(await counter.refuse(number))
    assert_good(await counter.accept(theirs))


async def test_what_the_institution_settled_is_not_reimbursed(
    town: Town, counter: Counter
) -> None:
    whom, basket = town.someone(), some(CLASS_A, 4)
    at = town.clock.local - timedelta(days=2)
    sold = town.pharmacy.sale(whom, basket, at=at).edited({"input.druginfo.invono": "55443322"})
    settled = await town.pharmacy.send(sold)
    assert_done(settled)
    brought = counter.papers(
        whom, days_ago=2, care_type="41", institution=town.pharmacy.code, invoice_no="55443322"
    )
    for one in (
        brought,
        of_claim(structs.replace(brought, invoice_no="1"), service_at=at),
        structs.replace(brought, invoice_no="2", settlement_no=settled.setl_id),
        structs.replace(brought, invoice_no="3"),
    ):  # the invoice, the number on the sheet, the claim itself, the same items of that day
        said = await counter.accept(one)
        assert said.status == 1 and settled.setl_id in said.text, said.text
    theirs = counter.papers(
        town.someone(), care_type="41", institution=town.pharmacy.code, invoice_no="55443322"
    )
    assert "REIMBURSEMENT_SETTLED" in (await counter.accept(theirs)).text
    other = counter.papers(
        whom, CLASS_A, CLASS_C, days_ago=2, care_type="41", institution=town.pharmacy.code,
        quantity=1,
    )  # fmt: skip
    number = await counter.accepted(of_claim(other, total_fen=other.claim.total_fen))
    assert "注意" not in assert_good(await counter.calculate(number)).text
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(settled)))
    assert_good(await counter.accept(structs.replace(brought, invoice_no="4")))


async def test_what_was_reimbursed_and_is_settled_afterwards_is_refused_or_named(
    town: Town, counter: Counter
) -> None:
    whom, at = town.someone(), town.clock.local.replace(microsecond=0) - timedelta(days=1)
    brought = counter.papers(whom, days_ago=1, care_type="41", institution=town.pharmacy.code)
    line = structs.replace(
        brought.claim.lines[0], institution_item_code=f"SHOP-{CLASS_A.item.code[:8]}"
    )
    found = await counter.settled(of_claim(brought, service_at=at, lines=(line,)))
    setl_id = found.kept.steps[-1].entry_id
    same = await town.pharmacy.sell(whom, some(CLASS_A, 4), at=at)
    assert same.err_code == "CLAIM_ALREADY_SETTLED" and str(setl_id) in same.err_msg
    invoice = {"input.druginfo.invono": brought.invoice_no}
    later = town.pharmacy.sale(whom, some(CLASS_A, 4)).edited(invoice)
    settled = await town.pharmacy.send(later)
    assert_done(settled)
    await town.list_statements()
    listed = (await reports.overview(await counter.books(), Chosen(days=31))).text
    assert f"重复：{town.pharmacy.code}" in listed and settled.setl_id in listed


async def test_a_stay_that_is_registered_or_settled_there_is_not_reimbursed(
    town: Town, counter: Counter
) -> None:
    whom = town.someone()
    stay = await admit(town.hospital, whom, some(DEAR))
    brought = counter.papers(whom, DEAR, days_ago=0, nights=2)
    assert "REIMBURSEMENT_STAY_REGISTERED" in (await counter.accept(brought)).text
    assert_done(await town.hospital.send(stay.discharge()))
    settled = await stay.settle(Decimal("2000.00"))
    assert_done(settled)
    said = await counter.accept(brought)
    assert "REIMBURSEMENT_SETTLED" in said.text and settled.setl_id in said.text


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ("unknown person", "PERSON_UNKNOWN"),
        ("another name", "IDENTITY_MISMATCH"),
        ("unknown institution", "REIMBURSEMENT_INSTITUTION_UNKNOWN"),
        ("too late", "REIMBURSEMENT_TOO_LATE"),
        ("another scheme", "SCHEME_NOT_ENROLLED"),
        ("a kind of care not covered", "CARE_TYPE_NOT_COVERED"),
        ("an item out of force", "ITEM_NOT_IN_FORCE"),
        ("nothing may pay", "NOT_ENTITLED"),
    ],
)
async def test_what_can_never_be_paid_is_refused_at_the_counter(
    town: Town, counter: Counter, change: str, code: str
) -> None:
    whom = town.someone(Kind.WAITING if change == "nothing may pay" else Kind.EMPLOYEE)
    brought = counter.papers(whom)
    match change:
        case "unknown person":
            brought = of_claim(brought, person_no="441900999999999999")
        case "another name":
            brought = structs.replace(brought, name="测试乙")
        case "unknown institution":
            brought = counter.papers(whom, institution="H44190099999")
        case "too late":
            brought = counter.papers(whom, days_ago=366)
        case "another scheme":
            brought = of_claim(brought, scheme="392")
        case "a kind of care not covered":
            brought = of_claim(brought, care_type="9999")
        case "an item out of force":
            brought = counter.papers(whom, EXPIRED)
    before = await town.owner.fetchval("select count(*) from settlement.reimbursement")
    said = await counter.accept(counter.papers(town.someone()), brought)
    assert said.status == 1 and "第 3 行" in said.text and code in said.text, said.text
    assert await town.owner.fetchval("select count(*) from settlement.reimbursement") == before


async def test_papers_are_corrected_by_new_ones_before_they_are_booked(
    town: Town, counter: Counter
) -> None:
    whom = town.someone()
    brought = counter.papers(whom)
    number = await counter.accepted(brought)
    assert_good(await counter.calculate(number))
    corrected = counter.papers(whom, CLASS_A, CLASS_B)
    assert_good(await counter.amend(number, corrected, who=WU))
    assert (await counter.confirm(number)).status == 1, "what was calculated is of the first papers"
    assert_good(await counter.calculate(number))
    assert "以外的人" in (await counter.confirm(number)).text, "Wu has entered these"
    assert_good(await counter.confirm(number, who=ZHENG))
    assert (await counter.found(number)).filed.total_fen == corrected.claim.total_fen
    assert_good(await counter.accept(brought))
    someone_elses = counter.papers(town.someone())
    open_one = await counter.accepted(counter.papers(whom, CLASS_B))
    assert (await counter.amend(open_one, someone_elses)).status == 1
    assert (await counter.amend(number, corrected)).status == 1, "booked"
    kept = await town.owner.fetchval("select count(*) from settlement.reimbursement_paper p"
                                     " where p.reimbursement_no = $1", number)
    assert kept == 2


async def test_what_changed_since_it_was_calculated_is_calculated_again(
    town: Town, counter: Counter
) -> None:
    whom = town.someone()
    brought = counter.papers(whom, DEAR, nights=3, account=AccountUse.OWN)
    number = await counter.accepted(brought)
    assert_good(await counter.calculate(number))
    earlier = counter.papers(whom, DEAR, nights=3, days_ago=20, account=AccountUse.OWN)
    await counter.settled(earlier)  # which takes what is in the account
    said = await counter.confirm(number)
    assert "REIMBURSEMENT_CHANGED" in said.text
    assert_good(await counter.calculate(number))
    assert_good(await counter.confirm(number))


async def test_it_is_taken_back_by_two_people_and_the_year_is_as_it_was(
    town: Town, counter: Counter
) -> None:
    whom = town.someone()
    before, balance_fen = await counter.owed(), await town.balance_fen(whom)
    brought = counter.papers(whom, DEAR, nights=2, account=AccountUse.OWN)
    number = (await counter.settled(brought)).filed.number
    assert await used(town, whom) > 0
    assert "尚无人提出" in (await counter.cancel(number, WU, confirm=True)).text
    assert_good(await counter.cancel(number))
    assert "以外的人" in (await counter.cancel(number, confirm=True)).text
    later = await counter.settled(counter.papers(whom))
    assert "LATER_SETTLEMENT_STANDS" in (await counter.cancel(number, WU, confirm=True)).text
    assert_good(await counter.cancel(later.filed.number))
    assert_good(await counter.cancel(later.filed.number, WU, confirm=True))
    assert_good(await counter.cancel(number, WU, confirm=True))
    assert (await used(town, whom), await town.balance_fen(whom)) == (0, balance_fen)
    assert await counter.owed() == before
    assert (await counter.cancel(number, WU, confirm=True)).status == 1
    assert_good(await counter.accept(brought))


async def test_money_that_comes_back_is_owed_again_and_paid_to_another_account(
    town: Town, counter: Counter, tmp_path: Path
) -> None:
    before, bank_before = await counter.owed(), await counter.credit(PAYOUT_BANK)
    number = (await counter.settled(counter.papers(town.someone(), DEAR, nights=1))).filed.number
    assert "尚无人提出" in (await counter.order(tmp_path, number)).text
    assert_good(await counter.propose(number))
    assert "以外的人" in (await counter.order(tmp_path, number, who=ZHENG)).text
    assert "以外的人" in (await counter.order(tmp_path, number, who=ZHOU)).text
    assert_good(await counter.order(tmp_path, number))
    (row,) = table_of(tmp_path)
    reference, fen = row["订单号"], int(row["金额"].replace(".", ""))
    assert row["账号"] == ACCOUNT.account
    assert await counter.owed() == before
    assert await counter.credit(ReimbursementAccount.UNDER_WAY) == fen
    assert "不能提出撤销" in (await counter.cancel(number)).text

    assert "下达金额为" in (await counter.bank(bank_row(reference, fen + 1, "B1"))).text
    assert "没有这个订单" in (await counter.bank(bank_row(f"{reference}1", fen, "B1"))).text
    assert "没有这个订单" in (await counter.bank(bank_row("R1", fen, "B1"))).text
    both = (bank_row(reference, fen, "B1"), bank_row(reference, fen, "B2", paid=False))
    assert_good(await counter.bank(*both))
    assert "以外的人" in (await counter.bank(*both, confirm=True)).text
    assert_good(await counter.bank(*both, who=WU, confirm=True))
    assert "未再改动" in (await counter.bank(*both, who=WU, confirm=True)).text
    assert (await counter.found(number)).now.state is State.RETURNED
    owed = await counter.owed()
    assert sum(owed) - sum(before) == fen
    assert await counter.credit(ReimbursementAccount.UNDER_WAY) == 0

    other = BankAccount(name="测试甲", account="9999000077778888", bank="测试银行")
    assert_good(await counter.account(number, other))
    assert_good(await counter.propose(number))
    assert "以外的人" in (await counter.order(tmp_path, number, who=ZHOU)).text
    assert_good(await counter.order(tmp_path / "second", number))
    await write_orders(await counter.books(), number, tmp_path / "again")
    (row,) = table_of(tmp_path / "again")
    assert (row["账号"], row["订单号"]) == (other.account, f"{reference[:-1]}2")
    assert "先前已入账 1 笔" in (
        await counter.banked(bank_row(reference, fen, "B1"), bank_row(row["订单号"], fen, "B3"))
    ).text
    assert (await counter.found(number)).now.state is State.PAID
    assert await counter.owed() == before
    assert await counter.credit(PAYOUT_BANK) - bank_before == fen
    assert "不能提出撤销" in (await counter.cancel(number)).text


async def test_all_that_is_owed_is_ordered_at_once_and_nothing_personal_is_in_the_clear(
    town: Town, counter: Counter, tmp_path: Path
) -> None:
    whom = town.someone()
    found = await counter.settled(counter.papers(whom, DEAR, nights=1))
    assert_good(await counter.propose())
    said = assert_good(await counter.order(tmp_path, who=LI))
    assert found.filed.number in {
        int(row["订单号"][1:20]) for row in table_of(tmp_path)
    }, said.text  # fmt: skip
    shown = await counter.show(found.filed.number)
    assert "***6666" in shown and ACCOUNT.account not in shown and whom.number not in shown
    listed = (await reports.overview(await counter.books(), Chosen(days=31))).text
    assert str(found.filed.number) in listed and whom.number not in listed
    kept = await town.owner.fetch("select p.payload from settlement.reimbursement_paper p")
    assert not any(ACCOUNT.account.encode() in row["payload"] for row in kept)


async def accept_alone(town: Town, brought: Papers) -> int:
    """A clerk with a connection of their own."""
    connection = await asyncpg.connect(town.owner_dsn)
    try:
        return (await Counter(town, connection).accept(brought)).status
    finally:
        await connection.close()


async def used(town: Town, whom: Citizen) -> int:
    """What the accumulators of the person come to, all together."""
    return sum(sum(year.values()) for year in (await town.accumulators(whom)).values())


def table_of(folder: Path) -> list[dict[str, str]]:
    """The rows of the only file of orders."""
    (path,) = folder.glob("reimburse-*.csv")
    with path.open(encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))
