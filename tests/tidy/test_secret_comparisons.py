"""What opens a door is compared in a time that says nothing: no `==` on secrets or signatures.

The name says what a value is. A comparison with a literal (is there one at all?) tells nobody
anything; what is public, or kept as a keyed hash, is excused by name and reason.
"""

from __future__ import annotations

import ast
import re

from tests.tidy.tree import PRODUCT, Finding, Module, expect_none, modules, planted

SECRET = re.compile(
    r"(?:^|_)(?:secret|signature|sign|mac|hmac|token|password|csrf|form_key|private_key)$"
)
SIMULATED = "loadtest/"
"""Simulated channels hold made-up secrets; the load generator keeps none."""
EXCUSED = {
    ("protocol/nhsa/gm.py", "encode_dss_signature"): "whether a public signature is written as DER",
    ("settlement/console/visits.py", "secret"): "a name of form fields, not what is in them",
}
FORMS = ("lower", "upper", "strip", "encode", "decode", "hex")
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
    name = _name_of(node).replace("-", "_")
    return name if SECRET.search(name) else ""


def _name_of(node: ast.expr) -> str:
    """What an expression is called: the last of `a.b`, what `x["b"]`, `x.get("b")` and `b(x)` give,
    and whatever only changes the form of one of these."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(
            slice=ast.Constant(value=str(name))
        ):
            return name
        case ast.Call(func=ast.Attribute(attr="get"), args=[ast.Constant(value=str(name)), *_]):
            return name
        case ast.Call(func=ast.Attribute(value=inner, attr=form)) if form in FORMS:
            return _name_of(inner)
        case ast.Call(func=inner) | ast.Subscript(value=inner) | ast.Await(value=inner):
            return _name_of(inner)
    return ""


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
