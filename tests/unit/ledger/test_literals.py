"""Arrays as PostgreSQL reads them (ADR 0008)."""

from __future__ import annotations

from datetime import datetime

import pytest

from ledger.entry import EntryKind
from ledger.postgres import literals


@pytest.mark.parametrize(
    ("values", "literal"),
    [
        ([],                                          "{}"),
        ([0, -5, 2**63 - 1],                          "{0,-5,9223372036854775807}"),
        ([1, None],                                   "{1,null}"),
        ([EntryKind.SINGLE],                          "{1}"),
        ([True, False],                               "{true,false}"),
        ([datetime(2026, 11, 23, 8, 0, 5, 250_000)],  '{"2026-11-23T08:00:05.250000"}'),
    ],
)  # fmt: skip
def test_plain_values_are_written_as_json_writes_them(values: list[object], literal: str) -> None:
    assert literals.plain(values) == literal


@pytest.mark.parametrize(
    ("values", "literal"),
    [
        ([],                         "{}"),
        (["", "null", "a,b{}"],      '{"","null","a,b{}"}'),
        (['say "no"', "back\\slash"], '{"say \\"no\\"","back\\\\slash"}'),
        (["two\nlines"],             '{"two\nlines"}'),
    ],
)  # fmt: skip
def test_texts_are_quoted(values: list[str], literal: str) -> None:
    assert literals.texts(values) == literal
