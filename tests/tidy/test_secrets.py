"""What opens a door is compared in a time that says nothing: no `==` on secrets, signatures, tokens.

The name says what a value is. A comparison with a literal (is there one at all?) tells nobody
anything; what is public, or kept as a keyed hash, is excused by name and reason.
"""

from __future__ import annotations

import ast
import re

from tests.tidy.tree import PRODUCT, Finding, Module, expect_none, modules, planted

SECRET = re.compile(
    r"(?:^|_)(?:secret|signature|sign|mac|hmac|token|password|csrf|form_key|private_key|sheet_code)$"
)
SIMULATED = "loadtest/"
"""Simulated channels hold made-up secrets; the load generator keeps none."""
EXCUSED = {
    ("protocol/nhsa/gm.py", "encode_dss_signature"): "whether a public signature is written as DER",
    ("settlement/console/visits.py", "secret"): "a name of form fields, not what is in them",
}
OPERATORS = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)
CONTAINERS = (ast.Tuple, ast.List, ast.Set, ast.Dict)


def comparison_findings(module: Module) -> list[Finding]:
    """Comparisons that end at the first difference, of what nobody may find out."""
    return [
        Finding(module.path, node.lineno, f"compare {name} with hmac.compare_digest")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Compare)
        for name in _secrets_of(node)
        if (module.path, name) not in EXCUSED
    ]


def _secrets_of(node: ast.Compare) -> list[str]:
    """The secrets that a comparison compares; none where one side is a literal."""
    sides = [node.left, *node.comparators]
    if not all(isinstance(one, OPERATORS) for one in node.ops):
        return []
    if any(isinstance(side, (ast.Constant, *CONTAINERS)) for side in sides):
        return []
    # `x in secrets_by_name` looks up a name; what it is looked up by is the left side.
    looked_up = isinstance(node.ops[0], ast.In | ast.NotIn)
    return [name for side in (sides[:1] if looked_up else sides) if (name := _secret_in(side))]


def _secret_in(node: ast.expr) -> str:
    """The name of the secret that an expression is, or empty."""
    while isinstance(node, ast.Call | ast.Subscript | ast.Await):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
            key = str(node.slice.value).replace("-", "_")
            return key if SECRET.search(key) else ""
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ("lower", "upper", "strip", "encode", "decode", "hex", "get"):
                got = node.args[0] if node.func.attr == "get" and node.args else None
                if isinstance(got, ast.Constant):
                    key = str(got.value).replace("-", "_")
                    return key if SECRET.search(key) else ""
                node = node.func.value
                continue
        inner = node.func if isinstance(node, ast.Call) else node.value
        node = inner
    last = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return str(last) if SECRET.search(str(last)) else ""


def test_secrets_are_compared_in_constant_time() -> None:
    findings = [
        finding
        for module in modules(*PRODUCT)
        if not module.path.startswith(SIMULATED)
        for finding in comparison_findings(module)
    ]
    expect_none(findings, "Secrets compared with == or in:")


def test_checker_names_each_planted_comparison() -> None:
    plants = {
        "if command.pay_token != pay_token(keyring, 1): pass": True,
        "ok = headers['x-tif-signature'] == wanted": True,
        "ok = wanted == told.get('x-import-signature', '')": True,
        "ok = signature.lower() == wanted": True,
        "ok = one.secret == other": True,
        "ok = token in known_tokens": True,
        "ok = token == ''": False,
        "ok = hmac.compare_digest(signature, wanted)": False,
        "ok = name in secrets_by_name": False,
        "ok = token is None": False,
        "ok = len(secret) < 32": False,
    }
    wrong = [
        source
        for source, is_breach in plants.items()
        if bool(comparison_findings(planted("settlement/web/x.py", source))) is not is_breach
    ]
    assert wrong == []
