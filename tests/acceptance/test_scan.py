"""Scan-to-pay at a counter (扫码结算), in the words of a POS.

CLASS_C is paid by the buyer alone (8.00 a piece, without touching the account where acct_used_flag
is 0); of DEAR the outpatient fund pays a part.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import asyncpg
import pytest
import pytest_asyncio
from msgspec import UNSET
from msgspec.structs import replace

from protocol.scan import ScanReply
from settlement.serve.resolver import Resolver
from tests.kit.population import CLASS_A, CLASS_C, DEAR, Citizen, Kind, some
from tests.kit.reply import assert_done, assert_refused
from tests.kit.scanner import Scanner, a_scanner, leg, pending_fen
from tests.kit.till import OTHER_WALLET, WALLET, Play
from tests.kit.town import Town
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def scanner(town: Town) -> AsyncIterator[Scanner]:
    """The pharmacy's."""
    async with a_scanner(town) as scanner:
        yield scanner


def named(buyer: Citizen, reply: ScanReply) -> dict[str, object]:
    """The settlement of a scan, as the interface names it."""
    number = str(reply.settlement_id)
    return {"data": {"psn_no": buyer.number, "setl_id": number, "mdtrt_id": number}}


async def test_fund_account_and_wallet_pay_with_two_scans(town: Town, scanner: Scanner) -> None:
    reply = await scanner.scan(scanner.order(town.someone(), DEAR, 3, pay_code=WALLET))
    assert reply.status == "settled", reply
    assert reply.settlement_id
    assert reply.split
    assert sum(Decimal(one.amount) for one in reply.legs) == Decimal("6000.00")
    assert leg(reply, "wechat") == (reply.split.psn_cash_pay, "paid")
    assert town.channels.wechat.book.calls[-1] == "pay"


async def test_settlement_of_a_scan_is_a_settlement_like_any_other(
    town: Town, scanner: Scanner
) -> None:
    buyer = town.someone()
    reply = await scanner.scan(scanner.order(buyer, DEAR, 3, pay_code=WALLET))
    assert reply.split
    found = await town.pharmacy.ask("5203", named(buyer, reply))
    assert_done(found)
    assert found.money("cash_payamt") == Decimal(reply.split.psn_cash_pay)


async def test_nothing_left_to_collect_needs_no_wallet(town: Town, scanner: Scanner) -> None:
    before = len(town.channels.wechat.book.calls)
    reply = await scanner.scan(scanner.order(town.someone(), CLASS_A, 1))
    assert reply.status == "settled"
    assert len(town.channels.wechat.book.calls) == before


async def test_without_a_wallet_code_the_counter_is_told_what_is_left(
    town: Town, scanner: Scanner
) -> None:
    order = scanner.order(town.someone(), DEAR, 3)
    reply = await scanner.scan(order)
    assert reply.status == "payer_action"
    assert "请出示付款码" in reply.message
    assert reply.split
    assert await pending_fen(town) == 0
    paid = await scanner.scan({**order, "pay_code": WALLET})
    assert paid.status == "settled"


async def test_plain_sale_is_paid_by_the_wallet_alone(town: Town, scanner: Scanner) -> None:
    reply = await scanner.scan(scanner.order(None, CLASS_C, 3, pay_code=WALLET))
    assert reply.status == "settled"
    assert leg(reply, "wechat") == ("24.00", "paid")
    assert not reply.settlement_id


@pytest.mark.parametrize(("kind", "scheme"), [(Kind.EMPLOYEE, "310"), (Kind.RESIDENT, "390")])
async def test_scan_that_names_no_scheme_is_settled_under_the_region_s_first(
    town: Town, scanner: Scanner, kind: Kind, scheme: str
) -> None:
    buyer = town.someone(kind)
    order = scanner.order(buyer, DEAR, 3, pay_code=WALLET)
    del order["insutype"]
    reply = await scanner.scan(order)
    assert reply.status == "settled", reply
    found = await town.pharmacy.ask("5203", named(buyer, reply))
    assert found.output["setlinfo"]["insutype"] == scheme


async def test_order_sent_again_is_not_paid_again(town: Town, scanner: Scanner) -> None:
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    first = await scanner.scan(order)
    calls = len(town.channels.wechat.book.calls)
    again = await scanner.scan({**order, "pay_code": OTHER_WALLET})
    assert again.replayed is True
    assert (again.status, again.settlement_id) == (first.status, first.settlement_id)
    assert len(town.channels.wechat.book.calls) == calls


