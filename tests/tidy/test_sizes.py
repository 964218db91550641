"""A module fits in a head, a function on a screen, a line in a window (CONTRIBUTING)."""

from __future__ import annotations

import ast

from tests.tidy.tree import Finding, Module, every_node, expect_none, modules, planted, text_files

MODULE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
LINE_CHARACTERS_MAX = 100


def size_findings(module: Module) -> list[Finding]:
    """A module or function that is too long."""
    findings: list[Finding] = []
    line_count = module.source.count("\n")
    if line_count > MODULE_LINES_MAX:
        message = f"module has {line_count} lines, at most {MODULE_LINES_MAX}; split it by subject"
        findings.append(Finding(module.path, 1, message))
    for node in every_node(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES_MAX:
                message = f"{node.name} has {length} lines, at most {FUNCTION_LINES_MAX}"
                findings.append(Finding(module.path, node.lineno, message))
    return findings


def width_findings(path: str, text: str) -> list[Finding]:
    """Lines that do not fit."""
    return [
        Finding(path, number, f"line has {len(line)} characters, at most {LINE_CHARACTERS_MAX}")
        for number, line in enumerate(text.splitlines(), 1)
        if len(line) > LINE_CHARACTERS_MAX
    ]


def test_modules_and_functions_are_short() -> None:
    expect_none([f for module in modules() for f in size_findings(module)], "Sizes:")


def test_lines_are_short() -> None:
    findings = [f for path, text in text_files(".py", ".sql") for f in width_findings(path, text)]
    expect_none(findings, "Line width:")


def test_checker_names_each_planted_breach() -> None:
    long_function = "def f():\n" + "    x = 1\n" * FUNCTION_LINES_MAX
    assert len(size_findings(planted("a.py", long_function))) == 1
    assert not size_findings(
        planted(
            "a.py",
            long_function.replace("    x = 1\n", "    x = 1\n", 1).removesuffix("    x = 1\n"),
        )
    )
    assert len(size_findings(planted("a.py", "x = 1\n" * (MODULE_LINES_MAX + 1)))) == 1
    assert not size_findings(planted("a.py", "x = 1\n" * MODULE_LINES_MAX))
    assert len(width_findings("a.sql", "-" * 101)) == 1
    assert not width_findings("a.sql", "-" * 100)
