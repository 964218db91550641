"""The figures of signed messages."""

from __future__ import annotations

import pytest

from loadtest import report, signatures
from protocol.nhsa.cainfo import Signer
from protocol.nhsa.codec import decode
from protocol.nhsa.gm import Sm2PrivateKey
from protocol.nhsa.profile import BASELINE


def test_figures_are_there_and_the_table_shows_them() -> None:
    figures = signatures.measure_signatures(rounds=1, window_seconds=0.01)
    assert figures.keys() == {"sm2_per_s", "sm2_bare_per_s", "sm2_ratio"}
    assert all(isinstance(value, float) and value > 0 for value in figures.values())
    table = report.table(figures)
    assert "SM2 checks a second of a core" in table and "ours / the library's own" in table


def test_ratio_has_its_goal() -> None:
    (goal,) = [goal for goal in report.GOALS if goal.path == "sm2_ratio"]
    assert goal.at_least == 0.8


def test_what_is_measured_is_a_sale_that_the_server_takes() -> None:
    private = Sm2PrivateKey.of_number(4_711)
    signer = Signer(access_key="bench", secret="", public_key=private.public)
    request = decode("2102", signatures.signed_sale(private, signer), BASELINE, lines_max=500)
    assert request.signtype == "SM2" and request.cainfo


def test_checks_that_fail_are_no_measurement() -> None:
    with pytest.raises(ValueError, match="refused"):
        signatures.rate(lambda: False, 0.01)
