"""Settlements of the system before are brought along, and cancelled as if they had been ours."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from ledger.postgres.fold import trial_balance
from settlement.chart import (
    CARRIED_CONTRA,
    CARRIED_FORWARD,
    CARRIED_SETTLEMENTS,
    InstitutionAccount,
)
from settlement.intake.source import digest_of
from tests.kit.clerk import Clerk, added, result, row_of
from tests.kit.counter import Counter, Message
from tests.kit.importing import Cells, Office
from tests.kit.population import (
    CLASS_A,
    HOSPITAL,
    OTHER_HOSPITAL,
    PHARMACY,
    Citizen,
    newcomer,
    some,
)
from tests.kit.reply import Reply, assert_done, assert_refused, assert_same_answer
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAID = "outpatient.paid.310102"
SETL_ID = "input.data.setl_id"


@pytest_asyncio.fixture(loop_scope="module")
async def office(town: Town, tmp_path: Path) -> Office:
    """Who imports into the town."""
    return Office(town=town, directory=tmp_path)


def old(citizen: Citizen, number: str, **changes: object) -> Cells:
    """A sale of 100.00 at the pharmacy three weeks ago: 60.00 by the fund, 25.00 by the account."""
    return {
        "fixmedins_code": PHARMACY.code, "psn_no": citizen.number, "earlier_setl_id": number,
        "infno": "2102", "setl_time": "2026-11-02 09:30:00", "insutype": "310", "psn_type": "11",
        "med_type": "41", "medfee_sumamt": "100.00", "preselfpay_amt": "8.00",
        "funds": "310102:60.00", "acct_pay": "25.00", "accumulators": f"{PAID}:60.00",
        "source": "旧系统结算", **changes,
    }  # fmt: skip


async def accumulated(office: Office, *citizens: Citizen, year: int = 2026) -> None:
    """The persons bring along what they accumulated: more than one old settlement added."""
    rows = [
        {"psn_no": one.number, "year": year, "accumulators": f"{PAID}:500.00", "source": "旧系统"}
        for one in citizens
    ]
    done = await office.carry("openings", rows)
    assert done.booked, done.further


async def brought(office: Office, *rows: Cells) -> list[str]:
    """The rows are brought along; what they are called here."""
    done = await office.carry("settlements", rows)
    assert done.booked and done.counts.new == len(rows), (done.further, done.faults)
    numbers = []
    for row in rows:
        numbers.append(
            await office.town.owner.fetchval(
                "select o.setl_id from settlement.opening_settlement o where o.earlier_no = $1",
                row["earlier_setl_id"],
            )
        )
    return list(map(str, numbers))


def cancel(counter: Counter, infno: str, citizen: Citizen, number: str) -> Message:
    """2103, 2208 or 2305 of what was brought along."""
    data = {"setl_id": number, "mdtrt_id": number, "psn_no": citizen.number}
    return counter.message(infno, {"data": data})


async def booked(town: Town, owner: str) -> dict[int, int]:
    """Debits less credits of every account of an owner."""
    rows = (await trial_balance(town.owner, owner)).rows
    return {row.account: row.balance.debits_fen - row.balance.credits_fen for row in rows}


async def cancelled_today(town: Town, reply: Reply, counter: Counter, clearing: str) -> None:
    """The negative is in the statement of its day, and the old settlement in none."""
    day = reply.text("setl_time")[:10]
    clerk = Clerk(counter, begin=day, end=day, clearing_type=clearing)
    assert result(await counter.send(clerk.totals(added([reply]))))[0] == "0"
    [row] = await clerk.compare([row_of(reply)], added([reply]))
    assert row[4] == "0"
    before = Clerk(counter, begin="2026-11-02", end="2026-11-02", clearing_type=clearing)
    assert result(await counter.send(before.totals(added([]))))[0] == "0"


def a_day_later(town: Town) -> None:
    """A day on which nobody has settled yet."""
    town.clock.pass_by(timedelta(days=1))


async def test_old_sale_is_cancelled_to_the_fen(town: Town, office: Office) -> None:
    a_day_later(town)
    citizen = town.someone()
    await accumulated(office, citizen)
    balance = await town.balance_fen(citizen)
    before = await booked(town, "agency")
    [number] = await brought(office, old(citizen, "S-1"))
    carried = await booked(town, "agency")
    note = carried[CARRIED_SETTLEMENTS] - before.get(CARRIED_SETTLEMENTS, 0)
    assert note == 10_000 and carried[CARRIED_CONTRA] == -carried[CARRIED_SETTLEMENTS]
    noted = {CARRIED_SETTLEMENTS, CARRIED_CONTRA}
    assert {key for key in carried if carried[key] != before.get(key, 0)} == noted
    assert await town.balance_fen(citizen) == balance
    message = cancel(town.pharmacy, "2103", citizen, number)
    undone = await town.pharmacy.send(message)
    assert_done(undone)
    told = {
        name: undone.money(name)
        for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay")
    }
    assert list(told.values()) == [Decimal(x) for x in ("-100", "-60", "-25", "-15")]
    assert await town.balance_fen(citizen) == balance + 2_500
    assert (await town.accumulators(citizen))["2026"][PAID] == 50_000 - 6_000
    after = await booked(town, "agency")
    base = PHARMACY.account_base
    for offset, fen in ((InstitutionAccount.PAYABLE_FUNDS, 6_000),
                        (InstitutionAccount.PAYABLE_ACCOUNTS, 2_500)):  # fmt: skip
        assert after[base + offset] - carried.get(base + offset, 0) == fen
    await cancelled_today(town, undone, town.pharmacy, "41")
    assert_same_answer(undone, await town.pharmacy.send(message))
    again = await town.pharmacy.send(cancel(town.pharmacy, "2103", citizen, number))
    assert_refused(again, "ALREADY_CANCELLED", field=SETL_ID, mentions=undone.setl_id)
    assert (await town.verified()).ok


async def test_old_visit_and_old_stay_are_cancelled_too(town: Town, office: Office) -> None:
    a_day_later(town)
    visitor, patient = town.people(2)
    await accumulated(office, visitor, patient)
    visited, stayed = await brought(
        office,
        old(visitor, "S-2", fixmedins_code=HOSPITAL.code, infno="2207", med_type="11"),
        old(patient, "S-3", fixmedins_code=HOSPITAL.code, infno="2304", med_type="21",
            begntime="2026-10-20 08:00:00", act_pay_dedc="5.00"),
    )  # fmt: skip
    wrong = await town.hospital.send(cancel(town.hospital, "2305", visitor, visited))
    assert_refused(wrong, "CARE_TYPE_MISMATCH", field=SETL_ID)
    first = await town.hospital.send(cancel(town.hospital, "2208", visitor, visited))
    await cancelled_today(town, first, town.hospital, "11")
    second = await town.hospital.send(cancel(town.hospital, "2305", patient, stayed))
    await cancelled_today(town, second, town.hospital, "21")
    assert second.money("act_pay_dedc") == Decimal("-5.00")
    other = await town.other_hospital.send(cancel(town.other_hospital, "2305", patient, stayed))
    assert_refused(other, "SETTLEMENT_OF_OTHER_INSTITUTION", field=SETL_ID)


async def test_it_is_shown_without_its_lines(town: Town, office: Office) -> None:
    citizen = town.someone()
    await accumulated(office, citizen)
    [number] = await brought(office, old(citizen, "S-10", invono="F0001"))
    data = {"psn_no": citizen.number, "setl_id": number, "mdtrt_id": number}
    shown = await town.pharmacy.ask("5203", {"data": data})
    assert_done(shown)
    assert (shown.money("fund_pay_sumamt"), shown.text("invono")) == (Decimal("60"), "F0001")
    assert [row["fund_pay_type"] for row in shown.rows("setldetail")] == ["310102", "310200"]
    lines = await town.pharmacy.ask("5204", {"data": data})
    assert lines.output == []
    explained = await town.service.explanation(number, town.pharmacy.caller)
    assert explained is not None
    told = json.loads(explained)
    assert (told["recomputed"], told["funds"], told["steps"]) == ("not_kept", "60.00", [])


async def test_message_that_made_it_neither_acts_again_nor_is_reversed(
    town: Town, office: Office
) -> None:
    citizen = town.someone()
    await accumulated(office, citizen)
    sale = town.pharmacy.sale(citizen, some(CLASS_A))
    row = old(citizen, "S-4", medins_setl_id=sale.msgid)
    [number] = await brought(office, row)
    resent = await town.pharmacy.send(sale)
    assert_refused(resent, "CLAIM_ALREADY_SETTLED", field="msgid", mentions=number)
    reversed_ = await town.pharmacy.send(town.pharmacy.reversal(sale, citizen))
    assert_refused(reversed_, "REVERSAL_OF_CARRIED", field="input.data.omsgid", mentions=number)
    found = await town.pharmacy.visits(citizen, msgid=sale.msgid)
    assert [one["setl_id"] for one in found.rows("mdtrtinfo")] == [number]


async def test_what_was_settled_here_goes_first(town: Town, office: Office) -> None:
    citizen = town.someone()
    await accumulated(office, citizen)
    earlier, later = await brought(
        office,
        old(citizen, "S-5", setl_time="2026-11-03 10:00:00"),
        old(citizen, "S-6", setl_time="2026-11-02 10:00:00"),
    )
    newest, oldest = earlier, later
    sold = await town.pharmacy.sell(citizen, some(CLASS_A))
    assert_done(sold)
    for number, in_the_way in ((newest, sold.setl_id), (oldest, sold.setl_id)):
        refused = await town.pharmacy.send(cancel(town.pharmacy, "2103", citizen, number))
        assert_refused(refused, "LATER_SETTLEMENT_STANDS", field=SETL_ID, mentions=in_the_way)
    assert_done(await town.pharmacy.send(town.pharmacy.cancel(sold)))
    refused = await town.pharmacy.send(cancel(town.pharmacy, "2103", citizen, oldest))
    assert_refused(refused, "LATER_SETTLEMENT_STANDS", field=SETL_ID, mentions=newest)
    for number in (newest, oldest):
        assert_done(await town.pharmacy.send(cancel(town.pharmacy, "2103", citizen, number)))
    assert (await town.accumulators(citizen))["2026"][PAID] == 50_000 - 12_000


async def test_window_is_counted_from_its_own_day(town: Town, office: Office) -> None:
    citizen = town.someone()
    await accumulated(office, citizen, year=2025)
    [number] = await brought(office, old(citizen, "S-7", setl_time="2025-12-30 10:00:00"))
    refused = await town.pharmacy.send(cancel(town.pharmacy, "2103", citizen, number))
    assert_refused(refused, "CANCEL_WINDOW_PASSED", field=SETL_ID, mentions="2025-12-30")


async def test_rows_that_do_not_fit_are_told(town: Town, office: Office) -> None:
    fits, empty, here = town.people(3)
    await accumulated(office, fits, here)
    assert_done(await town.pharmacy.sell(here, some(CLASS_A)))
    tomorrow = f"{town.clock.local + timedelta(days=1):%Y-%m-%d %H:%M:%S}"
    rows = [
        old(fits, "F-1"),
        old(fits, "F-2", fixmedins_code="H99999999999"),
        old(newcomer(97), "F-3"),
        old(empty, "F-4"),
        old(here, "F-5"),
        old(fits, "F-6", insutype="340"),
        old(fits, "F-7", med_type="53"),
        old(fits, "F-8", funds="999999:1.00"),
        old(fits, "F-9", funds="310200:1.00"),
        old(fits, "F-10", setl_time=tomorrow),
        old(fits, "F-11", acct_pay="99.00"),
        old(fits, "F-12", infno="2601"),
        old(fits, "F-13", medfee_sumamt="0"),
        old(fits, "F-1"),
        old(fits, "F-15", fulamt_ownpay_amt="95.00"),
    ]
    told = await office.bring("settlements", rows)
    assert not told.written
    assert {(fault.row, fault.column) for fault in told.faults} == {
        (3, "fixmedins_code"), (4, "psn_no"), (5, "accumulators"), (6, "psn_no"), (7, "insutype"),
        (8, "med_type"), (9, "funds"), (10, "funds"), (11, "setl_time"), (12, "medfee_sumamt"),
        (13, "infno"), (14, "medfee_sumamt"), (15, "earlier_setl_id"), (16, "medfee_sumamt"),
    }  # fmt: skip


async def test_file_is_brought_along_once_by_two_people_and_tells_the_numbers(
    town: Town, office: Office
) -> None:
    citizen = town.someone()
    await accumulated(office, citizen)
    row = old(citizen, "S-8", fixmedins_code=OTHER_HOSPITAL.code, infno="2207", med_type="11")
    proposed = await office.bring("settlements", [row], actor="测试经办甲")
    assert proposed.written and not proposed.booked and "100.00" in proposed.further
    assert await town.rows_of(citizen) == []
    [number] = await brought(office, row)
    issued = office.directory / "numbers.csv"
    digest = digest_of(office.directory / "settlements.csv")
    again = await office.bring(
        "settlements", [row], actor="测试经办乙", confirms=digest, issue_to=issued
    )
    assert (again.counts.new, again.counts.unchanged) == (0, 1)
    assert issued.read_text().splitlines()[1].split(",") == [
        OTHER_HOSPITAL.code, "S-8", citizen.number, number,
    ]  # fmt: skip
    changed = await office.bring("settlements", [{**row, "acct_pay": "24.00"}])
    assert [(f.row, f.column) for f in changed.faults] == [(2, "earlier_setl_id")]


async def test_verify_sees_what_was_touched(town: Town, office: Office) -> None:
    citizen = town.someone()
    await accumulated(office, citizen)
    [number] = await brought(office, old(citizen, "S-9"))
    for change, back, what in (
        ("update settlement.settlement set cash_fen = cash_fen - 1, account_fen = account_fen + 1"
         " where setl_id = $1",
         "update settlement.settlement set cash_fen = cash_fen + 1, account_fen = account_fen - 1"
         " where setl_id = $1", "old settlement was changed"),
        ("update settlement.opening_settlement set psn_no = psn_no || 'X' where setl_id = $1",
         "update settlement.opening_settlement set psn_no = rtrim(psn_no, 'X')"
         " where setl_id = $1", "old settlement was changed"),
    ):  # fmt: skip
        await town.owner.execute(change, int(number))
        report = await town.verified()
        assert report.first_bad is not None and report.first_bad.what == what
        await town.owner.execute(back, int(number))
    assert (await town.verified()).ok


async def test_institution_that_owes_stands_on_the_other_side(town: Town, office: Office) -> None:
    base = OTHER_HOSPITAL.account_base
    before = await booked(town, "agency")
    rows = [
        {"fixmedins_code": OTHER_HOSPITAL.code, "funds": "-300.00", "accounts": "20.00",
         "source": "旧系统应收"},
    ]  # fmt: skip
    done = await office.carry("payables", rows)
    assert done.booked and "owed by 1 institutions  300.00" in done.further
    agency = await booked(town, "agency")
    hospital = await booked(town, OTHER_HOSPITAL.code)
    assert agency[base + InstitutionAccount.PAYABLE_FUNDS] == 30_000
    assert agency[base + InstitutionAccount.PAYABLE_ACCOUNTS] == -2_000
    assert agency[CARRIED_FORWARD] - before.get(CARRIED_FORWARD, 0) == -28_000
    assert hospital[base + InstitutionAccount.RECEIVABLE_FUNDS] == -30_000
    assert hospital[base + InstitutionAccount.CARRIED_FORWARD] == 28_000
    basket = [some(CLASS_A, 2)]
    visit = await town.other_hospital.open_visit(town.someone(), *basket)
    settled = await visit.settle(*basket)
    earned = int(settled.money("fund_pay_sumamt") * 100)
    agency = await booked(town, "agency")
    assert agency[base + InstitutionAccount.PAYABLE_FUNDS] == 30_000 - earned
    again = await office.bring("payables", rows)
    assert (again.counts.new, again.counts.unchanged) == (0, 1)
    assert (await town.verified()).ok
