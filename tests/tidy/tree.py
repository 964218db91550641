"""The tree as the house rules see it: its files, their syntax, and how a finding is shown.

Knows no rule. Files are found by walking, not by asking git, so that an unpacked archive is
checked in the same way as a checkout.
"""

from __future__ import annotations

import ast
import gc
import os
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCT = ("settlement", "protocol", "ledger", "loadtest")
NOT_OURS = {
    ".git",
    ".venv",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    "__pycache__",
    "build",
    "dist",
    "node_modules",
    "var",
}
TEXT_SUFFIXES = {
    "",
    ".cfg",
    ".css",
    ".csv",
    ".html",
    ".in",
    ".ini",
    ".js",
    ".json",
    ".jsonl",
    ".md",
    ".py",
    ".sh",
    ".sql",
    ".svg",
    ".toml",
    ".txt",
    ".xml",
    ".yaml",
    ".yml",
}


class Finding(NamedTuple):
    """One breach of a house rule; `path` is relative to the root of the tree."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}"


class Module(NamedTuple):
    """A Python file with its syntax tree; `path` is relative to the root, with slashes."""

    path: str
    source: str
    tree: ast.Module


def planted(path: str, source: str) -> Module:
    """A module that exists only in a rule's own test."""
    return Module(path, source, ast.parse(source))


def modules(*folders: str) -> list[Module]:
    """Every Python file of the tree, or of the given top folders."""
    return [
        module
        for module in _all_modules()
        if not folders or module.path.split("/", 1)[0] in folders
    ]


@cache
def every_node(tree: ast.AST) -> tuple[ast.AST, ...]:
    """`ast.walk` of a whole module, walked once for all rules."""
    return tuple(ast.walk(tree))


def text_files(*suffixes: str) -> list[tuple[str, str]]:
    """Path and text of every text file of the tree, or of those with the given suffixes."""
    wanted = set(suffixes) or TEXT_SUFFIXES
    return [
        (path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
        for path in _walk()
        if path.suffix in wanted
    ]


def paths() -> list[str]:
    """Every file of the tree, relative to its root, whatever it is."""
    return [path.relative_to(ROOT).as_posix() for path in _walk()]


def expect_none(findings: Iterable[Finding], rule: str) -> None:
    """Fail with one line per finding, headed by the rule that was broken."""
    lines = sorted(findings)
    shown = "\n  ".join(map(str, lines))
    assert not lines, f"{rule}\n  {shown}"


def docstring_nodes(tree: ast.AST) -> set[int]:
    """Identities of the constants that are docstrings or bare strings, hence prose."""
    return {
        id(node.value)
        for node in every_node(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def dotted_name(node: ast.expr) -> str:
    """`a.b.c` for a chain of attributes on a name, else an empty string."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (owner := dotted_name(node.value)):
        return f"{owner}.{node.attr}"
    return ""


def is_in(path: str, places: Iterable[str]) -> bool:
    """True where `path` is one of the files, or below one of the folders (written with a /)."""
    return any(path == place or (place[-1] == "/" and path.startswith(place)) for place in places)


@cache
def _all_modules() -> tuple[Module, ...]:
    """Millions of nodes that stay to the end: no collection looks at them, now or later."""
    gc.disable()
    try:
        return tuple(planted(path, source) for path, source in text_files(".py"))
    finally:
        gc.freeze()
        gc.enable()


@cache
def _walk() -> tuple[Path, ...]:
    return tuple(sorted(_files()))


def _files() -> Iterator[Path]:
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = [
            name for name in subfolders if name not in NOT_OURS and not name.endswith(".egg-info")
        ]
        yield from (Path(folder, name) for name in names if not name.startswith(".coverage"))
