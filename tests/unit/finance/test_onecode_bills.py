"""Bills of one-code payment: what is read, what is a row's fault, and what refuses the file."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from protocol.onecode_bills import BEGINS, Kind, Row, write_bill
from settlement.books.bill import BillError, TradeRow
from settlement.books.channel_matching import Kind as Way
from settlement.books.channel_matching import Said, said
from settlement.translate.onecode_bills import OneCodeTrade

PAID = Row(
    at="2026-11-23 10:00:00", kind=Kind.PAY, outTradeNo="A1", tradeNo="T1", fen=1_234, feeFen=7
)
BACK = Row(
    at="2026-11-23 11:00:00", kind=Kind.REFUND, outTradeNo="A1", tradeNo="T1", outRefundNo="R1",
    refundId="I1", fen=234, feeFen=-1,
)  # fmt: skip
UNDONE = Row(
    at="2026-11-23 12:00:00", kind=Kind.UNDO, outTradeNo="A2", tradeNo="T2", fen=500, feeFen=-3
)


def reading(*rows: Row, change: tuple[str, str] = ("", "")) -> OneCodeTrade:
    text = write_bill("ONE1", "2026-11-23", rows).replace(*change)
    return OneCodeTrade(text.encode().splitlines(keepends=True))


def test_rows_are_read_and_prove_the_last_line() -> None:
    bill = reading(PAID, BACK, UNDONE)
    assert (bill.merchant, bill.day) == ("ONE1", date(2026, 11, 23))
    assert list(bill.rows()) == [
        TradeRow(2, False, PAID.at, "A1", "", "T1", "", "PAY", 1_234, 7),
        TradeRow(3, True, BACK.at, "A1", "R1", "T1", "I1", "REFUND", 234, -1),
        TradeRow(4, True, UNDONE.at, "A2", "", "T2", "", "UNDO", 500, -3),
    ]
    assert (bill.fee_told, bill.faults) == ("0.03", [])


def test_it_begins_as_no_other_bill_does() -> None:
    assert write_bill("ONE1", "2026-11-23", ()).startswith(BEGINS)


@pytest.mark.parametrize(
    ("kind", "row", "meaning"),
    [
        (Way.PAYMENT, Kind.PAY, Said.DONE),
        (Way.REFUND, Kind.REFUND, Said.DONE),
        (Way.REFUND, Kind.UNDO, Said.TAKEN_BACK),
        (Way.REFUND, "ELSE", Said.NOT_DONE),
    ],
)  # fmt: skip
def test_every_kind_of_row_means_something(kind: Way, row: str, meaning: Said) -> None:
    assert said("onecode", kind, row) is meaning


@pytest.mark.parametrize(
    "change",
    [
        ('"rows":3', '"rows":4'),
        ('"paidFen":1234', '"paidFen":1235'),
        ('"backFen":734', '"backFen":733'),
        ('"feeFen":3}', '"feeFen":4}'),
        ('{"rows":3', '{"rouws":3'),
    ],
)
def test_last_line_that_the_rows_do_not_make_up_refuses_the_file(change: tuple[str, str]) -> None:
    with pytest.raises(BillError):
        list(reading(PAID, BACK, UNDONE, change=change).rows())


def test_file_that_was_cut_off_is_refused_wherever() -> None:
    lines = write_bill("ONE1", "2026-11-23", (PAID, BACK)).encode().splitlines(keepends=True)
    for end in range(len(lines)):
        with pytest.raises(BillError):
            list(OneCodeTrade(lines[:end]).rows())


@pytest.mark.parametrize("first", [b"", b"{}", b'{"bill":"other","merchantNo":"1","billDate":"x"}'])
def test_what_does_not_begin_as_one_is_none(first: bytes) -> None:
    with pytest.raises(BillError):
        OneCodeTrade([first])


@pytest.mark.parametrize(
    "row", [replace(PAID, kind="GIFT"), replace(PAID, fen=-1), replace(PAID, at="yesterday")]
)
def test_row_that_cannot_be_read_is_a_fault_and_the_sums_say_so(row: Row) -> None:
    bill = reading(row, BACK)
    try:
        read = list(bill.rows())
    except BillError as refused:
        assert "无法识别的行" in str(refused)
    else:
        assert len(read) == 1
    assert len(bill.faults) == 1
