"""The page that teaches region profiles cannot rot, and leaves no setting out."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from settlement.policy.schema import region_schema
from tests.kit.json_schema import objections
from tests.kit.taught_page import is_shown, played

ROOT = Path(__file__).resolve().parents[2]
PAGE = "docs/writing-a-region-profile.md"
COMMANDS_MIN = 6
"""commands on the page; fewer would mean that some are not found any more"""


def settings(schema: dict[str, Any]) -> Iterator[str]:
    """Every key that a profile may have, with those of its tables."""
    for definition in schema["$defs"].values():
        yield from definition.get("properties", {})


def test_page_shows_what_its_reader_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = 0
    for ran in played((ROOT / PAGE).read_text("utf-8"), tmp_path):
        commands += 1
        assert is_shown(ran.shown, ran.came), f"{PAGE}:{ran.line} answered\n{ran.came}"
    assert commands >= COMMANDS_MIN
    (path,) = tmp_path.glob("*.toml")
    assert objections(tomllib.loads(path.read_text("utf-8")), region_schema()) == []


def test_every_setting_is_written_and_explained() -> None:
    page = (ROOT / PAGE).read_text("utf-8")
    named = set(settings(region_schema())) - {"format"}
    assert len(named) > 30
    written = set(re.findall(r"^\[?(?:\w+\.)?(\w+)\]?(?: =|$)", page, re.MULTILINE))
    assert named - written == set()


def test_page_is_linked_for_those_who_need_it() -> None:
    for page in ("docs/reference/policy.md", "docs/writing-a-policy.md"):
        assert "writing-a-region-profile.md)" in (ROOT / page).read_text("utf-8")
