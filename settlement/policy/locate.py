"""Finds the line of a TOML file in which a value stands, for messages that a person reads.

The TOML parser of the library keeps no positions. This is not a second parser: it reads headers,
keys and the nesting of brackets of a file that has been parsed without an error, and where it
cannot tell (several values on one line, say) it names the line of what surrounds the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from settlement.policy.errors import Place

_HEADER = re.compile(r"^\s*(\[{1,2})\s*([^\]]+?)\s*\]{1,2}\s*(#.*)?$")
_KEY = re.compile(r"""^\s*("[^"]*"|'[^']*'|[A-Za-z0-9_.-]+)\s*=""")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"' + r"|'[^']*'")


def line_of(text: str, place: Place) -> int | None:
    """Return the number, from 1, of the line where `place` begins; None for a place unknown.

    Where the exact value has no line of its own, the nearest one around it.
    """
    best: tuple[int, int] | None = None
    for number, found in _places(text):
        depth = min(len(found), len(place))  # [caps.pool] is a line of caps too
        if place[:depth] == found[:depth] and (best is None or depth > best[0]):
            best = depth, number
    return None if best is None else best[1]


def _places(text: str) -> Iterator[tuple[int, Place]]:
    """Every header, key and element that begins a line, with its place."""
    counts: dict[Place, int] = {}
    table: Place = ()
    inside: Place = ()
    depth = element = 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = _STRING.sub(lambda match: "x" * len(match.group()), raw).partition("#")[0]
        header = None if depth else _HEADER.match(raw)
        if header is not None:
            table = _keys(header.group(2))
            if header.group(1) == "[[":
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            yield number, table
            continue
        if depth == 1 and line.strip()[:1] not in ("", "]"):
            yield number, (*inside, element)
        key = None if depth else _KEY.match(raw)
        if key is not None:
            inside = (*table, *_keys(key.group(1)))
            element = 0
            yield number, inside
        opened = sum(map(line.count, "[{"))
        closed = sum(map(line.count, "]}"))
        ends_here = depth + opened - closed == 1
        begins_here = depth == 1 and line.strip()[:1] not in ("", "]")
        if ends_here and (begins_here or depth > 1):
            element += 1
        depth += opened - closed


def _keys(dotted: str) -> Place:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
