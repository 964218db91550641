"""Rounding to the fen: half up, ties away from zero, the same for both signs."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import half_up, share_bp, yuan_text


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [
        (0, 2, 0),
        (1, 2, 1),
        (-1, 2, -1),
        (1, 3, 0),
        (2, 3, 1),
        (-2, 3, -1),
        (5, 2, 3),
        (-5, 2, -3),
        (149, 100, 1),
        (150, 100, 2),
        (-150, 100, -2),
    ],
)
def test_half_up_rounds_ties_away_from_zero(numerator: int, denominator: int, rounded: int) -> None:
    assert half_up(numerator, denominator) == rounded


@given(st.integers(-(10**20), 10**20), st.integers(1, 10**12))
def test_half_up_is_decimal_half_up_and_sign_symmetric(numerator: int, denominator: int) -> None:
    rounded = half_up(numerator, denominator)
    assert half_up(-numerator, denominator) == -rounded
    assert abs(2 * (numerator - rounded * denominator)) <= denominator


@given(st.integers(-(10**12), 10**12), st.integers(0, 10_000))
def test_share_agrees_with_decimal_arithmetic(amount_fen: int, ratio_bp: int) -> None:
    exact = Decimal(amount_fen) * ratio_bp / 10_000
    assert share_bp(amount_fen, ratio_bp) == int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@pytest.mark.parametrize(
    ("amount_fen", "text"),
    [(0, "0.00"), (5, "0.05"), (-5, "-0.05"), (452, "4.52"), (-12345, "-123.45")],
)
def test_yuan_text(amount_fen: int, text: str) -> None:
    assert yuan_text(amount_fen) == text