async def test_order_number_of_another_content_is_refused(town: Town, scanner: Scanner) -> None:
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    other = {**scanner.order(town.someone(), DEAR, 4, pay_code=WALLET)}
    refused = await scanner.scan({**order, "lines": other["lines"]})
    assert (refused.status, refused.err_code) == ("refused", "ORDER_CONFLICT")


async def test_order_number_of_another_buyer_is_refused(town: Town, scanner: Scanner) -> None:
    """A till that counts from one again must not take one buyer's receipt for another's."""
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    assert (await scanner.scan(order)).status == "settled"
    other = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    refused = await scanner.scan({**other, "order_no": order["order_no"]})
    assert (refused.status, refused.err_code) == ("refused", "ORDER_CONFLICT")
    assert refused.settlement_id is UNSET


async def test_same_things_twice_in_a_second_are_two_orders(town: Town, scanner: Scanner) -> None:
    """The order number says what is one sale; the clock stands still here."""
    buyer = town.someone()
    orders = [scanner.order(buyer, DEAR, 3, pay_code=WALLET) for _ in range(2)]
    replies = [await scanner.scan(order) for order in orders]
    assert [reply.status for reply in replies] == ["settled", "settled"], replies
    assert len({reply.settlement_id for reply in replies}) == 2


async def test_payer_confirms_and_the_resolver_books(town: Town, scanner: Scanner) -> None:
    town.channels.wechat.plays.append(Play.CONFIRM)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    waiting = await scanner.scan(order)
    assert waiting.status == "payer_action"
    assert leg(waiting, "fund")[1] == "held"
    town.channels.wechat.confirm(next(reversed(town.channels.wechat.book.asked)))
    await town.resolve(seconds=6)
    assert (await scanner.find(order["order_no"])).status == "settled"


