"""The settlement sheet (结算单) of one case: what is printed of it, and the code that proves it.

Pure. The code is a keyed MAC over the accounting fields of the settlement row, eighty bits in
groups of four characters that are not mistaken for one another: whoever has the paper reads it
out, and only we can say whether it is ours. Rows never change, so a code of any print, however old,
is right for ever; whether the settlement still stands is looked up when it is checked.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec
from msgspec import Struct

from settlement.case import FundShare
from settlement.explanation import FundName
from settlement.rows import Detail, SettledLine, SettlementRow

CHARGE_KINDS: Mapping[str, str] = {
    "01": "床位费", "02": "诊察费", "03": "检查费", "04": "化验费", "05": "治疗费",
    "06": "手术费", "07": "护理费", "08": "卫生材料费", "09": "西药费", "10": "中药饮片费",
    "11": "中成药费", "12": "一般诊疗费", "13": "挂号费", "14": "其他费",
}  # fmt: skip
"""收费项目类别 (med_chrgitm_type)."""
_CLASSES = ("01", "02", "03")
"""甲, 乙, 丙 (chrgitm_lv); anything else is shown as 丙, because it is paid as such."""
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""No 0, 1, I or O."""
_CODE_BYTES = 10
_GROUP = 4
_ENCODE = msgspec.json.Encoder().encode
_SHARES = msgspec.json.Decoder(tuple[FundShare, ...]).decode
_ACCOUNTING = (
    "setl_id", "mdtrt_id", "undoes_setl_id", "kind", "setl_time", "psn_no", "institution",
    "scheme", "category", "care_type", "clearing_type", "invoice_no", "total_fen",
    "full_self_pay_fen", "over_ceiling_fen", "pre_self_pay_fen", "in_scope_fen",
    "deductible_fen", "hifp_fen", "cvlserv_fen", "hifes_fen", "hifmi_fen", "hifob_fen",
    "maf_fen", "oth_fen", "hifdm_fen", "fund_fen", "hospital_fen", "personal_fen",
    "account_fen", "family_account_fen", "cash_fen", "balance_fen",
)  # fmt: skip
"""The fields of the row that the code is of."""


class FeeRow(Struct, frozen=True, kw_only=True):
    """The lines of one kind of fee, added up."""

    kind: str
    name: str
    amount_fen: int
    classes: tuple[int, int, int]
    """甲类, 乙类, 丙类"""
    full_self_pay_fen: int
    over_ceiling_fen: int
    pre_self_pay_fen: int
    in_scope_fen: int


class FundRow(Struct, frozen=True, kw_only=True):
    """What one fund pays."""

    code: str
    name: str
    in_scope_fen: int
    ratio_bp: int
    amount_fen: int


def fee_rows(detail: Detail) -> list[FeeRow]:
    """The lines by kind of fee, in the order of its codes."""
    by_kind: dict[str, list[SettledLine]] = {}
    for line in detail.lines:
        by_kind.setdefault(line.priced.charge_kind, []).append(line)
    return [_fee_row(kind, lines) for kind, lines in sorted(by_kind.items())]


def fee_total(rows: Sequence[FeeRow]) -> FeeRow:
    """All kinds together."""
    first, second, third = (sum([one.classes[at] for one in rows]) for at in range(3))
    return FeeRow(
        kind="", name="合计", amount_fen=sum([one.amount_fen for one in rows]),
        classes=(first, second, third),
        full_self_pay_fen=sum([one.full_self_pay_fen for one in rows]),
        over_ceiling_fen=sum([one.over_ceiling_fen for one in rows]),
        pre_self_pay_fen=sum([one.pre_self_pay_fen for one in rows]),
        in_scope_fen=sum([one.in_scope_fen for one in rows]),
    )  # fmt: skip


def fund_rows(row: SettlementRow, names: Mapping[str, FundName]) -> list[FundRow]:
    """What each fund pays; a fund that has no name is shown by its code. What undoes a settlement
    keeps its shares as they were, so they are turned here."""
    sign = 1 if row.undoes_setl_id is None else -1
    return [
        FundRow(
            code=one.fund_pay_type,
            name=names[one.fund_pay_type].zh if one.fund_pay_type in names else "",
            in_scope_fen=sign * one.in_scope_fen, ratio_bp=one.ratio_bp,
            amount_fen=sign * one.amount_fen,
        )
        for one in _SHARES(row.shares)
    ]  # fmt: skip


def sheet_code(key: bytes, row: SettlementRow) -> str:
    """The verification code (验证码) of a settlement's sheet."""
    told = [getattr(row, name) for name in _ACCOUNTING]
    digest = hmac.digest(key, b"settlement sheet 1\n" + _ENCODE(told), sha256)
    number = int.from_bytes(digest[:_CODE_BYTES], "big")
    text = ""
    for _ in range(_CODE_BYTES * 8 // 5):
        number, rest = divmod(number, len(_ALPHABET))
        text = _ALPHABET[rest] + text
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def is_code_of(key: bytes, row: SettlementRow, code: str) -> bool:
    """Whether a code is that of the settlement, however it was typed."""
    typed = "".join(c for c in code.upper() if c.isascii() and c.isalnum())
    return hmac.compare_digest(typed, sheet_code(key, row).replace("-", ""))


def _fee_row(kind: str, lines: Sequence[SettledLine]) -> FeeRow:
    priced = [one.priced for one in lines]
    by_class = [0, 0, 0]
    for one in priced:
        known = one.item_class in _CLASSES
        by_class[_CLASSES.index(one.item_class) if known else 2] += one.line.amount_fen
    return FeeRow(
        kind=kind, name=CHARGE_KINDS.get(kind, kind or "未分类"),
        amount_fen=sum([one.line.amount_fen for one in priced]),
        classes=(by_class[0], by_class[1], by_class[2]),
        full_self_pay_fen=sum([one.full_self_pay_fen for one in priced]),
        over_ceiling_fen=sum([one.over_ceiling_fen for one in priced]),
        pre_self_pay_fen=sum([one.pre_self_pay_fen for one in priced]),
        in_scope_fen=sum([one.in_scope_fen for one in priced]),
    )  # fmt: skip
