"""Two people are two, however their names are typed."""

from __future__ import annotations

import pytest

from settlement.who import Who, same_person


@pytest.mark.parametrize("typed", ["zhang", " zhang ", "ZHANG", "ｚｈａｎｇ", "Zhang\u3000"])
def test_name_typed_otherwise_is_the_same_person(typed: str) -> None:
    assert same_person("zhang", typed)
    assert Who(actor="zhang", reason="测试").is_also(typed)


@pytest.mark.parametrize("typed", ["zhang2", "张", "", "zh ang"])
def test_other_name_is_another_person(typed: str) -> None:
    assert not same_person("zhang", typed)
