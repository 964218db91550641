"""What pages for operators take from the code is what the code has."""

from __future__ import annotations

import pytest

from settlement.limits import DEFAULT_LIMITS, Limits
from settlement.variables import VARIABLES
from tests.tidy.operator_pages import PARTS, page_with, variables_read
from tests.tidy.tree import ROOT


@pytest.mark.parametrize(("path", "mark"), PARTS)
def test_page_has_what_the_code_has(path: str, mark: str) -> None:
    page = (ROOT / path).read_text("utf-8")
    made = page_with(page, mark, PARTS[path, mark]())
    assert page == made, f"{path}: write it with `python -m tests.tidy.operator_pages`"


def test_every_variable_that_is_read_is_described() -> None:
    assert variables_read() == set(VARIABLES)


def test_every_command_and_limit_is_on_its_page() -> None:
    page = (ROOT / "docs/operating/configuration.md").read_text("utf-8")
    for name in (*Limits.__struct_fields__, "settlement doctor", "settlement backup base"):
        assert f"`{name}`" in page


def test_interface_page_has_the_limits_of_lines() -> None:
    page = (ROOT / "docs/reference/interface.md").read_text("utf-8")
    most = {infno: DEFAULT_LIMITS.lines_max(infno) for infno in ("2102", "2204", "2301")}
    assert most["2102"] == most["2301"]
    assert f"| lines of a message | {most['2102']}; of 2204 {most['2204']}." in page


def test_checker_names_a_page_that_says_otherwise() -> None:
    page = "a\n<!-- x: by y -->\nold\n<!-- end -->\nb\n"
    made = page_with(page, "x", "new")
    assert made == page.replace("old", "new")
    with pytest.raises(AssertionError, match="one place for z"):
        page_with(page, "z", "new")
