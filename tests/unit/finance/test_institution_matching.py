"""Our settlements beside an institution's file: each row in one finding, each finding classed."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest

from settlement.books.channel_matching import Class, Finding
from settlement.books.difference_corrections import allowed
from settlement.books.difference_states import Correction, Name, seen
from settlement.books.institution_matching import INSTITUTION, OurRow, TheirRow, compare
from settlement.rows import RowKind
from tests.kit.clock import TownClock

DAY = date(2026, 11, 16)
NEXT = timedelta(days=1)
A, B = "H99990000001", "H99990000002"
SETTLE, CANCEL, REVERSE = RowKind


def ours(setl_id: str = "1", fen: int = 100, **told: object) -> OurRow:
    row: dict[str, object] = {
        "institution": A, "kind": SETTLE, "day": DAY, "total_fen": fen * 2, "fund_fen": fen,
        "account_fen": 0, **told,
    }  # fmt: skip
    return OurRow(setl_id=setl_id, **row)  # type: ignore[arg-type]


def theirs(setl_id: str = "1", fen: int = 100, row_no: int = 1, **told: object) -> TheirRow:
    row: dict[str, object] = {
        "institution": A, "refund": fen < 0, "total_fen": fen * 2, "fund_fen": fen,
        "account_fen": 0, "begins_on": DAY, "ends_on": DAY, **told,
    }  # fmt: skip
    return TheirRow(file_no=1, row_no=row_no, setl_id=setl_id, **row)  # type: ignore[arg-type]


CANCELLED = ours(undone_kind=CANCEL, undone_by="2")
CANCELS = ours("2", -100, kind=CANCEL)
LATER = {"begins_on": DAY + NEXT, "ends_on": DAY + NEXT}


@pytest.mark.parametrize(
    ("mine",                     "their",                             "found"),
    [
        ([ours()],               [theirs()],                          [Class.AGREES]),
        ([ours()],               [],                                  [Class.ONLY_OURS]),
        ([],                     [theirs()],                          [Class.ONLY_THEIRS]),
        ([],                     [theirs(), theirs(row_no=2)],
                                                 [Class.ONLY_THEIRS, Class.DUPLICATE]),
        ([ours()],               [theirs(), theirs(row_no=2)],
                                                 [Class.AGREES, Class.DUPLICATE]),
        ([ours()],               [theirs(fen=101)],                   [Class.AMOUNT]),
        ([ours()],               [theirs(total_fen=999)],             [Class.AMOUNT]),
        ([ours()],               [theirs(refund=True)],               [Class.STATUS]),
        ([ours()],               [theirs(institution=B)],
                                                 [Class.ONLY_OURS, Class.CUSTODY]),
        ([ours()],               [theirs(**LATER)],                   [Class.DAY_EDGE]),
        ([ours(day=DAY - NEXT * 5)], [theirs()],                      [Class.LATE]),
        ([ours(day=DAY - NEXT)], [theirs(begins_on=DAY - NEXT * 9)],  [Class.AGREES]),
        ([ours(undone_kind=REVERSE)], [],                             [Class.AGREES]),
        ([ours(undone_kind=REVERSE)], [theirs()],                     [Class.REVERSED_HERE]),
        ([CANCELLED, CANCELS],   [theirs(), theirs("2", -100)],  [Class.AGREES, Class.AGREES]),
        ([CANCELLED, CANCELS],   [theirs(refund=True), theirs("2", -100)],
                                                 [Class.AGREES, Class.AGREES]),
        ([CANCELLED, CANCELS],   [theirs()],             [Class.AGREES, Class.STATUS]),
        ([CANCELLED, CANCELS],   [],                     [Class.AGREES, Class.AGREES]),
        ([CANCELLED, CANCELS],   [theirs("2", -100)],    [Class.ONLY_OURS, Class.AGREES]),
    ],
)  # fmt: skip
def test_each_row_has_its_class(
    mine: list[OurRow], their: list[TheirRow], found: list[Class]
) -> None:
    assert [one.found for one in compare(mine, their, lambda *_: True)] == found


def test_row_waits_for_the_files_that_may_have_it() -> None:
    def only(day: date) -> list[Class]:
        return [one.found for one in compare([ours()], [], lambda _, asked: asked == day)]

    assert only(DAY) == [Class.DAY_EDGE], "the next day's file may have it"
    assert only(DAY + NEXT) == [Class.UNBILLED]


def test_findings_hold_every_row_once_and_explain_the_sums(rng: Random) -> None:
    for _ in range(200):
        mine = [
            ours(
                str(n), rng.choice((100, 250)), day=DAY + NEXT * rng.randrange(-3, 4),
                undone_kind=rng.choice((None, None, REVERSE)),
            )
            for n in rng.sample(range(8), rng.randrange(8))
        ]  # fmt: skip
        their = [
            theirs(
                str(rng.randrange(8)), rng.choice((100, 250)), row_no,
                institution=rng.choice((A, A, A, B)),
            )
            for row_no in range(rng.randrange(9))
        ]  # fmt: skip
        found = compare(mine, their, lambda *_: rng.random() < 0.8)
        assert sorted(one.ours.order_no for one in found if one.ours) == sorted(
            one.setl_id for one in mine
        )
        places = [row.row_no for one in found for row in one.theirs]
        assert sorted(places) == list(range(len(their)))
        names = [(one.key, one.nth) for one in found]
        assert len(set(names)) == len(names)
        live = sum(one.fund_fen for one in mine if not one.is_reversed)
        gap = sum(one.theirs_fen - one.ours_fen for one in found)
        assert gap == sum(one.fund_fen for one in their) - live


def test_difference_moves_no_money_by_itself() -> None:
    finding: Finding
    (finding,) = compare([ours()], [theirs(fen=90)], lambda *_: True)
    (step,) = seen(None, finding, TownClock()())
    assert (step.due_fen, step.facts.institution) == (-10, A)
    name = Name(
        lane=1, channel=INSTITUTION, kind=finding.key.kind, order_no="1", refund_no="",
        channel_no="", nth=0,
    )  # fmt: skip
    assert allowed(name, step) == (Correction.NOTE,)
