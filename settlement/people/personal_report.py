"""A person's data as text to read (个人信息副本), from what was exported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import msgspec

PLACE_ZH = {
    "settlement": "结算", "settlement_detail": "结算明细",
    "visit": "就诊", "visit_event": "就诊经过",
    "filing": "备案", "upload": "上传资料",
    "payment": "渠道支付", "payment_event": "支付经过",
    "person_change": "参保变更", "mobile_order": "移动支付订单", "mobile_event": "移动支付经过",
    "remote_case": "异地人员就医", "remote_event": "异地就医经过",
    "outbox": "通知", "matter": "个人办件",
    "matter_event": "办件经过", "matter_as_agent": "代办他人事项",
    "insured_elsewhere": "异地参保结算", "home_case": "在异地就医",
    "reimbursement_paper": "报销材料", "reimbursement_step": "报销经过",
    "undertaking": "未完结", "family_share": "家庭共济支付",
    "family_move": "共济账户变动",
    "token": "电子凭证令牌",  # nosec B105 - what a table is called
    "lookup": "证件与卡的检索", "opening": "期初",
    "opening_stay": "在院期初", "opening_settlement": "期初结算",
    "money_row": "个人账户入账", "money_taken": "个人账户扣回",
    "sheet_print": "结算单打印", "erasure": "删除记录",
    "suspension": "暂停结算", "audit": "操作记录",
}  # fmt: skip
"""What a person calls what lies in a table."""


def readable(told: Mapping[str, object]) -> str:
    """The text: who, then table by table, each row with what it says."""
    identity = cast("Mapping[str, object]", told["identity"])
    rows = cast("Mapping[str, list[Mapping[str, object]]]", told["rows"])
    lines = [
        "个人信息副本", f"人员编号 {told['psn_no']}  姓名 {identity['name']}",
        f"证件 {identity['certificate_type']} {identity['certificate_no']}",
        f"个人账户余额 {told['balance_fen']} 分", f"导出 {told['exported_at']}，{told['reason']}",
        "", "身份信息", *_fields(identity), "", "人员", *_fields(
            cast("Mapping[str, object]", told["person"])
        ),
    ]  # fmt: skip
    if told["archived_years"]:
        lines += ["", f"以下年度的结算明细在归档文件中：{_value(told['archived_years'])}"]
    for place, found in rows.items():
        lines += ["", f"{PLACE_ZH[place]}（{len(found)} 项）"]
        for number, row in enumerate(found, 1):
            lines += [f"  {number}.", *_fields(row, "    ")]
    return "\n".join(lines)


def _fields(row: Mapping[str, object], indent: str = "  ") -> list[str]:
    return [f"{indent}{name}: {_value(value)}" for name, value in row.items() if value != ""]


def _value(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
