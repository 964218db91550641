"""Loads SQL from readable files: named blocks, one sentence of why above each.

    -- name: heads
    -- The last block of every journal, for a walk that must not move while it runs.
    select …;

Usable for any package's queries: it is given a path and knows no statement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_NAME = re.compile(r"^-- name: (\S+)[ \t]*$", re.MULTILINE)


class QueryFileError(ValueError):
    """A file of queries breaks its own format: a name twice, a block without why or statement."""


class Queries(Mapping[str, str]):
    """The statements of one file by name; a name that is not there is a KeyError naming both."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._statements = dict(_blocks(path))

    def __getitem__(self, name: str) -> str:
        try:
            return self._statements[name]
        except KeyError:
            raise KeyError(f"{self._path.name} has no query {name!r}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)

    def __len__(self) -> int:
        return len(self._statements)


def load(path: Path) -> Queries:
    """Reads a file of named queries; raises QueryFileError where it breaks the format."""
    return Queries(path)


def _blocks(path: Path) -> Iterator[tuple[str, str]]:
    parts = _NAME.split(path.read_text(encoding="utf-8"))[1:]
    seen: set[str] = set()
    for name, body in zip(parts[0::2], parts[1::2], strict=True):
        why, statement = _split(body.strip())
        if name in seen:
            raise QueryFileError(f"{path.name}: query {name} is there twice")
        if not why:
            raise QueryFileError(f"{path.name}: query {name} does not say why it exists")
        if not statement:
            raise QueryFileError(f"{path.name}: query {name} is empty")
        seen.add(name)
        yield name, statement


def _split(body: str) -> tuple[str, str]:
    lines = body.splitlines()
    count = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return "\n".join(lines[:count]), "\n".join(lines[count:]).strip().removesuffix(";").rstrip()
