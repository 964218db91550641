"""Payments that agree with a bill only together are joined where it is certain, nowhere else."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from loadtest.channel_days import DAY, INSTITUTION, NEXT, TOGETHER, Recipe, a_day
from settlement.books.channel_joining import PARTS_MAX, Group, join, with_joined
from settlement.books.channel_matching import (
    Around,
    Class,
    Finding,
    Joined,
    Kind,
    Ours,
    Rate,
    Said,
    Sent,
    Theirs,
    compare,
)

RECIPES = st.lists(
    st.tuples(st.sampled_from(Recipe), st.integers(min_value=3, max_value=10**7)), max_size=40
)
SHOP = "1900100000"
MERGED, SPLIT = Joined.MERGED, Joined.SPLIT


def ours(number: int, fen: int, on: date = DAY, channel_no: str = "") -> Ours:
    return Ours(
        pay_no=number, kind=Kind.PAYMENT, channel="wechat", merchant=SHOP, custody="own",
        institution=INSTITUTION, order_no=f"A{number}", refund_no="",
        channel_no=channel_no or f"a{number}", amount_fen=fen, day=on,
    )  # fmt: skip


def theirs(
    number: int, fen: int, on: date = DAY, *, order_no: str = "", channel_no: str = ""
) -> Theirs:
    return Theirs(
        file_no=1, row_no=number, kind=Kind.PAYMENT, channel="wechat", merchant=SHOP,
        order_no=order_no, refund_no="", channel_no=channel_no or f"t{number}", amount_fen=fen,
        fee_fen=0, day=on, said=Said.DONE,
    )  # fmt: skip


def joined(
    mine: list[Ours], there: list[Theirs], around: Around | None = None
) -> list[Joined | None]:
    """How groups are joined; None: in several ways."""
    around = around or Around()
    return [one.how for one in join(compare(mine, there, around), around)]


@given(RECIPES)
def test_what_was_merged_or_split_is_joined_and_nothing_else(
    recipes: list[tuple[Recipe, int]]
) -> None:
    day = a_day(recipes, lanes=4)
    findings = compare(day.ours, day.theirs, day.around)
    groups = join(findings, day.around)
    refunds = [
        one.joined for one in findings
        if one.joined is not None and one.key.kind is Kind.REFUND and one.theirs
    ]  # fmt: skip
    assert Counter([one.how for one in groups] + refunds) == Counter(day.together)
    assert_even(with_joined(findings, groups), groups)


def assert_even(findings: list[Finding], groups: list[Group]) -> None:
    """Each group comes to nothing by itself, and no row is in two."""
    for group in groups:
        some = [one for one in findings if one.key in group.keys]
        assert sum(one.ours_fen - one.theirs_fen for one in some) == 0
    keys = [key for group in groups for key in group.keys]
    assert len(keys) == len(set(keys))


def test_every_way_of_joining_is_a_recipe() -> None:
    assert set(TOGETHER.values()) == {*Joined, None}


TWO = [ours(1, 100), ours(2, 200)]
ONE = [theirs(1, 300)]


@pytest.mark.parametrize(
    ("mine", "there", "how"),
    [
        (TWO, ONE, [MERGED]),
        (TWO, [theirs(1, 300, order_no="A1")], [MERGED]),
        (TWO, [theirs(1, 300, DAY + NEXT)], [MERGED]),
        ([ours(1, 300)], [theirs(1, 100), theirs(2, 200)], [SPLIT]),
        ([ours(1, 300)], [theirs(1, 100, order_no="A1"), theirs(2, 200)], [SPLIT]),
        (TWO, [theirs(1, 299)], []),
        ([ours(1, 300)], ONE, []),
        (TWO, [theirs(1, 300, DAY + 2 * NEXT)], []),
        ([ours(1, 100), ours(2, 200, DAY + 2 * NEXT)], [theirs(1, 300, DAY + NEXT)], []),
        ([*TWO, ours(3, 5)], ONE, []),
        ([*TWO, ours(3, 5, DAY + NEXT)], ONE, []),
        ([*TWO, ours(3, 5, DAY + 2 * NEXT)], ONE, [MERGED]),
        ([*TWO, ours(3, 300)], ONE, []),
        (TWO, [*ONE, theirs(2, 300)], []),
        (TWO, [replace(ONE[0], merchant="1900100001")], []),
        ([*TWO, ours(3, 40), ours(4, 50)], [*ONE, theirs(2, 90)], [MERGED, MERGED]),
        ([*TWO, ours(3, 200), ours(4, 100)], [*ONE, theirs(2, 300)], [None]),
        ([*TWO, ours(3, 40), ours(4, 50)], [theirs(1, 300, order_no="A3"), theirs(2, 90)], []),
        ([*TWO, ours(3, 200), ours(4, 100)],
         [theirs(1, 300, order_no="A1"), theirs(2, 300, order_no="A4")], [None]),
        ([ours(1, 100), ours(2, 200), ours(3, 201), ours(4, 99)],
         [theirs(1, 300, order_no="A1"), theirs(2, 300, order_no="A4")], [MERGED, MERGED]),
        ([ours(1, 100), ours(2, 200), ours(3, 300)],
         [theirs(n, fen) for n, fen in enumerate((50, 50, 250, 50, 200), 1)], []),
        ([ours(n, 10) for n in range(PARTS_MAX + 1)],
         [theirs(1, 10 * PARTS_MAX - 10), theirs(2, 20)], [None]),
    ],
)  # fmt: skip
def test_neighbours_are_joined_where_nothing_else_differs_beside_them(
    mine: list[Ours], there: list[Theirs], how: list[Joined | None]
) -> None:
    assert joined(mine, there) == how


def test_a_reference_says_what_belongs_together_whatever_stands_beside_it() -> None:
    mine = [ours(1, 100, channel_no="w"), ours(2, 200, channel_no="w")]
    there = [theirs(1, 300, channel_no="w")]
    beside = [ours(3, 55), ours(4, 45), ours(5, 300)]
    assert joined([*mine, *beside], there) == [MERGED]
    assert joined([*mine, *beside], [*there, theirs(2, 300)]) == [MERGED]
    assert joined([*mine, ours(3, 5, channel_no="w")], there) == []
    late = [replace(there[0], day=DAY + timedelta(days=2))]
    assert joined(mine, late) == []
    ours_too = [theirs(1, 100, order_no="A1", channel_no="w"), theirs(2, 200, channel_no="w")]
    assert joined([ours(1, 300, channel_no="w")], ours_too) == [SPLIT]


def test_what_has_another_fault_keeps_what_stands_beside_it_apart() -> None:
    """A row that is not done, or twice there, may be what the others lack."""
    failed = replace(theirs(9, 77, order_no="A9"), said=Said.NOT_DONE)
    status = Around(
        sent={"A9": Sent(pay_no=9, institution=INSTITUTION, merchant=SHOP, custody="own")}
    )
    assert joined([*TWO, ours(9, 77)], [*ONE, failed]) == []
    twice = [theirs(n, 77, order_no="A9") for n in (8, 9)]
    assert joined([*TWO, ours(9, 77)], [*ONE, *twice]) == []
    assert joined(TWO, [*ONE, theirs(9, 77, order_no="A9")], status) == []
    custody = replace(theirs(9, 77, order_no="A9"), merchant="1900000009")
    assert joined([*TWO, ours(9, 77)], [*ONE, custody]) == []
    undone = replace(ours(9, 77), reversed=True)
    assert joined([*TWO, undone], [*ONE, theirs(9, 77, order_no="A9")]) == []


def test_rows_with_a_wrong_fee_are_not_joined() -> None:
    rated = Around(rates={("wechat", SHOP): [(date(2026, 1, 1), Rate(rate_bp=60))]})
    assert joined(TWO, [replace(ONE[0], fee_fen=2)], rated) == [MERGED]
    assert joined(TWO, [replace(ONE[0], fee_fen=3)], rated) == []


@pytest.mark.parametrize("away", [-1, 0, 1])
def test_nothing_is_joined_before_the_bills_around_it_are_here(away: int) -> None:
    waiting = Around(unbilled=frozenset({("wechat", SHOP, DAY + away * NEXT)}))
    assert joined(TWO, ONE, waiting) == []
    far = Around(unbilled=frozenset({("wechat", SHOP, DAY + 2 * NEXT)}))
    assert joined(TWO, ONE, far) == [MERGED]


def test_what_is_joined_agrees_and_says_how() -> None:
    findings = compare(TWO, ONE, Around())
    found = with_joined(findings, join(findings, Around()))
    assert {(one.found, one.joined) for one in found} == {(Class.AGREES, MERGED)}
    assert {one.found for one in with_joined(findings, [])} == {
        Class.ONLY_OURS, Class.ONLY_THEIRS,
    }  # fmt: skip
