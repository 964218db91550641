"""Texts that mean something to somebody who reads too much into them, and where they can be put."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from protocol.nhsa.facts import TABLES, Kind, Node, Rows

SCRIPT = "<script>alert(1)</script>"
SQL = (
    "' or 1=1 --", "'; drop table settlement.settlement cascade; --", "x'||pg_sleep(9)||'",
    "$1", "%s", "\\", "\\'; --", '"', "0x27", "1) union select null--", "'{\"a\",null}'",
)  # fmt: skip
TEMPLATES = ("{{7*7}}", "${7*7}", "{0.__class__}", "%(secret)s", "#{7*7}", "<%= 7*7 %>")
MARKUP = (SCRIPT, "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "]]>", "&lt;b&gt;")
FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1+1", "=cmd|' /C calc'!A0")
CHARACTERS = (
    "\x00", "a\x00b", "\x1b[31m", "\u202e\u2066", "\ufeff", "\U0001f4a9", "\u0661\u0662", "１２",
    "\r\nSet-Cookie: a=b", "../../etc/passwd", "a" * 5_000, "\u2028", "\x7f",
)  # fmt: skip
TEXTS = (*SQL, *TEMPLATES, *MARKUP, *FORMULAS, *CHARACTERS)
BYTES = (b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\xaf", b"%00", b"%ff", b"\x7f", b"\xc3\x28")
"""No UTF-8, or none in its shortest form: a parser may keep them as it likes."""


def with_one_changed(infno: str, request: dict[str, Any], text: str) -> Iterator[dict[str, Any]]:
    """The request with `text` in one field of its envelope or input, once for each field that the
    transaction has, whether the request fills it in or not."""
    nodes = TABLES[infno].input
    for name in request:
        if name not in ("input", "infno"):
            yield {**request, name: text}
    for name, node in nodes.items():
        for field in node.fields:
            if field.kind is Kind.NODE:
                continue
            changed = copy.deepcopy(request)
            for row in _rows(changed["input"], name, node, nodes):
                row[field.name] = text
            yield changed


def _rows(
    content: dict[str, Any], name: str, node: Node, nodes: dict[str, Node]
) -> list[dict[str, Any]]:
    """The first row of a node, wherever it is; made where the request has none."""
    if node.inside is None:
        parents = [content]
    else:
        parents = _rows(content, node.inside, nodes[node.inside], nodes)
    found = []
    for parent in parents:
        inside = parent.setdefault(name, {} if node.rows is Rows.ONE else [])
        if isinstance(inside, list) and not inside:
            inside.append({})
        found.append(inside[0] if isinstance(inside, list) else inside)
    return found
