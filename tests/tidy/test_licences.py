"""A product may be built on all that is installed for it, and the page that says so is true."""

from __future__ import annotations

import pytest

from tests.tidy.tree import Finding, expect_none
from tools.licences import PAGE, PRODUCT_MAY, TOOL_MAY, Licensed, expression_of, licensed, page
from tools.pins import ROOT, Pin, read

LEVELS = {"runtime": PRODUCT_MAY, "dev": TOOL_MAY}


def _package(expression: str) -> Licensed:
    return Licensed(Pin("probe", "1.0", (), is_ours=True, wanted_by=()), expression)


@pytest.mark.parametrize("level", LEVELS)
def test_licence_of_every_package_is_on_the_list(level: str) -> None:
    findings = [
        Finding(one.pin.name, 0, f"{one.expression} is not on the list of tools/licences.py")
        for one in licensed(level)
        if not one.is_allowed(LEVELS[level])
    ]
    expect_none(findings, "Licences:")


def test_extra_that_a_product_installs_is_on_the_list_for_products() -> None:
    extra = {pin.name for pin in read((ROOT / "requirements-archive.txt").read_text("utf-8"))}
    found = [one for one in licensed("dev") if one.pin.name in extra]
    assert {one.pin.name for one in found} == extra
    assert all(one.is_allowed(PRODUCT_MAY) for one in found)


def test_page_of_licences_is_that_of_the_lock() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `.venv/bin/python -m tools.licences`"


@pytest.mark.parametrize(
    ("expression", "product", "tool"),
    [
        ("MIT", True, True),
        ("Apache-2.0 AND MIT", True, True),
        ("GPL-3.0-only OR MIT", True, True),
        ("MPL-2.0", False, True),
        ("Apache-2.0 AND GPL-3.0-only", False, False),
        ("AGPL-3.0-or-later", False, False),
        ("LicenseRef-Proprietary", False, False),
    ],
)
def test_checker_names_each_planted_breach(expression: str, product: bool, tool: bool) -> None:
    package = _package(expression)
    assert (package.is_allowed(PRODUCT_MAY), package.is_allowed(TOOL_MAY)) == (product, tool)


def test_package_that_is_not_the_pinned_one_is_told() -> None:
    for name, version in (("pytest", "0.1"), ("no-such-package", "1.0")):
        with pytest.raises(LookupError, match=name):
            expression_of(Pin(name, version, (), is_ours=True, wanted_by=()))
