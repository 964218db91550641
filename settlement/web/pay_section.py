"""Scan-to-pay on /docs: each address with its fields, a worked request and its answer, and a place
to try it. Made from the schemas of /openapi.json, so both say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from html import escape
from typing import cast

import msgspec

from settlement.web.pay_documents import PAY_TYPES, PayOperation, add_pay_facts
from settlement.web.schema_parts import REFERENCE, JsonValue, Schema, properties_of

TITLE = "扫码付 Scan-to-pay"
HOSPITAL_TITLE = "医院收款 Payments of a hospital"


def pay_contents(title: str, operations: Iterable[PayOperation]) -> str:
    """The entries of the contents."""
    entries = "".join(
        f'<li data-words="pay {escape(f"{one.path} {one.title} {one.title_en}")}">'
        f'<a href="#t{one.name}"><b>{one.method}</b> {escape(one.title)}</a></li>'
        for one in operations
    )
    return f"<section><h4>{title}</h4><ul>{entries}</ul></section>"


def pay_section(one: PayOperation) -> str:
    """An address: what it is for, fields, samples."""
    effect = "write" if one.writes else "read"
    request = [] if one.request is None else tables_of(one.request.__name__, _components())
    sample = "" if one.sample is None else _pretty(one.sample)
    return "".join(
        (
            f'<section id="t{one.name}" data-infno="{one.name}" data-effect="{effect}"',
            f' data-method="{one.method}" data-path="{one.path}">',
            f"<h2>{escape(one.title)} <small>{escape(one.title_en)}</small>",
            '<button class="try" type="button" hidden>试一试 Try</button></h2>',
            f"<p><code>{one.method} {one.path}</code> {escape(one.about)}</p>",
            "<details><summary>字段 Fields</summary>",
            *request,
            *tables_of(one.reply.__name__, _components()),
            "</details><details><summary>示例 Sample</summary>",
            f'<pre class="sample">{escape(sample)}</pre>',
            f"<p>应答 <small>answer</small></p><pre>{escape(_pretty(one.answer))}</pre>",
            "</details></section>",
        )
    )


def _pretty(content: JsonValue) -> str:
    return msgspec.json.format(msgspec.json.encode(content), indent=2).decode()


@lru_cache(maxsize=1)
def _components() -> dict[str, Schema]:
    _, components = msgspec.json.schema_components(
        PAY_TYPES, ref_template=REFERENCE + "{name}"
    )
    add_pay_facts(components)
    return components


def tables_of(name: str, components: Mapping[str, Schema]) -> list[str]:
    """The fields of a component and, after it, of what stands inside it."""
    component = components[name]
    required = cast(list[str], component.get("required", []))
    rows, inside = [], []
    for field, known in properties_of(component).items():
        schema = cast(Schema, known)
        inner = _reference(schema)
        if inner is not None and inner in components and inner not in inside:
            inside.append(inner)
        rows.append(
            f"<tr><td><code>{field}</code></td><td>{escape(str(schema.get('title', '')))}</td>"
            f"<td>{escape(_kind(schema))}</td><td>{'是' if field in required else '否'}</td></tr>"
        )
    head = "<tr><th>字段</th><th>名称</th><th>类型</th><th>必填</th></tr>"
    table = f'<div class="scroll"><table>{head}{"".join(rows)}</table></div>'
    tables = [f"<h3><code>{name}</code></h3>{table}"]
    for each in inside:
        tables += tables_of(each, components)
    return tables


def _reference(schema: JsonValue) -> str | None:
    """What a field is a node of, if any."""
    if isinstance(schema, list):
        return next(filter(None, map(_reference, schema)), None)
    if not isinstance(schema, dict):
        return None
    named = schema.get("$ref")
    if isinstance(named, str):
        return named.removeprefix(REFERENCE)
    return _reference([schema.get("items"), schema.get("anyOf")])


def _kind(schema: Schema) -> str:
    inner = _reference(schema)
    if inner is not None:
        return inner
    if "enum" in schema:
        return " ".join(map(str, cast(list[JsonValue], schema["enum"])))
    forms = cast(list[Schema], schema.get("anyOf", [schema]))
    kinds = [str(form.get("type", "")) for form in forms]
    if "number" in kinds:
        return "数字"
    size = f" {schema['maxLength']}" if "maxLength" in schema else ""
    return _KINDS_ZH.get(kinds[0], kinds[0]) + size


_KINDS_ZH = {"string": "文本", "integer": "整数", "boolean": "true 或 false", "array": "数组"}
