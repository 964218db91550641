"""Lines of two books held against each other: every settlement once, under one verdict."""

from __future__ import annotations

import random

from msgspec import structs

from settlement.books.statement import (
    Figures,
    OurLine,
    TheirLine,
    Verdict,
    differences,
    match,
    repeated,
)
from settlement.translate.fund_total import as_reported
from settlement.translate.reconciliation import result_text
from tests.unit.usecases.builders import a_world


def ours(number: int, *, reversed: bool = False, cancelled: bool = False) -> OurLine:
    """A settlement of ours."""
    return OurLine(
        setl_id=f"S{number}", mdtrt_id=f"M{number}", person_no="P", msgid=f"msg{number}",
        refund=False, reversed=reversed, cancelled=cancelled, total_fen=100 * number,
        fund_fen=number, account_fen=0,
    )  # fmt: skip


def theirs(number: int, **changes: object) -> TheirLine:
    """The same settlement in the institution's books."""
    own = ours(number)
    line = TheirLine(
        setl_id=own.setl_id, mdtrt_id=own.mdtrt_id, person_no=own.person_no, refund=own.refund,
        total_fen=own.total_fen, fund_fen=own.fund_fen, account_fen=own.account_fen,
    )  # fmt: skip
    return structs.replace(line, **changes)


CASES = [
    # theirs,                         ours,                       verdict
    (theirs(1),                       ours(1),                    Verdict.AGREES),
    (theirs(1, total_fen=101),        ours(1),                    Verdict.DIFFERS),
    (theirs(1, fund_fen=0),           ours(1),                    Verdict.DIFFERS),
    (theirs(1, account_fen=1),        ours(1),                    Verdict.DIFFERS),
    (theirs(1, person_no="Q"),        ours(1),                    Verdict.DIFFERS),
    (theirs(1, mdtrt_id="M2"),        ours(1),                    Verdict.DIFFERS),
    (theirs(1, refund=True),          ours(1),                    Verdict.DIFFERS),
    (theirs(1),                       ours(1, cancelled=True),    Verdict.AGREES),
    (theirs(1, refund=True),          ours(1, cancelled=True),    Verdict.AGREES),
    (theirs(1),                       ours(1, reversed=True),     Verdict.ONLY_THERE),
    (theirs(1),                       None,                       Verdict.ONLY_THERE),
    (None,                            ours(1),                    Verdict.ONLY_HERE),
]  # fmt: skip


def test_fund_total_of_a_region_that_counts_the_account_has_it_in_sums_and_lines() -> None:
    for included, total_fen in ((True, 130), (False, 100)):
        profile = a_world(fund_total_includes_account=included).profile
        sums = Figures(settlement_count=1, total_fen=150, fund_fen=100, account_fen=30, cash_fen=20)
        assert as_reported(sums, profile) == structs.replace(sums, fund_fen=total_fen)
        line = structs.replace(ours(1), fund_fen=100, account_fen=30)
        assert as_reported(line, profile) == structs.replace(line, fund_fen=total_fen)


def test_verdict_of_each_kind_of_pair() -> None:
    for line, own, verdict in CASES:
        found = match([line] if line else [], [own] if own else [])
        assert [one.verdict for one in found] == [verdict], (line, own)
    assert match([], [ours(1, reversed=True)]) == []


def test_each_settlement_comes_once_and_both_sides_can_be_rebuilt(rng: random.Random) -> None:
    for _ in range(300):
        here = [ours(n, reversed=rng.random() < 0.2) for n in rng.sample(range(20), 10)]
        there = [
            theirs(n, total_fen=rng.choice([100 * n, 1])) for n in rng.sample(range(20), 10)
        ]
        found = match(there, here)
        assert [one.theirs for one in found if one.theirs] == there
        names = [(one.theirs or one.ours).setl_id for one in found]  # type: ignore[union-attr]
        assert len(names) == len(set(names))
        standing = {line.setl_id for line in here if not line.reversed}
        assert standing <= set(names)
        agreed = [one for one in found if one.verdict is Verdict.AGREES]
        assert all(one.theirs and one.ours for one in agreed)


def test_settlement_named_twice_is_found() -> None:
    assert repeated([theirs(1), theirs(2)]) is None
    assert repeated([theirs(1), theirs(2), theirs(1), theirs(2)]) == (2, 0)


def test_only_figures_that_differ_are_named() -> None:
    assert differences({"a": 1, "b": 2}, {"a": 1, "b": 2}) == []
    [found] = differences({"a": 1, "b": 2}, {"a": 1, "b": 3})
    assert (found.name, found.theirs, found.ours) == ("b", 2, 3)


def test_result_file_has_ten_columns_a_row() -> None:
    there = [theirs(1), theirs(2, total_fen=1), theirs(3)]
    text = result_text(match(there, [ours(1), ours(2), ours(4)]))
    rows = [line.split("\t") for line in text.splitlines()]
    assert [len(row) for row in rows] == [10] * 4
    assert rows[0] == ["P", "M1", "S1", "msg1", "0", "0", "null", "1.00", "0.01", "0.00"]
    assert rows[1][4:7] == ["3", "0", "医疗费总额：机构0.01、中心2.00"]
    assert rows[2][3:10] == [
        "null", "2", "0", "中心在对账范围内无此结算", "null", "null", "null",
    ]  # fmt: skip
    assert rows[3][:5] == ["P", "null", "null", "msg4", "1"]
