"""Scan-to-pay at a counter (扫码结算), in the words of a POS.

CLASS_C is paid by the buyer alone (8.00 a piece, without touching the account where acct_used_flag
is 0); of DEAR the outpatient fund pays a part.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
import pytest_asyncio

from ledger.postgres.fold import balance, trial_balance
from protocol.scan import ScanReply
from settlement.chart import ChannelAccount, channel_account
from settlement.payment import Verdict
from tests.kit import population
from tests.kit.population import CLASS_A, CLASS_C, DEAR, Citizen, some
from tests.kit.reply import assert_done, assert_refused
from tests.kit.scanner import Scanner
from tests.kit.till import OTHER_WALLET, WALLET, Play
from tests.kit.town import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def scanner(town: Town) -> AsyncIterator[Scanner]:
    """The pharmacy's; whatever a test left open is brought to its end, and both books agree."""
    town.channels.wechat.plays.clear()
    yield Scanner(population.PHARMACY, town.service)
    town.channels.wechat.silent = False
    town.channels.wechat.undoes = True
    await town.resolve(seconds=300)
    assert await pending_fen(town) == 0
    for channel in (town.channels.wechat, town.channels.alipay):
        assert await clearing_fen(town, channel.name) == channel.book.balance_fen


async def pending_fen(town: Town) -> int:
    """What is held anywhere."""
    held = 0
    for owner in ("agency", population.PHARMACY.code):
        for row in (await trial_balance(town.owner, owner)).rows:
            held += row.balance.debits_pending_fen + row.balance.credits_pending_fen
    return held


async def clearing_fen(town: Town, channel: str) -> int:
    """What our books say that a channel has of the pharmacy's."""
    base = population.PHARMACY.account_base
    number = channel_account(base, ChannelAccount.CLEARING, channel)
    found = await balance(town.owner, number)
    return found.debits_fen - found.credits_fen


def named(buyer: Citizen, reply: ScanReply) -> dict[str, object]:
    """The settlement of a scan, as the interface names it."""
    number = str(reply.settlement_id)
    return {"data": {"psn_no": buyer.number, "setl_id": number, "mdtrt_id": number}}


def leg(reply: ScanReply, kind: str) -> tuple[str, str]:
    """Amount and status of a leg."""
    return next(((one.amount, one.status) for one in reply.legs if one.kind == kind), ("", ""))


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


async def given_up(town: Town, scanner: Scanner) -> str:
    """A payment whose answer was lost and that the cashier gave up; its number at the channel."""
    town.channels.wechat.plays.append(Play.LOST_AFTER)
    order = scanner.order(town.someone(), DEAR, 3, pay_code=WALLET)
    await scanner.scan(order)
    await scanner.cancel(order["order_no"])
    await town.resolve(seconds=16)
    await town.resolve(seconds=16)
    assert (await scanner.find(order["order_no"])).status == "refused"
    return next(reversed(town.channels.wechat.book.asked))


async def test_late_news_of_money_that_went_back_already_is_asked_about(
    town: Town, scanner: Scanner
) -> None:
    wechat = town.channels.wechat
    number = await given_up(town, scanner)
    assert await scanner.notify("wechat", number) == (200, b"success", "text/plain")
    await town.resolve(seconds=1)
    assert wechat.book.calls[-1] == "query"
    assert number not in wechat.book.paid


async def test_late_news_that_nobody_can_confirm_has_to_come_again(
    town: Town, scanner: Scanner
) -> None:
    wechat = town.channels.wechat
    number = await given_up(town, scanner)
    wechat.silent = True
    assert await scanner.notify("wechat", number) == (400, b"fail", "text/plain")


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


async def test_cash_at_the_counter_needs_no_channel(town: Town, scanner: Scanner) -> None:
    order = scanner.order(town.someone(), DEAR, 3, tender={"kind": "cash"})
    reply = await scanner.scan(order)
    assert reply.status == "settled"
    assert leg(reply, "cash")[1] == "paid"
