"""Whoever writes CSV says which cells are texts of others: every writer knows the rule for them,
or is excused because all its cells are numbers, days and words of ours."""

from __future__ import annotations

import ast

from tests.tidy.tree import Finding, Module, dotted_name, expect_none, modules, planted

RULE = "settlement.spreadsheet"
EXCUSED = {
    "settlement/finance/balances.py": "times, our numbers, our words for them, amounts",
}


def writer_findings(module: Module) -> list[Finding]:
    """Writers of CSV in a module that does not know the rule."""
    knows = any(
        isinstance(node, ast.ImportFrom) and node.module == RULE for node in ast.walk(module.tree)
    )
    if knows or module.path in EXCUSED:
        return []
    return [
        Finding(module.path, node.lineno, f"cells of CSV are made harmless by {RULE}")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and dotted_name(node.func) in ("csv.writer", "csv.DictWriter")
    ]


def test_writers_of_csv_make_their_cells_harmless() -> None:
    findings = [each for module in modules("settlement") for each in writer_findings(module)]
    expect_none(findings, "CSV that a spreadsheet may compute:")


def test_checker_names_a_planted_writer() -> None:
    bad = planted("settlement/x.py", "import csv\ncsv.writer(file)")
    good = planted("settlement/x.py", f"from {RULE} import harmless\ncsv.writer(file)")
    assert writer_findings(bad) and not writer_findings(good)
