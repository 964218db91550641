"""Comparing a day: classes partition the rows, and what they differ by is what the sums do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.elsewhere.regional_matching import (
    CLASS_ZH,
    FINE,
    WITH_HUB,
    Class,
    Lists,
    Row,
    by_key,
    compare,
    totals,
)


def row(case_no: str, owed: int = 700, *, reversal: bool = False, total: int = 1_000) -> Row:
    """A row; with `reversal` its negative."""
    sign = -1 if reversal else 1
    return Row(
        case_no=case_no, reversal=reversal, total_fen=sign * total, fund_fen=sign * owed,
        account_fen=0,
    )  # fmt: skip


def only(*rows: Row) -> dict[tuple[str, bool], Row]:
    """Rows by key."""
    return by_key(rows)[0]


A, A_BACK, OTHER = row("A"), row("A", reversal=True), row("A", 600)
CASES: list[tuple[Lists, list[Class]]] = [
    (Lists(ours=only(A), theirs=only(A), hub=only(A)), [Class.AGREES]),
    (Lists(ours=only(A), theirs=only(A)), [Class.AGREES]),
    (Lists(ours=only(A), theirs={}, theirs_around=only(A)), [Class.DAY_EDGE]),
    (Lists(ours={}, theirs=only(A), ours_around=only(A), hub=only(A)), [Class.DAY_EDGE]),
    (Lists(ours={}, theirs={}, ours_around=only(A), theirs_around=only(A), hub=only(A)),
     [Class.DAY_EDGE]),
    (Lists(ours={}, theirs=only(A, A_BACK)), [Class.UNDONE_THERE, Class.UNDONE_THERE]),
    (Lists(ours={}, theirs=only(A), theirs_around=only(A_BACK)), [Class.UNDONE_THERE]),
    (Lists(ours=only(A_BACK), theirs={}, ours_around=only(A)), [Class.UNDONE_THERE]),
    (Lists(ours={}, theirs=only(A), theirs_around=only(A_BACK), ours_around=only(A_BACK)),
     [Class.ONLY_THEIRS]),
    (Lists(ours={}, theirs=only(A_BACK), theirs_around=only(A), ours_around=only(A)),
     [Class.ONLY_THEIRS]),
    (Lists(ours={}, theirs=only(OTHER), theirs_around=only(A_BACK)), [Class.ONLY_THEIRS]),
    (Lists(ours=only(A), theirs=only(OTHER), hub=only(A)), [Class.AMOUNT]),
    (Lists(ours=only(A), theirs={}, theirs_around=only(OTHER)), [Class.AMOUNT]),
    (Lists(ours=only(A), theirs=only(A_BACK)), [Class.KIND, Class.KIND]),
    (Lists(ours=only(A), theirs={}), [Class.ONLY_OURS]),
    (Lists(ours={}, theirs=only(A)), [Class.ONLY_THEIRS]),
    (Lists(ours=only(A, A_BACK), theirs=only(A)), [Class.AGREES, Class.ONLY_OURS]),
    (Lists(ours=only(A), theirs=only(A), hub=only(OTHER)), [Class.HUB_AMOUNT]),
    (Lists(ours=only(A), theirs=only(A), hub={}), [Class.HUB_LACKS]),
    (Lists(ours={}, theirs={}, hub=only(A)), [Class.ONLY_HUB]),
    # The hub's clock is its own: its row may be of a neighbouring day.
    (Lists(ours=only(A), theirs=only(A), hub={}, hub_around=only(A)), [Class.AGREES]),
    (Lists(ours=only(A), theirs=only(A), hub={}, hub_around=only(OTHER)), [Class.HUB_AMOUNT]),
    (Lists(ours=only(A), theirs=only(A), hub={}, hub_around={}), [Class.HUB_LACKS]),
    (Lists(ours={}, theirs={}, ours_around=only(A), hub=only(A)), [Class.DAY_EDGE]),
    # Across midnight it is held against the hub once, on our day.
    (Lists(ours=only(A), theirs={}, theirs_around=only(A), hub={}, hub_around=only(A)),
     [Class.DAY_EDGE]),
    (Lists(ours=only(A), theirs={}, theirs_around=only(A), hub={}, hub_around={}),
     [Class.HUB_LACKS]),
    (Lists(ours=only(A), theirs={}, theirs_around=only(A), hub=only(OTHER), hub_around={}),
     [Class.HUB_AMOUNT]),
    (Lists(ours={}, theirs=only(A), ours_around=only(A), hub={}, hub_around={}),
     [Class.DAY_EDGE]),
    (Lists(ours=only(A), theirs={}, theirs_around=only(A), hub={}), [Class.DAY_EDGE]),
]  # fmt: skip


@pytest.mark.parametrize(("lists", "expected"), CASES)
def test_each_class_is_found(lists: Lists, expected: list[Class]) -> None:
    assert [one.found for one in compare(lists)] == expected


def test_the_cases_name_every_class() -> None:
    assert {one for _, expected in CASES for one in expected} == set(Class)
    assert set(CLASS_ZH) == set(Class)
    assert set(Class) > FINE


def test_a_row_that_comes_twice_is_named_and_counts_once() -> None:
    found, doubled = by_key([A, OTHER, A_BACK])
    assert (found[A.key], doubled) == (A, (A.key,))


ROWS = st.lists(
    st.builds(
        row, st.sampled_from("ABCDE"), st.integers(0, 900), reversal=st.booleans(),
        total=st.integers(900, 1_000),
    ),
    max_size=12,
).map(lambda rows: by_key(rows)[0])  # fmt: skip


@given(ROWS, ROWS, st.none() | ROWS, ROWS, ROWS, st.none() | ROWS)
def test_classes_partition_the_rows_and_sums_explain_each_other(
    ours: dict[tuple[str, bool], Row], theirs: dict[tuple[str, bool], Row],
    hub: dict[tuple[str, bool], Row] | None, ours_around: dict[tuple[str, bool], Row],
    theirs_around: dict[tuple[str, bool], Row], hub_around: dict[tuple[str, bool], Row] | None,
) -> None:  # fmt: skip
    lists = Lists(
        ours=ours, theirs=theirs, hub=hub, ours_around=ours_around, theirs_around=theirs_around,
        hub_around=hub_around,
    )  # fmt: skip
    compared = compare(lists)
    keys = [one.key for one in compared]
    assert sorted(keys) == sorted({*ours, *theirs, *(hub or {})})
    assert len(keys) == len(set(keys))
    sums = totals(lists, compared)
    assert sums.is_explained
    assert sum(count for count, _ in sums.by_class.values()) == len(compared)
    if hub_around is None:  # else what agrees across midnight may be of these classes as well
        agreeing = (Class.AGREES, Class.HUB_AMOUNT, Class.HUB_LACKS, Class.ONLY_HUB)
        assert all(sums.by_class.get(one, (0, 0))[1] == 0 for one in agreeing)
    assert hub is not None or not WITH_HUB & set(sums.by_class)
