"""A statement as PDF: the three sheets on paper, to be stamped; the details are in the Excel file.

Columns in which nobody has anything are left out, so that what is printed can be read.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.money import yuan_text
from settlement.books.monthly_statement import (
    Cell,
    Form,
    Group,
    Level,
    Sheet,
    StatementHead,
    sheets,
)
from settlement.clock import local_time
from settlement.finance.statement_csv import cell_text
from settlement.finance.typeset import typeset

AGENCY = "医疗保障经办机构"


def statement_pdf(head: StatementHead, groups: Sequence[Group], *, by: str) -> bytes:
    """The month of an institution; `by` is who printed it."""
    (everything,) = [one for one in groups if one.level is Level.ALL]
    title = "医疗保险定点机构月度结算对账单"
    content = {
        "title": title,
        "agency": AGENCY,
        "institution": head.institution,
        "name": head.name,
        "month": f"{head.month:%Y年%m月}",
        "foot": f"{head.institution}　{head.month:%Y-%m}　生成 "
        f"{local_time(head.made_at):%Y-%m-%d %H:%M:%S}　{by}",
        "note": f"明细 {everything.row_count} 笔（其中撤销 {everything.cancel_count} 笔），涉及 "
        f"{everything.person_count} 人，见同月电子明细。被冲正的结算不计；撤销以负数另计一笔，"
        "人次 = 结算 − 撤销。全部为零的列不列示。异地参保人员的费用另行清算。",
        "sheets": [sheet_told(one) for one in sheets(head, groups)],
    }
    return typeset("statement", content, at=head.made_at)


def sheet_told(sheet: Sheet) -> dict[str, object]:
    """A sheet for the template, without the columns that are all nothing."""
    kept = [
        at
        for at, column in enumerate(sheet.columns)
        if column.form is not Form.MONEY or column.heading == "医疗费总额"
        or any(row[at] for row in sheet.rows)
    ]  # fmt: skip
    totals = sheet.totals()
    return {
        "title": sheet.title,
        "columns": [
            {
                "heading": sheet.columns[at].heading,
                "right": sheet.columns[at].form in (Form.MONEY, Form.COUNT),
            }
            for at in kept
        ],
        "rows": [[_text(sheet.columns[at].form, row[at]) for at in kept] for row in sheet.rows],
        "total": [
            "合计" if at == 0 else _text(sheet.columns[at].form, totals[at]) for at in kept
        ],
    }


def thousands(amount_fen: int) -> str:
    """1234567 → 12,345.67."""
    return _grouped(yuan_text(amount_fen))


def _text(form: Form, cell: Cell) -> str:
    """As in the CSV, with commas between thousands; paper computes nothing, so nothing is defused.
    """
    if isinstance(cell, str):
        return cell
    text = cell_text(form, cell)
    return _grouped(text) if form in (Form.MONEY, Form.COUNT) and text else text


def _grouped(text: str) -> str:
    whole, dot, cents = text.lstrip("-").partition(".")
    return f"{'-' if text.startswith('-') else ''}{int(whole):,}{dot}{cents}"
