"""What files of papers have in them (报销材料): a row a line of an invoice, with what is said of
the invoice on each. Pure.

A fault names row and column; of a file with faults nothing is taken.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any

from msgspec import Struct

from settlement.bank_account import BankAccount
from settlement.books.reimbursement import Papers
from settlement.claim import AccountUse, CareKind, Claim, ClaimLine
from settlement.intake import cells
from settlement.intake.cells import Column
from settlement.intake.faults import Fault, Told
from settlement.intake.source import Row

LINES_MAX = 20_000
_TEXT = Told("至多 100 字", "at most 100 characters")
_CODE = Told("一个字母和 11 位数字", "a letter and 11 digits")
_YUAN = Told("至多两位小数的元", "yuan, at most two decimals")
_POSITIVE = Told("大于零、至多四位小数的数量", "a quantity above zero, at most four decimals")
_PRICE = Told("不小于零、至多六位小数的单价", "a price, at most six decimals")
_NUMBER = Told("8 至 32 位数字", "8 to 32 digits")
_MANY = Told(f"明细超过 {LINES_MAX} 行", f"more than {LINES_MAX} lines")


class Entered(Struct, frozen=True, kw_only=True):
    """Papers of one invoice, with the first row that they came in."""

    row: int
    person_no: str
    papers: Papers


def invoice_number(text: str) -> str:
    """An invoice number as it is compared: without blanks, in half-width capitals."""
    told = "".join(unicodedata.normalize("NFKC", text).split()).upper()
    if not 1 <= len(told) <= 40 or not told.isprintable():
        raise ValueError
    return told


def _quantity(text: str) -> int:
    found = cells.read_quantity_e4(text)
    if not found:
        raise ValueError
    return found


def _words(name: str, title: str, *, default: object = cells.REQUIRED) -> Column:
    return Column(
        name=name, title=title, read=cells.short_text(100), expected=_TEXT, default=default
    )


_ABOUT = (
    Column(name="psn_no", title="人员编号", read=cells.short_text(30), expected=_TEXT,
           personal=True),
    Column(name="psn_name", title="姓名", read=cells.short_text(50), expected=_TEXT,
           personal=True),
    Column(name="fixmedins_code", title="机构编码", read=cells.matching(r"[A-Z][0-9]{11}"),
           expected=_CODE),
    Column(name="invono", title="发票号码", read=invoice_number,
           expected=Told("至多 40 位", "at most 40 characters")),
    Column(name="insutype", title="险种", read=cells.matching(r"[0-9]{3}"),
           expected=Told("三位险种代码", "the code of a scheme, three digits")),
    Column(name="med_type", title="医疗类别", read=cells.matching(r"[0-9]{2,6}"),
           expected=Told("医疗类别代码", "the code of a kind of care")),
    Column(name="begntime", title="就诊或入院日期", read=cells.read_moment,
           expected=cells.A_DATE),
    Column(name="endtime", title="就诊结束或出院日期", read=cells.read_moment,
           expected=cells.A_DATE),
    _words("dise_codg", "病种编码", default=""),
    Column(name="acct_used_flag", title="个人账户使用标志",
           read=lambda text: AccountUse(cells.one_of("0", "1")(text)),
           expected=Told("0（不用）或 1（用）", "0 (no) or 1 (yes)"), default=AccountUse.NONE),
    Column(name="setl_id", title="结算编号", read=cells.short_text(40), expected=_TEXT,
           default=""),
    Column(name="medfee_sumamt", title="发票金额", read=cells.read_fen, expected=_YUAN),
    Column(name="acctname", title="户名", read=cells.short_text(50), expected=_TEXT,
           personal=True),
    Column(name="bankacct", title="银行账号", read=cells.matching(r"[0-9]{8,32}"),
           expected=_NUMBER, personal=True),
    _words("bankname", "开户行"),
)  # fmt: skip
_LINE = (
    _words("med_list_codg", "医疗目录编码"),
    _words("medins_list_codg", "医药机构目录编码", default=""),
    Column(name="fee_ocur_time", title="费用发生日期", read=cells.read_moment,
           expected=cells.A_DATE),
    Column(name="cnt", title="数量", read=_quantity, expected=_POSITIVE),
    Column(name="pric", title="单价", read=cells.read_price_e6, expected=_PRICE),
    Column(name="det_item_fee_sumamt", title="明细金额", read=cells.read_fen, expected=_YUAN),
    Column(name="hosp_appr_flag", title="医院审批标志", read=cells.one_of("0", "1", "2"),
           expected=Told("0、1 或 2", "0, 1 or 2"), default=""),
)  # fmt: skip
PAPER_COLUMNS = (*_ABOUT, *_LINE)
_ABOUT_NAMES = tuple(column.name for column in _ABOUT)


def read_papers(rows: Iterable[Row], faults: list[Fault]) -> list[Entered]:
    """The papers of every invoice, in the order of the file."""
    found: dict[tuple[str, str], list[tuple[int, Mapping[str, Any]]]] = {}
    for number, texts in rows:
        told = cells.values_of(PAPER_COLUMNS, texts, number, faults)
        if told is not None:
            key = told["fixmedins_code"], told["invono"]
            found.setdefault(key, []).append((number, told))
    entered = []
    for lines in found.values():
        before = len(faults)
        _check(lines, faults)
        if len(faults) == before:
            entered.append(_entered(lines))
    return entered


def _check(lines: list[tuple[int, Mapping[str, Any]]], faults: list[Fault]) -> None:
    first_row, first = lines[0]
    if len(lines) > LINES_MAX:
        faults.append(Fault(row=first_row, column="-", problem=_MANY))
    begins_on, ends_on = first["begntime"].date(), first["endtime"].date()
    if ends_on < begins_on:
        faults.append(
            Fault(row=first_row, column="endtime",
                  problem=Told("早于开始日期", "before the beginning"))
        )  # fmt: skip
    for row, told in lines:
        for name in _ABOUT_NAMES:
            if told[name] != first[name]:
                faults.append(_differs(row, name, first_row))
        if not begins_on <= told["fee_ocur_time"].date() <= ends_on:
            faults.append(
                Fault(row=row, column="fee_ocur_time",
                      problem=Told("不在就诊或住院期间", "outside the care"))
            )  # fmt: skip
    sum_fen = sum(told["det_item_fee_sumamt"] for _, told in lines)
    if sum_fen != first["medfee_sumamt"]:
        expected = Told("各行明细金额之和", "the sum of the lines")
        faults.append(
            Fault(row=first_row, column="medfee_sumamt",
                  problem=Told("与明细合计不符", "is not what the lines come to"),
                  expected=expected)
        )  # fmt: skip


def _differs(row: int, column: str, first: int) -> Fault:
    problem = Told(f"同一发票与第 {first} 行不一致", f"differs from row {first} of the invoice")
    return Fault(row=row, column=column, problem=problem)


def _entered(lines: list[tuple[int, Mapping[str, Any]]]) -> Entered:
    row, told = lines[0]
    begins: datetime = told["begntime"]
    ends_on: date = told["endtime"].date()
    stays = ends_on > begins.date()
    claim = Claim(
        kind=CareKind.OUTPATIENT, care_type=told["med_type"], scheme=told["insutype"],
        institution_code=told["fixmedins_code"], person_no=told["psn_no"],
        account_use=told["acct_used_flag"], total_fen=told["medfee_sumamt"],
        service_at=datetime.combine(ends_on, time.min) if stays else begins,
        lines=tuple(_line(place, line) for place, (_, line) in enumerate(lines, 1)),
        disease=told["dise_codg"],
    )  # fmt: skip
    return Entered(
        row=row, person_no=told["psn_no"],
        papers=Papers(
            name=told["psn_name"], claim=claim, begins_on=begins.date(), ends_on=ends_on,
            invoice_no=told["invono"], settlement_no=told["setl_id"],
            pay_to=BankAccount(
                name=told["acctname"], account=told["bankacct"], bank=told["bankname"]
            ),
        ),
    )  # fmt: skip


def _line(place: int, told: Mapping[str, Any]) -> ClaimLine:
    return ClaimLine(
        line_no=str(place), item_code=told["med_list_codg"],
        institution_item_code=told["medins_list_codg"], quantity_e4=told["cnt"],
        price_e6=told["pric"], amount_fen=told["det_item_fee_sumamt"],
        occurred_on=told["fee_ocur_time"].date(), approval=told["hosp_appr_flag"],
    )  # fmt: skip
