"""Two shapes of one text: what each mark becomes, and what is refused."""

from __future__ import annotations

import pytest

from ledger.postgres.shape import Shape, ShapeError, one_lane, shaped

ONE, CLUSTER = Shape.ONE_MACHINE, Shape.CLUSTER
MARKS = {
    "from unnest(/*lanes*/ $1::smallint[], $2::text[])": (
        "from unnest($1::smallint[], $2::text[])",
        "from unnest($2::text[])",
    ),
    "as k (/*lanes*/ lane, key)": ("as k (lane, key)", "as k (key)"),
    "on m.lane = /*lane*/ k.lane and m.key = k.key": (
        "on m.lane = k.lane and m.key = k.key",
        "on m.lane = $1 and m.key = k.key",
    ),
    "select /*lane*/ p_lanes[i], 1": ("select p_lanes[i], 1", "select $1, 1"),
    "primary key (/*cluster lane,*/ journal)": (
        "primary key (journal)",
        "primary key (lane, journal)",
    ),
    "a,\n    /*cluster lane smallint,*/\n    b": ("a,\n    b", "a,\n    lane smallint,\n    b"),
    "/*lanes*/ p_lanes smallint[], /*cluster p_lane smallint,*/ p_ids": (
        "p_lanes smallint[], p_ids",
        "p_lane smallint, p_ids",
    ),
    "select 1 -- no mark": ("select 1 -- no mark", "select 1 -- no mark"),
}


@pytest.mark.parametrize("text", MARKS)
def test_a_mark_becomes_what_each_shape_needs(text: str) -> None:
    assert (shaped(text, ONE, lane="$1"), shaped(text, CLUSTER, lane="$1")) == MARKS[text]


@pytest.mark.parametrize(
    "text",
    ["select /*lane */ k.lane", "f(/*lanes*/ g(a, b), c)", "select /* why */ a", "/*lanes*/"],
)
def test_a_mark_that_cannot_be_expanded_is_refused(text: str) -> None:
    with pytest.raises(ShapeError, match="near line 1"):
        shaped(text, CLUSTER, lane="$1")


def test_a_statement_on_a_cluster_has_exactly_one_lane() -> None:
    assert one_lane({7}) == 7
    for lanes in (set(), {1, 2}):
        with pytest.raises(ShapeError):
            one_lane(lanes)
