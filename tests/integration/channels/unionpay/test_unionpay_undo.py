"""Undoing and giving back at a simulated UnionPay: reversal, void and refund, and 23:00."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from loadtest.simulators.channel_faults import Fault, Operation, Rule
from settlement.payments.payment import Advice, RefundOrder, Verdict
from tests.kit.unionpay import MONDAY_NOON, Desk, KeyRing, a_desk, key_of


def at(text: str) -> datetime:
    """Beijing time of November 2026: `23 22:59:59`."""
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=MONDAY_NOON.tzinfo)


@pytest.mark.parametrize("code", ["ok", "lost_answer", "unknown_paid"])
async def test_reversal_gives_back_what_was_paid(desk: Desk, code: str) -> None:
    order = desk.order(code)
    await desk.channel.pay(order)
    await desk.pass_by(40)
    undone = await desk.channel.undo(key_of(order))
    assert (undone.verdict, undone.code) == (Verdict.SUCCESS, "00")
    assert desk.totals()["undone_fen"] == 4212 and desk.totals()["net_fen"] == 0


@pytest.mark.parametrize("code", ["slow", "userpaying_never", "unknown_paid"])
async def test_reversed_payment_cannot_be_paid_any_more(desk: Desk, code: str) -> None:
    order = desk.order(code)
    await desk.channel.pay(order)
    assert (await desk.channel.undo(key_of(order))).verdict is Verdict.SUCCESS
    await desk.pass_by(40 * 24 * 3600)
    assert desk.totals() == {"closed_count": 1, "closed_fen": 4212, "net_fen": 0}
    assert not desk.receiver.taken


async def test_reversal_may_be_sent_again(desk: Desk) -> None:
    order = desk.order("ok")
    await desk.channel.pay(order)
    desk.sim.faults.add(Rule(fault=Fault.LOST_AFTER, operation=Operation.UNDO))
    assert (await desk.channel.undo(key_of(order))).verdict is Verdict.UNKNOWN
    assert (await desk.channel.undo(key_of(order))).verdict is Verdict.SUCCESS
    assert desk.totals()["undone_count"] == 1
    assert (await desk.channel.query(key_of(order))).verdict is Verdict.FAILED


@pytest.mark.parametrize(("code", "is_asked"), [("00", False), ("A6", False), ("34", True)])
async def test_reversed_payment_is_not_asked_about(desk: Desk, code: str, is_asked: bool) -> None:
    order = desk.order("ok")
    await desk.channel.pay(order)
    told = await desk.channel.query(replace(key_of(order), undone_code=code))
    assert (told.exchange is not None) is is_asked
    assert told.verdict is (Verdict.SUCCESS if is_asked else Verdict.UNKNOWN)
    assert told.advice is (Advice.NONE if is_asked else Advice.OPERATOR)


@pytest.mark.parametrize(
    "fault",
    [Fault.LOST_BEFORE, Fault.HTML_AFTER, Fault.BUSY, Fault.WRONG_SIGNATURE, Fault.RATE_LIMITED],
)
async def test_reversal_without_a_clear_answer_is_unknown(desk: Desk, fault: Fault) -> None:
    order = desk.order("ok")
    await desk.channel.pay(order)
    desk.sim.faults.add(Rule(fault=fault, operation=Operation.UNDO))
    assert (await desk.channel.undo(key_of(order))).verdict is Verdict.UNKNOWN


async def test_payment_that_never_arrived_is_undone_once_it_cannot_arrive(desk: Desk) -> None:
    desk.sim.faults.add(Rule(fault=Fault.LOST_BEFORE, operation=Operation.PAY))
    order = desk.order("ok")
    await desk.channel.pay(order)
    await desk.pass_by(29)
    early = await desk.channel.undo(key_of(order))
    assert (early.verdict, early.code) == (Verdict.UNKNOWN, "34")
    await desk.pass_by(1)
    assert (await desk.channel.undo(key_of(order))).verdict is Verdict.SUCCESS
    assert desk.totals() == {}


async def test_payment_that_arrives_after_its_reversal_is_not_paid(desk: Desk) -> None:
    desk.sim.faults.add(Rule(fault=Fault.ARRIVES_LATE, operation=Operation.PAY, delay_seconds=120))
    order = desk.order("ok")
    await desk.channel.pay(order)
    await desk.pass_by(40)
    assert (await desk.channel.undo(key_of(order))).verdict is Verdict.SUCCESS
    await desk.pass_by(200)
    assert desk.totals() == {} and not desk.receiver.taken


@pytest.mark.parametrize(
    ("paid", "undone", "verdict", "code"),
    [
        ("23 12:00:00", "23 22:59:59", Verdict.SUCCESS, "00"),
        ("23 22:59:30", "23 22:59:59", Verdict.SUCCESS, "00"),
        ("23 23:00:00", "23 23:00:40", Verdict.SUCCESS, "00"),
        ("23 23:00:00", "24 22:59:59", Verdict.SUCCESS, "00"),
        ("23 22:59:59", "23 23:00:39", Verdict.FAILED, "39"),
        ("23 22:50:00", "23 23:00:30", Verdict.FAILED, "39"),
        ("23 22:50:00", "23 23:01:00", Verdict.FAILED, "CLEARING_DAY_OVER"),
        ("23 12:00:00", "24 12:00:00", Verdict.FAILED, "CLEARING_DAY_OVER"),
    ],
)
async def test_reversal_works_inside_the_clearing_day(
    unionpay_ring: KeyRing, tmp_path: Path, paid: str, undone: str, verdict: Verdict, code: str
) -> None:
    async with a_desk(unionpay_ring, tmp_path, start=at(paid)) as desk:
        order = desk.order("ok", notified=False)
        await desk.channel.pay(order)
        await desk.move_to(at(undone))
        outcome = await desk.channel.undo(key_of(order))
        assert (outcome.verdict, outcome.code) == (verdict, code)
        if verdict is Verdict.FAILED:
            assert "退货" in outcome.text
            asked = "undo" if code == "39" else "query"
            assert outcome.exchange is not None and outcome.exchange.operation == asked
            refunded = await desk.channel.refund(desk.refund_of(order))
            assert refunded.verdict is Verdict.PAYER_ACTION
            assert desk.totals()["net_fen"] == 0


@pytest.mark.parametrize("undone", ["23 23:01:00", "24 12:00:00"])
async def test_payment_that_never_arrived_is_undone_when_its_clearing_day_is_over(
    unionpay_ring: KeyRing, tmp_path: Path, undone: str
) -> None:
    async with a_desk(unionpay_ring, tmp_path, start=at("23 22:40:00")) as desk:
        order = desk.order("ok")
        desk.sim.faults.add(Rule(fault=Fault.LOST_BEFORE, operation=Operation.PAY))
        await desk.channel.pay(order)
        await desk.move_to(at(undone))
        desk.sim.faults.add(Rule(fault=Fault.LOST_AFTER, operation=Operation.QUERY))
        unclear = await desk.channel.undo(key_of(order))
        assert (unclear.verdict, unclear.code) == (Verdict.UNKNOWN, "LOST")
        outcome = await desk.channel.undo(key_of(order))
        assert (outcome.verdict, outcome.code) == (Verdict.SUCCESS, "34")
        assert outcome.exchange is not None and outcome.exchange.operation == "query"
        assert desk.totals() == {}


def kinds_of(desk: Desk) -> list[str]:
    return [one.details["txnType"] for one in desk.sim.book.entries if one.refund_no]


@pytest.mark.parametrize(
    ("paid", "refunded", "amount_fen", "kind"),
    [
        ("23 12:00:00", "23 12:10:00", 4212, "31"),
        ("23 12:00:00", "23 12:10:00", 4211, "04"),
        ("23 12:00:00", "23 22:58:59", 4212, "31"),
        ("23 12:00:00", "23 22:59:00", 4212, "04"),
        ("23 12:00:00", "23 23:10:00", 4212, "04"),
        ("23 22:59:30", "23 22:59:50", 4212, "04"),
        ("23 23:05:00", "24 09:00:00", 4212, "31"),
        ("23 12:00:00", "30 12:00:00", 4212, "04"),
    ],
)
async def test_everything_within_a_clearing_day_goes_back_by_a_void(
    unionpay_ring: KeyRing, tmp_path: Path, paid: str, refunded: str, amount_fen: int, kind: str
) -> None:
    async with a_desk(unionpay_ring, tmp_path, start=at(paid)) as desk:
        order = desk.order("ok", notified=False)
        await desk.channel.pay(order)
        await desk.move_to(at(refunded))
        refund = desk.refund_of(order, amount_fen=amount_fen)
        taken = await desk.channel.refund(refund)
        assert (taken.verdict, taken.code) == (Verdict.PAYER_ACTION, "00")
        found = await desk.channel.query_refund(refund)
        assert (found.verdict, found.amount_fen) == (Verdict.SUCCESS, amount_fen)
        assert kinds_of(desk) == [kind]
        assert desk.totals()["net_fen"] == 4212 - amount_fen


async def test_refund_sent_again_after_23_is_the_same_message(
    unionpay_ring: KeyRing, tmp_path: Path
) -> None:
    """A void whose answer was lost stays a void: it is the same number at UnionPay."""
    async with a_desk(unionpay_ring, tmp_path, start=at("23 22:50:00")) as desk:
        order = desk.order("ok", notified=False)
        await desk.channel.pay(order)
        refund = desk.refund_of(order)
        desk.sim.faults.add(Rule(fault=Fault.LOST_AFTER, operation=Operation.REFUND))
        assert (await desk.channel.refund(refund)).verdict is Verdict.UNKNOWN
        await desk.move_to(at("23 23:30:00"))
        again = await desk.channel.refund(refund)
        assert (again.verdict, again.code) == (Verdict.UNKNOWN, "12")
        assert (await desk.channel.query_refund(refund)).verdict is Verdict.SUCCESS
        assert desk.totals()["refunded_count"] == 1


async def test_void_that_arrives_too_late_fails_and_a_new_refund_works(
    unionpay_ring: KeyRing, tmp_path: Path
) -> None:
    async with a_desk(unionpay_ring, tmp_path, start=at("23 22:50:00")) as desk:
        order = desk.order("ok", notified=False)
        await desk.channel.pay(order)
        refund = desk.refund_of(order)
        await desk.move_to(at("23 23:30:00"))
        late = await desk.channel.refund(refund)
        assert (late.verdict, late.code) == (Verdict.FAILED, "39")
        anew = await desk.channel.refund(desk.refund_of(order))
        assert anew.verdict is Verdict.PAYER_ACTION and desk.totals()["net_fen"] == 0


async def test_voids_may_be_switched_off(unionpay_ring: KeyRing, tmp_path: Path) -> None:
    settings: dict[str, object] = {"void_within_day": False, "refund_accepted_is_final": True}
    async with a_desk(unionpay_ring, tmp_path, settings=settings) as desk:
        order = desk.order("ok", notified=False)
        await desk.channel.pay(order)
        assert (await desk.channel.refund(desk.refund_of(order))).verdict is Verdict.SUCCESS
        assert kinds_of(desk) == ["04"]


@pytest.mark.parametrize("by_reference", [True, False])
async def test_refunds_in_parts_stop_at_what_was_paid(desk: Desk, by_reference: bool) -> None:
    order = desk.order("ok", notified=False)
    await desk.channel.pay(order)
    reference = (await desk.channel.query(key_of(order))).reference if by_reference else ""

    async def refunded(amount_fen: int) -> Verdict:
        refund = desk.refund_of(order, amount_fen=amount_fen, reference=reference)
        return (await desk.channel.refund(refund)).verdict

    assert await refunded(4000) is Verdict.PAYER_ACTION
    assert await refunded(213) is Verdict.FAILED
    assert await refunded(212) is Verdict.PAYER_ACTION
    assert desk.totals()["net_fen"] == 0 and desk.totals()["refunded_count"] == 2


async def test_refund_is_known_by_its_notification(desk: Desk) -> None:
    order = desk.order("ok", notified=False)
    await desk.channel.pay(order)
    refund = desk.refund_of(order, amount_fen=12)
    await desk.channel.refund(refund)
    await desk.pass_by()
    [told] = desk.receiver.taken
    assert (told.order_no, told.refund_no) == (order.order_no, refund.refund_no)
    assert (told.outcome.verdict, told.outcome.amount_fen) == (Verdict.SUCCESS, 12)


async def test_slow_refund_is_in_progress_until_it_is_done(
    unionpay_ring: KeyRing, tmp_path: Path
) -> None:
    async with a_desk(unionpay_ring, tmp_path, refund_seconds=3600.0) as desk:
        order = desk.order("ok", notified=False)
        await desk.channel.pay(order)
        refund = desk.refund_of(order, amount_fen=12)
        assert (await desk.channel.refund(refund)).verdict is Verdict.PAYER_ACTION
        assert (await desk.channel.query_refund(refund)).verdict is Verdict.UNKNOWN
        await desk.pass_by(3600)
        assert (await desk.channel.query_refund(refund)).verdict is Verdict.SUCCESS


@pytest.mark.parametrize(
    ("code", "verdict"), [("slow", Verdict.FAILED), ("not_enough", Verdict.FAILED)]
)
async def test_what_was_not_paid_is_not_refunded(desk: Desk, code: str, verdict: Verdict) -> None:
    order = desk.order(code, notified=False)
    await desk.channel.pay(order)
    refused = await desk.channel.refund(desk.refund_of(order))
    assert (refused.verdict, refused.code, refused.advice) == (verdict, "35", Advice.SHOW_TEXT)


async def test_refund_of_a_stranger_is_unknown_to_unionpay(desk: Desk) -> None:
    order = desk.order("ok")
    refused = await desk.channel.refund(desk.refund_of(order))
    assert (refused.verdict, refused.code) == (Verdict.UNKNOWN, "34")
    missing = await desk.channel.query_refund(desk.refund_of(order))
    assert (missing.verdict, missing.code) == (Verdict.UNKNOWN, "34")


async def test_refund_that_the_interface_cannot_carry_is_not_sent(desk: Desk) -> None:
    order = desk.order("ok")
    refund = RefundOrder(
        order=key_of(order), reference="", refund_no="BACK-1", sent_at=desk.clock(), amount_fen=1
    )
    refused = await desk.channel.refund(refund)
    assert (refused.verdict, refused.code, refused.exchange) == (Verdict.FAILED, "ORDER_NO", None)


@pytest.mark.parametrize(
    "fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.HTML_AFTER, Fault.WRONG_SIGNATURE]
)
async def test_refund_without_a_clear_answer_is_unknown_and_happens_once(
    desk: Desk, fault: Fault
) -> None:
    order = desk.order("ok", notified=False)
    await desk.channel.pay(order)
    refund = desk.refund_of(order, amount_fen=12)
    desk.sim.faults.add(Rule(fault=fault, operation=Operation.REFUND))
    assert (await desk.channel.refund(refund)).verdict is Verdict.UNKNOWN
    await desk.channel.refund(refund)
    assert (await desk.channel.query_refund(refund)).verdict is Verdict.SUCCESS
    assert desk.totals()["refunded_fen"] == 12
