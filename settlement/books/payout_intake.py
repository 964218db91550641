"""What files about payouts have in them (拨付调整, 质保金考核, 银行回单), row by row. Pure.

A fault names row and column; of a file with faults nothing is taken.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from settlement.books.payout import KIND_ZH, WORD, Kind
from settlement.books.payout_deposits import Assessed
from settlement.intake import cells
from settlement.intake.cells import Column
from settlement.intake.faults import Fault, Told
from settlement.intake.source import Row
from settlement.numbers import parse

_CODE = Told("一个字母和 11 位数字", "a letter and 11 digits")
_TEXT = Told("至多 100 字", "at most 100 characters")
_YUAN = Told("大于零、至多两位小数的元", "yuan above zero, at most two decimals")
_BY_TITLE = {title: kind for kind, title in KIND_ZH.items()}
_INSTITUTION = Column(
    name="fixmedins_code", title="机构编码", read=cells.matching(r"[A-Z][0-9]{11}"),
    expected=_CODE,
)  # fmt: skip


class Asked(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One adjustment that somebody asks for."""

    row: int
    institution: str
    kind: Kind
    amount_fen: int
    source: str
    note: str
    setl_id: int | None = None
    """the settlement that it is about; None where it is about the institution's period"""


class BankRow(Struct, frozen=True, kw_only=True, gc=False):
    """What a bank says of one order."""

    row: int
    order_no: str
    amount_fen: int
    paid: bool
    """False: it was sent back (退汇)"""
    bank_no: str


def _kind(text: str) -> Kind:
    found = WORD.get(text.lower()) or _BY_TITLE.get(text)
    if found is None:
        raise ValueError
    return found


def _positive(text: str) -> int:
    fen = cells.read_fen(text)
    if not fen:
        raise ValueError
    return fen


def _result(text: str) -> bool:
    if text in ("paid", "成功", "付讫"):
        return True
    if text in ("returned", "退汇", "失败"):
        return False
    raise ValueError


def _settlement(text: str) -> int:
    number = parse(text)
    if number is None:
        raise ValueError
    return number


def _score(text: str) -> int:
    return cells.read_fen(text)


ADJUSTMENT_COLUMNS = (
    _INSTITUTION,
    Column(name="kind", title="调整类型", read=_kind,
           expected=Told("、".join(_BY_TITLE), ", ".join(WORD))),
    Column(name="amount", title="金额", read=_positive, expected=_YUAN),
    Column(name="source", title="依据", read=cells.short_text(100), expected=_TEXT),
    Column(name="note", title="说明", read=cells.short_text(100), expected=_TEXT, default=""),
    Column(name="setl_id", title="结算编号", read=_settlement, default=None,
           expected=Told("19 位结算编号，Excel 中须为文本",
                         "a settlement number of 19 digits, as text in a workbook")),
)  # fmt: skip
SCORE_COLUMNS = (
    _INSTITUTION,
    Column(name="deposit", title="质保金", read=cells.read_fen, expected=_YUAN),
    Column(name="score", title="考核得分", read=_score,
           expected=Told("至多两位小数的分数", "a score with at most two decimals")),
)  # fmt: skip
BANK_COLUMNS = (
    Column(name="order_no", title="订单号", read=cells.short_text(60), expected=_TEXT),
    Column(name="amount", title="金额", read=_positive, expected=_YUAN),
    Column(name="result", title="结果", read=_result,
           expected=Told("成功、退汇", "paid or returned")),
    Column(name="bank_no", title="银行流水号", read=cells.short_text(60), expected=_TEXT),
)  # fmt: skip


def read_adjustments(rows: Iterable[Row], faults: list[Fault]) -> list[Asked]:
    """Every adjustment that is not at fault; a source counts once for an institution, kind and
    settlement."""
    found: dict[tuple[str, Kind, str, int | None], Asked] = {}
    for number, texts in rows:
        told = cells.values_of(ADJUSTMENT_COLUMNS, texts, number, faults)
        if told is None:
            continue
        asked = Asked(
            row=number, institution=told["fixmedins_code"], kind=told["kind"],
            amount_fen=told["amount"], source=told["source"], note=told["note"],
            setl_id=told["setl_id"],
        )  # fmt: skip
        key = asked.institution, asked.kind, asked.source, asked.setl_id
        earlier = found.setdefault(key, asked)
        if earlier is not asked:
            faults.append(_again(number, "source", earlier.row))
    return list(found.values())


def read_scores(rows: Iterable[Row], faults: list[Fault]) -> list[Assessed]:
    """Deposits and scores of institutions."""
    found: dict[str, tuple[int, Assessed]] = {}
    for number, texts in rows:
        told = cells.values_of(SCORE_COLUMNS, texts, number, faults)
        if told is None:
            continue
        one = Assessed(
            institution=told["fixmedins_code"], deposit_fen=told["deposit"],
            score_e2=told["score"],
        )  # fmt: skip
        earlier = found.setdefault(one.institution, (number, one))
        if earlier[1] is not one:
            faults.append(_again(number, "fixmedins_code", earlier[0]))
    return [one for _, one in found.values()]


def read_bank(rows: Iterable[Row], faults: list[Fault]) -> list[BankRow]:
    """What a bank says, in its order; an order may be paid and come back in one file."""
    found: dict[tuple[str, bool], BankRow] = {}
    for number, texts in rows:
        told = cells.values_of(BANK_COLUMNS, texts, number, faults)
        if told is None:
            continue
        one = BankRow(
            row=number, order_no=told["order_no"], amount_fen=told["amount"],
            paid=told["result"], bank_no=told["bank_no"],
        )  # fmt: skip
        earlier = found.setdefault((one.order_no, one.paid), one)
        if earlier is not one:
            faults.append(_again(number, "order_no", earlier.row))
    return list(found.values())


def _again(row: int, column: str, earlier: int) -> Fault:
    problem = Told(f"第 {earlier} 行已有", f"is in row {earlier} already")
    return Fault(row=row, column=column, problem=problem)