async def test_payer_who_never_confirms_pays_nothing(town: Town, scanner: Scanner) -> None:
    buyer = town.someone()
    balance = await town.balance_fen(buyer)
    town.channels.wechat.plays.append(Play.CONFIRM)
    order = scanner.order(buyer, DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    assert await town.balance_fen(buyer) < balance
    for _ in range(14):
        await town.resolve(seconds=5)
    closed = await scanner.find(order["order_no"])
    assert closed.status == "refused"
    assert leg(closed, "wechat")[1] == "undone"
    assert await town.balance_fen(buyer) == balance


@pytest.mark.parametrize("play", [Play.LOST_AFTER, Play.LOST_BEFORE])
async def test_lost_answer_becomes_certain_within_a_minute(
    town: Town, scanner: Scanner, play: Play
) -> None:
    town.channels.wechat.plays.append(play)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    unknown = await scanner.scan(order)
    assert unknown.status == "unknown"
    for _ in range(12):
        await town.resolve(seconds=5)
    certain = await scanner.find(order["order_no"])
    assert certain.status == ("settled" if play is Play.LOST_AFTER else "refused")


async def test_errand_that_fails_on_our_side_keeps_nobody_else_waiting(
    town: Town, scanner: Scanner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Resolver, "kind", replace(Resolver.kind, at_a_time=1))
    orders = []
    for channel, code in ((town.channels.wechat, WALLET), (town.channels.alipay, OTHER_WALLET)):
        channel.plays.append(Play.LOST_AFTER)
        orders.append(scanner.order(town.someone(), DEAR, 3, pay_code=code))
        assert (await scanner.scan(orders[-1])).status == "unknown"

    async def broken(_: object) -> None:
        raise LookupError("our own fault")

    monkeypatch.setattr(town.channels.wechat, "query", broken)
    town.clock.pass_by(timedelta(seconds=6))
    connection = await asyncpg.connect(town.app_dsn)
    for _ in range(3):
        await scanner.service.resolver.look(connection)
        await scanner.service.resolver.settled()
    await connection.close()
    assert (await scanner.find(orders[1]["order_no"])).status == "settled"
    assert (await scanner.find(orders[0]["order_no"])).status == "unknown"


async def test_silent_channel_is_asked_until_it_speaks(town: Town, scanner: Scanner) -> None:
    wechat = town.channels.wechat
    wechat.plays.append(Play.LOST_AFTER)
    wechat.silent = True
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    for _ in range(20):
        await town.resolve(seconds=10)
    assert (await scanner.find(order["order_no"])).status == "unknown"
    wechat.silent = False
    await town.resolve(seconds=61)
    await town.resolve(seconds=2)
    assert (await scanner.find(order["order_no"])).status == "refused"


async def test_poor_wallet_may_be_followed_by_another(town: Town, scanner: Scanner) -> None:
    town.channels.wechat.plays.append(Play.POOR)
    order = scanner.order(
        town.someone(), DEAR, 3, pay_code=WALLET, allow_second_code=True
    )
    poor = await scanner.scan(order)
    assert poor.status == "payer_action"
    assert "余额不足" in poor.message
    paid = await scanner.scan({**order, "pay_code": OTHER_WALLET})
    assert paid.status == "settled"
    assert leg(paid, "alipay")[1] == "paid"


async def test_poor_wallet_ends_an_order_that_takes_no_second_code(
    town: Town, scanner: Scanner
) -> None:
    town.channels.wechat.plays.append(Play.POOR)
    buyer = town.someone()
    poor = await scanner.scan(scanner.order(buyer, DEAR, 3, pay_code=WALLET))
    assert poor.status == "refused"
    assert "余额不足" in poor.message
    assert await pending_fen(town) == 0
    sold = await town.pharmacy.send(town.pharmacy.sale(buyer, some(CLASS_A)))
    assert_done(sold)


async def test_wrong_amount_goes_back(town: Town, scanner: Scanner) -> None:
    town.channels.wechat.plays.append(Play.ONE_FEN_LESS)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    assert (await scanner.scan(order)).status == "unknown"
    await town.resolve(seconds=16)
    assert (await scanner.find(order["order_no"])).status == "refused"


async def test_nothing_else_is_settled_while_the_payer_stands_there(
    town: Town, scanner: Scanner
) -> None:
    buyer = town.someone()
    town.channels.wechat.plays.append(Play.CONFIRM)
    await scanner.scan(scanner.order(buyer, DEAR, 3, pay_code=WALLET))
    refused = await town.pharmacy.send(town.pharmacy.sale(buyer, some(CLASS_A)))
    field = "input.druginfo.psn_no"
    assert_refused(refused, "UNDERTAKING_OPEN", field=field, retry="later")
    other = await scanner.scan(scanner.order(buyer, DEAR, 3, pay_code=WALLET))
    assert other.err_code == "UNDERTAKING_OPEN"


async def test_cashier_gives_up_and_what_was_paid_goes_back(
    town: Town, scanner: Scanner
) -> None:
    town.channels.wechat.plays.append(Play.LOST_AFTER)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    given_up = await scanner.cancel(order["order_no"])
    assert given_up.status == "unknown"
    assert "撤销" in given_up.message
    await town.resolve(seconds=10)
    assert "undo" not in town.channels.wechat.book.calls[-1:]
    await town.resolve(seconds=6)
    assert (await scanner.find(order["order_no"])).status == "refused"


async def test_settled_order_is_not_cancelled(town: Town, scanner: Scanner) -> None:
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    refused = await scanner.cancel(order["order_no"])
    assert (scanner.status, refused.err_code) == (409, "ORDER_SETTLED")


async def test_payment_after_the_end_goes_back_by_itself(town: Town, scanner: Scanner) -> None:
    wechat = town.channels.wechat
    wechat.plays.append(Play.CONFIRM)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    number = next(reversed(wechat.book.asked))
    for _ in range(14):
        await town.resolve(seconds=5)
    assert (await scanner.find(order["order_no"])).status == "refused"
    wechat.book.dead.discard(number)
    wechat.confirm(number)  # a ghost: the channel undid it, and took it all the same
    for _ in range(2):
        said = await scanner.notify("wechat", number)
        assert said == (200, b"success", "text/plain")
    await town.resolve(seconds=1)
    assert wechat.book.calls[-1] == "refund"
    assert list(wechat.book.refunds.values())[-1] == wechat.book.paid[number]
    told = await scanner.find(order["order_no"])
    assert "自动退回" in told.message
    assert [one.status for one in told.legs if one.kind == "wechat"] == ["undone", "returned"]


async def test_money_that_is_given_back_once_is_not_given_back_twice(
    town: Town, scanner: Scanner
) -> None:
    wechat = town.channels.wechat
    wechat.undoes = False
    wechat.plays.append(Play.LOST_AFTER)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    await scanner.cancel(order["order_no"])
    for _ in range(3):
        await town.resolve(seconds=16)
    assert (await scanner.find(order["order_no"])).status == "refused"
    refunds = wechat.book.calls.count("refund")
    assert await scanner.notify("wechat", next(reversed(wechat.book.asked))) == (
        200, b"success", "text/plain",
    )  # fmt: skip
    await town.resolve(seconds=1)
    assert wechat.book.calls.count("refund") == refunds


async def test_notification_books_before_the_resolver_does(
    town: Town, scanner: Scanner
) -> None:
    wechat = town.channels.wechat
    wechat.plays.append(Play.CONFIRM)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    number = next(reversed(wechat.book.asked))
    wechat.confirm(number)
    assert await scanner.notify("wechat", "forged") == (400, b"fail", "text/plain")
    await scanner.notify("wechat", number)
    assert (await scanner.find(order["order_no"])).status == "settled"


async def test_channel_that_tells_by_itself_spares_the_counter_the_wait(
    town: Town, scanner: Scanner
) -> None:
    """A wallet that answers "taken" is asked a second later; its own word is there before."""
    wechat = town.channels.wechat
    usual = wechat.timers
    wechat.timers = replace(usual, query_after=(1.0,), payer_query_after=(1.0,))
    wechat.plays.append(Play.CONFIRM)
    asked, calls = len(wechat.book.asked), len(wechat.book.calls)
    scanning = asyncio.create_task(
        scanner.scan(scanner.order(town.someone(), DEAR, 3, pay_code=WALLET))
    )

    async def is_asked() -> bool:
        return len(wechat.book.asked) > asked

    await until(is_asked)
    wechat.timers = usual
    number = next(reversed(wechat.book.asked))
    wechat.confirm(number)
    assert await scanner.notify("wechat", number)
    reply = await scanning
    assert (reply.status, reply.replayed) == ("settled", UNSET), reply
    assert wechat.book.calls[calls:] == ["pay"]


async def test_merchant_says_nothing_of_the_orders_of_another(
    town: Town, scanner: Scanner
) -> None:
    town.channels.wechat.plays.append(Play.CONFIRM)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    number = next(reversed(town.channels.wechat.book.asked))
    assert await scanner.notify("alipay", number) == (200, b"success", "text/plain")
    assert (await scanner.find(order["order_no"])).status == "payer_action"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"pay_code": "999999198001010018"}, "PAY_CODE_UNKNOWN"),
        ({"pay_code": "999999198001010011"}, "PAY_CODE_IS_PERSON"),
        ({"pay_code": "4241234567890123456789440000"}, "PAY_CODE_IS_VOUCHER"),
        ({"pay_code": "6212345678901234567"}, "CHANNEL_NOT_OPENED"),
        ({"pay_code": "", "person_code": ""}, "SCAN_WITHOUT_CODES"),
        ({"person_code": "12"}, "PERSON_CODE_UNKNOWN"),
        ({"person_code": "999999199901019999"}, "PERSON_UNKNOWN"),
        ({"med_type": "98"}, "CODE_UNKNOWN"),
        ({"order_no": "空 格"}, "SCAN_UNREADABLE"),
        ({"nonsense": 1}, "SCAN_UNREADABLE"),
    ],
)
async def test_bad_scans_are_refused_before_any_channel_hears_of_them(
    town: Town, scanner: Scanner, changes: dict[str, object], code: str
) -> None:
    before = len(town.channels.wechat.book.calls)
    order = {**scanner.order(town.borrowed(), DEAR, 3, pay_code=WALLET), **changes}
    refused = await scanner.scan(order)
    assert (refused.status, refused.err_code) == ("refused", code), refused
    assert len(town.channels.wechat.book.calls) == before


