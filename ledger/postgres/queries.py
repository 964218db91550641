"""Loads SQL from readable files: named blocks, one sentence of why above each.

    -- name: heads
    -- The last block of every journal, for a walk that must not move while it runs.
    select …;

Usable for any package's queries: it is given a path and knows no statement. Files of statements in
two shapes (ledger/postgres/shape.py) are loaded once for each; `$1` is a cluster's one lane.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from ledger.postgres.shape import Shape, shaped

_NAME = re.compile(r"^-- name: (\S+)[ \t]*$", re.MULTILINE)


class QueryFileError(ValueError):
    """A file of queries breaks its own format: a name twice, a block without why or statement."""


class Queries(Mapping[str, str]):
    """The statements of one file by name; a name that is not there is a KeyError naming both."""

    def __init__(self, path: Path, shape: Shape = Shape.ONE_MACHINE) -> None:
        self._path = path
        self.shape = shape
        self._statements = dict(_blocks(path.name, _text(path, shape)))

    def __getitem__(self, name: str) -> str:
        try:
            return self._statements[name]
        except KeyError:
            raise KeyError(f"{self._path.name} has no query {name!r}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._statements)

    def __len__(self) -> int:
        return len(self._statements)


def load(path: Path, shape: Shape = Shape.ONE_MACHINE) -> Queries:
    """Reads a file of named queries; raises QueryFileError where it breaks the format."""
    return Queries(path, shape)


def load_shapes(path: Path) -> Mapping[Shape, Queries]:
    """Reads a file of queries that have two shapes."""
    return {shape: load(path, shape) for shape in Shape}


def _text(path: Path, shape: Shape) -> str:
    return shaped(path.read_text(encoding="utf-8"), shape, lane="$1")


def _blocks(name_of_file: str, text: str) -> Iterator[tuple[str, str]]:
    parts = _NAME.split(text)[1:]
    seen: set[str] = set()
    for name, body in zip(parts[0::2], parts[1::2], strict=True):
        why, statement = _split(body.strip())
        if name in seen:
            raise QueryFileError(f"{name_of_file}: query {name} is there twice")
        if not why:
            raise QueryFileError(f"{name_of_file}: query {name} does not say why it exists")
        if not statement:
            raise QueryFileError(f"{name_of_file}: query {name} is empty")
        seen.add(name)
        yield name, statement


def _split(body: str) -> tuple[str, str]:
    lines = body.splitlines()
    count = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return "\n".join(lines[:count]), "\n".join(lines[count:]).strip().removesuffix(";").rstrip()
