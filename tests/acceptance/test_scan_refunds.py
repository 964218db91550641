"""What comes back of a sale that was scanned (扫码退款): the settlement first, then the money."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio
from msgspec import UNSET
from msgspec.structs import replace

from settlement.payments.payment import Verdict
from tests.kit.population import CLASS_A, CLASS_C, DEAR
from tests.kit.reply import assert_refused
from tests.kit.scanner import Scanner, a_scanner, leg
from tests.kit.till import WALLET
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def scanner(town: Town) -> AsyncIterator[Scanner]:
    """The pharmacy's."""
    async with a_scanner(town) as scanner:
        yield scanner


async def test_refund_takes_back_the_settlement_and_then_the_money(
    town: Town, scanner: Scanner
) -> None:
    buyer = town.someone()
    balance_fen, years = await town.balance_fen(buyer), await town.accumulators(buyer)
    order = scanner.order(buyer, DEAR, 3, pay_code=WALLET)
    paid = await scanner.scan(order)
    assert paid.split
    back = await scanner.refund(order["order_no"], "R1")
    assert (back.status, back.refund_no) == ("refunded", "R1")
    assert leg(back, "wechat") == (paid.split.psn_cash_pay, "returned")
    assert await town.balance_fen(buyer) == balance_fen
    assert all(not any(v.values()) for v in (await town.accumulators(buyer)).values())
    assert not years
    again = await scanner.refund(order["order_no"], "R1")
    assert (again.status, again.replayed) == ("refunded", True)
    assert (await scanner.find(order["order_no"])).status == "refunded"
    more = await scanner.refund(order["order_no"], "R2")
    assert more.err_code == "REFUND_TOO_MUCH"


async def test_some_of_a_line_comes_back_and_the_rest_is_settled_anew(
    town: Town, scanner: Scanner
) -> None:
    buyer = town.someone()
    order = scanner.order(buyer, DEAR, 3, pay_code=WALLET)
    paid = await scanner.scan(order)
    back = await scanner.refund(
        order["order_no"], "R3", lines=[{"feedetl_sn": "1", "cnt": 1}]
    )
    assert back.status == "refunded", back
    assert paid.split
    assert back.split
    assert back.split.medfee_sumamt == "4000.00"
    net = Decimal(paid.split.psn_cash_pay) - Decimal(back.split.psn_cash_pay)
    assert leg(back, "wechat") == (str(net), "returned")
    rows = await town.rows_of(buyer)
    assert sorted(row["total_fen"] for row in rows) == [-600_000, 400_000, 600_000]
    left = max(rows, key=lambda row: row["setl_id"])
    named = {"psn_no": buyer.number, "setl_id": str(left["setl_id"]),
             "mdtrt_id": str(left["mdtrt_id"])}  # fmt: skip
    for infno in ("2103", "2208"):
        refused = await town.pharmacy.ask(infno, {"data": named})
        assert_refused(
            refused, "CANCEL_BY_REFUND", field="input.data.setl_id", mentions="扫码收款，"
        )
    rest = await scanner.refund(order["order_no"], "R4")
    assert leg(rest, "wechat") == (back.split.psn_cash_pay, "returned")


async def test_refund_that_the_channel_refuses_stays_due(town: Town, scanner: Scanner) -> None:
    town.channels.wechat.refund_verdicts.append(Verdict.FAILED)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    back = await scanner.refund(order["order_no"], "R5")
    assert back.status == "refunding"
    assert leg(back, "wechat")[1] == "refund_due"


@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.PAYER_ACTION])
async def test_slow_refund_is_followed_to_its_end(
    town: Town, scanner: Scanner, verdict: Verdict
) -> None:
    town.channels.wechat.refund_verdicts.append(verdict)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    assert (await scanner.refund(order["order_no"], f"R6{verdict}")).status == "refunding"
    await town.resolve(seconds=60)
    assert (await scanner.find(order["order_no"])).status == "refunded"


async def test_refund_number_that_a_channel_only_knows_already_is_queried(
    town: Town, scanner: Scanner
) -> None:
    wechat = town.channels.wechat
    wechat.refund_verdicts.extend([Verdict.UNKNOWN] * 2)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    assert (await scanner.refund(order["order_no"], "R6-known")).status == "refunding"
    await town.resolve(seconds=6)
    wechat.refund_verdicts.clear()
    assert wechat.book.calls[-1] == "query refund"
    assert (await scanner.find(order["order_no"])).status == "refunded"


