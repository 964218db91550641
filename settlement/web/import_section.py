"""Imports on /docs: each kind of file with its columns and a sample, and how a job is asked for.

There is no place to try it: an import is signed with the agency's own key, which nobody should type
into a page of the institutions' interface.
"""

from __future__ import annotations

from html import escape

from settlement.web.import_documents import (
    CSV,
    IMPORT_OPERATIONS,
    IMPORT_SECURITY,
    JOB_ABOUT,
    JOB_NAME,
    JOB_PATH,
    JOB_TITLE,
    JOB_TITLE_EN,
    NDJSON,
    PARAMETERS,
    ImportOperation,
    example_of,
    parameters_of,
)

TITLE = "数据导入（经办机构） Imports by the agency"


def import_contents() -> str:
    """The entries of the contents."""
    entries = "".join(
        _entry(one.name, "POST", one.path, one.title, one.title_en) for one in IMPORT_OPERATIONS
    )
    asked = _entry(JOB_NAME, "GET", JOB_PATH, JOB_TITLE, JOB_TITLE_EN)
    return f"<section><h4>{TITLE}</h4><ul>{entries}{asked}</ul></section>"


def import_sections() -> str:
    """Every address: what it is for, parameters, columns, a file."""
    return "".join(map(_section, IMPORT_OPERATIONS)) + _asking()


def _section(one: ImportOperation) -> str:
    parameters = "".join(
        f"<tr><td><code>{name}</code></td><td>{escape(PARAMETERS[name][0])}</td>"
        f"<td>{'是' if name == 'reason' else '否'}</td></tr>"
        for name in parameters_of(one)
    )
    columns = "".join(
        f"<tr><td><code>{column.name}</code></td><td>{escape(column.title)}</td>"
        f"<td>{escape(column.expected.zh)} <small>{escape(column.expected.en)}</small></td>"
        f"<td>{'是' if column.required else '否'}</td></tr>"
        for column in one.columns
    )
    return "".join(
        (
            _heading(one.name, "POST", one.path, one.title, one.title_en, one.about),
            "<details><summary>参数和列 Parameters and columns</summary>",
            "<h3>地址参数 <small>in the address</small></h3>",
            _table("<th>参数</th><th>含义</th><th>必填</th>", parameters),
            f"<h3><code>{one.row}</code></h3>",
            _table("<th>列</th><th>名称</th><th>取值</th><th>必填</th>", columns),
            "</details><details><summary>示例 Sample</summary>",
            f"<p><code>{CSV}</code></p><pre>{escape(example_of(one, CSV))}</pre>",
            f"<p><code>{NDJSON}</code></p><pre>{escape(example_of(one, NDJSON))}</pre>",
            "</details></section>",
        )
    )


def _asking() -> str:
    head = _heading(JOB_NAME, "GET", JOB_PATH, JOB_TITLE, JOB_TITLE_EN, JOB_ABOUT)
    scheme = IMPORT_SECURITY["import"]
    words = scheme["description"] if isinstance(scheme, dict) else ""
    return f"{head}<p><code>x-import-signature</code>：{escape(str(words))}</p></section>"


def _heading(name: str, method: str, path: str, title: str, title_en: str, about: str) -> str:
    return (
        f'<section id="t{name}" data-method="{method}" data-path="{path}">'
        f"<h2>{escape(title)} <small>{escape(title_en)}</small></h2>"
        f"<p><code>{method} {path}</code> {escape(about)}</p>"
    )


def _entry(name: str, method: str, path: str, title: str, title_en: str) -> str:
    words = escape(f"imports {path} {title} {title_en}")
    return (
        f'<li data-words="{words}"><a href="#t{name}"><b>{method}</b> {escape(title)}</a></li>'
    )


def _table(head: str, rows: str) -> str:
    return f'<div class="scroll"><table><tr>{head}</tr>{rows}</table></div>'
