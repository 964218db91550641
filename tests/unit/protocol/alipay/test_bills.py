"""The daily bills: read by column name, held against the totals that they state themselves."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from protocol.alipay import bill_writing, bills
from protocol.alipay.bills import AccountRow, BillFormError, TradeRow

ACCOUNT = "2088999999999999"
DAY = date(2026, 11, 25)
NOON = datetime(2026, 11, 25, 4, tzinfo=UTC)
MADE_AT = NOON + timedelta(hours=21)
PAID = TradeRow(
    trade_no="2026112522001400000000000001", out_trade_no="P1", kind="交易",
    subject="测试药店", created_at=NOON, finished_at=NOON + timedelta(seconds=2), store_id="S1",
    store_name="东城店", operator="W1", terminal_id="T1", payer="测*甲(139****0000)",
    order_fen=8_880, receipt_fen=8_700, merchant_discount_fen=180, fee_fen=-33, remark="",
)  # fmt: skip
REFUNDED = replace(
    PAID, kind="退款", order_fen=-3_000, receipt_fen=-3_000, merchant_discount_fen=0, fee_fen=11,
    out_request_no="R1", finished_at=NOON + timedelta(hours=1),
)  # fmt: skip
INCOME = AccountRow(
    entry_no="11", business_no=PAID.trade_no, out_trade_no="P1", subject="测试药店", at=NOON,
    payer="测*甲", income_fen=8_700, expense_fen=0, balance_fen=8_700, channel="支付宝",
    kind="在线支付", remark="",
)  # fmt: skip
FEE = replace(INCOME, entry_no="12", income_fen=0, expense_fen=-33, balance_fen=8_667, kind="收费")


def details(file: bytes) -> tuple[str, str]:
    """Name and text of the details."""
    with zipfile.ZipFile(io.BytesIO(file)) as archive:
        assert archive.testzip() is None
        name = next(one for one in archive.namelist() if "(" not in one)
        return name, archive.read(name).decode("gbk")


def repacked(*texts: str) -> bytes:
    """A ZIP of texts, by whatever name."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for index, text in enumerate(texts):
            archive.writestr(f"{index}.csv", text.encode("gbk"))
    return made.getvalue()


TRADE_FILE = bill_writing.trade_file(ACCOUNT, DAY, [PAID, REFUNDED], made_at=MADE_AT)
ACCOUNT_FILE = bill_writing.account_file(ACCOUNT, DAY, [INCOME, FEE], made_at=MADE_AT)
_, TRADE_TEXT = details(TRADE_FILE)


def test_written_bills_are_read_again() -> None:
    assert bills.trade_bill(TRADE_FILE) == bills.TradeBill(
        account=ACCOUNT, rows=[PAID, REFUNDED]
    )
    assert bills.account_bill(ACCOUNT_FILE) == bills.AccountBill(
        account=ACCOUNT, rows=[INCOME, FEE]
    )


def test_names_of_members_are_in_gbk_and_the_flag_of_utf_8_is_unset() -> None:
    with zipfile.ZipFile(io.BytesIO(TRADE_FILE)) as archive:
        names = [one.filename.encode("cp437").decode("gbk") for one in archive.infolist()]
        assert not any(one.flag_bits & 0x800 for one in archive.infolist())
    assert names == [
        f"{ACCOUNT}_20261125_业务明细.csv", f"{ACCOUNT}_20261125_业务明细(汇总).csv",
    ]  # fmt: skip


def test_frame_is_as_alipay_writes_it() -> None:
    lines = TRADE_TEXT.split("\r\n")
    assert lines[:3] == [
        "#支付宝业务明细查询",
        f"#账号：[{ACCOUNT}]",
        "#起始日期：[2026年11月25日 00:00:00]   终止日期：[2026年11月26日 00:00:00]",
    ]
    assert lines[3].strip("#-") == "业务明细列表"
    assert lines[4].startswith("支付宝交易号,商户订单号,业务类型,")
    assert lines[5].startswith(f"{PAID.trade_no}\t,P1\t,交易,测试药店\t,2026-11-25 12:00:00,")
    assert lines[7].strip("#-") == "业务明细列表结束"
    assert lines[8:] == [
        "#交易合计：1笔，商家实收共87.00元，商家优惠共1.80元",
        "#退款合计：1笔，商家实收退款共-30.00元，商家优惠退款共0.00元",
        "#导出时间：[2026年11月26日 09:00:00]",
        "",
    ]