async def test_plain_sale_comes_back_by_amount_as_far_as_it_goes(
    town: Town, scanner: Scanner
) -> None:
    order = scanner.order(None, CLASS_C, 3, pay_code=WALLET)
    await scanner.scan(order)
    assert (await scanner.refund(order["order_no"], "R7", amount="10.00")).status == "refunded"
    partly = await scanner.find(order["order_no"])
    assert partly.status == "settled"
    assert [one.amount for one in partly.legs] == ["24.00", "-10.00"]
    too_much = await scanner.refund(order["order_no"], "R8", amount="14.01")
    assert too_much.err_code == "REFUND_TOO_MUCH"
    by_line = await scanner.refund(
        order["order_no"], "R9", lines=[{"feedetl_sn": "1", "cnt": 1}]
    )
    assert leg(by_line, "wechat")[0] == "8.00"
    assert (await scanner.refund(order["order_no"], "R10")).status == "refunded"
    assert (await scanner.find(order["order_no"])).status == "refunded"


async def test_line_of_a_plain_sale_comes_back_once_and_to_the_fen(
    town: Town, scanner: Scanner
) -> None:
    order = scanner.order(None, CLASS_C, 2, pay_code=WALLET)
    line: dict[str, object] = order["lines"][0]  # type: ignore[index]
    order["lines"] = [{**line, "pric": "0.025"}, {**line, "feedetl_sn": "2"}]
    assert (await scanner.scan(order)).status == "settled"
    number = order["order_no"]
    one = [{"feedetl_sn": "1", "cnt": 1}]
    amounts = []
    for nth in ("A", "B"):
        back = await scanner.refund(number, f"{nth}{number}", lines=one)
        amounts.append(leg(back, "wechat")[0])
    assert amounts == ["0.03", "0.02"]
    more = await scanner.refund(number, f"C{number}", lines=one)
    assert more.err_code == "REFUND_LINE_UNKNOWN"


async def test_order_without_a_channel_is_taken_back_as_a_cancel(
    town: Town, scanner: Scanner
) -> None:
    buyer = town.someone()
    balance_fen = await town.balance_fen(buyer)
    order = scanner.order(buyer, CLASS_A, 1)
    await scanner.scan(order)
    back = await scanner.refund(order["order_no"], "R11")
    assert back.status == "refunded"
    assert await town.balance_fen(buyer) == balance_fen
    again = await scanner.refund(order["order_no"], "R11")
    assert (again.settlement_id, again.replayed) == (back.settlement_id, True)
    assert (await scanner.find(order["order_no"])).status == "refunded"
    assert (await scanner.scan(order)).status == "refunded"


async def test_some_of_a_sale_without_a_channel_comes_back(town: Town, scanner: Scanner) -> None:
    buyer = town.someone()
    order = scanner.order(buyer, DEAR, 3, tender={"kind": "cash"})
    paid = await scanner.scan(order)
    assert paid.split is not UNSET
    one = [{"feedetl_sn": "1", "cnt": 1}]
    back = await scanner.refund(order["order_no"], "RC1", lines=one)
    assert (back.status, back.refund_no) == ("refunded", "RC1"), back
    assert back.split is not UNSET
    assert back.split.medfee_sumamt == "4000.00"
    net = Decimal(back.split.psn_cash_pay) - Decimal(paid.split.psn_cash_pay)
    assert leg(back, "cash") == (str(net), "returned")
    assert f"退还现金{-net}元" in back.message
    again = await scanner.refund(order["order_no"], "RC1", lines=one)
    assert again.replayed is True
    assert (again.split, again.legs, again.message) == (back.split, back.legs, back.message)
    stands = await scanner.find(order["order_no"])
    assert (stands.status, stands.order_no) == ("settled", order["order_no"])
    assert (stands.settlement_id, stands.split) == (back.settlement_id, back.split)
    sent_again = await scanner.scan(order)
    assert sent_again == replace(stands, replayed=True)

    other = await scanner.refund(order["order_no"], "RC2", lines=one)
    assert other.split is not UNSET
    assert other.split.medfee_sumamt == "2000.00"
    rows = await town.rows_of(buyer)
    assert sorted(row["total_fen"] for row in rows) == [
        -600_000, -400_000, 200_000, 400_000, 600_000,
    ]  # fmt: skip
    more = await scanner.refund(
        order["order_no"], "RC3", lines=[{"feedetl_sn": "1", "cnt": 2}]
    )
    assert more.err_code == "REFUND_LINE_UNKNOWN"
    by_amount = await scanner.refund(order["order_no"], "RC4", amount="1.00")
    assert by_amount.err_code == "REFUND_BY_AMOUNT"
    rest = await scanner.refund(order["order_no"], "RC5")
    assert leg(rest, "account") == (f"-{other.split.acct_pay}", "returned")
    assert (await scanner.find(order["order_no"])).status == "refunded"
    gone = await scanner.refund(order["order_no"], "RC6", lines=one)
    assert gone.err_code == "REFUND_TOO_MUCH"
    assert not any(sum(row.values()) for row in (await town.accumulators(buyer)).values())


