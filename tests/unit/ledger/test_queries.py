"""Query files: named blocks that say why they exist."""

from __future__ import annotations

from pathlib import Path

import pytest

from ledger.postgres.queries import QueryFileError, load


def written(folder: Path, text: str) -> Path:
    path = folder / "some.sql"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_block_is_found_by_its_name_without_comment_and_semicolon(tmp_path: Path) -> None:
    path = written(
        tmp_path, "-- About.\n\n-- name: one\n-- Why one.\nselect 1\n;\n\n-- name: two\n-- W.\nx;\n"
    )
    queries = load(path)
    assert dict(queries) == {"one": "select 1", "two": "x"}


def test_a_name_that_is_not_there_says_so(tmp_path: Path) -> None:
    queries = load(written(tmp_path, "-- name: one\n-- Why.\nselect 1;\n"))
    with pytest.raises(KeyError, match=r"some\.sql has no query 'three'"):
        queries["three"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("-- name: one\nselect 1;\n", "why"),
        ("-- name: one\n-- Why.\n", "empty"),
        ("-- name: one\n-- Why.\nx;\n-- name: one\n-- Why.\nx;\n", "twice"),
    ],
)
def test_a_file_that_breaks_the_format_is_refused(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(QueryFileError, match=complaint):
        load(written(tmp_path, text))
