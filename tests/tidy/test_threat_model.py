"""docs/threat-model.md names tests that exist, and a test for every threat."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.tidy.tree import ROOT

PAGE = ROOT / "docs" / "threat-model.md"
THREATS_MIN = 40
_NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
_ROW = re.compile(r"^\| (?!threat |---)(?P<threat>[^|]+) \| [^|]+ \| (?P<tests>[^|]+) \|$", re.M)


def functions_of(path: Path) -> set[str]:
    """Names of the functions at the top of a file."""
    tree = ast.parse(path.read_text("utf-8"))
    return {
        node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def test_every_test_that_is_named_exists() -> None:
    named = _NAMED.findall(PAGE.read_text("utf-8"))
    missing = [
        f"{path}::{name}"
        for path, name in named
        if not (ROOT / path).is_file() or (name and name not in functions_of(ROOT / path))
    ]
    assert missing == []
    assert len(named) >= THREATS_MIN


def test_every_threat_names_a_test() -> None:
    text = PAGE.read_text("utf-8")
    sections = text[text.index("## Doors") : text.index("## Accepted")]
    rows = list(_ROW.finditer(sections))
    assert len(rows) >= THREATS_MIN
    assert [row["threat"] for row in rows if not _NAMED.search(row["tests"])] == []
