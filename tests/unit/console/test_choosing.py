"""What a field that wants an institution offers while somebody types."""

from __future__ import annotations

import pytest

from settlement.console.choosing import OFFERED_MAX, offered
from settlement.console.templates import HERE

NAMES = {
    "H44190000001": "测试市人民医院", "H44190000002": "测试市第二人民医院",
    "H44190100001": "测试镇医院", "P44190000001": "测试大药房", "P44190000002": "大药房（测试）",
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("", []),
        ("人民", ["H44190000001", "H44190000002"]),
        ("大药房", ["P44190000002", "P44190000001"]),
        ("h441901", ["H44190100001"]),
        ("P4419", ["P44190000001", "P44190000002"]),
        ("没有", []),
    ],
)  # fmt: skip
def test_codes_that_begin_so_come_first_then_names_that_have_it(
    text: str, codes: list[str]
) -> None:
    assert offered(NAMES, text) == codes


def test_no_more_are_offered_than_somebody_reads() -> None:
    many = {f"H{place:011}": f"测试第{place}医院" for place in range(5_000)}
    assert len(offered(many, "医院")) == OFFERED_MAX == len(offered(many, "H"))
    assert offered(many, "第4999医")[0] == "H00000004999"


def test_every_field_of_an_institution_offers_them() -> None:
    """A page with such a field brings the script with it."""
    pages = {path.name: path.read_text("utf-8") for path in (HERE / "templates").glob("*.html")}
    typed = {name for name, text in pages.items() if '<input name="institution"' in text}
    assert len(typed) >= 9
    for name in sorted(typed):
        fields = pages[name].split('<input name="institution"')[1:]
        assert all(one.startswith(" data-institutions") for one in fields), name
        assert "choices.js" in pages[name], name
