"""Arrays as PostgreSQL's own array literals.

The driver's array encoder looks at every element twice through Python; for a batch of a hundred
columns that cost more than the rest of a settlement (docs/profile.md). A literal is one join, and
the server's parser is fast. The call casts it back: `$1::text::bigint[]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def integers(values: Iterable[int]) -> str:
    """An array of whole numbers; no nulls."""
    return "{" + ",".join(map(str, values)) + "}"


def optional_integers(values: Iterable[int | None]) -> str:
    """An array of whole numbers and nulls."""
    return "{" + ",".join(["NULL" if x is None else str(x) for x in values]) + "}"


def texts(values: Sequence[str]) -> str:
    """An array of text, every element quoted."""
    if not values:
        return "{}"
    joined = "".join(values)
    if '"' in joined or "\\" in joined:
        values = [x.replace("\\", "\\\\").replace('"', '\\"') for x in values]
    return '{"' + '","'.join(values) + '"}'


def booleans(values: Iterable[bool]) -> str:
    """An array of booleans."""
    return "{" + ",".join(["t" if x else "f" for x in values]) + "}"


def times(values: Iterable[object]) -> str:
    """An array of timestamps without zone, from naive datetimes."""
    return "{" + ",".join([f'"{x}"' for x in values]) + "}"
