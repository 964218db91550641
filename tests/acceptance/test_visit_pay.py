"""Visits and stays that are settled and paid in one call: at a window, at a kiosk, at the bedside.

2000.00 a box of the dear medicine; of an outpatient bill of three boxes the fund pays 3000.00, of a
stay with two boxes 2880.00.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from protocol.scan import ScanReply
from settlement.chart import InstitutionAccount
from settlement.payments.payment import Verdict
from tests.kit.cashier import CARD, CASH, Cashier, Order, a_cashier, taken_fen
from tests.kit.counter import Message, Visit
from tests.kit.population import CLASS_B, CLASS_C, DEAR, Citizen, some
from tests.kit.reply import assert_done, assert_refused
from tests.kit.scanner import leg, pending_fen
from tests.kit.till import OTHER_WALLET, WALLET, Play
from tests.kit.town import Town
from tests.kit.ward import StayInProgress, admit

pytestmark = pytest.mark.asyncio(loop_scope="module")

BASKET = some(DEAR, 3)
BACK_AT_ONCE = 1.0


@pytest_asyncio.fixture(loop_scope="module")
async def cashier(town: Town) -> AsyncIterator[Cashier]:
    """The hospital's."""
    async with a_cashier(town) as cashier:
        yield cashier


class Bill:
    """A visit whose bill has been quoted, and what its settlement would say."""

    def __init__(self, citizen: Citizen, visit: Visit, settlement: Message) -> None:
        self.citizen = citizen
        self.visit = visit
        self.settlement = settlement


async def a_bill(town: Town) -> Bill:
    """Registered, diagnosed, charged and quoted."""
    citizen = town.someone()
    visit = await town.hospital.open_visit(citizen, BASKET)
    quoted = visit.quote(BASKET).edited({"input.data.acct_used_flag": "0"})
    quote = await town.hospital.send(quoted)
    assert_done(quote)
    return Bill(citizen, visit, visit.settlement(quoted, quote))


async def a_discharge(town: Town, *, boxes: int = 2) -> tuple[Citizen, StayInProgress]:
    """Somebody who leaves the hospital."""
    citizen = town.someone()
    stay = await admit(town.hospital, citizen, some(DEAR, boxes))
    assert_done(await town.hospital.send(stay.discharge()))
    return citizen, stay


async def last_bill(town: Town, stay: StayInProgress, *, mid_stay: bool = False) -> Message:
    """2304 as quoted."""
    quoted = stay.quote(Decimal("4000.00"), account=False, mid_stay=mid_stay)
    return stay.settlement(quoted, await town.hospital.send(quoted))


def amounts(reply: ScanReply) -> dict[str, str]:
    """Legs of an answer by what pays."""
    return {one.kind: one.amount for one in reply.legs}


async def test_bill_is_settled_and_paid_with_a_code_at_the_window(
    town: Town, cashier: Cashier
) -> None:
    bill = await a_bill(town)
    reply = await cashier.visit(cashier.visit_order(bill.settlement, pay_code=WALLET))
    assert reply.status == "settled", reply
    assert amounts(reply) == {"fund": "3000.00", "wechat": "3000.00"}
    [row] = await town.rows_of(bill.citizen)
    assert str(row["setl_id"]) == reply.settlement_id
    assert str(row["mdtrt_id"]) == bill.visit.mdtrt_id
    again = await town.hospital.send(bill.settlement)
    assert_refused(again, "CLAIM_ALREADY_SETTLED", mentions=str(reply.settlement_id))


async def test_kiosk_is_told_what_is_left_before_it_shows_its_scanner(
    town: Town, cashier: Cashier
) -> None:
    bill = await a_bill(town)
    order = cashier.visit_order(bill.settlement, opter_type="2", terminal_id="K01")
    asked = await cashier.visit(order)
    assert (asked.status, asked.message) == ("payer_action", "还需支付3000.00元，请出示付款码")
    assert await pending_fen(town) == 0
    paid = await cashier.visit({**order, "pay_code": OTHER_WALLET})
    assert amounts(paid) == {"fund": "3000.00", "alipay": "3000.00"}
    again = await cashier.visit({**order, "pay_code": WALLET})
    assert (again.status, again.replayed) == ("settled", True)


