"""Whole-fen arithmetic: the only place where a division of money is rounded.

Money is an integer number of fen and a ratio an integer number of basis points. The rule is
half up, ties away from zero (四舍五入), and the same for both signs, so that the amount of a
cancel is always the exact negative of the amount it cancels. This module knows no currency
format of any interface and no reason why an amount is divided.
"""

from __future__ import annotations

BASIS_POINTS = 10_000
FEN_PER_YUAN = 100


def half_up(numerator: int, denominator: int) -> int:
    """Return numerator / denominator rounded half up; `denominator` must be positive."""
    if numerator >= 0:
        return (2 * numerator + denominator) // (2 * denominator)
    return -((denominator - 2 * numerator) // (2 * denominator))


def share_bp(amount_fen: int, ratio_bp: int) -> int:
    """Return `ratio_bp` basis points of an amount, rounded once, half up, to the fen."""
    return half_up(amount_fen * ratio_bp, BASIS_POINTS)


def yuan_text(amount_fen: int) -> str:
    """Write fen as yuan with two decimals: -5 becomes '-0.05'."""
    if amount_fen < 0:
        return "-" + yuan_text(-amount_fen)
    return f"{amount_fen // FEN_PER_YUAN}.{amount_fen % FEN_PER_YUAN:02d}"
