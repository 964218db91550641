"""The settlement sheet (结算单) of one case: read within a scope, opened, and set as PDF.

The console's page shows the same `CaseSheet`. Names are opened here and masked at once, as
everywhere that people look.
"""

from __future__ import annotations

from msgspec import Struct

from ledger.postgres.shape import Shape
from settlement.books.monthly_statement import (
    HEADINGS,
    care_name,
    clearing_name,
    person_type_name,
    scheme_name,
)
from settlement.books.settlement_sheet import (
    FeeRow,
    FundRow,
    fee_rows,
    fee_total,
    fund_rows,
    sheet_code,
)
from settlement.clock import local_time
from settlement.console.people import person_shown
from settlement.elsewhere.remote_rows import told_by
from settlement.explanation import FundName, names_of, ratio_text
from settlement.finance.statement_pdf import AGENCY, thousands
from settlement.finance.typeset import typeset
from settlement.keyring import Keyring, UndecipherableError
from settlement.numbers import lane_in
from settlement.policy.loader import PolicySet
from settlement.rows import Detail, RowKind, SettlementRow
from settlement.storage.lease import PlainConnection
from settlement.storage.reader import read_with_lines
from settlement.storage.statement_sheets import Print, institution_of
from settlement.telemetry.logs import mask_name, mask_number
from settlement.usecases.explain import explain
from settlement.usecases.settled_lines import settled_lines
from settlement.view import SettlementFact, View

TITLES = {
    RowKind.SETTLE: "医疗保险费用结算单",
    RowKind.CANCEL: "医疗保险费用结算单（撤销）",
    RowKind.REVERSE: "医疗保险费用结算单（冲正）",
}
_UNDOING = {
    RowKind.SETTLE: ("结算", "settlement"),
    RowKind.CANCEL: ("撤销", "cancel"),
    RowKind.REVERSE: ("冲正", "reversal"),
}
_PARTS = ("full_self_pay_fen", "over_ceiling_fen", "pre_self_pay_fen", "in_scope_fen")
_FEES = ("收费项目", "金额", "甲类", "乙类", "丙类", "全自费", "超限价", "先行自付", "范围内")


class Keys(Struct, frozen=True, kw_only=True):
    """What a sheet is read with, whoever asks."""

    keyring: Keyring
    policies: PolicySet
    shape: Shape
    lanes: int


class CaseSheet(Struct, frozen=True, kw_only=True):
    """What stands on a sheet; names and numbers of the person are masked."""

    row: SettlementRow
    institution_name: str
    person_name: str
    person_no: str
    certificate_no: str
    fees: list[FeeRow]
    total: FeeRow
    funds: list[FundRow]
    explanation_zh: list[str]
    explanation_en: list[str]
    code: str
    undone_by: int | None
    undone_kind: RowKind | None


async def read_sheet(
    connection: PlainConnection, scope: str | None, setl_id: int, keys: Keys
) -> CaseSheet | None:
    """The sheet of a settlement row; None where there is none within the scope."""
    lane = lane_in(setl_id)
    place = await institution_of(connection, scope, setl_id) if lane < keys.lanes else None
    if place is None:
        return None
    view = View()
    await read_with_lines(connection, setl_id, view, keys.shape)
    fact = view.settlements[setl_id]
    row = fact.row
    shown = await person_shown(connection, keys.keyring, lane, row.psn_no)
    fees = fee_rows(_detail(fact, view, keys))
    zh, en = _explained(fact, keys)
    return CaseSheet(
        row=row, institution_name=place[1],
        person_name="" if shown is None else mask_name(shown.name),
        person_no=mask_number(row.psn_no),
        certificate_no="" if shown is None else mask_number(shown.certificate_no),
        fees=fees, total=fee_total(fees), funds=fund_rows(row, _names(row, keys)),
        explanation_zh=zh, explanation_en=en, code=sheet_code(keys.keyring.sheet_key, row),
        undone_by=fact.undone_by, undone_kind=fact.undone_kind,
    )  # fmt: skip


def sheet_pdf(sheet: CaseSheet, printed: Print) -> bytes:
    """The sheet on paper, with the print that it is."""
    row = sheet.row
    again = f"第 {printed.print_no} 次打印" + ("（补打）" if printed.print_no > 1 else "")
    at = f"{local_time(printed.printed_at):%Y-%m-%d %H:%M:%S}"
    content = {
        "title": TITLES[row.kind],
        "agency": AGENCY,
        "print": f"结算编号 {row.setl_id}　{again}",
        "foot": f"{row.setl_id}　{again}　{at}　{printed.printed_by}　{printed.place}",
        "undone": (undone_words(sheet) or ("", ""))[0],
        "facts": [(zh, value) for zh, _, value in facts(sheet)],
        "fee_columns": [{"heading": one, "right": at > 0} for at, one in enumerate(_FEES)],
        "fees": [_fee_cells(one) for one in sheet.fees],
        "fee_total": _fee_cells(sheet.total),
        "no_fees": "明细已归档或清除。",
        "parts": [
            *([HEADINGS[name], thousands(getattr(row, name))] for name in _PARTS),
            ["其中起付线", thousands(row.deductible_fen)],
        ],
        "parts_total": [HEADINGS["total_fen"], thousands(row.total_fen)],
        "payers": _payers(sheet),
        "payers_total": ["合计", "", "", thousands(row.total_fen)],
        "explanation": sheet.explanation_zh,
        "code": sheet.code,
        "how": "凭结算编号和验证码可向经办机构核验",
    }
    return typeset("sheet", content, at=printed.printed_at)


