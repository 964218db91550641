"""Each row of a day is in one finding, each finding in the right class, and the sums explain each
other."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from loadtest.channel_days import (
    AGENCYS,
    DAY,
    EXPECTED,
    NEXT,
    OURS,
    Day,
    Recipe,
    a_day,
    differences,
)
from settlement.books.channel_joining import join, with_joined
from settlement.books.channel_matching import (
    CLASS_ZH,
    NO_DIFFERENCE,
    Around,
    Class,
    Finding,
    Kind,
    Rate,
    Said,
    compare,
    said,
)

LANES = 4
RECIPES = st.lists(
    st.tuples(st.sampled_from(Recipe), st.integers(min_value=3, max_value=10**7)), max_size=40
)


def found_in(day: Day, around: Around | None = None) -> dict[tuple[str, str, int], Class]:
    return {place_of(one): one.found for one in findings_of(day, around)}


def findings_of(day: Day, around: Around | None = None) -> list[Finding]:
    """Of all lanes, with what agrees together only."""
    findings = compare(day.ours, day.theirs, around or day.around)
    return with_joined(findings, join(findings, around or day.around))


def place_of(finding: Finding) -> tuple[str, str, int]:
    key = finding.key
    return key.order_no or key.channel_no, key.refund_no, finding.nth


@given(RECIPES)
def test_every_injected_difference_is_found_and_no_other(
    recipes: list[tuple[Recipe, int]]
) -> None:
    day = a_day(recipes, lanes=LANES)
    assert differences(found_in(day)) == day.expected


@given(RECIPES)
def test_classes_partition_the_rows_and_explain_the_sums(
    recipes: list[tuple[Recipe, int]]
) -> None:
    day = a_day(recipes, lanes=LANES)
    findings = findings_of(day)
    assert sorted(one.ours.key for one in findings if one.ours is not None) == sorted(
        one.key for one in day.ours
    )
    rows = [row.row_no for one in findings for row in one.theirs]
    assert sorted(rows) == [row.row_no for row in day.theirs]
    assert sum(one.ours_fen for one in findings) == sum(one.counts_fen for one in day.ours)
    assert sum(one.theirs_fen for one in findings) == sum(one.counts_fen for one in day.theirs)
    agreeing = [one for one in findings if one.found is Class.AGREES]
    assert sum(one.ours_fen for one in agreeing) == sum(one.theirs_fen for one in agreeing)


def test_every_class_is_a_recipe() -> None:
    assert set(EXPECTED.values()) == set(Class) - NO_DIFFERENCE
    assert set(CLASS_ZH) == set(Class)


@pytest.mark.parametrize(
    ("recipe", "expected"), [(one, EXPECTED.get(one)) for one in Recipe], ids=str
)
def test_recipe(recipe: Recipe, expected: Class | None) -> None:
    day = a_day([(recipe, 12_345)], lanes=1)
    told = [] if expected is None else [expected]
    if recipe is Recipe.SEVERAL_WAYS:
        told = [Class.ONLY_OURS] * 4 + [Class.ONLY_THEIRS] * 2
    assert sorted(differences(found_in(day)).values()) == told


def test_what_the_next_bill_may_have_waits_for_it() -> None:
    day = a_day([(Recipe.ONLY_OURS, 100), (Recipe.REFUND_MISSING, 100)], lanes=1)
    without = replace(day.around, unbilled=frozenset({("wechat", OURS, DAY + NEXT)}))
    assert set(differences(found_in(day, without)).values()) == {Class.DAY_EDGE}


def test_nothing_is_said_of_a_day_without_a_bill() -> None:
    day = a_day([(Recipe.ONLY_OURS, 100)], lanes=1)
    without = replace(day.around, unbilled=frozenset({("wechat", OURS, DAY)}))
    assert list(found_in(day, without).values()) == [Class.UNBILLED]


def test_the_row_with_our_channel_number_is_ours_and_the_other_the_duplicate() -> None:
    day = a_day([(Recipe.DUPLICATE, 100)], lanes=1)
    day.theirs.reverse()
    duplicate = next(
        one for one in compare(day.ours, day.theirs, day.around) if one.nth
    )
    assert duplicate.theirs[0].channel_no.endswith("x")
    assert duplicate.sent is not None
    assert duplicate.sent.institution


def test_what_is_serious_is_not_hidden_by_what_ends_by_itself() -> None:
    """In the order in which the classes come first."""
    day = a_day([(Recipe.DAY_EDGE, 10_000)], lanes=1)
    theirs = day.theirs[0]
    wrong_fee = replace(theirs, fee_fen=99)
    wrong_amount = replace(wrong_fee, amount_fen=1)
    not_done = replace(wrong_amount, said=Said.NOT_DONE)
    elsewhere = replace(not_done, merchant=AGENCYS)
    expected = (
        (theirs, Class.DAY_EDGE),
        (wrong_fee, Class.FEE),
        (wrong_amount, Class.AMOUNT),
        (not_done, Class.STATUS),
        (elsewhere, Class.CUSTODY),
    )
    for row, found in expected:
        assert compare(day.ours, [row], day.around)[0].found is found


def test_a_fee_rate_counts_from_its_day() -> None:
    day = a_day([(Recipe.FEE, 10_000)], lanes=1)
    later = {("wechat", OURS): [(date(2026, 12, 1), Rate(rate_bp=60))]}
    assert differences(found_in(day, Around(rates=later))) == {}
    lenient = {("wechat", OURS): [(DAY, Rate(rate_bp=60, tolerance_fen=1))]}
    assert differences(found_in(day, Around(rates=lenient))) == {}


@pytest.mark.parametrize(
    ("channel", "kind", "status", "expected"),
    [
        ("wechat", Kind.PAYMENT, "SUCCESS",    Said.DONE),
        ("wechat", Kind.REFUND,  "REFUND/SUCCESS", Said.DONE),
        ("wechat", Kind.REFUND,  "REFUND/PROCESSING", Said.DONE),
        ("wechat", Kind.REFUND,  "REFUND/FAIL", Said.NOT_DONE),
        ("wechat", Kind.REFUND,  "REVOKED/SUCCESS", Said.TAKEN_BACK),
        ("wechat", Kind.PAYMENT, "a new word", Said.NOT_DONE),
        ("alipay", Kind.REFUND,  "退款",        Said.DONE),
        ("unionpay", Kind.PAYMENT, "",         Said.DONE),
    ],
)  # fmt: skip
def test_states_of_bills(channel: str, kind: Kind, status: str, expected: Said) -> None:
    assert said(channel, kind, status) is expected


MERGED, SPLIT, MISSING = Recipe.MERGED_REFUNDS, Recipe.SPLIT_REFUND, Class.REFUND_MISSING


@pytest.mark.parametrize(
    ("recipe", "change",                           "found"),
    [
        (MERGED, {},                                []),
        (MERGED, {"day": DAY + NEXT},               []),
        (MERGED, {"refund_no": ""},                 []),
        (SPLIT,  {},                                []),
        (MERGED, {"amount_fen": 899, "fee_fen": -5}, [Class.AMOUNT, MISSING]),
        (MERGED, {"day": DAY + 2 * NEXT},           [Class.AMOUNT, MISSING]),
        (MERGED, {"said": Said.NOT_DONE},           [Class.STATUS, MISSING]),
        (MERGED, {"merchant": AGENCYS},             [Class.CUSTODY, MISSING]),
        (SPLIT,  {"amount_fen": 898, "fee_fen": -5},
         [MISSING, Class.ONLY_THEIRS, Class.ONLY_THEIRS]),
    ],
)  # fmt: skip
def test_refunds_that_agree_only_together_are_none(
    recipe: Recipe, change: dict[str, object], found: list[Class]
) -> None:
    """Exactly, at one merchant, done, and on neighbouring days; else each row is told of."""
    day = a_day([(recipe, 900)], lanes=LANES)
    day.theirs[-1] = replace(day.theirs[-1], **change)
    classes = [one.found for one in compare(day.ours, day.theirs, day.around)]
    assert sorted(one for one in classes if one not in NO_DIFFERENCE) == sorted(found)
