"""Adding up legs of care in another region, and netting what two regions owe each other.

A leg is what one region owes another for one settlement, or its exact negative. Sums are kept by
whatever key the caller groups by (city, institution, clearing type, scheme), so that the sums of
any grouping are the sum of its legs. Pure, and one pass: a leg is seen once and not kept, so that
a national month fits into little memory (loadtest/drills/national_clearing.py).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

from msgspec import Struct

_Key = TypeVar("_Key", bound=Hashable)
_Other = TypeVar("_Other", bound=Hashable)


class Sums(Struct, frozen=True, kw_only=True, gc=False):
    """What some legs come to."""

    legs: int = 0
    total_fen: int = 0
    """of the bills"""
    fund_fen: int = 0
    account_fen: int = 0

    @property
    def owed_fen(self) -> int:
        """What the region of insurance owes for them (DOMAIN 6)."""
        return self.fund_fen + self.account_fen

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            legs=self.legs + other.legs,
            total_fen=self.total_fen + other.total_fen,
            fund_fen=self.fund_fen + other.fund_fen,
            account_fen=self.account_fen + other.account_fen,
        )


NOTHING = Sums()


def tally(legs: Iterable[tuple[_Key, int, int, int]]) -> dict[_Key, Sums]:
    """Legs as (key, total, funds, account), summed by key."""
    found: dict[_Key, list[int]] = {}
    get = found.get
    for key, total_fen, fund_fen, account_fen in legs:
        sums = get(key)
        if sums is None:
            found[key] = [1, total_fen, fund_fen, account_fen]
        else:
            sums[0] += 1
            sums[1] += total_fen
            sums[2] += fund_fen
            sums[3] += account_fen
    return {
        key: Sums(legs=legs_no, total_fen=total_fen, fund_fen=fund_fen, account_fen=account_fen)
        for key, (legs_no, total_fen, fund_fen, account_fen) in found.items()
    }


def regrouped(sums: Iterable[tuple[_Other, Sums]]) -> dict[_Other, Sums]:
    """Sums of sums, under coarser keys."""
    found: dict[_Other, Sums] = {}
    for key, one in sums:
        found[key] = found.get(key, NOTHING) + one
    return found


def together(sums: Iterable[Sums]) -> Sums:
    """The sum of all."""
    return sum(sums, start=NOTHING)


def net_positions(owed: Mapping[tuple[str, str], int]) -> dict[str, int]:
    """What each region gets, or pays where it is negative: of (debtor, creditor) to fen. The
    positions of all come to zero."""
    found: dict[str, int] = {}
    for (debtor, creditor), fen in owed.items():
        found[creditor] = found.get(creditor, 0) + fen
        found[debtor] = found.get(debtor, 0) - fen
    return found


def net_pairs(owed: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """What is left between each two regions once both debts are set off, as (debtor, creditor) to
    a positive amount; pairs that owe each other the same are left out."""
    found: dict[tuple[str, str], int] = {}
    for debtor, creditor in {(min(pair), max(pair)) for pair in owed}:
        net_fen = owed.get((debtor, creditor), 0) - owed.get((creditor, debtor), 0)
        if net_fen > 0:
            found[debtor, creditor] = net_fen
        elif net_fen < 0:
            found[creditor, debtor] = -net_fen
    return found