def test_day_without_business_is_a_bill_without_rows() -> None:
    file = bill_writing.trade_file(ACCOUNT, DAY, [], made_at=MADE_AT)
    assert bills.trade_bill(file).rows == []


def test_members_are_told_by_their_first_line_and_columns_by_their_names() -> None:
    """As another generation of files might have it: other order, columns moved and added."""
    text = TRADE_TEXT.replace("支付宝交易号,商户订单号,", "商户订单号,支付宝交易号,新列,")
    for number in ("P1",):
        text = text.replace(f"{PAID.trade_no}\t,{number}\t,", f"{number}\t,{PAID.trade_no}\t,x,")
    read = bills.trade_bill(repacked("#支付宝业务汇总查询\r\n", text))
    assert read.rows == [PAID, REFUNDED]


def test_older_account_files_write_what_left_without_a_sign() -> None:
    _, text = details(ACCOUNT_FILE)
    read = bills.account_bill(repacked(text.replace("-0.33", "0.33")))
    assert [row.expense_fen for row in read.rows] == [0, -33]


def test_subject_with_a_comma_is_read_where_it_is_quoted_and_refused_where_not() -> None:
    quoted = TRADE_TEXT.replace(",测试药店\t,", ',"测试,药店",')
    assert bills.trade_bill(repacked(quoted)).rows[0].subject == "测试,药店"
    with pytest.raises(BillFormError, match="line 6: 26 cells, not 25"):
        bills.trade_bill(repacked(TRADE_TEXT.replace(",测试药店\t,", ",测试,药店\t,")))


@pytest.mark.parametrize(
    ("found", "written", "told"),
    [
        ("业务明细列表结束", "业务明细", "cut off"),
        ("87.00,0.00", "86.99,0.00", "交易合计 says 1 and 87.00, the rows give 1 and 86.99"),
        ("交易合计：1笔", "交易合计：2笔", "交易合计 says 2"),
        ("退款合计：1笔", "退款合计：0笔", "退款合计 says 0"),
        ("商家实收（元）", "商家实收", "no column 商家实收（元）"),
        ("2026-11-25 12:00:00", "yesterday", "line 6"),
        (",88.80,", ",88.801,", "line 6: no amount in yuan"),
        ("#支付宝业务明细查询", "#支付宝交易查询", "no file of the ZIP begins with"),
    ],
)
def test_damaged_file_is_refused_and_the_place_named(found: str, written: str, told: str) -> None:
    assert found in TRADE_TEXT
    with pytest.raises(BillFormError, match=told):
        bills.trade_bill(repacked(TRADE_TEXT.replace(found, written)))


def test_row_that_comes_twice_does_not_agree_with_the_totals() -> None:
    lines = TRADE_TEXT.split("\r\n")
    with pytest.raises(BillFormError, match="the rows give 2"):
        bills.trade_bill(repacked("\r\n".join([*lines[:6], *lines[5:]])))


@pytest.mark.parametrize("cut", [0, 1, 100, len(TRADE_FILE) // 2, len(TRADE_FILE) - 1])
def test_truncated_zip_is_refused(cut: int) -> None:
    with pytest.raises(BillFormError):
        bills.trade_bill(TRADE_FILE[:cut])


def test_flipped_byte_is_refused() -> None:
    place = TRADE_FILE.index(b"PK\x01\x02") - 40
    broken = bytearray(TRADE_FILE)
    broken[place] ^= 1
    with pytest.raises(BillFormError):
        bills.trade_bill(bytes(broken))


def test_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bills, "BYTES_MAX", 100)
    with pytest.raises(BillFormError, match="too large"):
        bills.trade_bill(TRADE_FILE)
