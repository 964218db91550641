"""Deposits of a stay (住院预交金), in the words of a hospital's cashier."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from settlement.chart import ChannelAccount, InstitutionAccount
from settlement.payments.payment import Verdict
from tests.kit.cashier import CARD, CASH, Cashier, a_cashier, owed_fen, taken_fen
from tests.kit.population import CLASS_B, DEAR, some
from tests.kit.reply import assert_done, assert_money, assert_refused
from tests.kit.scanner import leg
from tests.kit.till import OTHER_WALLET, WALLET, Play
from tests.kit.town import Town
from tests.kit.ward import StayInProgress, admit

pytestmark = pytest.mark.asyncio(loop_scope="module")

DEPOSITS, SELF = ChannelAccount.DEPOSITS, InstitutionAccount.SELF_COLLECTED


@pytest_asyncio.fixture(loop_scope="module")
async def cashier(town: Town) -> AsyncIterator[Cashier]:
    """The hospital's."""
    async with a_cashier(town) as cashier:
        yield cashier


async def a_stay(town: Town, *, boxes: int = 2) -> StayInProgress:
    """In hospital, with fees of 2000.00 a box."""
    return await admit(town.hospital, town.someone(), some(DEAR, boxes))


async def discharged(town: Town, stay: StayInProgress) -> None:
    assert_done(await town.hospital.send(stay.discharge()))


async def test_deposit_from_a_wallet_is_the_hospital_s_debt(
    town: Town, cashier: Cashier
) -> None:
    stay, before_fen = await a_stay(town), await owed_fen(town, DEPOSITS)
    reply = await cashier.deposit(cashier.deposit_order(stay.mdtrt_id, "500", pay_code=WALLET))
    assert (reply.status, reply.message) == ("settled", "预交金已收")
    assert leg(reply, "wechat") == ("500.00", "paid")
    assert await owed_fen(town, DEPOSITS) == before_fen + 50_000
    found = await cashier.deposits(stay.mdtrt_id)
    assert (found.paid, found.left) == ("500.00", "500.00")
    assert found.deposits[0].reference


async def test_what_no_text_can_keep_is_refused(town: Town, cashier: Cashier) -> None:
    """It would be kept in an event's JSON, where nobody could read it any more."""
    stay = await a_stay(town)
    for field, value in (("operator", "a\0"), ("tender", {**CARD, "rrn": "\0"})):
        order = {**cashier.deposit_order(stay.mdtrt_id, "1.00", tender=CARD), field: value}
        refused = await cashier.deposit(order)
        assert (refused.status, refused.err_code) == ("refused", "SCAN_UNREADABLE"), refused


@pytest.mark.parametrize(
    ("tender", "reference"), [(CASH, ""), (CARD, "000123456789/00000001/000007")]
)
async def test_deposit_that_the_hospital_took_itself_needs_no_code(
    town: Town, cashier: Cashier, tender: dict[str, str], reference: str
) -> None:
    stay = await a_stay(town)
    before_fen = await taken_fen(town, SELF)
    order = cashier.deposit_order(stay.mdtrt_id, "300.00", tender=tender)
    reply = await cashier.deposit(order)
    assert leg(reply, tender["kind"]) == ("300.00", "paid")
    again = await cashier.deposit(order)
    assert (again.status, again.replayed) == ("settled", True)
    assert await taken_fen(town, SELF) == before_fen + 30_000
    assert (await cashier.find(order["order_no"])).status == "settled"
    [line] = (await cashier.deposits(stay.mdtrt_id)).deposits
    assert (line.kind, line.reference) == (tender["kind"], reference)


async def test_deposit_sent_again_is_paid_once(town: Town, cashier: Cashier) -> None:
    stay = await a_stay(town)
    order = cashier.deposit_order(stay.mdtrt_id, "500", pay_code=WALLET)
    await cashier.deposit(order)
    again = await cashier.deposit({**order, "pay_code": OTHER_WALLET})
    assert (again.status, again.replayed) == ("settled", True)
    other = await cashier.deposit({**order, "amount": "501"})
    assert other.err_code == "ORDER_CONFLICT"
    assert (await cashier.deposits(stay.mdtrt_id)).paid == "500.00"


@pytest.mark.parametrize("play", [Play.LOST_AFTER, Play.LOST_BEFORE, Play.POOR])
async def test_deposit_whose_answer_is_lost_becomes_certain(
    town: Town, cashier: Cashier, play: Play
) -> None:
    stay = await a_stay(town)
    town.channels.wechat.plays.append(play)
    order = cashier.deposit_order(stay.mdtrt_id, "500", pay_code=WALLET)
    await cashier.deposit(order)
    for _ in range(14):
        await town.resolve(seconds=5)
    paid = play is Play.LOST_AFTER
    assert (await cashier.find(order["order_no"])).status == ("settled" if paid else "refused")
    assert (await cashier.deposits(stay.mdtrt_id)).paid == ("500.00" if paid else "0.00")


