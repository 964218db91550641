"""Bills: trade bill (交易账单) and fund-flow bill (资金账单), read by column name, and written.

A line of names, rows in which every field begins with a backtick, a line of summary names, a line
of summary values. The backtick keeps spreadsheets from taking numbers for numbers. Commas inside a
field are not quoted, so a row is split where a comma and a backtick meet. The columns differ by
kind of bill and by age of the merchant; nobody counts them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from protocol.wechat.yuan import MoneyTextError, fen_of, yuan_text

TRADE_COLUMNS = (
    "交易时间", "公众账号ID", "商户号", "特约商户号", "设备号", "微信订单号", "商户订单号",
    "用户标识", "交易类型", "交易状态", "付款银行", "货币种类", "应结订单金额", "代金券金额",
    "微信退款单号", "商户退款单号", "退款金额", "充值券退款金额", "退款类型", "退款状态",
    "商品名称", "商户数据包", "手续费", "费率", "订单金额", "申请退款金额", "费率备注",
)  # fmt: skip
"""bill_type=ALL"""
SUCCESS_COLUMNS = (*TRADE_COLUMNS[:14], *TRADE_COLUMNS[20:25], TRADE_COLUMNS[26])
REFUND_COLUMNS = (
    *TRADE_COLUMNS[:14], "退款申请时间", "退款成功时间", *TRADE_COLUMNS[14:]
)  # fmt: skip
TRADE_SUMMARY = (
    "总交易单数", "应结订单总金额", "退款总金额", "充值券退款总金额", "手续费总金额",
    "订单总金额", "申请退款总金额",
)  # fmt: skip
FUND_COLUMNS = (
    "记账时间", "微信支付业务单号", "资金流水单号", "业务名称", "业务类型", "收支类型",
    "收支金额(元)", "账户结余(元)", "资金变更提交申请人", "备注", "业务凭证号",
)  # fmt: skip
FUND_SUMMARY = ("资金流水总笔数", "收入笔数", "收入金额", "支出笔数", "支出金额")
SUMMED = {
    "应结订单总金额": "应结订单金额",
    "退款总金额": "退款金额",
    "充值券退款总金额": "充值券退款金额",
    "订单总金额": "订单金额",
    "申请退款总金额": "申请退款金额",
}
"""Which column each sum is over. 手续费总金额 is rounded by WeChat's own way and stands alone."""

_BYTE_ORDER_MARK = "\ufeff"
_NEWLINE = "\r\n"


class DamagedBillError(Exception):
    """The file is not a whole bill; the text says where and what is wrong."""


class BillRow(Struct, frozen=True, kw_only=True):
    """A row by column name, and its number in the file."""

    line: int
    fields: Mapping[str, str]

    def text(self, column: str) -> str:
        """DamagedBillError where the bill has no such column."""
        if column not in self.fields:
            raise DamagedBillError(f"line {self.line}: no column {column}")
        return self.fields[column]

    def fen(self, column: str) -> int:
        """An amount with two decimals."""
        try:
            return fen_of(self.text(column))
        except MoneyTextError as exc:
            raise DamagedBillError(f"line {self.line}, {column}: {exc}") from exc


class Bill(Struct, frozen=True, kw_only=True):
    """A bill, whole: what its summary says is what its rows say."""

    columns: tuple[str, ...]
    rows: tuple[BillRow, ...]
    summary: Mapping[str, str]


