"""What a browser calls a file never becomes a path."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.storage.console_files import NAME_MAX, plain_name
from tests.kit.hostile import TEXTS

PLACE = Path("/place/of/its/own")
PATHS = ("../../etc/passwd", "..\\..\\boot.ini", "/etc/cron.d/x", "C:\\x", "..", ".", "", "a/")


@pytest.mark.parametrize("told", [*PATHS, *TEXTS])
def test_name_of_an_attacker_stays_in_its_place(told: str) -> None:
    assert (PLACE / plain_name(told)).parent == PLACE
    assert plain_name(told).strip(".")


@given(st.text(max_size=2 * NAME_MAX))
def test_any_name_is_one_name(told: str) -> None:
    name = plain_name(told)
    assert (PLACE / name).parent == PLACE and name not in (".", "..")
    assert 0 < len(name) <= NAME_MAX and name.isprintable()