async def test_fees_are_charged_while_a_deposit_is_under_way_and_nothing_is_settled(
    town: Town, cashier: Cashier
) -> None:
    stay = await a_stay(town)
    town.channels.wechat.plays.append(Play.CONFIRM)
    order = cashier.deposit_order(stay.mdtrt_id, "500", pay_code=WALLET)
    assert (await cashier.deposit(order)).status == "payer_action"
    assert_done(await stay.charge(some(CLASS_B, 1)))
    await discharged(town, stay)
    assert (await stay.settle(Decimal("4010.00"))).err_code == "UNDERTAKING_OPEN"
    town.channels.wechat.confirm(next(reversed(town.channels.wechat.book.asked)))
    await town.resolve(seconds=6)
    assert (await cashier.deposits(stay.mdtrt_id)).left == "500.00"


async def test_deposit_goes_back_before_the_stay_is_settled(
    town: Town, cashier: Cashier
) -> None:
    stay = await a_stay(town)
    order = await cashier.pay_in(stay.mdtrt_id, "500", pay_code=WALLET)
    before_fen = await owed_fen(town, DEPOSITS)
    part = await cashier.refund(order["order_no"], "DR1", amount="200")
    assert (part.status, part.message) == ("refunded", "预交金已退"), part
    assert leg(part, "wechat") == ("200.00", "returned")
    assert (await cashier.refund(order["order_no"], "DR1", amount="200")).replayed is True
    too_much = await cashier.refund(order["order_no"], "DR2", amount="300.01")
    assert too_much.err_code == "REFUND_TOO_MUCH"
    assert (await cashier.refund(order["order_no"], "DR3")).status == "refunded"
    assert await owed_fen(town, DEPOSITS) == before_fen - 50_000
    found = await cashier.deposits(stay.mdtrt_id)
    assert (found.returned, found.left) == ("500.00", "0.00")
    assert [one.status for one in found.deposits[0].returns] == ["returned", "returned"]
    assert (await cashier.find(order["order_no"])).status == "refunded"


async def test_cash_deposit_is_handed_back(town: Town, cashier: Cashier) -> None:
    stay, before_fen = await a_stay(town), await taken_fen(town, SELF)
    order = await cashier.pay_in(stay.mdtrt_id, "300", tender=CASH)
    back = await cashier.refund(order["order_no"], "DR4", amount="100")
    assert back.message == "已登记，请机构退还现金100.00元"
    again = await cashier.refund(order["order_no"], "DR4", amount="100")
    assert (again.status, again.replayed) == ("refunded", True)
    assert await taken_fen(town, SELF) == before_fen + 20_000
    assert (await cashier.deposits(stay.mdtrt_id)).left == "200.00"


async def test_refund_that_the_channel_refuses_is_due(town: Town, cashier: Cashier) -> None:
    stay = await a_stay(town)
    order = await cashier.pay_in(stay.mdtrt_id, "500", pay_code=WALLET)
    town.channels.wechat.refund_verdicts.append(Verdict.FAILED)
    assert (await cashier.refund(order["order_no"], "DR5")).status == "refunding"
    [line] = (await cashier.deposits(stay.mdtrt_id)).deposits
    assert line.returns[0].status == "refund_due"


async def test_final_settlement_uses_deposits_and_the_rest_is_collected_at_the_counter(
    town: Town, cashier: Cashier
) -> None:
    stay = await a_stay(town)
    await cashier.pay_in(stay.mdtrt_id, "500", pay_code=WALLET)
    await cashier.pay_in(stay.mdtrt_id, "300", tender=CASH)
    await discharged(town, stay)
    cash_fen, owed = await taken_fen(town, SELF), await owed_fen(town, DEPOSITS)
    settled = await stay.settle(Decimal("4000.00"), account=False)
    assert_money(settled, total="4000.00", fund="2880.00", account="0.00", cash="1120.00")
    assert settled.warn_msg == "预交金抵扣800.00元，另需支付320.00元"
    assert await taken_fen(town, SELF) == cash_fen + 32_000
    assert await owed_fen(town, DEPOSITS) == owed - 80_000
    found = await cashier.deposits(stay.mdtrt_id)
    assert (found.applied, found.returned, found.left) == ("800.00", "0.00", "0.00")


