"""The page that teaches policies cannot rot: whoever does what it says sees what it shows."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from settlement.policy.schema import policy_schema
from tests.kit.json_schema import objections
from tests.kit.taught_page import is_shown, placed, played, titled

ROOT = Path(__file__).resolve().parents[2]
PAGE = "docs/writing-a-policy.md"
STEPS_TAUGHT = {"first_off", "deductible", "share", "ceiling"}
COMMANDS_MIN = 14
"""commands on the page; fewer would mean that some are not found any more"""


def test_page_shows_what_its_reader_sees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    commands = 0
    for ran in played((ROOT / PAGE).read_text("utf-8"), tmp_path):
        commands += 1
        assert is_shown(ran.shown, ran.came), f"{PAGE}:{ran.line} answered\n{ran.came}"
    assert commands >= COMMANDS_MIN
    (path,) = tmp_path.glob("*.toml")
    file = tomllib.loads(path.read_text("utf-8"))
    assert objections(file, policy_schema()) == []
    assert not file["verified"]
    assert {rule["step"] for rule in file["rules"]["inpatient"]} == STEPS_TAUGHT


def test_page_is_linked_for_those_who_need_it() -> None:
    for page in ("README.md", "README.zh-CN.md"):
        assert f"]({PAGE})" in (ROOT / page).read_text("utf-8")
    assert "](../writing-a-policy.md)" in (ROOT / "docs/reference/policy.md").read_text("utf-8")


def test_sections_go_where_the_page_says() -> None:
    file = "# ---- a\nx = 1\n\n# ---- b\n[b]\n"
    assert placed("", file, "") == file
    assert placed(file, "# ---- a\nx = 2\n", "") == "# ---- a\nx = 2\n\n# ---- b\n[b]\n"
    assert list(titled(placed(file, "# ---- c\n", ""))) == ["a", "b", "c"]
    assert list(titled(placed(file, "# ---- c\n\n# ---- d\n", "b"))) == ["a", "c", "d", "b"]


def test_checker_names_each_planted_breach() -> None:
    came = '{"cash": "1.00", "policy": "x#12ab",\n "explanation": []}\n'
    plants = {
        '{"cash": "1.00",\n "policy": "x#…", "explanation": []}': True,
        '{"cash": "1.00", …': True,
        '{"cash": "1.00",': False,
        '"policy": …': False,
        '{"cash": "1.01", …': False,
        '… "policy": … "cash": …': False,
    }
    assert {shown: is_shown(shown, came) for shown in plants} == plants


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ("```python\n1\n```\n", "what is 'python'"),
        ("```\n1\n```\n", "what is ''"),
        ("```sh run\nls\n```\n", "no answer follows"),
        ("```sh run\nls < a\n```\n```text answer\n```\n", "the reader has no ls"),
    ],
)
def test_page_with_a_block_that_is_not_understood_fails(
    page: str, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(AssertionError, match=complaint):
        list(played(page, tmp_path))
