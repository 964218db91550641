"""/docs and /docs/errors: the interface for people, and a place to try it. Nothing is foreign.

Made from the transaction registry, the field facts and the refusal table, once a process, when
first asked for; style and scripts are the files in `docs`. Nothing here is on the settle path.
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from importlib.resources import files
from itertools import groupby

import msgspec

from protocol.nhsa.facts import ENVELOPE_FIELDS, TABLES, Field, Kind, Need, Rows
from protocol.nhsa.messages.stored import Stored
from protocol.nhsa.registry import TRANSACTIONS, Effect, Transaction
from settlement.refusal_fields import FIELDS
from settlement.refusals import REFUSALS, Fault, Row
from settlement.refusals_english import CAUSES, REMEDIES
from settlement.web.examples import Worked, worked_examples
from settlement.web.hospital_documents import HOSPITAL_OPERATIONS
from settlement.web.import_section import import_contents, import_sections
from settlement.web.my_section import my_contents, my_sections
from settlement.web.openapi import EFFECT_ZH
from settlement.web.pay_documents import PAY_OPERATIONS
from settlement.web.pay_section import HOSPITAL_TITLE, TITLE, pay_contents, pay_section
from settlement.web.samples import sample_request
from settlement.web.schema_parts import JsonValue

DOCS_HTML = "text/html; charset=utf-8"

CONTENT_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a browser may load for a page: files of ours, and nothing written into the page itself."""

ASSETS = {
    "/docs/docs.css": "text/css; charset=utf-8",
    "/docs/try.js": "text/javascript; charset=utf-8",
    "/docs/message.js": "text/javascript; charset=utf-8",
    "/docs/answer.js": "text/javascript; charset=utf-8",
    "/docs/sha256.js": "text/javascript; charset=utf-8",
}
"""Files beside the pages, by address."""


@lru_cache(maxsize=2)
def docs_page(*, demo: bool = False) -> bytes:
    """Every transaction and all of our own addresses; `demo` offers a demo's people."""
    transactions = list(TRANSACTIONS.values())
    page = _file("docs.html").format(
        demo=' data-demo="yes"' if demo else "",
        contents="".join(
            _group_html(title, list(group)) for title, group in groupby(transactions, _group_of)
        )
        + pay_contents(TITLE, PAY_OPERATIONS)
        + pay_contents(HOSPITAL_TITLE, HOSPITAL_OPERATIONS)
        + import_contents()
        + my_contents(),
        envelope=_fields_html("", ENVELOPE_FIELDS, ""),
        body="".join(_transaction_html(each) for each in transactions)
        + "".join(map(pay_section, (*PAY_OPERATIONS, *HOSPITAL_OPERATIONS)))
        + import_sections()
        + my_sections(),
    )
    return page.encode()


@lru_cache(maxsize=1)
def errors_page() -> bytes:
    """Every refusal: code, status, whose fault, field, what to do, in Chinese and English."""
    groups: dict[Fault, list[Row]] = {fault: [] for fault in Fault}
    for row in REFUSALS.values():
        groups[row.fault].append(row)
    contents = "".join(
        f'<li><a href="#{fault}">{escape(_FAULTS[fault])}</a></li>' for fault in groups
    )
    body = "".join(
        f'<section id="{fault}"><h2>{escape(_FAULTS[fault])}</h2><div class="scroll"><table>'
        "<tr><th>err_code · HTTP · retry</th><th>字段 field</th>"
        "<th>含义与处理</th><th>cause and what to do</th></tr>"
        + "".join(map(_refusal_html, rows))
        + "</table></div></section>"
        for fault, rows in groups.items()
        if rows
    )
    return _file("errors.html").format(contents=contents, body=body).encode()


@lru_cache(maxsize=len(ASSETS))
def asset(address: str) -> bytes:
    """A file of `ASSETS`."""
    return _file(address.rpartition("/")[2]).encode()


def _file(name: str) -> str:
    return files("settlement.web").joinpath("docs", name).read_text("utf-8")


def _group_of(transaction: Transaction) -> str:
    return _GROUPS.get(transaction.infno[:2], "其他 Others")


def _group_html(title: str, transactions: list[Transaction]) -> str:
    entries = "".join(
        f'<li data-words="{each.infno} {escape(each.title)} {escape(each.title_en)}">'
        f'<a href="#t{each.infno}"><b>{each.infno}</b> {escape(each.title)}</a></li>'
        for each in transactions
    )
    return f"<section><h4>{title}</h4><ul>{entries}</ul></section>"


def _refusal_html(row: Row) -> str:
    zh = (row.wrong + row.todo).replace("[", "").replace("]", "")
    said = (CAUSES[row.code], REMEDIES[row.code])
    cause, remedy = (_CODE.sub(r"<code>\1</code>", escape(each)) for each in said)
    named = "<br>".join(f"<code>{escape(name)}</code>" for name in FIELDS.get(row.code, ()))
    return (
        f'<tr id="{row.code}"><td><code>{row.code}</code><br>'
        f"<small>{row.http_status} · <code>{row.retry}</code></small></td><td>{named}</td>"
        f"<td>{escape(zh)}</td><td>{cause}<br><b>{remedy}</b></td></tr>"
    )