async def test_what_a_settlement_leaves_over_goes_back_newest_first(
    town: Town, cashier: Cashier
) -> None:
    stay = await a_stay(town)
    await cashier.pay_in(stay.mdtrt_id, "1000", pay_code=WALLET)
    await cashier.pay_in(stay.mdtrt_id, "400", tender=CASH)
    await cashier.pay_in(stay.mdtrt_id, "600", pay_code=OTHER_WALLET)
    await discharged(town, stay)
    settled = await stay.settle(Decimal("4000.00"), account=False)
    assert settled.warn_msg == "预交金抵扣1120.00元，退还预交金880.00元"
    await town.resolve(seconds=1)
    found = await cashier.deposits(stay.mdtrt_id)
    lines = [(one.kind, one.applied, one.returned) for one in found.deposits]
    assert lines == [
        ("wechat", "1000.00", "0.00"),
        ("cash", "120.00", "280.00"),
        ("alipay", "0.00", "600.00"),
    ]
    assert [one.status for d in found.deposits for one in d.returns] == ["returned", "returned"]


async def test_cancelled_settlement_gives_the_deposits_back_to_the_stay(
    town: Town, cashier: Cashier
) -> None:
    stay = await a_stay(town)
    await cashier.pay_in(stay.mdtrt_id, "500", pay_code=WALLET)
    await discharged(town, stay)
    cash_fen, owed = await taken_fen(town, SELF), await owed_fen(town, DEPOSITS)
    settled = await stay.settle(Decimal("4000.00"), account=False)
    assert_done(await town.hospital.send(stay.cancel(settled)))
    assert await taken_fen(town, SELF) == cash_fen
    assert await owed_fen(town, DEPOSITS) == owed
    assert (await cashier.deposits(stay.mdtrt_id)).left == "500.00"
    again = await stay.settle(Decimal("4000.00"), account=False)
    assert again.warn_msg == "预交金抵扣500.00元，另需支付620.00元"


async def test_reversed_settlement_gives_the_deposits_back_to_the_stay(
    town: Town, cashier: Cashier
) -> None:
    citizen = town.someone()
    stay = await admit(town.hospital, citizen, some(DEAR, 2))
    await cashier.pay_in(stay.mdtrt_id, "500", pay_code=WALLET)
    await discharged(town, stay)
    quoted = stay.quote(Decimal("4000.00"), account=False)
    message = stay.settlement(quoted, await town.hospital.send(quoted))
    assert_done(await town.hospital.send(message))
    assert_done(await town.hospital.send(town.hospital.reversal(message, citizen)))
    assert (await cashier.deposits(stay.mdtrt_id)).left == "500.00"


async def test_segment_uses_deposits_and_leaves_the_rest_where_it_is(
    town: Town, cashier: Cashier
) -> None:
    stay = await a_stay(town)
    await cashier.pay_in(stay.mdtrt_id, "2000", pay_code=WALLET)
    await stay.settle(Decimal("4000.00"), mid_stay=True, account=False)
    found = await cashier.deposits(stay.mdtrt_id)
    assert (found.applied, found.returned, found.left) == ("1120.00", "0.00", "880.00")


async def test_nothing_is_paid_in_after_the_end(town: Town, cashier: Cashier) -> None:
    stay = await a_stay(town)
    await discharged(town, stay)
    await stay.settle(Decimal("4000.00"), account=False)
    order = cashier.deposit_order(stay.mdtrt_id, "500", pay_code=WALLET)
    assert (await cashier.deposit(order)).err_code == "STAY_SETTLED"


async def test_admission_is_not_withdrawn_while_there_are_deposits(
    town: Town, cashier: Cashier
) -> None:
    stay = await admit(town.hospital, town.someone())
    order = await cashier.pay_in(stay.mdtrt_id, "500", pay_code=WALLET)
    refused = await town.hospital.send(stay.withdrawal())
    assert_refused(refused, "STAY_HAS_DEPOSITS", field="input.data.mdtrt_id")
    await cashier.refund(order["order_no"], "DR6")
    assert_done(await town.hospital.send(stay.withdrawal()))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": "0", "tender": CASH},           "DEPOSIT_AMOUNT_WRONG"),
        ({"amount": "-1", "pay_code": WALLET},      "DEPOSIT_AMOUNT_WRONG"),
        ({"mdtrt_id": "1"},                         "VISIT_UNKNOWN"),
        ({},                                        "PAY_CODE_MISSING"),
        ({"pay_code": "999999198001010011"},        "PAY_CODE_IS_PERSON"),
        ({"amount": "1.001", "pay_code": WALLET},   "SCAN_UNREADABLE"),
    ],
)  # fmt: skip
async def test_deposit_that_cannot_be_taken_is_refused(
    town: Town, cashier: Cashier, changes: dict[str, object], code: str
) -> None:
    stay = await a_stay(town)
    reply = await cashier.deposit({**cashier.deposit_order(stay.mdtrt_id, "1"), **changes})
    assert (reply.status, reply.err_code) == ("refused", code)


async def test_visit_of_the_outpatient_department_takes_no_deposit(
    town: Town, cashier: Cashier
) -> None:
    visit = await town.hospital.open_visit(town.someone())
    order = cashier.deposit_order(visit.mdtrt_id, "1", tender=CASH)
    assert (await cashier.deposit(order)).err_code == "VISIT_IS_NO_STAY"