async def test_what_the_account_paid_alone_goes_back_to_it_in_part(
    town: Town, scanner: Scanner
) -> None:
    buyer = town.someone()
    before_fen = await town.balance_fen(buyer)
    order = scanner.order(buyer, CLASS_A, 2)
    paid = await scanner.scan(order)
    assert paid.status == "settled", paid
    assert paid.split is not UNSET
    assert paid.split.psn_cash_pay == "0.00"
    back = await scanner.refund(order["order_no"], "RA1", lines=[{"feedetl_sn": "1", "cnt": 1}])
    assert back.status == "refunded", back
    assert back.message == "已退"
    assert back.split is not UNSET
    left_fen = round(Decimal(back.split.acct_pay) * 100)
    assert await town.balance_fen(buyer) == before_fen - left_fen
    account = Decimal(back.split.acct_pay) - Decimal(paid.split.acct_pay)
    assert leg(back, "account") == (str(account), "returned")


async def test_bad_refunds_are_refused(town: Town, scanner: Scanner) -> None:
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    number = order["order_no"]
    refused = await scanner.refund(number, "R12", amount="1.00")
    assert refused.err_code == "REFUND_BY_AMOUNT"
    refused = await scanner.refund(number, "R12", lines=[{"feedetl_sn": "9", "cnt": 1}])
    assert refused.err_code == "REFUND_LINE_UNKNOWN"
    refused = await scanner.refund(number, "R12", lines=[{"feedetl_sn": "1", "cnt": 4}])
    assert refused.err_code == "REFUND_LINE_UNKNOWN"
    assert (await scanner.refund("NEVER", "R12")).err_code == "ORDER_UNKNOWN"
    await scanner.refund(number, "R13")
    assert (await scanner.refund(number, "R13", amount="1")).err_code == "REFUND_CONFLICT"


async def test_order_that_was_taken_back_is_found_however_it_is_asked_for(
    town: Town, scanner: Scanner
) -> None:
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    await scanner.refund(order["order_no"], f"R{order['order_no']}")
    again = await scanner.scan(order)
    assert (again.status, again.replayed) == ("refunded", True)
    assert (await scanner.cancel(order["order_no"])).err_code == "ORDER_SETTLED"


async def test_rest_that_funds_and_account_pay_alone_can_be_taken_back(
    town: Town, scanner: Scanner
) -> None:
    buyer = town.someone()
    balance_fen = await town.balance_fen(buyer)
    dear, cheap = (
        scanner.order(buyer, item, 3, pay_code=WALLET)["lines"] for item in (DEAR, CLASS_A)
    )
    order = scanner.order(buyer, DEAR, 1, pay_code=WALLET)
    order["lines"] = [*dear, *cheap]  # type: ignore[misc]
    paid = await scanner.scan(order)
    assert paid.status == "settled", paid
    number = order["order_no"]
    some = await scanner.refund(number, f"A{number}", lines=[{"feedetl_sn": "1", "cnt": 3}])
    assert some.split, some
    assert some.split.psn_cash_pay == "0.00"
    assert (await scanner.find(number)).status == "settled"
    rest = await scanner.refund(number, f"B{number}")
    assert rest.status == "refunded", rest
    assert (await scanner.find(number)).status == "refunded"
    assert await town.balance_fen(buyer) == balance_fen
