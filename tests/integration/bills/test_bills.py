"""Bills taken into a real database: proven, kept as they came, replaced, refused as a whole."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import asyncpg
import pytest
import pytest_asyncio

from loadtest.drills.bill_import import MERCHANTS
from protocol.alipay import bill_writing
from protocol.alipay.bills import AccountRow, TradeRow
from protocol.alipay.times import instant_of
from protocol.unionpay.archive import StatementKind, archive_of, statement_name
from protocol.unionpay.layouts import ZM, ZME
from protocol.unionpay.statement import line_of, signed, unsigned
from protocol.wechat.bills import (
    FUND_COLUMNS,
    TRADE_COLUMNS,
    trade_summary,
    write_bill,
)
from settlement.books.bill import BillError, BillKind
from settlement.channels.registry import NO_TILLS
from settlement.finance import bill_reports
from settlement.finance.bill_books import BillBooks, open_books
from settlement.finance.bill_import import Order, Taken, take
from settlement.finance.bill_sources import Claimed, Received
from settlement.storage import bills as store
from settlement.storage.install import Region, ensure_schema
from tests.services import FreshDatabase

DAY = date(2026, 11, 23)
ORDER = Order(actor="zhang", reason="测试导入")
WECHAT, ALIPAY, UNIONPAY = MERCHANTS["wechat"], MERCHANTS["alipay"], MERCHANTS["unionpay"]
OURS = "2611000500001000123"
"""An order number of ours, of lane 5."""
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owner(database: FreshDatabase) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(database.owner_dsn)
    await ensure_schema(
        connection, Region(code="441900"), app_role="settlement_app", at=datetime.now(UTC)
    )
    yield connection
    await connection.close()


@pytest_asyncio.fixture(loop_scope="module")
async def books(owner: asyncpg.Connection[asyncpg.Record]) -> BillBooks:
    """Of a database without any bill."""
    for table in ("row", "file", "replaced", "content", "fault", "movement", "begun", "asked"):
        await owner.execute(f"truncate settlement.bill_{table}")
    return await open_books(owner, NO_TILLS, clock=lambda: datetime(2026, 11, 25, 3, tzinfo=UTC))


def wechat_row(number: int, **told: str) -> dict[str, str]:
    """A payment of 12.34 yuan."""
    row = dict.fromkeys(TRADE_COLUMNS, "") | {
        "交易时间": f"{DAY} 10:00:{number:02d}", "商户号": WECHAT, "特约商户号": "0",
        "微信订单号": f"42000{number:023d}", "商户订单号": f"X{number}", "交易状态": "SUCCESS",
        "应结订单金额": "12.34", "代金券金额": "0.00", "微信退款单号": "0", "商户退款单号": "0",
        "退款金额": "0.00", "充值券退款金额": "0.00", "商品名称": "测试药店, `甲`",
        "手续费": "0.07404", "订单金额": "12.34", "申请退款金额": "0.00",
    }  # fmt: skip
    return row | told


def wechat_refund(number: int, **told: str) -> dict[str, str]:
    """A refund of 2.00 yuan."""
    return wechat_row(
        number,
        **{
            "交易状态": "REFUND", "应结订单金额": "0.00", "订单金额": "0.00", "退款金额": "2.00",
            "申请退款金额": "2.00", "微信退款单号": f"50000{number}", "商户退款单号": f"R{number}",
            "退款状态": "SUCCESS", "手续费": "-0.01200",
            **told,
        },
    )  # fmt: skip


def wechat_bill(*rows: dict[str, str], fee: str = "0.06204") -> bytes:
    return write_bill(TRADE_COLUMNS, rows, trade_summary(rows, fee))


def wechat_funds() -> bytes:
    flows = [("交易", "收入", "12.34", "100.00"), ("扣除交易手续费", "支出", "0.07", "99.93"),
             ("提现", "支出", "50.00", "49.93")]  # fmt: skip
    rows = [
        dict.fromkeys(FUND_COLUMNS, "") | {
            "记账时间": f"{DAY} 11:00:00", "微信支付业务单号": "4200", "资金流水单号": str(number),
            "业务类型": why, "收支类型": way, "收支金额(元)": amount, "账户结余(元)": balance,
            "业务凭证号": OURS,
        }
        for number, (why, way, amount, balance) in enumerate(flows)
    ]  # fmt: skip
    summary = {
        "资金流水总笔数": "3", "收入笔数": "1", "收入金额": "12.34", "支出笔数": "2",
        "支出金额": "50.07",
    }  # fmt: skip
    return write_bill(FUND_COLUMNS, rows, summary)


def alipay_trade(**told: str) -> TradeRow:
    at = instant_of(f"{DAY} 12:00:00")
    row = TradeRow(
        trade_no="2026112322001400", out_trade_no=OURS, kind="交易", created_at=at, finished_at=at,
        order_fen=8_880, receipt_fen=8_880, fee_fen=-53,
    )  # fmt: skip
    return row if not told else TradeRow(
        trade_no=row.trade_no, out_trade_no=OURS, kind="退款", created_at=at, finished_at=at,
        order_fen=-100, receipt_fen=-100, out_request_no=told["refund_no"],
    )  # fmt: skip


def alipay_zip(*rows: TradeRow, account: str = ALIPAY) -> bytes:
    return bill_writing.trade_file(account, DAY, rows, made_at=instant_of("2026-11-24 09:00:00"))


def alipay_funds() -> bytes:
    at = instant_of(f"{DAY} 12:00:00")
    rows = [
        AccountRow(entry_no="1", business_no="b", out_trade_no=OURS, at=at, income_fen=8_880,
                   expense_fen=0, balance_fen=8_880, kind="在线支付"),
        AccountRow(entry_no="2", business_no="b", out_trade_no=OURS, at=at, income_fen=0,
                   expense_fen=-53, balance_fen=8_827, kind="收费"),
    ]  # fmt: skip
    return bill_writing.account_file(ALIPAY, DAY, rows, made_at=at)


def zm_line(**told: str) -> bytes:
    line = {
        "txnTime": "1123120000", "txnAmt": unsigned(1_000), "queryId": "202611231200000000001",
        "orderId": OURS, "fee": signed(-4), "settleAmt": signed(996), "txnType": "01",
        "merId": UNIONPAY, "subMerAbbr": "测试药店",
    }  # fmt: skip
    return line_of(line | told, ZM)


def zm_zip(*lines: bytes, adjusted: bytes = b"", merchant: str = UNIONPAY) -> bytes:
    names = {kind: statement_name(kind, "261123", merchant) for kind in StatementKind}
    return archive_of(
        {
            names[StatementKind.NORMAL]: b"".join(lines), names[StatementKind.ADJUSTED]: adjusted,
            "RD.txt": "给人看的".encode("gbk"),
        }
    )  # fmt: skip


def file(content: bytes, name: str = "bill") -> Received:
    return Received(name=name, open=lambda: io.BytesIO(content))


async def taken(books: BillBooks, content: bytes, name: str = "bill", **claimed: object) -> Taken:
    merchant = claimed.pop("merchant", WECHAT)
    said = Claimed(merchant=merchant, **claimed)  # type: ignore[arg-type]
    [one] = await take(books, file(content, name), said, ORDER)
    return one


async def counts(books: BillBooks) -> tuple[int, ...]:
    """Rows of every table: files, payments, movements, faults, begun."""
    row = await books.connection.fetchrow(
        "select (select count(*) from settlement.bill_file),"
        " (select count(*) from settlement.bill_row),"
        " (select count(*) from settlement.bill_movement),"
        " (select count(*) from settlement.bill_fault),"
        " (select count(*) from settlement.bill_begun)"
    )
    assert row is not None
    return tuple(row)


async def test_wechat_bill_is_taken_with_rows_in_the_lanes_of_our_numbers(
    books: BillBooks,
) -> None:
    content = wechat_bill(wechat_row(1, 商户订单号=OURS), wechat_row(2), wechat_refund(3))
    one = await taken(books, content)
    sums = one.file.totals
    assert (sums.paid_rows, sums.paid_fen, sums.refund_rows, sums.refunded_fen) == (
        2, 2_468, 1, 200,
    )  # fmt: skip
    assert (sums.fee_fen, one.file.fee_told) == (7 + 7 - 1, "0.06204")
    rows = await books.connection.fetch(
        "select lane, order_no, kind, refund_no, status, amount_fen, fee_fen, at"
        " from settlement.bill_row_in_force order by row_no"
    )
    else_lane = books.lane_of(WECHAT)
    assert [tuple(row)[:7] for row in rows] == [
        (5, OURS, 1, "", "SUCCESS", 1_234, 7),
        (else_lane, "X2", 1, "", "SUCCESS", 1_234, 7),
        (else_lane, "X3", 2, "R3", "REFUND/SUCCESS", 200, -1),
    ]
    assert rows[0]["at"] == datetime(2026, 11, 23, 10, 0, 1)
    kept = [piece async for piece in store.content_of(books.connection, else_lane, one.file.sha256)]
    assert b"".join(kept) == content


async def test_funds_are_kept_as_movements_with_what_went_to_the_bank(books: BillBooks) -> None:
    one = await taken(books, wechat_funds(), kind=BillKind.FUNDS)
    assert (one.file.totals.in_fen, one.file.totals.out_fen) == (1_234, 5_007)
    rows = await books.connection.fetch(
        "select lane, why, direction, amount_fen, balance_fen, said"
        " from settlement.bill_movement_in_force order by row_no"
    )
    assert [tuple(row) for row in rows] == [
        (5, 1, 1, 1_234, 10_000, "交易"),
        (5, 3, -1, 7, 9_993, "扣除交易手续费"),
        (5, 4, -1, 5_000, 4_993, "提现"),
    ]


async def test_alipay_zips_are_taken_both(books: BillBooks) -> None:
    trade = await taken(
        books, alipay_zip(alipay_trade(), alipay_trade(refund_no="R1")), merchant=ALIPAY
    )
    assert (trade.file.totals.paid_fen, trade.file.totals.refunded_fen) == (8_880, 100)
    assert (trade.file.totals.fee_fen, trade.file.key.day) == (53, DAY)
    funds = await taken(books, alipay_funds(), merchant=ALIPAY)
    assert (funds.file.totals.in_fen, funds.file.totals.out_fen) == (8_880, 53)
    assert await counts(books) == (2, 2, 2, 0, 0)


async def test_unionpay_zip_gives_transactions_and_adjustments(books: BillBooks) -> None:
    adjusted = line_of(
        {"txnTime": "1123130000", "txnAmt": unsigned(77), "traceNo": "000001"}, ZME
    )
    refund = zm_line(
        txnType="04", orderId="R1", origOrderId=OURS, txnAmt=unsigned(12), fee=signed(0),
        settleAmt=signed(-12),
    )  # fmt: skip
    claimed = Claimed(merchant=UNIONPAY)
    found = await take(
        books, file(zm_zip(zm_line(), refund, adjusted=adjusted)), claimed, ORDER
    )
    assert [one.file.key.kind for one in found] == [BillKind.TRADE, BillKind.FUNDS]
    assert found[0].file.totals.paid_fen == 1_000 and found[0].file.totals.fee_fen == 4
    assert found[1].file.totals.moved_rows == 1 and found[1].file.totals.in_fen == 0
    row = await books.connection.fetchrow(
        "select lane, order_no, refund_no, at from settlement.bill_row where kind = 2"
    )
    assert row is not None
    assert tuple(row) == (5, OURS, "R1", datetime(2026, 11, 23, 12))


async def test_same_file_again_changes_nothing(books: BillBooks) -> None:
    content = wechat_bill(wechat_row(1))
    first = await taken(books, content)
    before = await counts(books)
    again = await taken(books, gzip.decompress(gzip.compress(content)))
    assert again.came_before and again.file.file_no == first.file.file_no
    assert await counts(books) == before == (1, 1, 0, 0, 0)


async def test_corrected_bill_takes_the_former_ones_place(books: BillBooks) -> None:
    first = await taken(books, wechat_bill(wechat_row(1)))
    second = await taken(books, wechat_bill(wechat_row(1), wechat_row(2)))
    assert second.file.replaces == (first.file.file_no,)
    counted = await books.connection.fetch("select file_no from settlement.bill_row_in_force")
    assert [row["file_no"] for row in counted] == [second.file.file_no] * 2
    old = await taken(books, wechat_bill(wechat_row(1)))
    assert old.came_before and old.file.replaced_by == second.file.file_no
    assert "取代" in bill_reports.taken_text(old)


async def test_row_that_cannot_be_read_does_not_stop_the_others(books: BillBooks) -> None:
    rows = wechat_row(1), wechat_row(2, 交易时间="昨天"), wechat_row(3, 交易状态="什么")
    one = await taken(books, wechat_bill(*rows))
    assert [(fault.row_no, fault.column) for fault in one.faults] == [(3, "交易时间"), (4, "")]
    assert await counts(books) == (1, 1, 0, 2, 0)
    kept = await store.faults_of(books.connection, one.file.key.lane, one.file.file_no)
    assert [fault.row_no for fault in kept] == [3, 4]


async def test_text_with_marks_of_copy_comes_through(books: BillBooks) -> None:
    await taken(books, wechat_bill(wechat_row(1, 商户订单号="a\\N\tb\\."), wechat_row(2)))
    orders = await books.connection.fetch(
        "select order_no from settlement.bill_row order by row_no"
    )
    assert [row["order_no"] for row in orders] == ["a\\N\tb\\.", "X2"]


GOOD = wechat_bill(wechat_row(1), wechat_row(2))
ZM_GOOD = zm_zip(zm_line())


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("bill.csv", content)
    return packed.getvalue()


REFUSED = {
    "truncated": (GOOD[: len(GOOD) * 2 // 3], {}, "不完整"),
    "cut between rows": (b"\n".join(GOOD.split(b"\n")[:2]) + b"\n", {}, "不完整"),
    "a row is missing": (
        b"\n".join([GOOD.split(b"\n")[0], *GOOD.split(b"\n")[2:]]), {}, "总交易单数",
    ),
    "a fen off": (GOOD.replace(b",`12.34,`0.00,`\r", b",`12.35,`0.00,`\r", 1), {}, "订单总金额"),
    "doubled": (GOOD + GOOD, {}, "接在了一个文件"),
    "in GBK": (GOOD.decode().encode("gbk"), {}, "GBK"),
    "in UTF-16": (GOOD.decode().encode("utf-16"), {}, "不是认识的账单"),
    "another merchant": (GOOD, {"merchant": "1900000099"}, "账单属于商户 1900000001"),
    "nobody says whose": (GOOD, {"merchant": ""}, "--merchant"),
    "two merchants": (
        wechat_bill(wechat_row(1), wechat_row(2, 商户号="1900000009")), {}, "属于另一商户",
    ),
    "another day": (GOOD, {"day": date(2026, 11, 22)}, "多数行是 2026-11-23"),
    "another channel": (GOOD, {"channel": "alipay"}, "不是 alipay"),
    "empty": (b"", {}, "空的"),
    "saved by a spreadsheet": (GOOD.replace(b"`", b""), {}, "不完整"),
    "damaged gzip": (gzip.compress(GOOD)[:-9], {}, "损坏"),
    "damaged ZIP": (alipay_zip(alipay_trade())[:-30], {"merchant": ALIPAY}, "损坏"),
    "ZIP of nothing": (zipped(b"nothing"), {}, "没有认识的账单"),
    "no end of the list": (
        zipped("#支付宝业务明细查询\r\n#账号：[1]\r\n".encode("gbk")), {}, "不完整",
    ),
    "Alipay in UTF-8": (zipped("#支付宝业务明细查询\r\n".encode()), {}, "UTF-8"),
    "foreign Alipay": (
        alipay_zip(alipay_trade(), account="2088000000000009"), {"merchant": ALIPAY},
        "账单属于商户",
    ),
    "Alipay of another day": (
        alipay_zip(alipay_trade()), {"merchant": ALIPAY, "day": date(2026, 11, 22)}, "账单是",
    ),
    "line of a statement cut off": (
        zm_zip(zm_line(), zm_line()[:300]), {"merchant": UNIONPAY}, "长度不对",
    ),
    "statement in UTF-8": (
        zm_zip(zm_line().decode("gbk").encode()), {"merchant": UNIONPAY}, "长度不对",
    ),
    "statement of two merchants": (
        zm_zip(zm_line(merId="777290058110099")), {"merchant": UNIONPAY}, "属于另一商户",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
async def test_bad_bill_is_refused_whole_and_said_why(books: BillBooks, name: str) -> None:
    content, claimed, said = REFUSED[name]
    with pytest.raises(BillError, match=said):
        await taken(books, content, **claimed)  # type: ignore[arg-type]
    assert await counts(books) == (0, 0, 0, 0, 0)


async def test_import_that_was_cut_off_is_invisible_and_goes_with_the_next(
    books: BillBooks,
) -> None:
    one = await taken(books, wechat_bill(wechat_row(1)))
    connection, key = books.connection, one.file.key
    await connection.execute("delete from settlement.bill_file")
    await store.begin(connection, key.lane, one.file.file_no, books.moment.at)
    assert await connection.fetch("select file_no from settlement.bill_row_in_force") == []
    again = await taken(books, wechat_bill(wechat_row(1)))
    assert not again.came_before
    assert await counts(books) == (1, 1, 0, 0, 0)


async def test_preview_keeps_nothing(books: BillBooks) -> None:
    order = Order(actor="zhang", reason="测试", preview=True)
    [one] = await take(books, file(GOOD), Claimed(merchant=WECHAT), order)
    assert one.previewed and one.file.totals.paid_rows == 2
    assert "仅预览" in bill_reports.taken_text(one)
    assert await counts(books) == (0, 0, 0, 0, 0)
