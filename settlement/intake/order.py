"""What an operator orders: which file, and what is to be done with it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from msgspec import Struct

KINDS = (
    "persons", "institutions", "staff", "items", "lists", "counterparts", "openings", "payables",
    "stays", "settlements",
)  # fmt: skip
"""What can be imported."""
CUT_OVER = ("openings", "payables", "stays", "settlements")
"""What is brought along once (期初), and signed by two people."""
FORMATS = ("csv", "ndjson", "xlsx", "toml")

class Order(Struct, frozen=True, kw_only=True):
    """An import."""

    path: Path
    format: str
    preview: bool = False
    """say what would change; write nothing"""
    whole: bool = False
    """the file says everything: what it leaves out ends"""
    skip_bad: bool = False
    """leave out what is at fault, instead of everything"""
    ends_on: date
    """the day from which what a whole file leaves out is no more"""
    reason: str
    actor: str
    confirms: str = ""
    """of the cut-over: digest of the file that somebody else proposed, and this person confirms"""


class Progress(Struct, kw_only=True):
    """How far an import is; it writes, others look."""

    rows_done: int = 0
    """rows read, and then rows or persons written"""
