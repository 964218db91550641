"""Arrays as PostgreSQL's own array literals.

The driver's array encoder looks at every element twice through Python; for a batch of a hundred
columns that cost more than the rest of a settlement (docs/profile.md). A literal is written by the
JSON encoder or by one join, and the server's parser is fast. The call casts it back:
`$1::text::bigint[]`.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.json import Encoder

_ENCODE = Encoder().encode


def plain(values: Sequence[object]) -> str:
    """An array of numbers, truth values, naive times or nulls: what JSON calls them, PostgreSQL
    reads."""
    return "{" + _ENCODE(values)[1:-1].decode() + "}"


def texts(values: Sequence[str]) -> str:
    """An array of text, every element quoted."""
    if not values:
        return "{}"
    joined = "".join(values)
    if '"' in joined or "\\" in joined:
        values = [x.replace("\\", "\\\\").replace('"', '\\"') for x in values]
    return '{"' + '","'.join(values) + '"}'
