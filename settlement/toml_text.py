"""TOML that Python's reader would take the square of its length for: names of thousands of parts.

A file of ours has names of two or three parts. Found by trying (`make fuzz`).
"""

from __future__ import annotations

DOTS_MAX = 500
"""In a line; a sentence of a policy has some twenty."""


def line_too_deep(text: str) -> int | None:
    """The number of the first line that no file of ours has, from 1."""
    if text.count(".") <= DOTS_MAX:
        return None
    lines = enumerate(text.split("\n"), 1)
    return next((number for number, line in lines if line.count(".") > DOTS_MAX), None)