def read_bill(content: bytes) -> Bill:
    """Raises DamagedBillError. Sums are checked by `trade_bill` and `fund_bill`.

    No bytes at all are the bill of a day without movements.
    """
    if not content:
        return Bill(columns=(), rows=(), summary={})
    try:
        text = content.decode().removeprefix(_BYTE_ORDER_MARK)
    except UnicodeDecodeError as exc:
        raise DamagedBillError(f"not UTF-8 at byte {exc.start}") from exc
    lines = [line for line in text.splitlines() if line]
    if len(lines) < 3:
        raise DamagedBillError(f"{len(lines)} lines: cut off")
    columns = tuple(lines[0].split(","))
    rows = [_row(columns, line, number) for number, line in enumerate(lines[1:-2], 2)]
    if lines[-2].startswith("`") or not lines[-1].startswith("`"):
        raise DamagedBillError("no summary at the end: cut off")
    names, values = tuple(lines[-2].split(",")), _fields(lines[-1])
    if len(names) != len(values):
        raise DamagedBillError(f"summary has {len(names)} names and {len(values)} values")
    summary = dict(zip(names, values, strict=True))
    return Bill(columns=columns, rows=tuple(rows), summary=summary)


def trade_bill(content: bytes) -> Bill:
    """A trade bill whose rows make up its summary. Raises DamagedBillError."""
    bill = read_bill(content)
    _check_count(bill, "总交易单数", len(bill.rows))
    for name, column in SUMMED.items():
        if name in bill.summary and column in bill.columns:
            _check_sum(bill, name, sum(row.fen(column) for row in bill.rows))
    return bill


def fund_bill(content: bytes) -> Bill:
    """A fund-flow bill whose balance runs on from row to row. Raises DamagedBillError."""
    bill = read_bill(content)
    _check_count(bill, "资金流水总笔数", len(bill.rows))
    for kind in ("收入", "支出"):
        rows = [row for row in bill.rows if row.text("收支类型") == kind]
        _check_count(bill, f"{kind}笔数", len(rows))
        _check_sum(bill, f"{kind}金额", sum(row.fen("收支金额(元)") for row in rows))
    for before, row in zip(bill.rows, bill.rows[1:], strict=False):
        if before.fen("账户结余(元)") + _signed_fen(row) != row.fen("账户结余(元)"):
            raise DamagedBillError(f"line {row.line}: the balance does not run on")
    return bill


def write_bill(
    columns: Sequence[str], rows: Iterable[Mapping[str, str]], summary: Mapping[str, str]
) -> bytes:
    """The true format; every row has exactly the columns."""
    lines = [",".join(columns)]
    lines += [",".join(f"`{row[column]}" for column in columns) for row in rows]
    lines += [",".join(summary), ",".join(f"`{value}" for value in summary.values())]
    return (_NEWLINE.join(lines) + _NEWLINE).encode()


def trade_summary(rows: Sequence[Mapping[str, str]], fee_total: str) -> dict[str, str]:
    """The last line of a trade bill."""
    sums = {
        name: yuan_text(sum(fen_of(row[column]) for row in rows)) for name, column in SUMMED.items()
    }
    told = {"总交易单数": str(len(rows)), "手续费总金额": fee_total, **sums}
    return {name: told[name] for name in TRADE_SUMMARY}


def _row(columns: Sequence[str], line: str, number: int) -> BillRow:
    values = _fields(line)
    if len(values) != len(columns):
        raise DamagedBillError(f"line {number}: {len(values)} fields for {len(columns)} columns")
    return BillRow(line=number, fields=dict(zip(columns, values, strict=True)))


def _fields(line: str) -> list[str]:
    return line.removeprefix("`").split(",`")


def _signed_fen(row: BillRow) -> int:
    amount_fen = row.fen("收支金额(元)")
    return amount_fen if row.text("收支类型") == "收入" else -amount_fen


def _check_count(bill: Bill, name: str, count: int) -> None:
    told = bill.summary.get(name)
    if bill.columns and told != str(count):
        raise DamagedBillError(f"{name} is {told}, the file has {count}")


def _check_sum(bill: Bill, name: str, total_fen: int) -> None:
    if not bill.columns:
        return
    told = bill.summary.get(name, "")
    try:
        told_fen = fen_of(told)
    except MoneyTextError as exc:
        raise DamagedBillError(f"{name}: {exc}") from exc
    if told_fen != total_fen:
        raise DamagedBillError(f"{name} is {told}, the rows make {yuan_text(total_fen)}")
