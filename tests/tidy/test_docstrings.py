"""Every module says what it is for; every public function and class says what it gives."""

from __future__ import annotations

import ast

from tests.tidy.tree import PRODUCT, Finding, Module, expect_none, modules, planted


def docstring_findings(module: Module) -> list[Finding]:
    """The module itself and its public top-level functions and classes without a docstring."""
    findings: list[Finding] = []
    if not ast.get_docstring(module.tree):
        findings.append(Finding(module.path, 1, "the module does not say what it is for"))
    for node in module.tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if not node.name.startswith("_") and not ast.get_docstring(node):
            findings.append(Finding(module.path, node.lineno, f"{node.name} has no docstring"))
    return findings


def test_public_names_are_documented() -> None:
    findings = [f for m in modules(*PRODUCT, "tools", "deploy") for f in docstring_findings(m)]
    expect_none(findings, "Docstrings:")


def test_checker_names_each_planted_breach() -> None:
    plants = {
        "x = 1": 1,
        "": 1,
        '"""What it is for."""\ndef f(): ...': 1,
        '"""What it is for."""\nclass C: ...': 1,
        '"""What it is for."""\nasync def f(): ...': 1,
        '"""What it is for."""\ndef _f(): ...': 0,
        '"""What it is for."""\ndef f():\n    """Gives."""': 0,
    }
    got = {text: len(docstring_findings(planted("ledger/x.py", text))) for text in plants}
    assert got == plants
