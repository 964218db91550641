"""Scan-to-pay (`/pay/…`) for /openapi.json and /docs: its addresses, their schemas and samples.

The shapes are those of the structs of protocol/scan.py; names and digits of what a fee line shares
with 2102 are the field facts of 2102. Amounts are yuan, as JSON numbers or as text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from msgspec import Struct

from protocol.hospital import (
    AdmissionAsked,
    AdmissionsReply,
    AdmitRequest,
    DepositRequest,
    DepositsReply,
    VisitRequest,
)
from protocol.nhsa.facts import TABLES, Field
from protocol.scan import (
    CancelRequest,
    PhoneRequest,
    RefundLine,
    RefundRequest,
    ScanLine,
    ScanReply,
    ScanRequest,
)
from settlement.web.schema_parts import JsonValue, Schema, number_forms, properties_of, refer

PAY_TYPES: tuple[type, ...] = (
    ScanRequest, PhoneRequest, CancelRequest, RefundRequest, ScanReply, DepositRequest,
    DepositsReply, VisitRequest, AdmissionAsked, AdmissionsReply, AdmitRequest,
)  # fmt: skip
"""What comes and what is answered, at a till and at a hospital's window."""
_FACTUAL: tuple[type[Struct], ...] = (
    ScanRequest, ScanLine, PhoneRequest, RefundRequest, RefundLine, DepositRequest, VisitRequest,
    AdmissionAsked, AdmitRequest,
)  # fmt: skip
_INPUTS: dict[type[Struct], tuple[str, ...]] = {
    VisitRequest: ("OutpatientSettleInput", "StaySettleInput"),
    AdmitRequest: ("AdmitInput",),
}
"""What is a transaction's, word for word."""

ORDER_PATTERN = r"^[0-9A-Za-z_\-]{1,32}$"


class PayOperation(Struct, frozen=True, kw_only=True):
    """One address."""

    name: str
    """operationId, and how the page names it"""
    method: str
    path: str
    title: str
    title_en: str
    about: str
    request: type[Struct] | None
    sample: dict[str, JsonValue] | None
    """a request; None where it has no body"""
    answer: dict[str, JsonValue]
    """and what comes back of it"""
    reply: type[Struct] = ScanReply
    writes: bool = True
    more: Mapping[str, tuple[str, dict[str, JsonValue]]] = {}
    """other requests to the same address: a name, its title and the request"""


def add_pay_facts(components: Mapping[str, Schema]) -> None:
    """Complete the schemas of `PAY_TYPES`: names, digits, codes of errors."""
    facts = {field.name: field for node in TABLES["2102"].input.values() for field in node.fields}
    for shape in _FACTUAL:
        properties = properties_of(components[shape.__name__])
        for name, known in properties.items():
            properties[name] = _with_facts(name, cast(Schema, known), facts)
    for shape, inputs in _INPUTS.items():
        properties = properties_of(components[shape.__name__])
        forms: list[JsonValue] = [refer(name) for name in inputs]
        properties["input"] = {"title": _TITLES["input"], "anyOf": forms}
    reply = properties_of(components[ScanReply.__name__])
    reply["err_code"] = refer("ErrorCode")
    reply["retry"] = {"enum": ["never", "later", "same_msgid"]}


def _with_facts(name: str, known: Schema, facts: Mapping[str, Field]) -> Schema:
    field = facts.get("det_item_fee_sumamt" if name == "amount" else name)
    title = _TITLES.get(name) or (field.name_zh if field is not None else name)
    if field is None or not _is_amount(known):
        return {"title": title, **known}
    forms: list[JsonValue] = list(number_forms(field))
    if "default" in known:
        return {"title": title, "anyOf": [*forms, {"type": "null"}], "default": None}
    return {"title": title, "anyOf": forms}


def _is_amount(known: Schema) -> bool:
    """Whether the struct has a Decimal there."""
    forms = cast(list[Schema], known.get("anyOf", [known]))
    return any(form.get("format") == "decimal" for form in forms)


