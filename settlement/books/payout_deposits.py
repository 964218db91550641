"""Giving quality deposits back (质量保证金返还) by the index of a year's assessment. Pure.

index = score / average score. Under 0.98 an institution gets back deposit x index, and the rest
goes to a pool; from 0.98 to 1.02 it gets all of it back; above, all of it and a share of the pool
in proportion to deposit x index. Source: the rule of Xuzhou, 2022-2023 (worked example D16); other
regions have others, so the bounds are arguments.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from ledger.money import BASIS_POINTS, half_up

LOW_BP, HIGH_BP = 9_800, 10_200


class Assessed(Struct, frozen=True, kw_only=True):
    """An institution's deposit and what it was assessed at (考核得分)."""

    institution: str
    deposit_fen: int
    score_e2: int
    """hundredths of a point"""


class Returned(Struct, frozen=True, kw_only=True):
    """What becomes of a deposit."""

    institution: str
    returned_fen: int
    forfeited_fen: int
    reward_fen: int


def returns(
    assessed: Sequence[Assessed], *, low_bp: int = LOW_BP, high_bp: int = HIGH_BP
) -> list[Returned]:
    """What each gets back, loses and gains, in their order. The pool is given out to the fen: what
    rounding leaves goes to the greatest shares first."""
    scores = sum(one.score_e2 for one in assessed)
    count = len(assessed)
    if not scores:
        return [_whole(one) for one in assessed]

    def index(one: Assessed) -> int:
        """index x 10000 x scores, exactly"""
        return one.score_e2 * count * BASIS_POINTS

    back = {
        one.institution: half_up(one.deposit_fen * one.score_e2 * count, scores)
        if index(one) < low_bp * scores
        else one.deposit_fen
        for one in assessed
    }
    pool_fen = sum(one.deposit_fen - back[one.institution] for one in assessed)
    winners = [one for one in assessed if index(one) > high_bp * scores]
    rewards = _shared(
        pool_fen, {one.institution: one.deposit_fen * one.score_e2 for one in winners}
    )
    return [
        Returned(
            institution=one.institution, returned_fen=back[one.institution],
            forfeited_fen=one.deposit_fen - back[one.institution],
            reward_fen=rewards.get(one.institution, 0),
        )
        for one in assessed
    ]  # fmt: skip


def _whole(one: Assessed) -> Returned:
    return Returned(
        institution=one.institution, returned_fen=one.deposit_fen, forfeited_fen=0, reward_fen=0
    )


def _shared(pool_fen: int, weights: dict[str, int]) -> dict[str, int]:
    """A pool in proportion to weights, nothing of it left and nothing given twice."""
    whole = sum(weights.values())
    if not whole:
        return {}
    shares = {name: pool_fen * weight // whole for name, weight in weights.items()}
    left = pool_fen - sum(shares.values())
    for name in sorted(weights, key=lambda each: (-(pool_fen * weights[each] % whole), each)):
        if left <= 0:
            break
        shares[name] += 1
        left -= 1
    return shares