async def test_wrong_line_is_named_by_the_scan_s_own_names(
    town: Town, scanner: Scanner
) -> None:
    order = scanner.order(town.borrowed(), DEAR, 3, pay_code=WALLET)
    order["lines"][0]["cnt"] = "1.23456"  # type: ignore[index]
    refused = await scanner.scan(order)
    assert (refused.err_code, refused.err_field) == ("AMOUNT_SCALE", "lines[0].cnt")


@pytest.mark.parametrize("value", ["NaN", "sNaN", "-Infinity", "1e999999", "9" * 40])
@pytest.mark.parametrize("field", ["cnt", "pric", "det_item_fee_sumamt"])
async def test_number_that_is_none_is_refused_where_it_stands(
    town: Town, scanner: Scanner, field: str, value: str
) -> None:
    for buyer in (None, town.borrowed()):
        order = scanner.order(buyer, CLASS_C, 1, pay_code=WALLET)
        order["lines"][0][field] = value  # type: ignore[index]
        refused = await scanner.scan(order)
        assert refused.err_code in {"AMOUNT_NOT_FINITE", "AMOUNT_TOO_LARGE"}, refused
        assert refused.err_field in {f"lines[0].{field}", "medfee_sumamt"}, refused


async def test_refusals_name_fields_as_a_scan_does(town: Town, scanner: Scanner) -> None:
    order = scanner.order(town.borrowed(), DEAR, 3, pay_code=WALLET)
    order["lines"][0]["det_item_fee_sumamt"] = "1.00"  # type: ignore[index]
    refused = await scanner.scan(order)
    assert (refused.err_code, refused.err_field) == (
        "LINE_AMOUNT_MISMATCH", "lines[0].det_item_fee_sumamt",
    )  # fmt: skip
    order = scanner.order(town.borrowed(), DEAR, 3, pay_code=WALLET)
    order["lines"][0]["cnt"] = 0  # type: ignore[index]
    refused = await scanner.scan(order)
    assert refused.err_field == "lines[0].cnt", refused


