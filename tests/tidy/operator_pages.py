"""Writes what pages for operators take from the code; a test holds the pages equal to it.

    python -m tests.tidy.operator_pages
"""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from settlement.cli import parser as cli
from settlement.console.setting_words import SETTINGS
from settlement.doctor.findings import Code
from settlement.doctor.words import WORDS
from settlement.limits import DEFAULT_LIMITS, Limits
from settlement.policy.schema import region_schema
from settlement.variables import VARIABLES
from tests.tidy.tree import ROOT, every_node, modules

_ZH = {"fault": "故障", "warning": "注意"}


def findings_table() -> str:
    """Every finding of `settlement doctor`."""
    lines = ["| code | | 说什么 what it says | 处理 what to do |", "|---|---|---|---|"]
    for code in Code:
        severity, zh, en, do_zh, do_en = (_cell(text) for text in WORDS[code])
        lines.append(f"| `{code}` | {_ZH[severity]} {severity} | {zh}<br>{en} | "
                     f"{do_zh}<br>{do_en} |")  # fmt: skip
    return "\n".join(lines)


def variables_table() -> str:
    """Every environment variable."""
    lines = ["| variable | meaning | without it |", "|---|---|---|"]
    for name, one in VARIABLES.items():
        secret = " (secret: it has a password)" if one.is_secret else ""
        lines.append(f"| `{name}` | {one.zh}<br>{one.en}{secret} | {one.without} |")
    return "\n".join(lines)


def variables_read() -> set[str]:
    """Every variable that the product asks the environment for: those of its names that it keeps
    under a name that says so, or asks for by the text."""
    found: set[str] = set()
    for module in modules("settlement"):
        for node in every_node(module.tree):
            if isinstance(node, ast.Assign) and _names_variable(node):
                found |= _texts(node.value)
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("environ.get"):
                found |= _texts(node.args[0])
    return found


def limits_table() -> str:
    """Every limit of a gateway process, from the text below it."""
    told = _texts_below(ast.parse((ROOT / "settlement/limits.py").read_text("utf-8")), "Limits")
    lines = ["| limit | value | meaning |", "|---|---|---|"]
    for field in msgspec.structs.fields(Limits):
        value = getattr(DEFAULT_LIMITS, field.name)
        shown = f"{value:,}" if isinstance(value, int | float) else str(value)
        lines.append(f"| `{field.name}` | {shown} | {_cell(told.get(field.name, ''))} |")
    return "\n".join(lines)


def commands_list() -> str:
    """Every command with its options."""
    return "\n\n".join(_commands(cli._parser(), "settlement"))  # the tree of commands itself


def profile_table() -> str:
    """Every setting of a region profile."""
    whole: dict[str, Any] = dict(region_schema())
    lines = ["| setting | meaning | |", "|---|---|---|"]
    for name, schema in _settings("", whole, whole["$defs"]):
        words = SETTINGS.get(name)
        zh, en = ("", "") if words is None else (words.zh, words.en)
        lines.append(f"| `{name}` | {zh}<br>{en} | {_shape(schema)} |")
    return "\n".join(lines)


CONFIGURATION = "docs/operating/configuration.md"
PARTS: Mapping[tuple[str, str], Callable[[], str]] = {
    ("docs/operating/doctor.md", "findings"): findings_table,
    (CONFIGURATION, "variables"): variables_table,
    (CONFIGURATION, "limits"): limits_table,
    (CONFIGURATION, "profile"): profile_table,
    (CONFIGURATION, "commands"): commands_list,
}
"""By page and mark: what stands between `<!-- mark: … -->` and `<!-- end -->`."""


def page_with(page: str, mark: str, part: str) -> str:
    """The page with its part as the code has it now."""
    place = re.compile(rf"(<!-- {mark}:[^\n]*-->\n).*?(<!-- end -->)", re.DOTALL)
    made, count = place.subn(lambda found: f"{found[1]}{part}\n{found[2]}", page)
    assert count == 1, f"one place for {mark}"
    return made


def _names_variable(node: ast.Assign) -> bool:
    names = [target.id for target in node.targets if isinstance(target, ast.Name)]
    return any(name == "VARIABLE" or name.endswith("_VARIABLE") for name in names)


def _texts(node: ast.AST) -> set[str]:
    return {
        one.value
        for one in ast.walk(node)
        if isinstance(one, ast.Constant) and str(one.value).startswith("SETTLEMENT_")
    }


def _texts_below(tree: ast.Module, name: str) -> dict[str, str]:
    """What stands below each field of a class; of several fields in a row, below the last."""
    [made] = [n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name]
    told: dict[str, str] = {}
    for field, text in zip(made.body, made.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
            told[field.target.id] = str(text.value.value) if is_text else ""
    return {key: re.sub(r"\s+", " ", value) for key, value in told.items()}


def _commands(parser: argparse.ArgumentParser, name: str) -> Iterator[str]:
    """A command's options, then its actions."""
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    left_out = (argparse._SubParsersAction, argparse._HelpAction)
    options = [one for one in parser._actions if not isinstance(one, left_out)]
    rows = [f"| {_option(one)} | {_cell(_help(one))} |" for one in options]
    if rows:
        yield "\n".join([f"### `{name}`", "", "| | |", "|---|---|", *rows])
    for group in groups:
        for action, made in group.choices.items():
            yield from _commands(made, f"{name} {action}")


def _option(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{action.metavar or action.dest}`"
    takes = "" if action.nargs == 0 else f" {action.metavar or action.dest.upper()}"
    if action.choices is not None:
        takes = " " + "\\|".join(map(str, action.choices))
    needed = ", required" if action.required else ""
    return ", ".join(f"`{one}{takes}`" for one in action.option_strings) + needed


def _help(action: argparse.Action) -> str:
    return (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")


def _settings(
    above: str, schema: Mapping[str, Any], parts: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The settings of a table, those of tables within it by their path."""
    for name, told in _resolved(schema, parts)["properties"].items():
        one = _resolved(told, parts)
        if "properties" in one:
            yield from _settings(f"{above}{name}.", one, parts)
        else:
            yield f"{above}{name}", one


def _resolved(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schema behind its reference, and of several kinds the one that says most."""
    if "$ref" in schema:
        return _resolved(parts[schema["$ref"].rpartition("/")[2]], parts)
    if "anyOf" in schema:
        several = [_resolved(one, parts) for one in schema["anyOf"]]
        return next((one for one in several if one.get("type") != "null"), several[0])
    return schema


def _shape(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    return str(schema.get("type", ""))


def _cell(text: str) -> str:
    return re.sub(r"\{(\w+)\}", r"`\1`", text).replace("|", "\\|")


if __name__ == "__main__":
    for (path, mark), part in PARTS.items():
        file = ROOT / path
        file.write_text(page_with(file.read_text("utf-8"), mark, part()), "utf-8")