@pytest.mark.parametrize("tender", [CASH, CARD])
async def test_counter_that_took_the_rest_itself_needs_no_code(
    town: Town, cashier: Cashier, tender: dict[str, str]
) -> None:
    bill = await a_bill(town)
    before_fen = await taken_fen(town, InstitutionAccount.SELF_COLLECTED)
    order = cashier.visit_order(bill.settlement, tender=tender)
    reply = await cashier.visit(order)
    assert amounts(reply) == {"fund": "3000.00", tender["kind"]: "3000.00"}
    assert await taken_fen(town, InstitutionAccount.SELF_COLLECTED) == before_fen + 300_000
    found = await cashier.find(order["order_no"])
    assert amounts(found) == amounts(reply)
    back = await cashier.refund(order["order_no"], f"R{order['order_no']}")
    words = "现金" if tender is CASH else "刷卡款"
    assert back.message == f"已退，请机构退还{words}3000.00元"
    assert amounts(back)[tender["kind"]] == "-3000.00"
    assert await taken_fen(town, InstitutionAccount.SELF_COLLECTED) == before_fen


async def test_registration_fee_is_a_bill_like_any_other(town: Town, cashier: Cashier) -> None:
    fee = some(CLASS_C, 1)
    visit = await town.hospital.open_visit(town.someone(), fee, batch="挂号")
    quoted = visit.quote(fee, batch="挂号").edited({"input.data.acct_used_flag": "0"})
    settlement = visit.settlement(quoted, await town.hospital.send(quoted))
    reply = await cashier.visit(cashier.visit_order(settlement, pay_code=WALLET, opter_type="2"))
    assert amounts(reply) == {"wechat": "8.00"}
    assert (await town.hospital.send(settlement)).err_code == "CLAIM_ALREADY_SETTLED"


async def test_lines_stay_as_they_are_while_the_payer_confirms(
    town: Town, cashier: Cashier
) -> None:
    bill = await a_bill(town)
    town.channels.wechat.plays.append(Play.CONFIRM)
    order = cashier.visit_order(bill.settlement, pay_code=WALLET)
    assert (await cashier.visit(order)).status == "payer_action"
    for message in (
        bill.visit.lines(some(CLASS_B, 1), first=7), bill.visit.withdrawal_of_lines("B1"),
        bill.visit.withdrawal_of_lines(), bill.settlement,
    ):  # fmt: skip
        refused = await town.hospital.send(message)
        assert (refused.err_code, refused.retry) == ("UNDERTAKING_OPEN", "later"), message.infno
    assert_done(await town.hospital.send(bill.visit.lines(some(CLASS_B, 1), batch="B2", first=7)))
    town.channels.wechat.confirm(next(reversed(town.channels.wechat.book.asked)))
    await town.resolve(seconds=6)
    assert (await cashier.find(order["order_no"])).status == "settled"
    assert_done(await bill.visit.settle(some(CLASS_B, 1), batch="B2"))


async def test_bill_that_was_not_paid_can_be_changed_and_paid_again(
    town: Town, cashier: Cashier
) -> None:
    bill = await a_bill(town)
    town.channels.wechat.plays.append(Play.POOR)
    order = cashier.visit_order(bill.settlement, pay_code=WALLET)
    assert (await cashier.visit(order)).status == "refused"
    assert_done(await town.hospital.send(bill.visit.withdrawal_of_lines("B1")))
    assert_done(await town.hospital.send(bill.visit.lines(BASKET, first=7)))
    paid = await cashier.visit(cashier.visit_order(bill.settlement, pay_code=WALLET))
    assert paid.status == "settled", paid


@pytest.mark.parametrize("play", [Play.LOST_AFTER, Play.LOST_BEFORE])
async def test_lost_answer_is_booked_or_free_within_a_minute(
    town: Town, cashier: Cashier, play: Play
) -> None:
    bill = await a_bill(town)
    town.channels.wechat.plays.append(play)
    order = cashier.visit_order(bill.settlement, pay_code=WALLET)
    assert (await cashier.visit(order)).status == "unknown"
    for _ in range(12):
        await town.resolve(seconds=5)
    paid = play is Play.LOST_AFTER
    assert (await cashier.find(order["order_no"])).status == ("settled" if paid else "refused")
    assert len(await town.rows_of(bill.citizen)) == int(paid)


