"""The node with drug trace codes (追溯码节点) on lines of visits and stays, as a region calls it.

Only 2102 has the node in print (`durg_trac_info`). Provinces took the codes into 2204 and 2301 by
circulars that no source of ours quotes, so the name there is a guess that a region may correct. A
message with the region's name is read as if it had ours; nothing else in it changes.
"""

from __future__ import annotations

import re
from functools import cache

TRACE_NODE = "durg_trac_info"
"""The printed name, misspelling included."""

LINE_UPLOADS = frozenset({"2204", "2301"})


def as_printed(infno: str, body: bytes, node: str) -> bytes:
    """A message with the node's printed name in place of the region's.

    `"name":` in JSON is a name: inside a text its quotes would be escaped.
    """
    if node == TRACE_NODE or infno not in LINE_UPLOADS:
        return body
    return _named(node).sub(f'"{TRACE_NODE}":'.encode(), body)


def as_named(infno: str, field: str | None, node: str) -> str | None:
    """The path of a field with the region's name in place of the printed one."""
    if field is None or node == TRACE_NODE or infno not in LINE_UPLOADS:
        return field
    return field.replace(TRACE_NODE, node)


@cache
def _named(node: str) -> re.Pattern[bytes]:
    return re.compile(rb'(?<!\\)"%b"\s*:' % node.encode())
