"""No float touches money: an amount is an integer number of fen, a ratio integer basis points."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.tidy.tree import Finding, Module, dotted_name, every_node, expect_none, modules, planted

MONEY_MODULES = re.compile(
    r"ledger/.*"
    r"|protocol/nhsa/amounts\.py"
    r"|settlement/(pricing|benefit|claim|postings|tender)[^/]*(\.py|/.*)"
)
# A duration is a float number of seconds, also next to money.
DURATION_NAMES = re.compile(r".*(_seconds|_SECONDS)|timeout")


def money_findings(module: Module) -> list[Finding]:
    """Float arithmetic in a money module, or anywhere on a name that ends in `_fen`."""
    if MONEY_MODULES.fullmatch(module.path):
        spared = _durations(module.tree)
        nodes = [node for node in every_node(module.tree) if id(node) not in spared]
        findings = [(node, message) for node in nodes if (message := _floats(node))]
    else:
        findings = list(_fen_findings(module.tree))
    return [Finding(module.path, getattr(node, "lineno", 1), text) for node, text in findings]


def _floats(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        return f"float literal {node.value!r} in a money module"
    if isinstance(node, ast.Call) and dotted_name(node.func) == "float":
        return "float() in a money module"
    if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
        if isinstance(node, ast.BinOp) and _joins_a_path(node):
            return None
        return "true division makes a float; use // or the rounding helpers"
    return None


def _joins_a_path(division: ast.BinOp) -> bool:
    """True for `folder / "file"`: a text on one side cannot be a division."""
    sides = (division.left, division.right)
    return any(isinstance(s, ast.Constant) and isinstance(s.value, str) for s in sides)


def _fen_findings(tree: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    for node in every_node(tree):
        for name, value in _bindings(node):
            if not name.endswith("_fen") or value is None:
                continue
            if any(_floats(part) for part in ast.walk(value)):
                yield node, f"{name} is fen: no float literal, float() or / in its value"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            for side in (node.left, node.right):
                if dotted_name(side).endswith("_fen"):
                    yield node, f"{dotted_name(side)} is fen: divide with // or a rounding helper"
        if isinstance(node, ast.AnnAssign | ast.arg) and _annotated_float(node):
            yield node, "a name ending in _fen is an int, not a float"


def _bindings(node: ast.AST) -> list[tuple[str, ast.expr | None]]:
    if isinstance(node, ast.Assign):
        return [(dotted_name(target), node.value) for target in node.targets]
    if isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
        return [(dotted_name(node.target), node.value)]
    if isinstance(node, ast.keyword) and node.arg:
        return [(node.arg, node.value)]
    return []


def _annotated_float(node: ast.AnnAssign | ast.arg) -> bool:
    name = node.arg if isinstance(node, ast.arg) else dotted_name(node.target)
    if not name.endswith("_fen") or node.annotation is None:
        return False
    return any(
        dotted_name(part) == "float"
        for part in ast.walk(node.annotation)
        if isinstance(part, ast.Name)
    )


def _durations(tree: ast.Module) -> set[int]:
    return {
        id(part)
        for node in every_node(tree)
        for name, value in _bindings(node)
        if value is not None and DURATION_NAMES.fullmatch(name.rsplit(".", 1)[-1])
        for part in ast.walk(value)
    }


def test_no_float_touches_money() -> None:
    expect_none(
        [
            f
            for m in modules("settlement", "protocol", "ledger", "loadtest")
            for f in money_findings(m)
        ],
        "Floats near money:",
    )


def test_checker_names_each_planted_breach() -> None:
    plants = {
        ("ledger/money.py", "half = 0.5"): True,
        ("ledger/money.py", "share = total // 2"): False,
        ("ledger/money.py", "share = total / 2"): True,
        ("ledger/money.py", "total /= 2"): True,
        ("ledger/postgres/store.py", "path = Path(__file__).parent / 'sql' / 'a.sql'"): False,
        ("ledger/postgres/pool.py", "connect(timeout=5.0)"): False,
        ("ledger/postgres/pool.py", "WAIT_SECONDS = 0.5"): False,
        ("protocol/nhsa/amounts.py", "x = float(text)"): True,
        ("settlement/benefit/engine.py", "x = 1.0"): True,
        ("settlement/pricing_rules.py", "x = 1.0"): True,
        ("settlement/web/app.py", "ratio = 1.0"): False,
        ("settlement/web/app.py", "paid_fen = total * 0.5"): True,
        ("settlement/web/app.py", "yuan = claim.total_fen / 100"): True,
        ("settlement/web/app.py", "pay(total_fen=float(text))"): True,
        ("settlement/web/app.py", "def f(total_fen: float) -> None: ..."): True,
        ("settlement/web/app.py", "def f(total_fen: int) -> None: ..."): False,
    }
    got = {key: bool(money_findings(planted(*key))) for key in plants}
    assert got == plants
