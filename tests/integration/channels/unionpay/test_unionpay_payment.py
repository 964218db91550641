"""Paying at a simulated UnionPay: what each payer's code comes to, and who says so."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from loadtest.simulators.channel_faults import Fault, Operation, Rule
from loadtest.simulators.payer_codes import Behaviour
from protocol.unionpay.times import parse_short_time
from settlement.payments.payment import Advice, Verdict
from tests.kit.unionpay import MONDAY_NOON, Desk, KeyRing, a_desk, key_of


async def test_accepted_payment_is_known_by_its_notification(desk: Desk) -> None:
    order = desk.order("ok")
    taken = await desk.channel.pay(order)
    assert (taken.verdict, taken.code) == (Verdict.UNKNOWN, "00")
    await desk.pass_by()
    [told] = desk.receiver.taken
    assert (told.merchant_no, told.order_no, told.refund_no) == (
        desk.channel.merchant_no, order.order_no, "",
    )  # fmt: skip
    outcome = told.outcome
    assert outcome.verdict is Verdict.SUCCESS
    assert (outcome.amount_fen, outcome.settled_fen, outcome.payer) == (4212, 4212, "0001")
    assert len(outcome.reference) == 21 and outcome.finished_at == MONDAY_NOON
    assert desk.totals() == {"paid_count": 1, "paid_fen": 4212, "net_fen": 4212}


async def test_accepted_payment_is_known_by_a_query(desk: Desk) -> None:
    order = desk.order("ok", notified=False)
    await desk.channel.pay(order)
    found = await desk.channel.query(key_of(order))
    assert (found.verdict, found.code, found.amount_fen) == (Verdict.SUCCESS, "00", 4212)
    assert found.reference == desk.sim.book.entries[0].reference
    await desk.pass_by(1000)
    assert not desk.receiver.taken, "nobody asked for a notification"


async def test_00_may_be_final_by_contract(unionpay_ring: KeyRing, tmp_path: Path) -> None:
    settings: dict[str, object] = {"pay_accepted_is_final": True}
    async with a_desk(unionpay_ring, tmp_path, settings=settings) as desk:
        paid = await desk.channel.pay(desk.order("ok"))
        assert (paid.verdict, paid.settled_fen) == (Verdict.SUCCESS, 4212)


async def test_slow_payer_is_waited_for(desk: Desk) -> None:
    order = desk.order("slow")
    assert (await desk.channel.pay(order)).verdict is Verdict.UNKNOWN
    waiting = await desk.channel.query(key_of(order))
    assert (waiting.verdict, waiting.code) == (Verdict.UNKNOWN, "05")
    await desk.pass_by(9)
    assert (await desk.channel.query(key_of(order))).verdict is Verdict.UNKNOWN
    await desk.pass_by(1)
    assert (await desk.channel.query(key_of(order))).verdict is Verdict.SUCCESS
    assert [told.order_no for told in desk.receiver.taken] == [order.order_no]


@pytest.mark.parametrize(
    ("code", "said", "advice"),
    [
        ("not_enough", "64", Advice.OTHER_FUNDING),
        ("expired", "44", Advice.RESCAN),
        ("risk", "38", Advice.SHOW_TEXT),
        ("6299999999999999999", "44", Advice.RESCAN),
    ],
)
async def test_refused_payment_moves_nothing(
    desk: Desk, code: str, said: str, advice: Advice
) -> None:
    order = desk.order(code)
    refused = await desk.channel.pay(order)
    assert (refused.verdict, refused.code, refused.advice) == (Verdict.FAILED, said, advice)
    assert (await desk.channel.query(key_of(order))).verdict is Verdict.FAILED
    await desk.pass_by(1000)
    assert desk.totals() == {} and not desk.receiver.taken


@pytest.mark.parametrize(
    ("code", "verdict", "net_fen"),
    [("unknown_paid", Verdict.SUCCESS, 4212), ("unknown_unpaid", Verdict.FAILED, 0)],
)
async def test_unsure_answer_is_cleared_up_by_queries(
    desk: Desk, code: str, verdict: Verdict, net_fen: int
) -> None:
    order = desk.order(code)
    taken = await desk.channel.pay(order)
    assert taken.verdict is Verdict.UNKNOWN and taken.code in ("03", "04", "05")
    assert (await desk.channel.query(key_of(order))).verdict is Verdict.UNKNOWN
    await desk.pass_by(10)
    assert (await desk.channel.query(key_of(order))).verdict is verdict
    assert desk.totals().get("net_fen", 0) == net_fen


async def test_test_codes_may_be_used_any_number_of_times(desk: Desk) -> None:
    outcomes = {"paid": 0, "unpaid": 0}
    said = set()
    for _ in range(40):
        order = desk.order("unknown", notified=False)
        said.add((await desk.channel.pay(order)).code)
        await desk.pass_by(10)
        found = await desk.channel.query(key_of(order))
        outcomes["paid" if found.verdict is Verdict.SUCCESS else "unpaid"] += 1
    assert said == {"03", "04", "05"} and min(outcomes.values()) > 5
    assert desk.totals()["paid_count"] == outcomes["paid"]


async def test_lost_answer_leaves_a_payment_that_a_query_finds(desk: Desk) -> None:
    order = desk.order("lost_answer")
    lost = await desk.channel.pay(order)
    assert (lost.verdict, lost.code) == (Verdict.UNKNOWN, "LOST")
    assert (await desk.channel.query(key_of(order))).verdict is Verdict.SUCCESS


async def test_ordinary_code_pays_once(desk: Desk) -> None:
    code = desk.sim.codes.make(Behaviour.OK, at=desk.clock(), serial=1)
    assert (await desk.channel.pay(desk.order(code))).code == "00"
    again = await desk.channel.pay(desk.order(code))
    assert (again.verdict, again.advice) == (Verdict.FAILED, Advice.RESCAN)


async def test_same_order_sent_again_pays_once(desk: Desk) -> None:
    order = desk.order("ok", notified=False)
    await desk.channel.pay(order)
    again = await desk.channel.pay(order)
    assert (again.verdict, again.code) == (Verdict.UNKNOWN, "12")
    assert (await desk.channel.query(key_of(order))).verdict is Verdict.SUCCESS
    assert desk.totals()["paid_count"] == 1


@pytest.mark.parametrize(
    ("fault", "code", "is_paid"),
    [
        (Fault.LOST_BEFORE, "LOST", False),
        (Fault.LOST_AFTER, "LOST", True),
        (Fault.RESET, "LOST", True),
        (Fault.HTML_BEFORE, "HTTP_502", False),
        (Fault.HTML_AFTER, "HTTP_502", True),
        (Fault.BUSY, "06", False),
        (Fault.BUSY_AFTER, "06", True),
        (Fault.RATE_LIMITED, "37", False),
        (Fault.MAINTENANCE, "02", False),
        (Fault.NOT_JSON, "SIGNATURE_WRONG", True),
        (Fault.WRONG_SIGNATURE, "SIGNATURE_WRONG", True),
        (Fault.NO_SIGNATURE, "SIGNATURE_WRONG", True),
    ],
)
async def test_broken_answer_is_unknown_and_a_query_tells(
    desk: Desk, fault: Fault, code: str, is_paid: bool
) -> None:
    desk.sim.faults.add(Rule(fault=fault, operation=Operation.PAY))
    order = desk.order("ok", notified=False)
    broken = await desk.channel.pay(order)
    assert (broken.verdict, broken.code) == (Verdict.UNKNOWN, code)
    found = await desk.channel.query(key_of(order))
    assert found.verdict is (Verdict.SUCCESS if is_paid else Verdict.UNKNOWN)
    assert found.code == ("00" if is_paid else "34")
    assert bool(desk.totals()) is is_paid


@pytest.mark.parametrize("fault", [Fault.ANSWERS_LATE, Fault.DRIP])
async def test_slow_answer_is_not_waited_for(
    unionpay_ring: KeyRing, tmp_path: Path, fault: Fault
) -> None:
    settings: dict[str, object] = {"answer_seconds": 0.5, "connect_seconds": 0.5}
    async with a_desk(unionpay_ring, tmp_path, settings=settings) as desk:
        desk.sim.faults.add(Rule(fault=fault, operation=Operation.PAY))
        order = desk.order("ok")
        late = await desk.channel.pay(order)
        assert (late.verdict, late.code) == (Verdict.UNKNOWN, "LOST")
        assert (await desk.channel.query(key_of(order))).verdict is Verdict.SUCCESS


async def test_nobody_there_is_unknown_and_says_that_nothing_was_sent(
    unionpay_ring: KeyRing, tmp_path: Path
) -> None:
    settings: dict[str, object] = {"base_url": "http://127.0.0.1:9"}
    async with a_desk(unionpay_ring, tmp_path, settings=settings) as desk:
        outcome = await desk.channel.pay(desk.order("ok"))
        assert (outcome.verdict, outcome.code) == (Verdict.UNKNOWN, "NOT_SENT")


@pytest.mark.parametrize("operation", [Operation.QUERY])
@pytest.mark.parametrize(
    "fault",
    [Fault.LOST_AFTER, Fault.HTML_AFTER, Fault.BUSY, Fault.WRONG_SIGNATURE, Fault.NOT_JSON],
)
async def test_broken_query_says_nothing_about_the_payment(
    desk: Desk, operation: Operation, fault: Fault
) -> None:
    order = desk.order("not_enough")
    await desk.channel.pay(order)
    desk.sim.faults.add(Rule(fault=fault, operation=operation))
    assert (await desk.channel.query(key_of(order))).verdict is Verdict.UNKNOWN
    assert (await desk.channel.query(key_of(order))).verdict is Verdict.FAILED


async def test_one_fen_less_is_told_as_it_is_said(desk: Desk) -> None:
    """Whoever books compares; the adapter does not hide it."""
    order = desk.order("ok", notified=False)
    await desk.channel.pay(order)
    desk.sim.faults.add(Rule(fault=Fault.ONE_FEN_OFF, operation=Operation.QUERY))
    found = await desk.channel.query(key_of(order))
    assert (found.amount_fen, found.settled_fen) == (4211, 4211)


@pytest.mark.parametrize(
    ("order_no", "amount_fen", "code", "said"),
    [
        ("TEST-1234567", 1, "ok", "ORDER_NO"),
        ("TEST123", 1, "ok", "ORDER_NO"),
        ("T" * 33, 1, "ok", "ORDER_NO"),
        ("TEST12345678", 0, "ok", "AMOUNT"),
        ("TEST12345678", 10**12, "ok", "AMOUNT"),
        ("TEST12345678", 1, "6" * 21, "NOT_A_QR_CODE"),
        ("TEST12345678", 1, "opc", "NOT_A_QR_CODE"),
    ],
)
async def test_what_the_interface_cannot_carry_is_not_sent(
    desk: Desk, order_no: str, amount_fen: int, code: str, said: str
) -> None:
    made = desk.order(code, amount_fen=amount_fen)
    order = msgspec.structs.replace(made, order_no=order_no)
    refused = await desk.channel.pay(order)
    assert (refused.verdict, refused.code, refused.exchange) == (Verdict.FAILED, said, None)
    assert desk.totals() == {}


@pytest.mark.parametrize(
    ("own", "sent"), [("POS00001", "POS00001"), ("till 1", "TERM0001"), ("", "TERM0001")]
)
async def test_terminal_is_the_counters_own_or_the_merchants(
    unionpay_ring: KeyRing, tmp_path: Path, own: str, sent: str
) -> None:
    settings: dict[str, object] = {"terminal_id": "TERM0001"}
    async with a_desk(unionpay_ring, tmp_path, settings=settings) as desk:
        await desk.channel.pay(msgspec.structs.replace(desk.order("ok"), terminal_id=own))
        assert desk.sim.book.entries[0].details["termId"] == sent


async def test_clock_that_is_off_by_ten_minutes_gets_its_own_answer(
    unionpay_ring: KeyRing, tmp_path: Path
) -> None:
    async with a_desk(unionpay_ring, tmp_path, clock_off_seconds_max=300.0) as desk:
        order = desk.order("ok")
        await desk.pass_by(600)
        refused = await desk.channel.pay(order)
        assert (refused.verdict, refused.advice) == (Verdict.FAILED, Advice.OPERATOR)
        assert "服务器时间" in refused.text


async def test_what_is_kept_names_neither_code_nor_signature(desk: Desk) -> None:
    order = desk.order("ok")
    exchange = (await desk.channel.pay(order)).exchange
    assert exchange is not None
    assert (exchange.operation, exchange.status, exchange.began_at) == ("pay", 200, MONDAY_NOON)
    kept = exchange.request + exchange.reply
    assert order.code not in kept and "BEGIN CERTIFICATE" not in kept
    assert f"qrNo=62***(19){order.code[-4:]}" in exchange.request
    assert f"orderId={order.order_no}" in exchange.request and "respCode=00" in exchange.reply
    assert order.code not in repr(order)


async def test_times_without_a_year_cross_new_year(unionpay_ring: KeyRing, tmp_path: Path) -> None:
    eve = MONDAY_NOON.replace(month=12, day=31, hour=23, minute=59, second=58)
    async with a_desk(unionpay_ring, tmp_path, start=eve) as desk:
        order = desk.order("slow", notified=False)
        await desk.pass_by(5)
        await desk.channel.pay(order)
        await desk.pass_by(10)
        found = await desk.channel.query(key_of(order))
        assert found.finished_at == parse_short_time("0101000003", near=desk.clock())
        assert found.finished_at is not None and found.finished_at.year == 2027