def pay_paths(operations: Iterable[PayOperation]) -> dict[str, JsonValue]:
    """Operations of /pay/…, by address."""
    paths: dict[str, JsonValue] = {}
    for one in operations:
        cast(Schema, paths.setdefault(one.path, {}))[one.method.lower()] = _operation(one)
    return paths


def _operation(one: PayOperation) -> Schema:
    operation: Schema = {
        "operationId": one.name,
        "summary": f"{one.title} ({one.title_en})",
        "description": one.about,
        "responses": {
            "200": _answered("订单状态", _reply_of(one)),
            **{
                status: _answered(words, {"oneOf": [refer("ScanReply"), refer("Problem")]})
                for status, words in _STATUSES.items()
            },
        },
    }
    operation["parameters"] = [
        {
            "name": name, "in": "path", "required": True,
            "schema": {"type": "string", "pattern": pattern},
        }
        for name, pattern in _IN_PATHS.items()
        if f"{{{name}}}" in one.path
    ]  # fmt: skip
    if one.request is not None:
        content: Schema = {"schema": refer(one.request.__name__), **_examples(one)}
        operation["requestBody"] = {
            "required": one.request is not CancelRequest, "content": {"application/json": content},
        }  # fmt: skip
    return operation


def _examples(one: PayOperation) -> Schema:
    """One, or several that have names."""
    if not one.more:
        return {"example": one.sample}
    named: Schema = {"sample": {"summary": one.title, "value": one.sample}}
    for name, (title, sample) in one.more.items():
        named[name] = {"summary": title, "value": sample}
    return {"examples": named}


def _reply_of(one: PayOperation) -> Schema:
    """What answers it, or that it is refused."""
    if one.reply is ScanReply:
        return refer(ScanReply.__name__)
    return {"anyOf": [refer(one.reply.__name__), refer(ScanReply.__name__)]}


def _answered(words: str, schema: Schema) -> Schema:
    return {"description": words, "content": {"application/json": {"schema": schema}}}


_STATUSES = {
    "400": "请求无法解析",
    "401": "身份认证失败",
    "404": "没有这个订单",
    "409": "订单已结算，应退款",
    "413": "请求过大",
    "429": "平台繁忙，且本机构同时提交的请求远多于其他机构，见 Retry-After",
    "503": "暂不能受理或结果未知，见 retry 与 Retry-After",
}

_IN_PATHS = {"order_no": ORDER_PATTERN, "mdtrt_id": r"^[0-9]{1,30}$"}

_TITLES = {
    "input": "交易输入，同所列交易",
    "infno": "结算交易编号",
    "opter_type": "经办人类别：1 经办人，2 自助终端，3 移动终端",
    "ward": "病区",
    "note": "备注",
    "order_no": "订单号",
    "terminal_id": "终端号",
    "operator": "操作员",
    "person_code": "医保码、电子社保卡码或证件号码",
    "pay_code": "付款码",
    "tender": "机构自收方式",
    "lines": "明细",
    "allow_second_code": "允许换码再付",
    "pay_on_phone": "付款人在自己手机上支付",
    "openid": "微信：付款人在本商户appid下的openid",
    "channel": "支付渠道",
    "refund_no": "退款单号",
    "amount": "金额",
}