async def test_paid_visit_is_taken_back_whole_by_its_order(town: Town, cashier: Cashier) -> None:
    bill = await a_bill(town)
    order = cashier.visit_order(bill.settlement, pay_code=WALLET)
    settled = await cashier.visit(order)
    data = {
        "setl_id": settled.settlement_id, "mdtrt_id": bill.visit.mdtrt_id,
        "psn_no": bill.citizen.number,
    }  # fmt: skip
    assert (await town.hospital.ask("2208", {"data": data})).err_code == "CANCEL_BY_REFUND"
    back = await cashier.refund(order["order_no"], "VR2")
    assert (back.status, leg(back, "wechat")) == ("refunded", ("3000.00", "returned"))
    assert_done(await town.hospital.send(bill.visit.withdrawal_of_lines("B1")))


async def test_some_of_a_paid_visit_comes_back_and_the_rest_is_settled_anew(
    town: Town, cashier: Cashier
) -> None:
    bill = await a_bill(town)
    order = cashier.visit_order(bill.settlement, pay_code=WALLET)
    paid = await cashier.visit(order)
    number = order["order_no"]
    unknown = await cashier.refund(number, "VL0", lines=[{"feedetl_sn": "9", "cnt": 1}])
    assert unknown.err_code == "REFUND_LINE_UNKNOWN"
    part = await cashier.refund(number, "VL1", lines=[{"feedetl_sn": "B1-001", "cnt": 1}])
    assert (part.status, leg(part, "wechat")) == ("refunded", ("1400.00", "returned")), part
    assert part.split and part.split.psn_cash_pay == "1600.00"
    again = await cashier.refund(number, "VL1", lines=[{"feedetl_sn": "B1-001", "cnt": 1}])
    assert (again.replayed, again.settlement_id) == (True, part.settlement_id)
    rows = {row["total_fen"]: row for row in await town.rows_of(bill.citizen)}
    first, rest = rows[600_000], rows[400_000]
    assert (str(first["setl_id"]), str(rest["setl_id"])) == (
        paid.settlement_id, part.settlement_id
    )  # fmt: skip
    assert rest["mdtrt_id"] == first["mdtrt_id"] and rest["service_at"] == first["service_at"]
    named = {
        "setl_id": part.settlement_id, "mdtrt_id": bill.visit.mdtrt_id,
        "psn_no": bill.citizen.number,
    }  # fmt: skip
    lines = await town.hospital.ask("5204", {"data": named})
    assert isinstance(lines.output, list)
    assert [Decimal(str(one["cnt"])) for one in lines.output] == [Decimal(2)]
    refused = await town.hospital.ask("2208", {"data": named})
    assert_refused(refused, "CANCEL_BY_REFUND", field="input.data.setl_id")
    for message in (bill.visit.withdrawal_of_lines("B1"), bill.visit.lines(some(CLASS_B, 1))):
        assert (await town.hospital.send(message)).infcode
    assert (await cashier.find(number)).status == "settled"
    whole = await cashier.refund(number, "VL2")
    assert leg(whole, "wechat") == ("1600.00", "returned")
    assert (await cashier.find(number)).status == "refunded"
    assert_done(await town.hospital.send(bill.visit.withdrawal_of_lines("B1")))
    years = await town.accumulators(bill.citizen)
    assert not any(fen for year in years.values() for fen in year.values())