def undone_words(sheet: CaseSheet) -> tuple[str, str] | None:
    """What a reader must know first, in both languages; None where the settlement stands."""
    original = sheet.row.undoes_setl_id
    if original is not None:
        zh, en = _UNDOING[sheet.row.kind]
        return f"本单{zh}的是结算 {original}，金额为负。", f"This {en} takes back {original}."
    if sheet.undone_by is None or sheet.undone_kind is None:
        return None
    zh, en = _UNDOING[sheet.undone_kind]
    return (
        f"本结算已由 {sheet.undone_by} {zh}，不再有效。",
        f"Taken back by {en} {sheet.undone_by}: it does not stand any more.",
    )


def facts(sheet: CaseSheet) -> list[tuple[str, str, str]]:
    """Who, where and when: the name in both languages, and the value."""
    row = sheet.row
    return [
        ("定点机构", "institution", sheet.institution_name or row.institution),
        ("机构编码", "its code", row.institution),
        ("参保人", "person", sheet.person_name or "—"),
        ("人员编号", "number", sheet.person_no),
        ("证件号码", "certificate", sheet.certificate_no or "—"),
        ("人员类别", "person type", person_type_name(row.category)),
        ("险种", "scheme", scheme_name(row.scheme)),
        ("医疗类别", "care type", care_name(row.care_type)),
        ("就诊编号", "visit", str(row.mdtrt_id)),
        ("就诊时间", "time of care", f"{row.service_at:%Y-%m-%d %H:%M}"),
        ("清算类别", "clearing type", clearing_name(row.clearing_type)),
        ("结算时间", "settled at", f"{local_time(row.setl_time):%Y-%m-%d %H:%M:%S}"),
        ("发票号", "invoice", row.invoice_no or "—"),
        ("账户余额", "account afterwards", thousands(row.balance_fen)),
        ("政策版本", "policy", row.policy),
        ("经办人", "operator", row.operator or "—"),
    ]


def _payers(sheet: CaseSheet) -> list[list[str]]:
    """Who pays: the funds one by one, the accounts, the patient, and the hospital where it must."""
    row = sheet.row
    paid = [
        [
            one.name or f"基金 {one.code}", thousands(one.in_scope_fen), ratio_text(one.ratio_bp),
            thousands(one.amount_fen),
        ]
        for one in sheet.funds
    ]  # fmt: skip
    own = row.account_fen - row.family_account_fen
    return [
        *paid,
        ["个人账户（本人）", "", "", thousands(own)],
        *([["家庭共济账户", "", "", thousands(row.family_account_fen)]]
          if row.family_account_fen else []),
        ["个人现金", "", "", thousands(row.cash_fen)],
        *([["医院负担", "", "", thousands(row.hospital_fen)]] if row.hospital_fen else []),
    ]  # fmt: skip


def _fee_cells(one: FeeRow) -> list[str]:
    amounts = (
        one.amount_fen, *one.classes, one.full_self_pay_fen, one.over_ceiling_fen,
        one.pre_self_pay_fen, one.in_scope_fen,
    )  # fmt: skip
    return [one.name, *map(thousands, amounts)]


def _detail(fact: SettlementFact, view: View, keys: Keys) -> Detail:
    """The lines; none where they were erased or do not open."""
    try:
        return settled_lines(fact, view.visits.get(fact.row.mdtrt_id), keys.keyring)
    except UndecipherableError:
        return Detail(lines=())


def _explained(fact: SettlementFact, keys: Keys) -> tuple[list[str], list[str]]:
    """How it came about, line by line; that it cannot be told where the policy is not loaded."""
    try:
        told = explain(fact, keys.keyring, keys.policies)
    except LookupError:
        return [f"政策版本 {fact.row.policy} 未加载，无法说明。"], ["Its policy is not loaded."]
    return told.text_zh.strip().splitlines(), told.text_en.strip().splitlines()


def _names(row: SettlementRow, keys: Keys) -> dict[str, FundName]:
    """Of a stranger's settlement: by the other region's policy, where this program knows it."""
    version = row.policy.rpartition(" ")[2] if told_by(row.policy) else row.policy
    policy = keys.policies.version(version)
    return {} if policy is None else names_of(policy)