_LINE: dict[str, JsonValue] = {
    "med_list_codg": "XN05CHA1090A001010101",
    "medins_list_codg": "A001",
    "cnt": "1",
    "pric": "12.50",
}
_ORDER: dict[str, JsonValue] = {
    "order_no": "T202611230001",
    "operator": "0001",
    "terminal_id": "POS01",
    "person_code": "999999199001010017",
    "pay_code": "134567890123456789",
    "insutype": "310",
    "acct_used_flag": "0",
    "lines": [_LINE],
    "allow_second_code": True,
}
_VOUCHER_ORDER: dict[str, JsonValue] = {**_ORDER, "person_code": "4241010000000000003000440000"}
_ONE_CODE_ORDER: dict[str, JsonValue] = {
    name: value
    for name, value in {**_ORDER, "person_code": "4241110000000000003000440000"}.items()
    if name != "pay_code"
}
_SPLIT: dict[str, JsonValue] = {
    "medfee_sumamt": "12.50", "fund_pay_sumamt": "8.75", "acct_pay": "0.00",
    "acct_mulaid_pay": "0.00", "hosp_part_amt": "0.00", "psn_cash_pay": "3.75",
}  # fmt: skip
_SETTLED: dict[str, JsonValue] = {
    "status": "settled",
    "order_no": "T202611230001",
    "settlement_id": "2611000300001000001",
    "split": _SPLIT,
    "legs": [
        {"kind": "fund", "amount": "8.75", "status": "paid", "reference": "2611000300001000001"},
        {"kind": "wechat", "amount": "3.75", "status": "paid", "reference": "4200002611230001"},
    ],
    "message": "结算成功",
}

PAY_OPERATIONS = (
    PayOperation(
        name="payScan", method="POST", path="/pay/scan", title="扫码结算",
        title_en="settle and collect",
        about="一次扫码完成医保结算和收款，整单入账或整单不入账。同一订单号重发返回现状。"
        "签名同交易接口。",
        request=ScanRequest, sample=_ORDER, answer=_SETTLED,
        more={
            "voucher": ("先扫医保码，再扫付款码", _VOUCHER_ORDER),
            "oneCode": ("一码付：一个医保码，认人并付款", _ONE_CODE_ORDER),
        },
    ),
    PayOperation(
        name="payFind", method="GET", path="/pay/{order_no}", title="查询订单",
        title_en="what stands of an order", about="订单现状。签名同交易接口，报文体为空。",
        request=None, sample=None, answer=_SETTLED, writes=False,
    ),
    PayOperation(
        name="payPhone", method="POST", path="/pay/{order_no}/phone", title="手机支付",
        title_en="hand an order to its payer's phone",
        about="下单时pay_on_phone为true的订单，由机构的小程序或公众号在付款人手机上调起微信支付"
        "（JSAPI，返回phone），或取得支付宝、云闪付的付款地址（channel为alipay、unionpay，返回"
        "phone_url，也可显示为二维码）。同一订单可重复调用，不会重复收款；更换渠道时先关闭原订单；"
        "结果以查询为准。",
        request=PhoneRequest, sample={"openid": "oSimPayer0000000000000000001"},
        answer={
            "status": "payer_action", "order_no": "T202611230001",
            "legs": [
                {"kind": "wechat", "amount": "3.75", "status": "collecting", "reference": ""}
            ],
            "phone": {
                "appId": "wx0000000000000000", "timeStamp": "1795651200",
                "nonceStr": "5f1e4c0a", "package": "prepay_id=wx26112300010001",
                "signType": "RSA", "paySign": "…",
            },
            "message": "请付款人在手机上确认付款", "poll_after_seconds": 3,
        },
    ),
    PayOperation(
        name="payCancel", method="POST", path="/pay/{order_no}/cancel", title="取消订单",
        title_en="give up what is not settled yet",
        about="放弃尚未结算的订单，已收款项自动退回。已结算的须退款（409）。",
        request=CancelRequest, sample={"operator": "0001"},
        answer={
            "status": "refused", "order_no": "T202611230001", "legs": [],
            "message": "本单已关闭，未收取任何款项",
        },
    ),
    PayOperation(
        name="payRefund", method="POST", path="/pay/{order_no}/refund", title="退款",
        title_en="take a settled order back",
        about="整单、按明细或（自费单）按金额退款：先撤销医保结算，余下的重新结算，差额原路退回。",
        request=RefundRequest,
        sample={"refund_no": "R202611230001", "operator": "0001"},
        answer={
            "status": "refunded", "order_no": "", "refund_no": "R202611230001",
            "legs": [
                {"kind": "wechat", "amount": "3.75", "status": "returned", "reference": "5030001"}
            ],
            "message": "已退款",
        },
    ),
)  # fmt: skip
"""All of them, in the order in which a counter meets them."""
