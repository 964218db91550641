"""A worked request and answer for each transaction: sent to a server once and kept as a file.

A test sends them all again and demands that the file says what comes. Numbers and times in them are
of nobody's day, persons and institutions are invented.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

import msgspec
from msgspec import Struct

from settlement.web.schema_parts import JsonValue


class Worked(Struct, frozen=True):
    """One exchange. `answer` is None where bytes of a file are answered."""

    request: dict[str, JsonValue]
    answer: dict[str, JsonValue] | None


@lru_cache(maxsize=1)
def worked_examples() -> dict[str, Worked]:
    """By transaction number."""
    raw = files("settlement.web").joinpath("docs", "examples.json").read_bytes()
    kept: dict[str, dict[str, Any]] = msgspec.json.decode(raw)
    return {infno: Worked(one["request"], one["answer"]) for infno, one in kept.items()}
