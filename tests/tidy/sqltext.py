"""SQL files as the house rules see them: named blocks, and text without comments and literals."""

from __future__ import annotations

import re
from typing import NamedTuple

NAME_LINE = re.compile(r"^-- name: *(\S+) *$")
COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
LITERAL = re.compile(r"'(?:[^']|'')*'")
QUOTED_IDENTIFIER = re.compile(r'"[^"\n]*"')


class Block(NamedTuple):
    """One named statement: the comment above it says why, `statement` is the SQL alone."""

    path: str
    line: int
    name: str
    why: str
    statement: str


def blocks(path: str, text: str) -> list[Block]:
    """The named blocks of a file, in order; none where the file is one whole (schema.sql)."""
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if NAME_LINE.match(line)]
    ends = [*starts, len(lines)][1:]
    return [_block(path, lines, *span) for span in zip(starts, ends, strict=True)]


def _block(path: str, lines: list[str], start: int, end: int) -> Block:
    match = NAME_LINE.match(lines[start])
    assert match is not None
    body = lines[start + 1 : end]
    comment_count = next(
        (n for n, line in enumerate(body) if line.strip() and not line.startswith("--")), len(body)
    )
    why = " ".join(line[2:].strip() for line in body[:comment_count] if line.startswith("--"))
    statement = without_comments("\n".join(body[comment_count:])).strip()
    return Block(path, start + 1, match[1], why.strip(), statement)


def without_comments(text: str) -> str:
    """The text with comments blanked; every line keeps its number, literals are left alone."""
    kept: list[str] = []
    position = 0
    for match in re.finditer(rf"{LITERAL.pattern}|(?P<comment>{COMMENT.pattern})", text, re.DOTALL):
        if match["comment"] is not None:
            kept += [text[position : match.start()], "\n" * match[0].count("\n")]
            position = match.end()
    return "".join([*kept, text[position:]])


def code_only(text: str) -> str:
    """The text with comments, literals and quoted identifiers blanked."""
    bare = LITERAL.sub(lambda m: "''" + "\n" * m[0].count("\n"), without_comments(text))
    return QUOTED_IDENTIFIER.sub('""', bare)