async def test_some_of_a_visit_that_the_counter_took_comes_back(
    town: Town, cashier: Cashier
) -> None:
    bill = await a_bill(town)
    before_fen = await taken_fen(town, InstitutionAccount.SELF_COLLECTED)
    order = cashier.visit_order(bill.settlement, tender=CARD)
    await cashier.visit(order)
    line = {"feedetl_sn": "B1-001", "cnt": 1}
    part = await cashier.refund(order["order_no"], "VC1", lines=[line])
    assert (part.status, part.message) == ("refunded", "已退，请机构退还刷卡款1400.00元"), part
    assert amounts(part) == {"fund": "-600.00", "card_present": "-1400.00"}
    assert await taken_fen(town, InstitutionAccount.SELF_COLLECTED) == before_fen + 160_000
    found = await cashier.find(order["order_no"])
    assert amounts(found) == {"fund": "2400.00", "card_present": "1600.00"}
    assert amounts(await cashier.visit(order)) == amounts(found)
    for message in (bill.visit.withdrawal_of_lines("B1"), bill.visit.lines(some(CLASS_B, 1))):
        assert (await town.hospital.send(message)).infcode
    whole = await cashier.refund(order["order_no"], "VC2")
    assert amounts(whole) == {"fund": "-2400.00", "card_present": "-1600.00"}
    assert await taken_fen(town, InstitutionAccount.SELF_COLLECTED) == before_fen
    assert_done(await town.hospital.send(bill.visit.withdrawal_of_lines("B1")))


async def test_line_that_came_back_whole_can_be_charged_anew(town: Town, cashier: Cashier) -> None:
    citizen = town.someone()
    basket = (some(DEAR, 2), some(CLASS_C, 1))
    visit = await town.hospital.open_visit(citizen, *basket)
    quoted = visit.quote(*basket).edited({"input.data.acct_used_flag": "0"})
    settlement = visit.settlement(quoted, await town.hospital.send(quoted))
    order = cashier.visit_order(settlement, pay_code=WALLET)
    assert (await cashier.visit(order)).status == "settled"
    line = {"feedetl_sn": "B1-002", "cnt": 1}
    back = await cashier.refund(order["order_no"], "VM1", lines=[line])
    assert leg(back, "wechat") == ("8.00", "returned")
    assert_done(await town.hospital.send(visit.lines(some(CLASS_C, 1), batch="B2")))
    assert_done(await visit.settle(some(CLASS_C, 1), batch="B2"))


async def test_bedside_settlement_uses_deposits_and_collects_the_rest_with_a_code(
    town: Town, cashier: Cashier
) -> None:
    citizen, stay = await a_discharge(town)
    await cashier.pay_in(stay.mdtrt_id, "500", pay_code=WALLET)
    await cashier.pay_in(stay.mdtrt_id, "300", tender=CASH)
    order = cashier.visit_order(await last_bill(town, stay), opter_type="3")
    asked = await cashier.visit(order)
    assert asked.message == "还需支付320.00元，请出示付款码"
    assert amounts(asked) == {"fund": "2880.00", "deposit": "800.00"}
    paid = await cashier.visit({**order, "pay_code": OTHER_WALLET})
    assert amounts(paid) == {"fund": "2880.00", "deposit": "800.00", "alipay": "320.00"}
    assert (await cashier.deposits(stay.mdtrt_id)).applied == "800.00"
    again = await cashier.visit(order)
    assert (again.replayed, amounts(again)) == (True, amounts(paid))
    assert [row["infno"] for row in await town.rows_of(citizen)] == ["SCAN"]


async def test_bedside_settlement_that_deposits_cover_needs_no_code(
    town: Town, cashier: Cashier
) -> None:
    _, stay = await a_discharge(town)
    await cashier.pay_in(stay.mdtrt_id, "1500", pay_code=WALLET)
    order = cashier.visit_order(await last_bill(town, stay), opter_type="3")
    settled = await cashier.visit(order)
    assert (settled.status, amounts(settled)) == (
        "settled", {"fund": "2880.00", "deposit": "1120.00"}
    )  # fmt: skip
    await town.resolve(seconds=BACK_AT_ONCE)
    found = await cashier.deposits(stay.mdtrt_id)
    assert (found.returned, found.deposits[0].returns[0].status) == ("380.00", "returned")
    assert amounts(await cashier.find(order["order_no"])) == amounts(settled)
    back = await cashier.refund(order["order_no"], "VR6")
    assert (back.status, back.message) == ("refunded", "已退")
    assert amounts(back) == {"fund": "-2880.00", "deposit": "-1120.00"}
    assert (await cashier.deposits(stay.mdtrt_id)).left == "1120.00"