def _transaction_html(transaction: Transaction) -> str:
    infno, table = transaction.infno, TABLES[transaction.infno]
    sample = _pretty(sample_request(transaction))
    outputs = {f"output.{name}" if name else "output": node for name, node in table.output.items()}
    nodes = {f"input.{name}": node for name, node in table.input.items()} | outputs
    return "".join(
        (
            f'<section id="t{infno}" data-infno="{infno}" data-effect="{transaction.effect}">',
            f"<h2>{infno} {escape(transaction.title)}",
            f" <small>{escape(transaction.title_en)}</small>",
            '<button class="try" type="button" hidden>试一试 Try</button></h2>',
            f"<p><code>POST /hsa/hgs/{infno}</code> {_nature_html(transaction)}</p>",
            "<details><summary>字段 Fields</summary>",
            *(
                _fields_html(title, node.fields, _ROWS_ZH[node.rows])
                for title, node in nodes.items()
            ),
            "</details><details><summary>示例 Sample</summary>",
            f'<pre class="sample">{escape(sample)}</pre></details>',
            _worked_html(worked_examples().get(infno)),
            "</section>",
        )
    )


def _worked_html(example: Worked | None) -> str:
    """What was sent and what came; nothing of a transaction that is not served."""
    if example is None:
        return ""
    answer = _FILE_ANSWERED if example.answer is None else _pretty(example.answer)
    return (
        "<details><summary>实例 Worked example</summary>"
        f'<h3>请求 Request</h3><pre class="worked">{escape(_pretty(example.request))}</pre>'
        f'<h3>应答 Answer</h3><pre class="worked">{escape(answer)}</pre></details>'
    )


def _pretty(tree: JsonValue) -> str:
    return msgspec.json.format(msgspec.json.encode(tree), indent=2).decode()


def _nature_html(transaction: Transaction) -> str:
    """Whether it changes anything, and what takes that back."""
    undone = transaction.undone_by
    zh = EFFECT_ZH[transaction.effect] + (f"，可用 {undone} 撤销" if undone else "")
    en = _EFFECT_EN[transaction.effect] + (f", undone by {undone}" if undone else "")
    if transaction.reversible:
        zh, en = f"{zh}，可用 2601 冲正", f"{en}, reversed by 2601"
    if issubclass(transaction.request, Stored):
        zh, en = f"{zh}，input 按原样保存", f"{en}, kept as sent"
    return f"{zh} <small>{en}</small>"


def _fields_html(title: str, fields: tuple[Field, ...], rows_zh: str) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(field.name)}</code></td><td>{escape(field.name_zh)}</td>"
        f"<td>{_kind_zh(field)}</td><td>{_NEED_ZH[field.need]}</td>"
        f"<td>{escape(field.code_list or '')}</td></tr>"
        for field in fields
    )
    head = "<tr><th>字段</th><th>名称</th><th>类型</th><th>必填</th><th>代码表</th></tr>"
    note = f" <small>{rows_zh}</small>" if rows_zh else ""
    heading = f"<h3><code>{escape(title)}</code>{note}</h3>" if title else ""
    return f'{heading}<div class="scroll"><table>{head}{rows}</table></div>'


_GROUPS = {
    "90": "签到签退 Sign in",
    "11": "人员 Persons",
    "13": "目录与字典 Catalogue",
    "19": "目录与字典 Catalogue",
    "20": "待遇检查 Entitlement",
    "21": "药店购药 Pharmacy",
    "22": "门诊 Outpatient",
    "23": "住院 Stay in hospital",
    "24": "住院 Stay in hospital",
    "25": "备案 Filings",
    "26": "冲正 Reversal",
    "32": "对账与清算 Reconciliation",
    "33": "目录对照 Mapping",
    "35": "进销存 Stock",
    "41": "结算清单 Settlement list",
    "43": "诊疗记录 Records",
    "44": "诊疗记录 Records",
    "45": "诊疗记录 Records",
    "46": "诊疗记录 Records",
    "47": "诊疗记录 Records",
    "49": "票据 Invoices",
    "52": "查询 Enquiries",
    "53": "查询 Enquiries",
    "62": "移动支付 Mobile payment",
    "63": "移动支付 Mobile payment",
    "64": "移动支付 Mobile payment",
    "91": "文件 Files",
}
"""Headings of the contents, by how the number of a transaction begins."""

_EFFECT_EN = {Effect.READ: "reads", Effect.WRITE: "writes"}
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
    Kind.BOOLEAN: "true 或 false",
    Kind.ANY: "任意",
    Kind.NODE: "节点",
}


def _kind_zh(field: Field) -> str:
    size = f" {field.size}" if field.size else ""
    return _KINDS_ZH[field.kind] + size


_FILE_ANSWERED = "（文件的字节，application/zip the bytes of a file）"

_CODE = re.compile("`([^`]+)`")

_FAULTS = {
    Fault.CALLER: "报文或操作有误 · the sender's to correct",
    Fault.RULE: "医保规则或经办机构不允许 · the rules or the agency say no",
    Fault.LIMIT: "系统忙，未受理 · a limit of ours, nothing was booked",
    Fault.UNKNOWN: "结果未知 · the outcome is not known yet",
    Fault.OURS: "系统内部错误 · our own fault",
}
