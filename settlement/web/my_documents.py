"""Self-service of persons (`/my/v1/…`) for /openapi.json and /docs: addresses, shapes, samples.

The shapes are the structs of protocol/my.py. Who asks is said by a token of the city's app.
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

import msgspec
from msgspec import Struct

from protocol.my import (
    AccountReply,
    AuthorisationRequest,
    AuthorisationsReply,
    CancelMatterRequest,
    FilingRequest,
    MatterReply,
    MattersReply,
    RefusedReply,
    ReimbursementRequest,
    ReimbursementsReply,
    SettlementReply,
    SettlementsReply,
    StatusReply,
    TransferRequest,
)
from settlement.web.schema_parts import REFERENCE, JsonValue, Schema, properties_of, refer

MY_SECURITY: dict[str, JsonValue] = {
    "app": {
        "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
        "description": "城市应用签发的一次性凭证：JWT，HS256，kid 为应用的访问标识；aud 为 my，"
        "sub（个人编号）或 certno（证件号码）二选一，iat、exp 相差不超过300秒，jti 只用一次",
    },
}  # fmt: skip


class MyOperation(Struct, frozen=True, kw_only=True):
    """One address."""

    name: str
    method: str
    path: str
    title: str
    title_en: str
    about: str
    request: type[Struct] | None = None
    sample: dict[str, JsonValue] | None = None
    reply: type[Struct]


_FILING: dict[str, JsonValue] = {
    "request_no": "F202611230001", "kind": "resident", "place": "510000", "reason": "随子女居住",
    "phone": "10000000001",
}  # fmt: skip
MY_OPERATIONS = (
    MyOperation(
        name="myStatus", method="GET", path="/my/v1/status", title="参保状态",
        title_en="memberships, balance, what is in force",
        about="姓名只显示首字。for 指明代谁查询，须有有效授权；代查会留痕。", reply=StatusReply,
    ),
    MyOperation(
        name="myFilings", method="GET", path="/my/v1/filings", title="异地就医备案及进度",
        title_en="filings of care outside, and how far they are", about="最近的在前。",
        reply=MattersReply,
    ),
    MyOperation(
        name="myFile", method="POST", path="/my/v1/filings", title="申请异地就医备案",
        title_en="file care outside the region",
        about="地区允许的类型即时生效，其余待经办审核。同一request_no重发返回现状。",
        request=FilingRequest, sample=_FILING, reply=MatterReply,
    ),
    MyOperation(
        name="myMatter", method="GET", path="/my/v1/matters/{matter_no}", title="办件进度",
        title_en="one filing, authorisation or transfer", about="办件及每一步。",
        reply=MatterReply,
    ),
    MyOperation(
        name="myCancel", method="POST", path="/my/v1/matters/{matter_no}/cancel", title="撤销办件",
        title_en="take a matter back",
        about="备案、授权和尚未入账的转移。长期备案在锁定期内不能撤销。",
        request=CancelMatterRequest, sample={"request_no": "C202611230001", "note": "计划变更"},
        reply=MatterReply,
    ),
    MyOperation(
        name="mySettlements", method="GET", path="/my/v1/settlements", title="结算记录",
        title_en="settlements, the newest first", about="最多100笔；已撤销的注明。",
        reply=SettlementsReply,
    ),
    MyOperation(
        name="mySettlement", method="GET", path="/my/v1/settlements/{settlement_id}",
        title="结算说明", title_en="how every fen of a settlement came about",
        about="逐步说明、明细，并按保存的依据重新计算。", reply=SettlementReply,
    ),
    MyOperation(
        name="myAccount", method="GET", path="/my/v1/account", title="个人账户收支和余额",
        title_en="movements and balance of the personal account",
        about="每笔之后的余额；最早一行是期初余额及划入。", reply=AccountReply,
    ),
    MyOperation(
        name="myTransfers", method="GET", path="/my/v1/transfers", title="个人账户转移进度",
        title_en="transfers of the account, and how far they are", about="最近的在前。",
        reply=MattersReply,
    ),
    MyOperation(
        name="myTransfer", method="POST", path="/my/v1/transfers", title="申请个人账户转移",
        title_en="have the account moved",
        about="医保关系转移的个人账户部分，转出或转入；金额由经办两人复核后入账。",
        request=TransferRequest,
        sample={"request_no": "T202611230001", "direction": "out", "region": "430100"},
        reply=MatterReply,
    ),
    MyOperation(
        name="myReimbursements", method="GET", path="/my/v1/reimbursements", title="手工报销进度",
        title_en="papers told in advance, and what the counter has",
        about="线上预受理和窗口已受理的报销，最近的在前。", reply=ReimbursementsReply,
    ),
    MyOperation(
        name="myTellPapers", method="POST", path="/my/v1/reimbursements", title="报销线上预受理",
        title_en="say what will be brought to be reimbursed",
        about="只登记发票信息并给出回执编号，不核算待遇；材料到窗口后受理。",
        request=ReimbursementRequest,
        sample={
            "request_no": "R202611230001", "institution": "H44190000001",
            "invoice_no": "44190001", "total": "128.50", "begins_on": "2026-11-20",
            "ends_on": "2026-11-20",
        },
        reply=MatterReply,
    ),
    MyOperation(
        name="myAuthorisations", method="GET", path="/my/v1/authorisations", title="代办授权",
        title_en="who may act for whom", about="本人给出的授权，和本人可以代办的人。",
        reply=AuthorisationsReply,
    ),
    MyOperation(
        name="myAuthorise", method="POST", path="/my/v1/authorisations", title="设定代办授权",
        title_en="let somebody act, or ask to act for a ward",
        about="亲属由本人授权，即时生效；被监护人由监护人申请（for为被监护人），经办审核后生效。",
        request=AuthorisationRequest,
        sample={
            "request_no": "A202611230001", "relation": "relative",
            "agent_no": "44190000000000000000000002", "ends_on": "2027-11-22",
        },
        reply=MatterReply,
    ),
)  # fmt: skip
"""All of them, in the order in which a person meets them."""
_TYPES = (
    *dict.fromkeys(one.reply for one in MY_OPERATIONS),
    *dict.fromkeys(one.request for one in MY_OPERATIONS if one.request is not None),
    RefusedReply,
)
_TITLES = {
    "request_no": "请求号", "kind": "类型", "place": "就医地代码", "begins_on": "开始日期",
    "ends_on": "结束日期", "reason": "事由", "phone": "接收短信的手机号", "direction": "方向",
    "region": "地区代码", "relation": "关系", "agent_no": "代办人个人编号", "note": "说明",
    "matter_no": "办件编号", "state": "状态", "steps": "办理进度", "locked_until": "何日前不能撤销",
    "balance": "余额", "movements": "收支", "amount": "金额", "person_no": "个人编号",
    "name": "姓名", "settlement_id": "结算号", "total": "费用总额", "funds": "基金支付",
    "account": "个人账户支付", "cash": "现金支付", "hospital_borne": "医院负担",
    "reasons": "计算步骤", "items": "费用明细", "coverage_months": "缴费年限（月）",
    "transferred_coverage_months": "转入缴费年限（月）", "held": "冻结金额",
}  # fmt: skip
_IN_PATHS = {"matter_no": r"^[0-9]{1,20}$", "settlement_id": r"^[0-9]{1,20}$"}
_STATUSES = {
    "401": "凭证缺失、无效、过期或已用过", "404": "地址不存在", "405": "不支持此方法",
    "413": "请求过大",
    "503": "暂不能受理或结果未知，见 retry 与 Retry-After",
}  # fmt: skip


@lru_cache(maxsize=1)
def my_components() -> dict[str, Schema]:
    """The schemas of all shapes, with names."""
    _, components = msgspec.json.schema_components(_TYPES, ref_template=REFERENCE + "{name}")
    for component in components.values():
        properties = properties_of(component)
        for name, known in properties.items():
            if name in _TITLES:
                properties[name] = {"title": _TITLES[name], **cast(Schema, known)}
    refused = properties_of(components[RefusedReply.__name__])
    refused["err_code"] = refer("ErrorCode")
    return components


def my_paths() -> dict[str, JsonValue]:
    """The operations of /my/v1/…, by address."""
    paths: dict[str, JsonValue] = {}
    for one in MY_OPERATIONS:
        cast(Schema, paths.setdefault(one.path, {}))[one.method.lower()] = _operation(one)
    return paths


def _operation(one: MyOperation) -> Schema:
    parameters: list[JsonValue] = [
        {
            "name": name, "in": "path", "required": True,
            "schema": {"type": "string", "pattern": pattern},
        }
        for name, pattern in _IN_PATHS.items()
        if f"{{{name}}}" in one.path
    ]  # fmt: skip
    parameters.append(
        {
            "name": "for", "in": "query", "required": False,
            "description": "代谁办理：参保人的个人编号；不填为本人",
            "schema": {"type": "string", "pattern": "^[0-9A-Za-z]{1,30}$"},
        }
    )  # fmt: skip
    answered: Schema = {"oneOf": [refer(one.reply.__name__), refer(RefusedReply.__name__)]}
    operation: Schema = {
        "operationId": one.name,
        "summary": f"{one.title} ({one.title_en})",
        "description": one.about,
        "security": [{"app": []}],
        "parameters": parameters,
        "responses": {
            "200": _described("办理结果，或不予办理的原因", answered),
            **{status: _described(words, refer("Problem")) for status, words in _STATUSES.items()},
        },
    }
    if one.request is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {
                    "schema": refer(one.request.__name__), "example": one.sample,
                }
            },
        }  # fmt: skip
    return operation


def _described(words: str, schema: Schema) -> Schema:
    return {"description": words, "content": {"application/json": {"schema": schema}}}