async def test_scan_settlement_is_not_cancelled_behind_the_channel(
    town: Town, scanner: Scanner
) -> None:
    buyer = town.someone()
    reply = await scanner.scan(scanner.order(buyer, DEAR, 3, pay_code=WALLET))
    cancelled = await town.pharmacy.ask("2103", named(buyer, reply))
    assert_refused(cancelled, "CANCEL_BY_REFUND", field="input.data.setl_id")


async def test_unknown_order_is_not_found(town: Town, scanner: Scanner) -> None:
    assert (await scanner.find("NEVER")).err_code == "ORDER_UNKNOWN"
    assert scanner.status == 404


async def test_cash_at_the_counter_needs_no_channel(town: Town, scanner: Scanner) -> None:
    order = scanner.order(town.someone(), DEAR, 3, tender={"kind": "cash"})
    reply = await scanner.scan(order)
    assert reply.status == "settled"
    assert leg(reply, "cash")[1] == "paid"


async def test_old_news_of_a_payment_that_was_undone_gives_nothing_back(
    town: Town, scanner: Scanner
) -> None:
    wechat = town.channels.wechat
    wechat.plays.append(Play.LOST_AFTER)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    number = next(reversed(wechat.book.asked))
    await scanner.cancel(order["order_no"])
    await town.resolve(seconds=16)
    assert (await scanner.find(order["order_no"])).status == "refused"
    refunds = len(wechat.book.refunds)
    assert await scanner.notify("wechat", number) == (200, b"success", "text/plain")
    wechat.silent = True
    assert await scanner.notify("wechat", number) == (400, b"fail", "text/plain")
    wechat.silent = False
    await town.resolve(seconds=60)
    assert len(wechat.book.refunds) == refunds


async def test_sale_of_nothing_is_refused_and_asks_no_channel(
    town: Town, scanner: Scanner
) -> None:
    calls = len(town.channels.wechat.book.calls)
    order = scanner.order(None, CLASS_C, 1, pay_code=WALLET)
    order["lines"][0]["pric"] = "0"  # type: ignore[index]
    refused = await scanner.scan(order)
    assert (refused.status, refused.err_code) == ("refused", "NOTHING_TO_COLLECT")
    for buyer in (None, town.someone()):
        order = scanner.order(buyer, CLASS_C, 1, pay_code=WALLET)
        order["lines"][0]["pric"] = "-1"  # type: ignore[index]
        assert (await scanner.scan(order)).err_code == "AMOUNT_NEGATIVE"
    order = scanner.order(town.someone(), CLASS_C, 1, pay_code=WALLET)
    order["lines"][0]["pric"] = "0"  # type: ignore[index]
    reply = await scanner.scan(order)
    assert reply.err_code != "INTERNAL", reply
    assert len(town.channels.wechat.book.calls) == calls
