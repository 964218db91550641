"""/docs: the interface for people, one page without foreign parts.

Made from the transaction registry, the field facts and the refusal table, once a process, when
first asked for. Nothing here is on the settle path.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape

import msgspec

from protocol.nhsa.codes import CODE_LISTS
from protocol.nhsa.facts import ENVELOPE_FIELDS, TABLES, Field, Kind, Need, Node, Rows
from protocol.nhsa.messages.stored import Stored
from protocol.nhsa.registry import TRANSACTIONS, Transaction
from settlement.refusal_causes import CAUSES
from settlement.refusals import REFUSALS, Fault, Row
from settlement.web.openapi import EFFECT_ZH
from settlement.web.schemas import JsonValue

DOCS_HTML = "text/html; charset=utf-8"


@lru_cache(maxsize=1)
def docs_page() -> bytes:
    """One HTML page without foreign parts: transactions, fields, a sample each, error codes."""
    transactions = list(TRANSACTIONS.values())
    contents = "".join(
        f'<li><a href="#t{each.infno}"><b>{each.infno}</b> {escape(each.title)}</a></li>'
        for each in transactions
    )
    body = "".join(_transaction_html(each) for each in transactions)
    errors = "".join(_error_html(row) for row in REFUSALS.values())
    envelope = _fields_html("报文头 envelope", ENVELOPE_FIELDS, "")
    page = _PAGE.format(
        style=_STYLE, contents=contents, envelope=envelope, body=body, errors=errors
    )
    return page.encode()


@lru_cache(maxsize=1)
def errors_page() -> bytes:
    """Every refusal: code, status, whose fault, what to do, in Chinese and English."""
    groups: dict[Fault, list[Row]] = {fault: [] for fault in Fault}
    for row in REFUSALS.values():
        groups[row.fault].append(row)
    contents = "".join(
        f'<li><a href="#{fault}">{escape(_FAULTS[fault])}</a></li>' for fault in groups
    )
    body = "".join(
        f'<section id="{fault}"><h2>{escape(_FAULTS[fault])}</h2><table>'
        "<tr><th>err_code</th><th>HTTP</th><th>retry</th><th>含义与处理</th><th>cause</th></tr>"
        + "".join(map(_refusal_html, rows))
        + "</table></section>"
        for fault, rows in groups.items()
        if rows
    )
    return _ERRORS_PAGE.format(style=_STYLE, contents=contents, body=body).encode()


def _refusal_html(row: Row) -> str:
    zh = (row.wrong + row.todo).replace("[", "").replace("]", "")
    cause = _CODE.sub(r"<code>\1</code>", escape(CAUSES.get(row.code, "")))
    return (
        f'<tr id="{row.code}"><td><code>{row.code}</code></td><td>{row.http_status}</td>'
        f"<td><code>{row.retry}</code></td><td>{escape(zh)}</td>"
        f"<td>{cause}</td></tr>"
    )


def sample_request(transaction: Transaction) -> dict[str, JsonValue]:
    """A request with an example in every field that each edition requires, as a tree."""
    sample: dict[str, JsonValue] = {
        field.name: _sample(field) for field in ENVELOPE_FIELDS if field.need is Need.ALWAYS
    }
    sample["infno"] = transaction.infno
    nodes = TABLES[transaction.infno].input
    sample["input"] = {
        name: _sample_node(name, nodes) for name, node in nodes.items() if node.inside is None
    }
    return sample


def _sample_node(name: str, nodes: dict[str, Node]) -> JsonValue:
    """One row of a node, with the nodes inside it."""
    row: dict[str, JsonValue] = {
        field.name: _sample(field)
        for field in nodes[name].fields
        if field.need is Need.ALWAYS and field.kind is not Kind.NODE
    }
    row |= {each: _sample_node(each, nodes) for each in nodes if nodes[each].inside == name}
    return row if nodes[name].rows is Rows.ONE else [row]


def _sample(field: Field) -> JsonValue:
    if field.name in _SAMPLES:
        return _SAMPLES[field.name]
    if field.code_list is not None:
        codes = CODE_LISTS[field.code_list]
        return "1" if "1" in codes else min(codes)
    match field.kind:
        case Kind.NUMBER | Kind.SIGNED:
            return "1.00"
        case Kind.DATETIME | Kind.MOMENT:
            return "2026-11-23 10:00:00"
        case Kind.DATE:
            return "2026-11-23"
        case _:
            return "1"


def _transaction_html(transaction: Transaction) -> str:
    table = TABLES[transaction.infno]
    parts = [
        f'<section id="t{transaction.infno}"><h2>{transaction.infno} {escape(transaction.title)}',
        f" <small>{escape(transaction.title_en)}</small></h2>",
        f"<p><code>POST /hsa/hgs/{transaction.infno}</code> {EFFECT_ZH[transaction.effect]}",
        f"，可用 {transaction.undone_by} 撤销" if transaction.undone_by else "",
        "，可用 2601 冲正" if transaction.reversible else "",
        "，input 按原样保存" if issubclass(transaction.request, Stored) else "",
        "</p>",
    ]
    for name, node in table.input.items():
        parts.append(_fields_html(f"input.{name}", node.fields, _ROWS_ZH[node.rows]))
    for name, node in table.output.items():
        title = f"output.{name}" if name else "output"
        parts.append(_fields_html(title, node.fields, _ROWS_ZH[node.rows]))
    sample = msgspec.json.format(msgspec.json.encode(sample_request(transaction)), indent=2)
    parts.append(f"<details><summary>示例 sample</summary><pre>{escape(sample.decode())}</pre>")
    parts.append("</details></section>")
    return "".join(parts)


def _fields_html(title: str, fields: tuple[Field, ...], rows_zh: str) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(field.name)}</code></td><td>{escape(field.name_zh)}</td>"
        f"<td>{_kind_zh(field)}</td><td>{_NEED_ZH[field.need]}</td>"
        f"<td>{escape(field.code_list or '')}</td></tr>"
        for field in fields
    )
    head = "<tr><th>field</th><th>名称</th><th>类型</th><th>必填</th><th>代码表</th></tr>"
    note = f" <small>{rows_zh}</small>" if rows_zh else ""
    return f"<h3><code>{escape(title)}</code>{note}</h3><table>{head}{rows}</table>"


def _error_html(row: Row) -> str:
    words = escape(row.wrong.replace("[", "").replace("]", "")), escape(row.todo)
    return (
        f"<tr><td><code>{row.code}</code></td><td>{row.http_status}</td><td>{words[0]}</td>"
        f"<td>{words[1]}</td><td>{row.retry}</td></tr>"
    )


_SAMPLES: dict[str, JsonValue] = {
    "msgid": "H44190000001202611231000000001",
    "mdtrtarea_admvs": "441900",
    "recer_sys_code": "99",
    "infver": "V1.0",
    "opter_type": "1",
    "opter": "0001",
    "opter_name": "测试员",
    "fixmedins_code": "H44190000001",
    "fixmedins_name": "测试医院",
    "psn_no": "44190000000000000001",
    "psn_name": "测试甲",
    "certno": "999999199001010017",
    "psn_cert_type": "01",
    "mdtrt_cert_type": "02",
    "mdtrt_cert_no": "999999199001010017",
    "insutype": "310",
    "med_type": "11",
    "acct_used_flag": "1",
    "setl_id": "1000000000000000001",
    "mdtrt_id": "1000000000000000002",
}
"""Example values; persons are visibly invented."""

_NEED_ZH = {
    Need.ALWAYS: "是",
    Need.BY_PROFILE: "按地区",
    Need.CONDITIONAL: "按条件",
    Need.NEVER: "否",
}
_ROWS_ZH = {Rows.ONE: "一行", Rows.SOME: "一行或多行", Rows.ANY: "零行或多行"}
_KINDS_ZH = {
    Kind.TEXT: "文本",
    Kind.SERIAL: "文本或整数",
    Kind.NUMBER: "数字",
    Kind.SIGNED: "数字，可为负",
    Kind.DATETIME: "yyyy-MM-dd HH:mm:ss",
    Kind.DATE: "yyyy-MM-dd",
    Kind.MOMENT: "日期或日期时间",
    Kind.BINARY: "Base64",
    Kind.BYTES: "Base64 或字节数组",
    Kind.NODE: "节点",
}


def _kind_zh(field: Field) -> str:
    size = f" {field.size}" if field.size else ""
    return _KINDS_ZH[field.kind] + size


_CODE = re.compile("`([^`]+)`")
_STYLE = """
:root{--ink:#1c2733;--dim:#66788a;--line:#dde5ec;--tint:#f4f8fb;--mark:#0a6ebd;--paper:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#dbe4ec;--dim:#8fa1b3;--line:#2c3a47;
--tint:#18222c;--mark:#6db7f2;--paper:#10181f}}
*{box-sizing:border-box}body{margin:0;font:15px/1.65 system-ui,"PingFang SC","Noto Sans CJK SC",
sans-serif;color:var(--ink);background:var(--paper);display:grid;grid-template-columns:260px 1fr}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:24px 16px;background:var(--tint);
border-right:1px solid var(--line)}nav ul{list-style:none;padding:0;margin:0}
nav a{display:block;padding:3px 8px;border-radius:6px;text-decoration:none;color:inherit}
nav a:hover{background:var(--line)}main{padding:24px 40px 80px;max-width:1100px;min-width:0}
h1{font-size:26px;margin:0 0 8px}h2{margin:48px 0 4px;font-size:21px;border-top:1px solid
var(--line);padding-top:24px}h3{margin:20px 0 6px;font-size:15px}small{color:var(--dim);
font-weight:400}table{border-collapse:collapse;width:100%;font-size:13.5px}th,td{text-align:left;
padding:5px 10px;border-bottom:1px solid var(--line);vertical-align:top}th{color:var(--dim);
font-weight:500}code,pre{font-family:ui-monospace,"SF Mono",Menlo,monospace;font-size:13px}
pre{background:var(--tint);padding:14px;border-radius:8px;overflow:auto}
summary{cursor:pointer;color:var(--mark);margin-top:12px}a{color:var(--mark)}
@media(max-width:800px){body{display:block}nav{position:static;height:auto}main{padding:16px}}
"""

_FAULTS = {
    Fault.CALLER: "报文或操作有误 · the sender's to correct",
    Fault.RULE: "医保规则或经办机构不允许 · the rules or the agency say no",
    Fault.LIMIT: "系统忙，未受理 · a limit of ours, nothing was booked",
    Fault.UNKNOWN: "结果未知 · the outcome is not known yet",
    Fault.OURS: "系统内部错误 · our own fault",
}
_ERRORS_PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>错误码 · settlement</title><style>{style}</style></head><body>
<nav><ul><li><a href="/docs"><b>接口文档</b></a></li>{contents}</ul></nav>
<main id="top"><h1>错误码 Error codes</h1>
<p>每个失败应答都带有 <code>err_code</code>（不变）、<code>err_msg</code>、<code>err_field</code>
（能指出字段时）和 <code>retry</code>：<code>never</code> 更正后再发，<code>later</code>
未受理、稍后原样再发，<code>same_msgid</code> 结果未知、必须用同一 msgid 原样重发。</p>
<p>Every failing reply has a stable <code>err_code</code>, a text for the cashier, the field at
fault where there is one, and whether to send again.</p>
{body}</main></body></html>"""

_PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>医保结算接口 · settlement</title><style>{style}</style></head><body>
<nav><ul><li><a href="#top"><b>接入说明</b></a></li>{contents}
<li><a href="/docs/errors"><b>错误码</b></a></li></ul></nav>
<main id="top"><h1>医保结算接口</h1>
<p>请求地址 <code>POST /hsa/hgs/交易编号</code> 或 <code>POST /hsa/hgs</code>，UTF-8 JSON。
机器可读版本见 <a href="/openapi.json">/openapi.json</a>。</p>
<h3>身份认证 Authentication</h3>
<p><b>x-tif</b>：<code>x-tif-paasid</code>、<code>x-tif-timestamp</code>（秒）、
<code>x-tif-nonce</code>、<code>x-tif-signature</code> =
小写十六进制 SHA-256(timestamp + secret + nonce + timestamp)。</p>
<p><b>CSB</b>：<code>_api_access_key</code>、<code>_api_name</code>、<code>_api_version</code>、
<code>_api_timestamp</code>（毫秒）、<code>_api_signature</code> = Base64 HMAC-SHA1。</p>
<h3>重发 Retries</h3>
<p>没有收到应答时，请用<b>相同 msgid、相同内容</b>重发：已办理的返回第一次的结果，未办理的正常办理。
失败应答中的 <code>retry</code>：<code>never</code> 勿重发，<code>same_msgid</code>
原样重发，<code>later</code> 稍后再发。</p>
{envelope}{body}
<section id="errors"><h2>错误码 Errors</h2><table>
<tr><th>err_code</th><th>HTTP</th><th>含义</th><th>处理</th><th>retry</th></tr>{errors}</table>
</section></main></body></html>"""
