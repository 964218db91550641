"""Bills read by column name, and damaged ones told from whole ones."""

from __future__ import annotations

import pytest

from protocol.wechat.bills import (
    FUND_COLUMNS,
    REFUND_COLUMNS,
    SUCCESS_COLUMNS,
    TRADE_COLUMNS,
    DamagedBillError,
    fund_bill,
    read_bill,
    trade_bill,
    trade_summary,
    write_bill,
)
from protocol.wechat.yuan import MoneyTextError, fen_of, yuan_text


def row(**told: str) -> dict[str, str]:
    amounts = {name: "0.00" for name in REFUND_COLUMNS if "金额" in name}
    return dict.fromkeys(REFUND_COLUMNS, "") | amounts | told


ROWS = [
    row(商户订单号="A1", 交易状态="SUCCESS", 应结订单金额="12.34", 订单金额="12.34",
        手续费="0.07404", 商品名称="药品, 常用"),
    row(商户订单号="A1", 交易状态="REFUND", 退款金额="2.00", 申请退款金额="2.00",
        手续费="-0.01200"),
]  # fmt: skip
FUND_ROWS = [
    dict.fromkeys(FUND_COLUMNS, "") | {"收支类型": d, "收支金额(元)": a, "账户结余(元)": b}
    for d, a, b in (("收入", "12.34", "112.34"), ("支出", "0.07", "112.27"))
]
FUND_SUMS = {
    "资金流水总笔数": "2", "收入笔数": "1", "收入金额": "12.34", "支出笔数": "1",
    "支出金额": "0.07",
}  # fmt: skip


def written() -> bytes:
    return write_bill(TRADE_COLUMNS, ROWS, trade_summary(ROWS, "0.06204"))


def test_kinds_of_bills_have_as_many_columns_as_wechat_says() -> None:
    assert [len(c) for c in (TRADE_COLUMNS, SUCCESS_COLUMNS, REFUND_COLUMNS, FUND_COLUMNS)] == [
        27, 20, 29, 11,
    ]  # fmt: skip


def test_every_field_of_a_row_begins_with_a_backtick() -> None:
    lines = written().decode().split("\r\n")
    assert lines[0].startswith("交易时间,公众账号ID,商户号,特约商户号")
    assert lines[1].count(",`") == 26 and lines[1].startswith("`")
    assert lines[3].startswith("总交易单数,应结订单总金额") and lines[4].startswith("`2,`12.34")


def test_written_bill_is_read_by_name_commas_included() -> None:
    bill = trade_bill(written())
    first, second = bill.rows
    assert first.text("商品名称") == "药品, 常用"
    assert (first.fen("订单金额"), second.fen("退款金额")) == (1234, 200)
    assert bill.summary["手续费总金额"] == "0.06204"


@pytest.mark.parametrize("columns", [SUCCESS_COLUMNS, REFUND_COLUMNS, TRADE_COLUMNS[::-1]])
def test_order_and_number_of_columns_do_not_matter(columns: tuple[str, ...]) -> None:
    bill = read_bill(write_bill(columns, ROWS, trade_summary(ROWS, "0.00")))
    assert [one.text("商户订单号") for one in bill.rows] == ["A1", "A1"]


def test_byte_order_mark_and_plain_line_ends_do_no_harm() -> None:
    content = b"\xef\xbb\xbf" + written().replace(b"\r\n", b"\n")
    assert trade_bill(content) == trade_bill(written())


def test_no_bytes_are_the_bill_of_a_day_without_movements() -> None:
    assert trade_bill(b"").rows == () and fund_bill(b"").rows == ()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (written()[:-40], "cut off|summary"),
        (b"\r\n".join(written().split(b"\r\n")[:3]), "cut off"),
        (written()[:200], "not UTF-8 at byte 199"),
        (written().replace(b"`12.34,`0.00", b"`12.34", 1), "26 fields for 27"),
        (written().replace(b"`12.34", b"`12.35", 1), "the rows make"),
        (written().replace(b"`12.34", b"`12,34", 1), "is no amount"),
        (b"\r\n".join([*written().split(b"\r\n")[:2], *written().split(b"\r\n")[1:]]),
         "the file has 3"),
        (written().replace(b"A1", b"\xff1", 1), "not UTF-8"),
    ],
)  # fmt: skip
def test_damaged_bill_is_refused_and_says_where(content: bytes, said: str) -> None:
    with pytest.raises(DamagedBillError, match=said):
        trade_bill(content)


def test_fund_bill_has_a_balance_that_runs_on() -> None:
    good = write_bill(FUND_COLUMNS, FUND_ROWS, FUND_SUMS)
    assert len(fund_bill(good).rows) == 2
    with pytest.raises(DamagedBillError, match="line 3: the balance"):
        fund_bill(good.replace(b"`112.27", b"`112.26"))


@pytest.mark.parametrize(
    ("text", "fen"),
    [("0.00", 0), ("12.34", 1234), ("-0.05", -5), ("7", 700), ("0.10000", 10), ("1.5", 150)],
)
def test_yuan_are_exact(text: str, fen: int) -> None:
    assert fen_of(text) == fen
    assert fen_of(yuan_text(fen)) == fen


@pytest.mark.parametrize("text", ["", "1.234", "1,00", "１.00", "1e2", "--1", "1.", "NaN"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(MoneyTextError):
        fen_of(text)
