"""The next day's statement of a simulated UnionPay, against its own book, and damaged ones."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import pytest

from loadtest.simulators.channel_book import Movement
from loadtest.simulators.channel_faults import Fault, Operation, Plan, Rule
from protocol.unionpay.archive import StatementKind, statements
from protocol.unionpay.layouts import ZM
from protocol.unionpay.statement import RowFault, Transaction, transactions
from settlement.channels.port import BillRefusedError
from settlement.payments.payment import PayOrder, Verdict
from tests.kit.unionpay import MER_ID, MONDAY_NOON, Desk, KeyRing, a_desk, key_of

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=MONDAY_NOON.tzinfo)


async def paid(desk: Desk, amount_fen: int = 4212) -> PayOrder:
    order = desk.order("ok", amount_fen=amount_fen, notified=False)
    await desk.channel.pay(order)
    return order


async def rows(desk: Desk, day: date) -> tuple[list[Transaction], list[RowFault]]:
    archive = await desk.channel.bill(day)
    assert archive is not None
    return transactions(statements(archive, MER_ID)[StatementKind.NORMAL])


async def test_statement_is_the_book_of_the_clearing_day(desk: Desk) -> None:
    one, other = await paid(desk, 4212), await paid(desk, 100)
    gone = await paid(desk, 777)
    await desk.channel.undo(key_of(gone))
    refund = desk.refund_of(one, amount_fen=12)
    await desk.channel.refund(refund)
    void = desk.refund_of(other)
    await desk.channel.refund(void)
    await desk.move_to(at("23 23:00:00"))
    next_day = await paid(desk, 5)
    await desk.move_to(at("24 09:00:00"))

    found, faults = await rows(desk, MONDAY)
    assert not faults
    assert [(row.txn_type, row.order_id, row.amount_fen) for row in found] == [
        ("01", one.order_no, 4212),
        ("01", other.order_no, 100),
        ("04", refund.refund_no, 12),
        ("31", void.refund_no, 100),
    ]
    assert [row.settled_fen for row in found] == [4212 - 16, 100, -12, -100]
    assert [row.fee_fen for row in found] == [-16, 0, 0, 0]
    assert found[2].orig_order_id == one.order_no
    assert found[2].orig_query_id == found[0].query_id
    book = {e.refund_reference or e.reference for e in desk.sim.book.of_day("2026-11-23")}
    assert {row.query_id for row in found} == book - {desk.sim.book.entries[2].reference}

    await desk.move_to(at("25 09:00:00"))
    assert [row.order_id for row in (await rows(desk, TUESDAY))[0]] == [next_day.order_no]


async def test_join_keys_are_those_of_the_answers(desk: Desk) -> None:
    order = await paid(desk)
    reference = (await desk.channel.query(key_of(order))).reference
    await desk.move_to(at("24 09:00:00"))
    [row], _ = await rows(desk, MONDAY)
    assert row.query_id == reference and row.order_id == order.order_no
    assert (row.txn_time, row.terminal_id) == ("1123120000", "00000001")
    assert row.values["subMerAbbr"] == "模拟商户"


async def test_day_without_transactions_has_an_empty_statement(desk: Desk) -> None:
    await desk.move_to(at("24 09:00:00"))
    assert await rows(desk, MONDAY) == ([], [])


async def test_statement_that_is_not_there_yet_is_none(desk: Desk) -> None:
    await paid(desk)
    await desk.move_to(at("23 22:59:59"))
    desk.sim.faults.add(Rule(fault=Fault.LOST_BEFORE, operation=Operation.BILL))
    assert await desk.channel.bill(MONDAY) is None, "the day is not over, so nobody is asked"
    desk.sim.faults.replace(Plan())
    await desk.move_to(at("23 23:00:00"))
    desk.sim.faults.add(Rule(fault=Fault.BILL_LATE, operation=Operation.BILL))
    assert await desk.channel.bill(MONDAY) is None
    assert await desk.channel.bill(MONDAY) is not None


async def test_ghost_stands_on_the_statement_only(desk: Desk) -> None:
    desk.sim.faults.add(Rule(fault=Fault.GHOST, operation=Operation.PAY))
    order = desk.order("ok")
    assert (await desk.channel.pay(order)).verdict is Verdict.FAILED
    assert (await desk.channel.query(key_of(order))).verdict is Verdict.FAILED
    await desk.move_to(at("24 09:00:00"))
    [row], _ = await rows(desk, MONDAY)
    assert row.order_id == order.order_no and not desk.receiver.taken
    assert desk.sim.book.entries[0].remark == "ghost"


async def test_phantom_was_told_as_paid_and_stands_nowhere(desk: Desk) -> None:
    desk.sim.faults.add(Rule(fault=Fault.PHANTOM, operation=Operation.PAY))
    order = await paid(desk)
    assert (await desk.channel.query(key_of(order))).verdict is Verdict.SUCCESS
    await desk.move_to(at("24 09:00:00"))
    assert await rows(desk, MONDAY) == ([], []) and desk.totals() == {}


async def test_staged_differences_are_in_the_statement(desk: Desk) -> None:
    first, second = await paid(desk), await paid(desk)
    await desk.move_to(at("24 09:00:00"))
    desk.sim.faults.add(
        Rule(fault=Fault.BILL_ONE_FEN_OFF), Rule(fault=Fault.BILL_ROW_TWICE),
        Rule(fault=Fault.BILL_TRUNCATED),
    )  # fmt: skip
    found, _ = await rows(desk, MONDAY)
    assert [row.amount_fen for row in found] == [4213, 4212]
    found, _ = await rows(desk, MONDAY)
    assert [row.order_id for row in found] == [first.order_no, first.order_no, second.order_no]
    found, [fault] = await rows(desk, MONDAY)
    assert [row.order_id for row in found] == [first.order_no]
    assert fault.line == 2 and "bytes instead of 607" in fault.reason
    assert desk.sim.book.totals()["paid_fen"] == 2 * 4212, "the book is what it was"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault.BILL_WRONG_DIGEST, "已损坏"),
        (Fault.WRONG_SIGNATURE, "SIGNATURE_WRONG"),
        (Fault.LOST_AFTER, "LOST"),
        (Fault.HTML_BEFORE, "HTTP_502"),
        (Fault.MAINTENANCE, "02 系统暂停服务"),
    ],
)
async def test_statement_that_cannot_be_used_is_refused(
    desk: Desk, fault: Fault, said: str
) -> None:
    await paid(desk)
    await desk.move_to(at("24 09:00:00"))
    desk.sim.faults.add(Rule(fault=fault, operation=Operation.BILL))
    with pytest.raises(BillRefusedError, match=said):
        await desk.channel.bill(MONDAY)
    assert await desk.channel.bill(MONDAY) is not None


async def test_separator_of_statements_is_a_setting(unionpay_ring: KeyRing, tmp_path: Path) -> None:
    async with a_desk(unionpay_ring, tmp_path, separator="|") as desk:
        await paid(desk)
        await desk.move_to(at("24 09:00:00"))
        archive = await desk.channel.bill(MONDAY)
        assert archive is not None
        data = statements(archive, MER_ID)[StatementKind.NORMAL]
        assert transactions(data, separator="|")[0] and not transactions(data)[0]


async def test_large_statement_is_read(desk: Desk) -> None:
    """Larger than any other answer, so read beside the event loop."""
    for number in range(3_000):
        desk.sim.book.write(
            Movement.PAID, at=desk.clock(), day="2026-11-23", merchant_no=MER_ID,
            order_no=f"LARGE{number * 7919 % 10**12:012d}", reference=f"{number:021d}",
            amount_fen=number + 1,
            details={
                "txnType": "01", "traceNo": f"{number:06d}", "txnTime": "20261123120000",
                "queryId": f"74{number * 104_729:019d}", "termId": "",
            },
        )  # fmt: skip
    await desk.move_to(at("24 09:00:00"))
    found, faults = await rows(desk, MONDAY)
    assert not faults and sum(row.amount_fen for row in found) == 3_000 * 3_001 // 2
    assert ZM.width == len(found[0].raw)
