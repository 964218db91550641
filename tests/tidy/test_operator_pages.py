"""What pages for operators take from the code is what the code has."""

from __future__ import annotations

import pytest

from tests.tidy.operator_pages import PARTS, page_with
from tests.tidy.tree import ROOT


@pytest.mark.parametrize(("path", "mark"), PARTS)
def test_page_has_what_the_code_has(path: str, mark: str) -> None:
    page = (ROOT / path).read_text("utf-8")
    made = page_with(page, mark, PARTS[path, mark]())
    assert page == made, f"{path}: write it with `python -m tests.tidy.operator_pages`"


def test_checker_names_a_page_that_says_otherwise() -> None:
    page = "a\n<!-- x: by y -->\nold\n<!-- end -->\nb\n"
    made = page_with(page, "x", "new")
    assert made == page.replace("old", "new")
    with pytest.raises(AssertionError, match="one place for z"):
        page_with(page, "z", "new")
