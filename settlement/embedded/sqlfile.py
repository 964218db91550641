"""Reads the named blocks of this package's .sql files."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

SQL_FOLDER = Path(__file__).parent / "sql"


@cache
def blocks(name: str) -> dict[str, str]:
    """The blocks of one file by name; a block runs from its `-- name:` line to the next."""
    text = (SQL_FOLDER / f"{name}.sql").read_text()
    parts = re.split(r"^-- name: (\S+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))