async def test_stay_keeps_its_lines_and_deposits_while_the_payer_confirms(
    town: Town, cashier: Cashier
) -> None:
    _, stay = await a_discharge(town)
    deposit = await cashier.pay_in(stay.mdtrt_id, "500", pay_code=WALLET)
    town.channels.wechat.plays.append(Play.CONFIRM)
    order = cashier.visit_order(await last_bill(town, stay), pay_code=WALLET)
    assert (await cashier.visit(order)).status == "payer_action"
    for message in (
        stay.upload(some(CLASS_B, 1)), stay.withdrawal_of_lines("1"), stay.withdrawal_of_lines(),
        stay.withdrawal_of_discharge(),
    ):  # fmt: skip
        assert (await town.hospital.send(message)).err_code == "UNDERTAKING_OPEN", message.infno
    refused = await cashier.refund(deposit["order_no"], "VR3")
    assert refused.err_code == "UNDERTAKING_OPEN"
    assert (await cashier.cancel(order["order_no"])).status == "unknown"
    await town.resolve(seconds=16)
    assert (await cashier.deposits(stay.mdtrt_id)).left == "500.00"
    assert_done(await town.hospital.send(stay.withdrawal_of_discharge()))


async def test_paid_stay_is_taken_back_insurance_first(town: Town, cashier: Cashier) -> None:
    citizen, stay = await a_discharge(town)
    await cashier.pay_in(stay.mdtrt_id, "500", pay_code=WALLET)
    order = cashier.visit_order(await last_bill(town, stay), pay_code=OTHER_WALLET)
    await cashier.visit(order)
    town.channels.alipay.refund_verdicts.append(Verdict.FAILED)
    part = await cashier.refund(order["order_no"], "VR4", lines=[{"feedetl_sn": "1", "cnt": 1}])
    assert part.err_code == "REFUND_VISIT_WHOLE"
    back = await cashier.refund(order["order_no"], "VR4")
    assert (back.status, leg(back, "alipay")) == ("refunding", ("620.00", "refund_due"))
    assert [row["kind"] for row in await town.rows_of(citizen)] == [1, 2]
    assert (await cashier.deposits(stay.mdtrt_id)).left == "500.00"
    assert_done(await town.hospital.send(stay.withdrawal_of_discharge()))


async def test_segment_is_paid_at_the_bedside_and_the_stay_goes_on(
    town: Town, cashier: Cashier
) -> None:
    stay = await admit(town.hospital, town.someone(), some(DEAR, 2))
    order = cashier.visit_order(await last_bill(town, stay, mid_stay=True), pay_code=WALLET)
    assert (await cashier.visit(order)).status == "settled"
    assert_done(await stay.charge(some(CLASS_B, 1)))
    assert_done(await town.hospital.send(stay.discharge()))
    await stay.settle(Decimal("10.00"), account=False)
    assert (await cashier.refund(order["order_no"], "VR5")).err_code == "LATER_SETTLEMENT_STANDS"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"psn_no": ""},            "FIELD_MISSING",         "input.data.psn_no"),
        ({"acct_used_flag": "2"},   "VISIT_FAMILY_ACCOUNT",  "input.data.acct_used_flag"),
        ({"chrg_bchno": "B9"},      "BATCH_UNKNOWN",         "input.data.chrg_bchno"),
        ({"medfee_sumamt": "6001"}, "TOTAL_MISMATCH",        "input.data.medfee_sumamt"),
    ],
)  # fmt: skip
async def test_what_cannot_be_settled_is_refused_before_anybody_pays(
    town: Town, cashier: Cashier, changes: Order, code: str, field: str
) -> None:
    bill = await a_bill(town)
    calls = len(town.channels.wechat.book.calls)
    edited = bill.settlement.edited({f"input.data.{name}": one for name, one in changes.items()})
    reply = await cashier.visit(cashier.visit_order(edited, pay_code=WALLET))
    assert (reply.status, reply.err_code, reply.err_field) == ("refused", code, field)
    assert len(town.channels.wechat.book.calls) == calls
