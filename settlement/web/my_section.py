"""Self-service of persons on /docs: each address with its fields and a sample.

There is no place to try it: a token is made by the city's app, whose secret nobody should type into
a page. The phone page itself is at /my/.
"""

from __future__ import annotations

from html import escape

import msgspec

from settlement.web.my_documents import MY_OPERATIONS, MY_SECURITY, MyOperation, my_components
from settlement.web.pay_section import tables_of

TITLE = "参保人自助 Self-service of persons"


def my_contents() -> str:
    """The entries of the contents."""
    entries = "".join(
        f'<li data-words="my {escape(f"{one.path} {one.title} {one.title_en}")}">'
        f'<a href="#t{one.name}"><b>{one.method}</b> {escape(one.title)}</a></li>'
        for one in MY_OPERATIONS
    )
    return f"<section><h4>{TITLE}</h4><ul>{entries}</ul></section>"


def my_sections() -> str:
    """Every address."""
    return "".join(map(_section, MY_OPERATIONS))


def _section(one: MyOperation) -> str:
    effect = "read" if one.request is None else "write"
    request = [] if one.request is None else tables_of(one.request.__name__, my_components())
    sample = "" if one.sample is None else "".join(
        (
            "<details><summary>示例 Sample</summary>",
            f'<pre class="sample">{escape(_pretty(one))}</pre></details>',
        )
    )  # fmt: skip
    return "".join(
        (
            f'<section id="t{one.name}" data-infno="{one.name}" data-effect="{effect}"',
            f' data-method="{one.method}" data-path="{one.path}">',
            f"<h2>{escape(one.title)} <small>{escape(one.title_en)}</small></h2>",
            f"<p><code>{one.method} {one.path}</code> {escape(one.about)}</p>",
            f"<p><small>{escape(_signed())}</small></p>",
            "<details><summary>字段 Fields</summary>",
            *request,
            *tables_of(one.reply.__name__, my_components()),
            f"</details>{sample}</section>",
        )
    )


def _pretty(one: MyOperation) -> str:
    return msgspec.json.format(msgspec.json.encode(one.sample), indent=2).decode()


def _signed() -> str:
    security = MY_SECURITY["app"]
    told = security["description"] if isinstance(security, dict) else ""
    return f"Authorization: Bearer，{told}"
